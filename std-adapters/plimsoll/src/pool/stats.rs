//! The counters of a pool.

use std::time::Duration;

use plimsoll_core::pool::PoolCounts;

use super::error::{CheckoutError, Quota, Stage};
use crate::sync::{AtomicU64, Ordering};
use crate::telemetry::Recorder;
pub use crate::telemetry::{DiscardReason, PoolCheckouts, PoolRefusals, PoolStats, PoolTimeouts};

/// The counters of a pool. Every access is Relaxed: numbers of their own.
pub(super) struct Stats {
    pub(super) wait: Recorder,
    pub(super) hold: Recorder,
    pub(super) create: Recorder,
    discards: [AtomicU64; DiscardReason::ALL.len()],
    pub(super) built: Counter,
    pub(super) failed: Counter,
    pub(super) panics: Counter,
    timeouts: [Counter; 3],
    refusals: [Counter; 5],
    /// Leases of instances that their checkouts have made.
    pub(super) cold: Counter,
    /// Leases after a wait.
    pub(super) waited: Counter,
    /// The most leases of idle instances that were reported.
    warm_told: AtomicU64,
    pub(super) abandoned: Counter,
}

/// One in how many builds is timed where reading the clock takes as long as a build, and with it
/// the lease of a single-use instance.
const TIMED_EVERY: u64 = 16;

/// A number that grows.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Stats {
    pub(super) fn new() -> Self {
        Self {
            wait: Recorder::new(),
            hold: Recorder::new(),
            create: Recorder::new(),
            discards: [const { AtomicU64::new(0) }; DiscardReason::ALL.len()],
            built: Counter::default(),
            failed: Counter::default(),
            panics: Counter::default(),
            timeouts: Default::default(),
            refusals: Default::default(),
            cold: Counter::default(),
            waited: Counter::default(),
            warm_told: AtomicU64::new(0),
            abandoned: Counter::default(),
        }
    }

    /// Whether what is built next is one of the few that are timed.
    pub(super) fn is_next_build_timed(&self) -> bool {
        self.built.get() % TIMED_EVERY == 0
    }

    pub(super) fn discard(&self, reason: DiscardReason) {
        self.discards[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn time_out(&self, stage: Stage) {
        let [wait, cap, build] = &self.timeouts;
        let counter = match stage {
            Stage::Wait => wait,
            Stage::Cap => cap,
            Stage::Build => build,
        };
        counter.count();
    }

    pub(super) fn refuse(&self, error: &CheckoutError) {
        let [in_use, waiting, faults, line_full, never] = &self.refusals;
        let counter = match error {
            CheckoutError::Refused { quota: Quota::InUse { .. } } => in_use,
            CheckoutError::Refused { quota: Quota::Waiting { .. } } => waiting,
            CheckoutError::Refused { quota: Quota::Faults { .. } } => faults,
            CheckoutError::LineFull { .. } => line_full,
            _ => never,
        };
        counter.count();
    }

    pub(super) fn timed_out(&self) -> PoolTimeouts {
        let [wait, cap, build] = self.timeouts.each_ref().map(Counter::get);
        PoolTimeouts { wait, cap, build }
    }

    pub(super) fn refused(&self) -> PoolRefusals {
        let [in_use, waiting, faults, line_full, never] =
            self.refusals.each_ref().map(Counter::get);
        PoolRefusals { in_use, waiting, faults, line_full, never }
    }

    /// How `leases` were served, which were counted before this is called. A lease is counted after
    /// how it was served: so no more are reported as warm than are, and exactly as many with none
    /// in flight.
    fn checkouts(&self, leases: u64) -> PoolCheckouts {
        let (cold, waited) = (self.cold.get(), self.waited.get());
        let warm = leases.saturating_sub(cold.saturating_add(waited));
        // A number that was reported never falls.
        let warm = warm.max(self.warm_told.fetch_max(warm, Ordering::Relaxed));
        PoolCheckouts { warm, cold, waited }
    }

    pub(super) fn read(
        &self,
        counts: PoolCounts,
        leases: u64,
        warm: usize,
        abandoned_now: usize,
        waiting: u64,
        blocked: Duration,
    ) -> PoolStats {
        PoolStats {
            counts,
            waiting,
            blocked,
            wait: self.wait.read(),
            hold: self.hold.read(),
            create: self.create.read(),
            checkouts: self.checkouts(leases),
            warm,
            built: self.built.get(),
            build_failures: self.failed.get(),
            panics: self.panics.get(),
            timeouts: self.timed_out(),
            refusals: self.refused(),
            abandoned: self.abandoned.get(),
            abandoned_now,
            discards: std::array::from_fn(|index| self.discards[index].load(Ordering::Relaxed)),
        }
    }
}
