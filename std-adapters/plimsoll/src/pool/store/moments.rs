//! The time of a pool, and the order of what becomes idle within a millisecond.

use plimsoll_core::keepalive::Tick;
use plimsoll_core::pool::Moment;

use crate::sync::{AtomicU64, Ordering};

/// A moment that does not come.
pub(crate) const NEVER: Moment = Moment::from_word(u64::MAX);

/// The latest moment of the pool: the published time in milliseconds, and within it the number of
/// the instance that became idle last. Each instance that becomes idle has a larger moment than
/// those before.
///
/// An instance that comes back keeps its moment if no other came back since. So a caller that uses
/// one instance again and again writes nothing here. At most 4,095 moments are taken in a
/// millisecond; instances beyond that have the same one.
///
/// ```text
///  0..64  a `Moment`; it never falls
/// ```
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `latest`: load | Relaxed | | | nothing but itself | `pool_8_order` |
/// | `publish`: `fetch_max` | Relaxed | | | nothing but itself | `pool_8_order` |
/// | `next`: exchange | Relaxed | Relaxed | | nothing but itself | `pool_8_order` |
///
/// Of two moments that are taken one after the other, by whatever orders them, the second is of the
/// word that the first has left or of a later one, for accesses to one word are coherent: it is
/// larger.
pub(crate) struct Moments(AtomicU64);

impl Moments {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline(always)]
    pub(crate) fn latest(&self) -> Moment {
        Moment::from_word(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.latest().tick().get()
    }

    /// The time is `ms`, or later.
    pub(crate) fn publish(&self, ms: u64) {
        self.0.fetch_max(Moment::from(Tick::new(ms)).to_word(), Ordering::Relaxed);
    }

    /// The moment at which an instance becomes idle that was idle since `last` before, or
    /// [`NEVER`].
    ///
    /// # Progress
    /// Lock-free: it tries again if another instance has become idle meanwhile.
    pub(crate) fn next(&self, last: Moment) -> Moment {
        let mut now = self.latest();
        while let Some(next) = now.next().filter(|_| now != last) {
            let (old, new) = (now.to_word(), next.to_word());
            match self.0.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return next,
                Err(later) => now = Moment::from_word(later),
            }
        }
        now
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn pool_8_what_becomes_idle_later_has_a_larger_moment() {
        let moments = Moments::new();
        moments.publish(7);
        let first = moments.next(NEVER);
        let second = moments.next(NEVER);
        assert!(first < second && second.tick() == Tick::new(7));
        assert_eq!(moments.next(second), second, "it was the last one");
        let third = moments.next(first);
        assert!(third > second);
        moments.publish(6);
        assert!(moments.next(NEVER) > third && moments.now_ms() == 7, "time does not turn back");
        moments.publish(8);
        assert_eq!(moments.next(third).tick(), Tick::new(8));
    }

    #[test]
    fn pool_8_a_millisecond_lasts_whatever_becomes_idle_in_it() {
        let moments = Moments::new();
        moments.publish(3);
        for _ in 0..10_000 {
            assert_eq!(moments.next(NEVER).tick(), Tick::new(3));
        }
        moments.publish(u64::MAX);
        for _ in 0..10_000 {
            assert_eq!(moments.next(NEVER).tick(), Tick::MAX, "and nothing overflows");
        }
    }
}
