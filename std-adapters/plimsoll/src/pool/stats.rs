//! What a pool has done.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plimsoll_core::pool::PoolCounts;

use super::histogram::{Histogram, Recorder};

/// Why an instance was not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DiscardReason {
    /// It was for a single use, which was completed.
    SingleUse,
    /// Its lease was dropped without being completed, as when a future is cancelled.
    Dropped,
    /// Its lease was dropped by a panic.
    Panicked,
    /// Its lease ended in a [fault](super::Lease::fault).
    Faulted,
    /// It was used as often as it may be.
    Uses,
    /// It was too old.
    Age,
    /// It had grown too large.
    Bytes,
    /// It could not be reset.
    ResetFailed,
    /// It was idle for too long.
    Idle,
    /// It made room for another principal.
    Displaced,
    /// The pool was closed.
    Closed,
    /// It was [dead](super::Manager::is_alive) when it was to be lent.
    Dead,
    /// It was idle, and taken out by [`retain`](super::Pool::retain) or
    /// [`drop_idle`](super::Pool::drop_idle).
    Removed,
    /// There were more than the maximum, which was [changed](super::Pool::resize).
    Surplus,
}

impl DiscardReason {
    /// All reasons.
    pub const ALL: [DiscardReason; 14] = [
        DiscardReason::SingleUse,
        DiscardReason::Dropped,
        DiscardReason::Panicked,
        DiscardReason::Faulted,
        DiscardReason::Uses,
        DiscardReason::Age,
        DiscardReason::Bytes,
        DiscardReason::ResetFailed,
        DiscardReason::Idle,
        DiscardReason::Displaced,
        DiscardReason::Closed,
        DiscardReason::Dead,
        DiscardReason::Removed,
        DiscardReason::Surplus,
    ];

    /// The name in lower case, such as `"single_use"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DiscardReason::SingleUse => "single_use",
            DiscardReason::Dropped => "dropped",
            DiscardReason::Panicked => "panicked",
            DiscardReason::Faulted => "faulted",
            DiscardReason::Uses => "uses",
            DiscardReason::Age => "age",
            DiscardReason::Bytes => "bytes",
            DiscardReason::ResetFailed => "reset_failed",
            DiscardReason::Idle => "idle",
            DiscardReason::Displaced => "displaced",
            DiscardReason::Closed => "closed",
            DiscardReason::Dead => "dead",
            DiscardReason::Removed => "removed",
            DiscardReason::Surplus => "surplus",
        }
    }
}

impl fmt::Display for DiscardReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The counters of a pool. Every access is Relaxed: numbers of their own.
pub(super) struct Stats {
    pub(super) wait: Recorder,
    pub(super) hold: Recorder,
    discards: [AtomicU64; DiscardReason::ALL.len()],
    pub(super) built: Counter,
    pub(super) failed: Counter,
    pub(super) panics: Counter,
    pub(super) timeouts: Counter,
    pub(super) refusals: Counter,
    pub(super) abandoned: Counter,
}

/// One build in so many is timed where they take no longer than to ask the clock a few times, and the
/// lease of one for a single use.
const TIMED_EVERY: u64 = 16;

/// A number that grows.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Stats {
    pub(super) fn new() -> Self {
        Self {
            wait: Recorder::new(),
            hold: Recorder::new(),
            discards: [const { AtomicU64::new(0) }; DiscardReason::ALL.len()],
            built: Counter::default(),
            failed: Counter::default(),
            panics: Counter::default(),
            timeouts: Counter::default(),
            refusals: Counter::default(),
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

    pub(super) fn read(
        &self,
        counts: PoolCounts,
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
            built: self.built.get(),
            build_failures: self.failed.get(),
            panics: self.panics.get(),
            timeouts: self.timeouts.get(),
            refusals: self.refusals.get(),
            abandoned: self.abandoned.get(),
            abandoned_now,
            discards: std::array::from_fn(|index| self.discards[index].load(Ordering::Relaxed)),
        }
    }
}

/// What [`Pool::stats`](super::Pool::stats) has read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// How many instances there are in which state.
    pub counts: PoolCounts,
    /// How many checkouts wait.
    pub waiting: u64,
    /// How long checkouts have waited in all.
    pub blocked: Duration,
    /// How long each checkout that had to wait has waited.
    pub wait: Histogram,
    /// How long leases were held: of single-use instances one in 16 or more; else the first of each
    /// instance and every 64th after it.
    pub hold: Histogram,
    /// Instances that were built, or [handed in](super::Pool::insert).
    pub built: u64,
    /// Builds that failed.
    pub build_failures: u64,
    /// Panics of the manager and of objects that were contained.
    pub panics: u64,
    /// Checkouts that timed out.
    pub timeouts: u64,
    /// Checkouts that were refused for a quota.
    pub refusals: u64,
    /// Calls of the manager that took longer than they may, and were abandoned.
    pub abandoned: u64,
    /// How many of those have not come back yet.
    pub abandoned_now: usize,
    discards: [u64; DiscardReason::ALL.len()],
}

impl PoolStats {
    /// How many instances were not used again, for this reason.
    pub fn discards(&self, reason: DiscardReason) -> u64 {
        self.discards[reason as usize]
    }

    /// How many instances were not used again, for any reason.
    pub fn discarded(&self) -> u64 {
        self.discards.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_numbered_in_their_order() {
        for (index, reason) in DiscardReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{reason}");
        }
    }
}
