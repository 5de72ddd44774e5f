//! How long calls took: a histogram that any thread writes to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets for each power of two, so that a time is known to an eighth.
const FINE: usize = 8;

/// Times by the microsecond, up to an hour.
pub(crate) struct Latency([AtomicU64; FINE * 32]);

impl Default for Latency {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; FINE * 32])
    }
}

impl Latency {
    pub(crate) fn record(&self, time: Duration) {
        let bucket =
            bucket(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)).min(self.0.len() - 1);
        // Relaxed: a number for people to read, which orders nothing.
        self.0[bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// The time that the share `of`, from 0 to 1, of all calls did not exceed.
    pub(crate) fn quantile(&self, of: f64) -> Duration {
        let counts: Vec<u64> = self.0.iter().map(|it| it.load(Ordering::Relaxed)).collect();
        let rank = (counts.iter().sum::<u64>() as f64 * of).ceil() as u64;
        let mut below = 0;
        let reached = counts.iter().position(|in_bucket| {
            below += in_bucket;
            below >= rank.max(1)
        });
        Duration::from_micros(reached.map_or(0, upper_bound))
    }
}

/// Below [`FINE`], a bucket for each microsecond.
fn bucket(us: u64) -> usize {
    let shift = us.checked_ilog2().unwrap_or(0).saturating_sub(FINE.ilog2());
    (us >> shift) as usize + shift as usize * FINE
}

/// The longest time that is in a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let shift = (bucket / FINE).saturating_sub(1);
    let first = (bucket - shift * FINE) as u64;
    ((first + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_known_to_an_eighth() {
        for us in (0..5_000).chain([1 << 31, 3_600_000_000]) {
            let upper = upper_bound(bucket(us));
            assert!(us <= upper && upper - us <= us / 8, "{us} is known as {upper}");
        }
    }

    #[test]
    fn quantiles_are_the_buckets_bounds() {
        let latency = Latency::default();
        assert_eq!(latency.quantile(0.5), Duration::ZERO);
        (1..=7).for_each(|us| latency.record(Duration::from_micros(us)));
        assert_eq!(latency.quantile(0.5), Duration::from_micros(4));
        latency.record(Duration::MAX);
        assert!(latency.quantile(1.0) > Duration::from_secs(3_600));
    }
}
