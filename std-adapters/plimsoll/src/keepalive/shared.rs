//! The state that the handles of one watcher share.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use plimsoll_core::keepalive::{SlotKey, Tracker};
use plimsoll_core::{Gauge, Ring, RingSlot};

use super::handles::Handles;
use super::lag::Lag;
use super::silent::Silent;
use super::step::Bounds;
use super::table::Table;
use crate::registry::{Registration, Registry};
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::telemetry::{Limit, Silence};

/// What the handles of one watcher share.
pub(super) struct Shared {
    /// The tick, for notifiers.
    tick: CachePadded<AtomicU64>,
    pub(super) trackers: Box<[Tracker]>,
    pub(super) table: Mutex<Table>,
    /// Recoveries, from the notifying threads to the thread that steps.
    pub(super) recovered: Ring<Box<[RingSlot]>>,
    pub(super) handles: Handles,
    /// Held during a step, its events included, so that they come in order, and while the clock is
    /// read for the table, so that its readings do too.
    pub(super) stepping: Mutex<()>,
    /// Silences whose runs have ended: the next step reports that they are over (REG-8), after its
    /// own events of them.
    pub(super) ended: Mutex<Vec<Arc<Silence>>>,
    pub(super) lag: Arc<Lag>,
    pub(super) bounds: Bounds,
    pub(super) registry: Registry,
    pub(super) limit: Limit,
    pub(super) gauges: Gauges,
    pub(super) counts: Counts,
}

/// What a watcher has found in all. Every access is Relaxed: numbers of their own.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) silences: AtomicU64,
    pub(super) recoveries: AtomicU64,
    pub(super) suspicions: AtomicU64,
}

/// What a watcher is made of.
pub(super) struct Parts {
    pub(super) table: Table,
    pub(super) bounds: Bounds,
    pub(super) registry: Registry,
    pub(super) limit: Limit,
    pub(super) gauges: Gauges,
    pub(super) lag: Arc<Lag>,
}

/// What the registry lists of a watcher.
pub(super) struct Gauges {
    /// Runs that are watched.
    pub(super) watched: Gauge,
    /// In whose name the watcher is listed.
    pub(super) registration: Registration,
    /// Of these, the ones that are silent.
    pub(super) silent: Silent,
}

impl Gauges {
    pub(super) fn enter(&self) {
        self.registration.emit(self.watched.add(1));
    }

    pub(super) fn leave(&self) {
        self.registration.emit(self.watched.sub(1));
    }
}

/// Recoveries that wait for the next step. One that finds no room is found at the next check.
pub(super) const RECOVERIES: usize = if cfg!(shuttle) { 2 } else { 1_024 };

impl Parts {
    /// What a watcher with these parts shares; `None` only if there is no room for recoveries.
    pub(super) fn assemble(self) -> Option<Shared> {
        let Self { table, bounds, registry, limit, gauges, lag } = self;
        let recoveries: Box<[RingSlot]> = (0..RECOVERIES).map(|_| RingSlot::new()).collect();
        Some(Shared {
            tick: CachePadded::new(AtomicU64::new(0)),
            trackers: (0..table.capacity()).map(|_| Tracker::closed()).collect(),
            handles: Handles::new(table.capacity()),
            table: Mutex::new(table),
            recovered: Ring::with_slots(recoveries).ok()?,
            stepping: Mutex::new(()),
            ended: Mutex::default(),
            lag,
            bounds,
            registry,
            limit,
            gauges,
            counts: Counts::default(),
        })
    }
}

impl Shared {
    /// Lets the ticks pass that are due. While another one steps, that is done already.
    pub(super) fn attend(&self) {
        let Some(_stepping) = self.stepping.try_lock() else { return };
        let Some(now) = self.lag.now() else { return };
        let mut table = self.table.lock();
        if table.len() > 0 {
            table.advance(now, |tick| self.publish(tick));
            self.lag.note(table.time.due(), table.time.lag());
        }
    }

    pub(super) fn publish(&self, tick: u64) {
        // Relaxed: the tick carries no other data; a notifier that misses it notes an earlier one,
        // for which the margin of the window is there.
        self.tick.store(tick, Ordering::Relaxed);
    }

    #[cfg(feature = "tokio")]
    pub(super) fn runtime(&self) -> Option<&tokio::runtime::Handle> {
        self.lag.runtime()
    }

    /// The time since the last notification.
    pub(super) fn age(&self, key: SlotKey) -> Duration {
        let Some(now) = self.lag.now() else { return Duration::ZERO };
        let table = self.table.lock();
        table.time.age(table.last(key, &self.trackers[key.index()]), now.clock)
    }

    pub(super) fn ids(&self, key: SlotKey) -> Arc<str> {
        self.table.lock().ids(key).unwrap_or_default()
    }

    /// The tick now.
    #[inline(always)]
    pub(super) fn tick(&self) -> u64 {
        // Relaxed: see `step`.
        self.tick.load(Ordering::Relaxed)
    }

    /// A run is back: the next step reports it.
    #[cold]
    pub(super) fn on_recovery(&self, key: SlotKey) {
        // Without room it is found at the next look.
        let _ = self.recovered.push([key.index() as u64, 0, 0, 0]);
    }

    pub(super) fn leave(&self, key: SlotKey) {
        let removed = self.table.lock().remove(key);
        let Some(removed) = removed else { return };
        if let Some(silence) = &removed.silence {
            // The step that is reporting it may count it in after this: no count is lost.
            self.gauges.silent.leave();
            self.ended.lock().push(silence.clone());
        }
        self.gauges.leave();
    }
}
