//! The demand: how many wait for a slot.

use crossbeam_utils::CachePadded;

use super::error::PoolClosed;
use crate::sync::{AtomicU64, Ordering, const_unless_loom, fence_after_rmw};

/// How many wait for a slot, and whether the pool is closed, on a cache line of its own.
///
/// ```text
/// 0..1   closed   1: for good
/// 1..64  waiting  how many have arrived and not left
/// ```
///
/// Its use together with [`PoolSlots`](crate::pool::PoolSlots):
///
/// - A waiter finds nothing, [arrives](Self::arrive), *looks at the slots again*, and sleeps if there
///   is still nothing. When it wakes for good it [leaves](Self::leave).
/// - Who has made a slot idle or vacant [looks](Self::look_after_release), and wakes a waiter if one
///   is there; if the pool is closed it evicts what is idle.
/// - Who [closes](Self::close) evicts everything idle, and wakes all waiters.
///
/// # Invariants
/// - POOL-6: no waiter sleeps beside an idle slot that it could have, unless a thread is about to
///   wake it.
/// - POOL-9: when the pool is closed and every token has come to its end, nothing is idle.
///
/// # Progress
/// Wait-free, all of it.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `arrive`: `fetch_add` | Relaxed | | | before the fence | `pool_6` |
/// | `arrive`: fence | SeqCst | | that of `look_after_release` | the arrival | `pool_6` |
/// | `arrive` refused, `leave`: `fetch_sub` | Relaxed | | | the word is its own message | |
/// | `close`: `fetch_or` | Relaxed | | | before the fence | `pool_9` |
/// | `close`: fence | SeqCst | | that of `look_after_release` | the close | `pool_9` |
/// | `look_after_release`: fence | SeqCst | | those of `arrive` and `close` | the slot's new word | `pool_6`, `pool_9` |
/// | `look_after_release`, `look`: load | Relaxed | | | after the fence; else a hint | `pool_6` |
///
/// The total order that is needed is that of these fences: see [the module](crate::pool).
///
/// # Example
/// ```
/// use plimsoll_core::pool::Demand;
///
/// let demand = Demand::new();
/// demand.arrive()?;
/// assert_eq!(demand.look_after_release().waiting(), 1);
/// demand.leave();
/// assert!(demand.look().is_quiet());
///
/// assert!(demand.close() && !demand.close(), "closed once");
/// assert!(demand.arrive().is_err() && demand.look_after_release().is_closed());
/// # Ok::<(), plimsoll_core::pool::PoolClosed>(())
/// ```
#[derive(Debug)]
pub struct Demand {
    word: CachePadded<AtomicU64>,
}

const CLOSED: u64 = 1;
const WAITER: u64 = 1 << 1;

const _: () = assert!(CLOSED & WAITER == 0 && WAITER - 1 == CLOSED);

impl Demand {
    const_unless_loom! {
        /// Open, without waiters.
        pub const fn new() -> Demand {
            Demand { word: CachePadded::new(AtomicU64::new(0)) }
        }
    }

    /// One more waits. It has to look at the slots once more before it sleeps.
    ///
    /// # Errors
    /// The pool is closed. The arrival does not count; a reader may count one more for a moment.
    #[must_use = "who has arrived must leave, and looks at the slots once more before it sleeps"]
    pub fn arrive(&self) -> Result<(), PoolClosed> {
        // Relaxed: ordered by the fence.
        if self.word.fetch_add(WAITER, Ordering::Relaxed) & CLOSED != 0 {
            self.leave();
            return Err(PoolClosed);
        }
        // The fence of a waiter: what it looks at from here on it sees as it is after any release
        // whose own look has missed the arrival.
        fence_after_rmw();
        Ok(())
    }

    /// One who has arrived waits no more. To be called once for each arrival.
    pub fn leave(&self) {
        // Relaxed: the word is its own message.
        let before = self.word.fetch_sub(WAITER, Ordering::Relaxed);
        debug_assert!(before >= WAITER, "more have left than arrived");
    }

    /// Closes the pool for good. The caller then evicts whatever is idle.
    ///
    /// # Returns
    /// Whether this call has closed it.
    pub fn close(&self) -> bool {
        // Relaxed: ordered by the fence.
        let before = self.word.fetch_or(CLOSED, Ordering::Relaxed);
        // The fence of a closer: as a waiter's.
        fence_after_rmw();
        before & CLOSED == 0
    }

    /// Returns what is to be done by a thread that has just made a slot idle or vacant.
    ///
    /// The release has to be the caller's own and the last thing it did: of a waiter and a releaser
    /// who miss each other otherwise, one sees the other.
    #[inline(always)]
    #[must_use = "a waiter may sleep until the caller wakes it"]
    pub fn look_after_release(&self) -> DemandReading {
        // The fence of a releaser.
        fence_after_rmw();
        self.look()
    }

    /// What is known now. A hint.
    #[inline(always)]
    pub fn look(&self) -> DemandReading {
        // Relaxed: ordered by the fence of the releaser, or a hint.
        DemandReading(self.word.load(Ordering::Relaxed))
    }
}

impl Default for Demand {
    fn default() -> Self {
        Self::new()
    }
}

/// What a look at a [`Demand`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemandReading(u64);

impl DemandReading {
    /// Nobody waits and the pool is open: nothing is to be done.
    #[inline(always)]
    pub const fn is_quiet(self) -> bool {
        self.0 == 0
    }

    /// How many wait.
    #[inline(always)]
    pub const fn waiting(self) -> u64 {
        self.0 / WAITER
    }

    /// Whether the pool is closed.
    #[inline(always)]
    pub const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }
}
