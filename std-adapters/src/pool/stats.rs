//! What a pool has done.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plimsoll_core::pool::PoolCounts;

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
}

impl DiscardReason {
    /// All reasons.
    pub const ALL: [DiscardReason; 11] = [
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
        }
    }
}

impl fmt::Display for DiscardReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Bits of a time that tell the buckets within one power of two apart.
const FINE_BITS: u32 = 2;
const BUCKETS: usize = (64 - FINE_BITS as usize + 1) << FINE_BITS;

/// How often something took how long: buckets of a quarter of a power of two of nanoseconds, so
/// that a time is known to 25 % or better.
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: Box<[u64; BUCKETS]>,
    sum_ns: u64,
}

impl Histogram {
    /// How many times were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Their sum, to what was recorded exactly.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum_ns)
    }

    /// A time that the share `of` (0 to 1) of all recorded ones does not exceed, by their buckets'
    /// upper bounds; `None` if there are none.
    pub fn quantile(&self, of: f64) -> Option<Duration> {
        let count = self.count();
        let rank = ((of.clamp(0.0, 1.0) * count as f64).ceil() as u64).max(1);
        let mut below = 0;
        let index = self.buckets.iter().position(|in_bucket| {
            below += in_bucket;
            below >= rank
        })?;
        Some(Duration::from_nanos(upper_bound(index)))
    }

    /// The buckets that hold something: the upper bound of each, and how many times are in it.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let filled = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.map(|(index, count)| (Duration::from_nanos(upper_bound(index)), *count))
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Histogram");
        debug.field("count", &self.count()).field("p50", &self.quantile(0.5));
        debug.field("p99", &self.quantile(0.99)).finish_non_exhaustive()
    }
}

fn bucket(ns: u64) -> usize {
    let magnitude = 63 - (ns | 1).leading_zeros();
    match magnitude.checked_sub(FINE_BITS) {
        None => ns as usize,
        Some(shift) => {
            let fine = (ns >> shift) as usize & ((1 << FINE_BITS) - 1);
            ((shift as usize + 1) << FINE_BITS) + fine
        }
    }
}

fn upper_bound(index: usize) -> u64 {
    let (magnitude, fine) = (index >> FINE_BITS, index as u64 & ((1 << FINE_BITS) - 1));
    match magnitude.checked_sub(1) {
        None => fine,
        Some(shift) => {
            let next = u128::from(fine + 1 + (1 << FINE_BITS)) << shift;
            u64::try_from(next - 1).unwrap_or(u64::MAX)
        }
    }
}

/// A [`Histogram`] that is being filled. Every access is Relaxed: numbers of their own.
pub(super) struct Recorder {
    buckets: Box<[AtomicU64; BUCKETS]>,
    sum_ns: AtomicU64,
}

impl Recorder {
    fn new() -> Self {
        let buckets = Box::new([const { AtomicU64::new(0) }; BUCKETS]);
        Self { buckets, sum_ns: AtomicU64::new(0) }
    }

    pub(super) fn record(&self, ns: u64) {
        self.buckets[bucket(ns)].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    fn read(&self) -> Histogram {
        let read = |index: usize| self.buckets[index].load(Ordering::Relaxed);
        let buckets = Box::new(std::array::from_fn(read));
        Histogram { buckets, sum_ns: self.sum_ns.load(Ordering::Relaxed) }
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
}

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
        }
    }

    pub(super) fn discard(&self, reason: DiscardReason) {
        self.discards[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, counts: PoolCounts, waiting: u64, blocked: Duration) -> PoolStats {
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
    /// How long leases were held: of single-use instances all of them, else the first of each
    /// instance and every 64th after it.
    pub hold: Histogram,
    /// Instances that were built.
    pub built: u64,
    /// Builds that failed.
    pub build_failures: u64,
    /// Panics of the manager and of objects that were contained.
    pub panics: u64,
    /// Checkouts that timed out.
    pub timeouts: u64,
    /// Checkouts that were refused for a quota.
    pub refusals: u64,
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
    fn buckets_tile_the_range_and_are_as_fine_as_told() {
        for ns in (0..10_000).chain([1 << 40, (1 << 40) + 1, u64::MAX - 1, u64::MAX]) {
            let (index, upper) = (bucket(ns), upper_bound(bucket(ns)));
            assert!(index < BUCKETS && ns <= upper, "{ns}");
            assert!(upper - ns <= ns / 4, "{ns} is known as {upper}");
            assert!(index == 0 || upper_bound(index - 1) < ns, "{ns}");
        }
    }

    #[test]
    fn quantiles() {
        let recorder = Recorder::new();
        assert_eq!(recorder.read().quantile(0.5), None);
        (1..=100).for_each(|us| recorder.record(us * 1_000));
        let histogram = recorder.read();
        assert_eq!((histogram.count(), histogram.sum()), (100, Duration::from_micros(5_050)));
        let us = |of| histogram.quantile(of).unwrap().as_nanos() as f64 / 1_000.0;
        assert!((50.0..=62.5).contains(&us(0.5)), "{}", us(0.5));
        assert!((99.0..=125.0).contains(&us(0.99)), "{}", us(0.99));
        assert!(us(0.0) >= 1.0 && us(1.0) >= 100.0);
        assert_eq!(histogram.buckets().map(|(_, count)| count).sum::<u64>(), 100);
    }

    #[test]
    fn reasons_are_numbered_in_their_order() {
        for (index, reason) in DiscardReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{reason}");
        }
    }
}
