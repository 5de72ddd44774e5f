//! When an edge becomes an event.

use std::time::Duration;

use plimsoll_core::{Sustain, Watermarks};

use crate::clock;

/// When the edges of a limit are announced: at once, or when the level has held for a time, and
/// again at an interval while it lasts.
///
/// With a hold, a raise that is over before it is never announced, nor is its recovery. Without one
/// each edge is announced at once.
///
/// Holds and repetitions come due while nothing happens, so somebody has to look: a [delivery
/// thread](crate::Registry::spawn_delivery), or calls of [`deliver`](crate::Registry::deliver).
/// Without either, a raise that has held is announced together with its recovery.
///
/// A limit goes by its own rule ([`Limit::pressure`](crate::Limit::pressure)), else by the
/// registry's ([`RegistryBuilder::pressure`](crate::RegistryBuilder::pressure)), else by
/// [`TINY`](Self::TINY) if its capacity is 1 or 2, else by [`IMMEDIATE`](Self::IMMEDIATE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct PressureRule {
    /// How long a level has to hold before it is announced; counted in milliseconds, rounded up.
    pub hold: Duration,
    /// The interval at which it is announced again; counted in milliseconds, rounded up.
    pub repeat: Option<Duration>,
}

impl PressureRule {
    /// Each edge at once, and never again.
    pub const IMMEDIATE: PressureRule = PressureRule { hold: Duration::ZERO, repeat: None };

    /// For a capacity of 1 or 2, where each item makes edges: a hold of 100 ms.
    pub const TINY: PressureRule = PressureRule::held_for(Duration::from_millis(100));

    /// When the level has held for `hold`, and never again.
    pub const fn held_for(hold: Duration) -> Self {
        Self { hold, repeat: None }
    }

    /// The same rule, announced again every `interval` while it lasts.
    #[must_use]
    pub const fn repeated_every(self, interval: Duration) -> Self {
        Self { hold: self.hold, repeat: Some(interval) }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.repeat != Some(Duration::ZERO)
    }

    /// What a limit goes by that has no rule, in a registry that has none.
    pub(crate) fn default_for(watermarks: &Watermarks) -> Self {
        match watermarks.capacity() {
            Some(1 | 2) => Self::TINY,
            _ => Self::IMMEDIATE,
        }
    }

    pub(crate) fn machine(&self) -> Sustain {
        Sustain::new(clock::ceil_ms(self.hold), self.repeat.map(clock::ceil_ms))
    }
}
