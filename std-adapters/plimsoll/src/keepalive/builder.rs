//! The builder of a watcher.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::{Gauge, Watermarks};

use super::error::WatcherError;
use super::lag::Lag;
use super::shared::{Gauges, Parts};
use super::silent::Silent;
use super::step::Bounds;
use super::table::Table;
use super::watcher::Watcher;
use crate::clock::{Clock, MonotonicClock};
use crate::registry::Registry;
use crate::telemetry::Limit;

/// Settings of a [`Watcher`].
#[must_use = "it has no effect until `build`"]
pub struct WatcherBuilder {
    tick: Duration,
    capacity: usize,
    bounds: Bounds,
    clock: Box<dyn Clock>,
    limit: Limit,
}

const TICK_MIN: Duration = Duration::from_millis(1);
const TICK_MAX: Duration = Duration::from_secs(3_600);

impl Watcher {
    /// Settings for a watcher.
    pub fn builder() -> WatcherBuilder {
        WatcherBuilder::new()
    }
}

impl WatcherBuilder {
    pub(super) fn new() -> Self {
        Self {
            tick: Duration::from_millis(10),
            capacity: 65_536,
            bounds: Bounds { checks_max: 4_096, suspect_above: None },
            clock: Box::new(MonotonicClock::default()),
            limit: Limit::resource("guest_keepalive"),
        }
    }

    /// How finely silence is reported: no more than two ticks after the window, or 5 % of the
    /// window if that is more, and as much later as the driver itself is late. 10 ms by default.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick;
        self
    }

    /// How many runs are watched at one time; 65,536 by default. Room is taken at once: 60 bytes
    /// for each.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// How many runs a step checks; 4,096 by default. If more are due, another step follows.
    pub fn checks_per_step(mut self, max: usize) -> Self {
        self.bounds.checks_max = max;
        self
    }

    /// If more than `max` runs fall silent together, the host is suspected and not they: one
    /// [`EventKind::Suspect`] is reported instead, and every run gets another window, once between
    /// two notifications. `max` is less than the
    /// [number that a step checks](Self::checks_per_step). Off by default.
    ///
    /// Together means (LIVE-9): within the slack of their windows, two ticks or 5 %, for which each
    /// silence is held back for that; or however spread their last notifications were, if more than
    /// `max` runs have been without one for half of their window, and next to none has had one just
    /// now.
    ///
    /// [`EventKind::Suspect`]: crate::EventKind::Suspect
    pub fn suspect_above(mut self, max: usize) -> Self {
        self.bounds.suspect_above = Some(max);
        self
    }

    /// The time to go by; [`MonotonicClock`] by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The name of the watcher in the registry; `guest_keepalive` by default.
    ///
    /// It lists under this name how many runs are watched of how many there is room for, under this
    /// name with `_silent` after it how many of them are silent, and with `_lag_ms` how late the
    /// watcher itself is. Events bear the plain name, with the guest's id as the scope.
    pub fn limit(mut self, limit: impl Into<Limit>) -> Self {
        self.limit = limit.into();
        self
    }

    /// Makes a watcher that tells `registry`.
    ///
    /// # Errors
    /// [`WatcherError`], for numbers out of range.
    pub fn build(self, registry: &Registry) -> Result<Watcher, WatcherError> {
        let Self { tick, capacity, bounds, clock, limit } = self;
        if !(TICK_MIN..=TICK_MAX).contains(&tick) {
            return Err(WatcherError::Tick { tick });
        }
        if bounds.checks_max == 0 {
            return Err(WatcherError::ZeroChecks);
        }
        let checks_max = bounds.checks_max;
        if let Some(max) = bounds.suspect_above.filter(|max| *max >= checks_max) {
            return Err(WatcherError::SuspectAbove { max, checks_max });
        }
        let no_room = WatcherError::Capacity { capacity };
        if capacity == 0 || capacity > 1 << 31 {
            return Err(no_room);
        }
        let table = Table::new(tick / 2, capacity).ok_or(no_room)?;
        let watermarks = Watermarks::new(capacity as u64);
        let gauges = Gauges {
            watched: Gauge::new(watermarks),
            registration: registry.reserve(limit.clone(), watermarks)?,
            silent: Silent::register(registry, beside(&limit, "silent"))?,
        };
        let lag = Lag::register(registry, beside(&limit, "lag_ms"), clock)?;
        let registry = registry.clone();
        let shared = Parts { table, bounds, registry, limit, gauges, lag }.assemble();
        let shared = Arc::new(shared.ok_or(no_room)?);
        shared.gauges.registration.attach(&shared);
        Ok(Watcher(shared))
    }
}

/// What another number of a watcher is called beside the number of watched runs.
fn beside(watcher: &Limit, what: &str) -> Limit {
    let limit = Limit::new(format!("{}_{what}", watcher.name()), watcher.category());
    match watcher.scope_label() {
        Some(label) => limit.scope(label.to_owned()),
        None => limit,
    }
}

impl fmt::Debug for WatcherBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WatcherBuilder");
        debug.field("tick", &self.tick).field("capacity", &self.capacity).finish_non_exhaustive()
    }
}
