//! A count that costs its main writer no read-modify-write.

use crate::credit::ThreadKey;
use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// How often something has happened, counted by any number of threads. The first one to count owns
/// half of the count and adds to it by a load and a store; all others share the other half. To be put
/// on a cache line of its own.
///
/// ```text
/// owner   0..64  the thread that owns `own`; 0: no thread yet; never changes after that
/// own     0..64  events that the owner has counted
/// others  0..64  events that all others have counted
/// ```
///
/// # Invariants
/// CHAN-5: with no operation in flight, the total is the number of events counted; it never falls.
///
/// # Progress
/// Wait-free.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `count`: owner load, exchange | Relaxed | Relaxed | | the word is its own message | `chan_5_tally` |
/// | `count`: own load | Relaxed | | | the owner alone writes | `chan_5_tally` |
/// | `count`: own store, others `fetch_add` | Release | | `total` | what its caller has counted elsewhere | `chan_5_tally` |
/// | `total`: own, others loads | Acquire | | `count` | | `chan_5_tally` |
///
/// # Example
/// ```
/// use std::num::NonZeroU64;
/// use plimsoll_core::Tally;
///
/// let (first, second) = (NonZeroU64::MIN, NonZeroU64::MAX); // two threads
/// let tally = Tally::new();
/// tally.count(first);
/// tally.count(second);
/// assert_eq!(tally.total(), 2);
/// ```
#[derive(Debug)]
pub struct Tally {
    owner: AtomicU64,
    own: AtomicU64,
    others: AtomicU64,
}

impl Tally {
    const_unless_loom! {
        /// Nothing counted.
        pub const fn new() -> Tally {
            Tally {
                owner: AtomicU64::new(0),
                own: AtomicU64::new(0),
                others: AtomicU64::new(0),
            }
        }
    }

    /// Counts one event on `thread`, the calling one. A thread that goes by the number of one that has
    /// ended, as [`ThreadKey`] allows, goes on where that one has stopped.
    #[inline]
    pub fn count(&self, thread: ThreadKey) {
        let Self { owner, own, others } = self;
        // Relaxed: only this thread can have written its own number, and it never changes.
        if owner.load(Ordering::Relaxed) == thread.get() || self.claim(thread) {
            // Relaxed: this thread alone writes.
            let count = own.load(Ordering::Relaxed);
            // Release: who sees this sees what the caller has done before.
            own.store(count.wrapping_add(1), Ordering::Release);
        } else {
            // Release: likewise.
            others.fetch_add(1, Ordering::Release);
        }
    }

    /// Takes the half of the count that no thread owns yet.
    fn claim(&self, thread: ThreadKey) -> bool {
        // Relaxed: an owner is for good.
        self.owner.load(Ordering::Relaxed) == 0
            // Relaxed, both: one thread wins, and finds the count at 0.
            && self
                .owner
                .compare_exchange(0, thread.get(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// How many events have been counted.
    #[inline]
    pub fn total(&self) -> u64 {
        // Acquire, both: see `count`.
        let own = self.own.load(Ordering::Acquire);
        own.wrapping_add(self.others.load(Ordering::Acquire))
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}
