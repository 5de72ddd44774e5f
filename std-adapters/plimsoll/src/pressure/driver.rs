//! The driver of a pressure: from changes of its conditions, and from time, to its state.

use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};

use super::condition::Condition;
use super::handle::Origin;
use super::signal::Signal;
use super::timing::Timing;
use crate::clock;
use crate::contain::contain;
use crate::observed::ObservedGauge;
use crate::registry::{Registry, Watch};
use crate::sync::{Mutex, OnceLock};

/// What a pressure with conditions is built of.
pub(super) struct Driver {
    signal: Arc<Signal>,
    conditions: Vec<Condition>,
    joins: Joins,
    state: Mutex<State>,
    /// The clock that its times go by, if it is not the registry's.
    clock: Option<OwnClock>,
    /// What shows it in the registry.
    listing: Option<ObservedGauge>,
    registry: Registry,
    places: OnceLock<Places>,
}

/// What a [`Driver`] is made of.
pub(super) struct Parts {
    pub(super) signal: Arc<Signal>,
    pub(super) conditions: Vec<Condition>,
    pub(super) joins: Joins,
    pub(super) timing: Timing,
    pub(super) looks: Option<Looks>,
    pub(super) clock: Option<OwnClock>,
    pub(super) listing: Option<ObservedGauge>,
    pub(super) registry: Registry,
}

/// How conditions become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joins {
    Any,
    All,
}

struct State {
    timing: Timing,
    looks: Option<Looks>,
}

/// A clock of the user's, in milliseconds.
pub(super) struct OwnClock(pub(super) Box<dyn Fn() -> u64 + Send + Sync>);

/// The thread that makes an edge may be what drops it: a panic in what the clock owns is not for that one.
impl Drop for OwnClock {
    fn drop(&mut self) {
        let clock = mem::replace(&mut self.0, Box::new(|| 0));
        contain(|| drop(clock));
    }
}

impl fmt::Debug for OwnClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("OwnClock")
    }
}

/// The looks at what has no edge unless it is read.
pub(super) struct Looks {
    every_ms: u64,
    due_ms: u64,
}

impl Looks {
    pub(super) fn every(every_ms: u64) -> Self {
        Self { every_ms, due_ms: 0 }
    }

    fn take_due(&mut self, now_ms: u64) -> bool {
        let is_due = self.due_ms <= now_ms;
        if is_due {
            self.due_ms = now_ms.saturating_add(self.every_ms);
        }
        is_due
    }
}

/// Where it is among the watchers of its conditions, and of time.
struct Places {
    conditions: Vec<u64>,
    time: Option<u64>,
}

impl Driver {
    /// Begins to drive the signal.
    pub(super) fn start(parts: Parts) -> Arc<Self> {
        let Parts { signal, conditions, joins, timing, looks, clock, listing, registry } = parts;
        let goes_by_time = timing.goes_by_time() || looks.is_some();
        let state = Mutex::new(State { timing, looks });
        let places = OnceLock::new();
        let driver =
            Arc::new(Self { signal, conditions, joins, state, clock, listing, registry, places });
        let weak = || Arc::downgrade(&driver) as Weak<dyn Watch>;
        let places = Places {
            conditions: driver
                .conditions
                .iter()
                .map(|condition| condition.watchers().join(weak()))
                .collect(),
            time: goes_by_time.then(|| driver.registry.timed().join(weak())),
        };
        let _only_one = driver.places.set(places);
        driver.conditions.iter().for_each(Condition::look);
        driver.on_change();
        driver
    }

    /// The time now. A clock that panics tells none, so that no time passes.
    fn now_ms(&self) -> u64 {
        match &self.clock {
            Some(own) => contain(&own.0).unwrap_or(0),
            None => clock::now_ms(),
        }
    }

    fn holds(&self) -> bool {
        match self.joins {
            Joins::Any => self.conditions.iter().any(Condition::holds),
            Joins::All => self.conditions.iter().all(Condition::holds),
        }
    }
}

impl Watch for Driver {
    fn on_change(&self) {
        let now_ms = self.now_ms();
        let (changed, due_ms) = {
            let mut state = self.state.lock();
            // Read under the lock: who has it last has seen every change before.
            let is_on = state.timing.on_look(now_ms, self.holds());
            let looks_ms = state.looks.as_ref().map(|looks| looks.due_ms);
            (self.signal.set(is_on), state.timing.due_ms().into_iter().chain(looks_ms).min())
        };
        if let Some(changed) = changed {
            // What builds upon it first: who is woken finds all of them changed.
            self.signal.watchers.on_change();
            changed.wake();
            if let Some(listing) = &self.listing {
                listing.observe();
            }
        }
        // With a clock of its own no thread knows when that is: `deliver` drives it.
        if let (Some(due_ms), None) = (due_ms, &self.clock) {
            self.registry.wake_by(due_ms);
        }
    }

    fn on_time(&self) {
        let now_ms = self.now_ms();
        let looks = self.state.lock().looks.as_mut().is_some_and(|looks| looks.take_due(now_ms));
        if looks {
            self.conditions.iter().for_each(Condition::look);
        }
        self.on_change();
    }
}

impl Origin for Driver {
    fn scaled(&self, _is_on: bool) -> f64 {
        let scales = self.conditions.iter().map(Condition::scaled);
        match self.joins {
            Joins::Any => scales.fold(0.0, f64::max),
            Joins::All => scales.fold(1.0, f64::min),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let Some(places) = self.places.get() else { return };
        for (condition, number) in self.conditions.iter().zip(&places.conditions) {
            condition.watchers().leave(*number);
        }
        if let Some(number) = places.time {
            self.registry.timed().leave(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use plimsoll_core::{Level, Watermarks};

    use crate::pressure::{HasLevel, Pressure};
    use crate::registry::Registry;

    #[test]
    fn pressures_that_come_and_go_leave_nothing_behind() {
        let registry = Registry::new();
        let gauge = registry.gauge("jobs", Watermarks::new(10)).unwrap();
        let kept = || (gauge.listed().watchers().len(), registry.timed().len());
        let hour = Duration::from_secs(3_600);
        let built = |_| {
            let builder = Pressure::builder(&registry).when(&gauge).when(&gauge);
            builder.held_for(hour).look_every(hour).build().unwrap()
        };
        let pressures: Vec<_> = (0..10).map(built).collect();
        assert_eq!(kept(), (20, 10));
        let waits: Vec<_> = pressures.iter().map(Pressure::on).collect();
        drop(pressures);
        assert_eq!(kept(), (20, 10), "a wait keeps its pressure");
        drop(waits);
        // The thread of the registry may be at a look, and keeps a driver until that is over.
        let until_nothing_is_kept = || {
            let began = Instant::now();
            while kept() != (0, 0) {
                assert!(began.elapsed() < Duration::from_secs(30), "{:?} are kept", kept());
                thread::sleep(Duration::from_millis(1));
            }
        };
        until_nothing_is_kept();
        drop(gauge.below(Level::Elevated));
        until_nothing_is_kept();
    }
}
