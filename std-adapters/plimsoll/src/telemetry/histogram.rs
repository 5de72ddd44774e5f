//! A histogram of durations.

use std::fmt;
use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};

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
        self.buckets.iter().fold(0, |sum, count| u64::saturating_add(sum, *count))
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
        let mut below = 0_u64;
        let index = self.buckets.iter().position(|in_bucket| {
            below = below.saturating_add(*in_bucket);
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

#[cfg(feature = "serde")]
impl Histogram {
    /// One that holds so many times up to each bound.
    pub(super) fn from_buckets(sum_ns: u64, read: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut buckets = Box::new([0_u64; BUCKETS]);
        for (upper_ns, count) in read {
            let in_bucket = &mut buckets[bucket(upper_ns)];
            *in_bucket = in_bucket.saturating_add(count);
        }
        Self { buckets, sum_ns }
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
pub(crate) struct Recorder {
    buckets: Box<[AtomicU64; BUCKETS]>,
    sum_ns: AtomicU64,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let buckets = Box::new([const { AtomicU64::new(0) }; BUCKETS]);
        Self { buckets, sum_ns: AtomicU64::new(0) }
    }

    pub(crate) fn record(&self, ns: u64) {
        self.buckets[bucket(ns)].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    pub(crate) fn record_time(&self, time: Duration) {
        self.record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn read(&self) -> Histogram {
        let read = |index: usize| self.buckets[index].load(Ordering::Relaxed);
        let buckets = Box::new(std::array::from_fn(read));
        Histogram { buckets, sum_ns: self.sum_ns.load(Ordering::Relaxed) }
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
        assert!(histogram.buckets().all(|(_, count)| count > 0), "empty buckets are left out");
    }
}
