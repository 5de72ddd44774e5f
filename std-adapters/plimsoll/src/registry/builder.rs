//! The builder of a registry.

use super::deferred::Queue;
use super::history::Place;
use super::{Entries, Pending, Registry, Shared, Subscribers, Timer};
use crate::telemetry::{BuildError, PressureRule};

/// On which thread subscribers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Delivery {
    /// On the thread that made the edge, before its operation returns. What time makes due, by the
    /// [rule](PressureRule) of a limit, on a thread that the registry starts when it is needed.
    #[default]
    Inline,
    /// On the threads that call [`Registry::deliver`]: the hot path puts events in a bounded
    /// lock-free ring. What finds no room is dropped and counted.
    Deferred {
        /// Events that the ring holds: a power of two from 2 to 2^24.
        capacity: usize,
    },
}

/// Settings of a [`Registry`].
///
/// ```
/// use std::time::Duration;
/// use plimsoll::{Delivery, PressureRule, Registry};
///
/// let registry = Registry::builder()
///     .max_entries(1_000)
///     .delivery(Delivery::Deferred { capacity: 1024 })
///     .pressure(PressureRule::hold(Duration::from_millis(50)))
///     .build()?;
/// let _delivery = registry.spawn_delivery(Duration::from_millis(10))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it has no effect until `build`"]
pub struct RegistryBuilder {
    max_entries: usize,
    delivery: Delivery,
    pressure: Option<PressureRule>,
    top_users: usize,
}

impl RegistryBuilder {
    /// Users of each ledger that a snapshot lists by default.
    pub const TOP_USERS_DEFAULT: usize = 10;

    /// Entries that a registry holds by default.
    pub const MAX_ENTRIES_DEFAULT: usize = 65_536;

    pub(super) fn new() -> Self {
        Self {
            max_entries: Self::MAX_ENTRIES_DEFAULT,
            delivery: Delivery::Inline,
            pressure: None,
            top_users: Self::TOP_USERS_DEFAULT,
        }
    }

    /// How many entries may be registered at one time.
    pub fn max_entries(mut self, max: usize) -> Self {
        self.max_entries = max;
        self
    }

    /// On which thread subscribers run; inline by default.
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// The rule of all limits that have none of their own, tiny ones included.
    pub fn pressure(mut self, rule: PressureRule) -> Self {
        self.pressure = Some(rule);
        self
    }

    /// How many of the largest users of each [ledger](crate::ledger) a snapshot lists.
    pub fn top_users(mut self, count: usize) -> Self {
        self.top_users = count;
        self
    }

    /// Makes the registry.
    ///
    /// # Errors
    /// [`BuildError`], for numbers out of range.
    pub fn build(self) -> Result<Registry, BuildError> {
        if self.max_entries == 0 {
            return Err(BuildError::ZeroEntries);
        }
        if let Some(flaw) = self.pressure.and_then(|rule| rule.flaw()) {
            return Err(flaw.into());
        }
        let queue = match self.delivery {
            Delivery::Inline => None,
            Delivery::Deferred { capacity } => Some(Queue::new(capacity)?),
        };
        Ok(self.registry(queue))
    }

    pub(super) fn registry(self, queue: Option<Queue>) -> Registry {
        Registry::from_shared(Shared {
            entries: Entries::new(self.max_entries),
            subscribers: Subscribers::new(),
            queue,
            pending: Pending::default(),
            timer: Timer::default(),
            #[cfg(feature = "pressure")]
            timed: Default::default(),
            pressure: self.pressure,
            top_users: self.top_users,
            spare: Default::default(),
            history: Place::default(),
        })
    }
}
