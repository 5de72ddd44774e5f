//! Counts of the waiters of a full channel: blocked time, and refusals.

use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// The waiters that are blocked right now, the time that waiters have been blocked in all, and how
/// many were refused because there was no room.
///
/// ```text
/// waiting  0..20   waiters now, up to 2^20 - 1
///          20..64  sum of the moments at which those began to wait, in units of 1024 us, modulo 2^44
/// ended    0..64   us that those who are done have waited, modulo 2^64
/// refused  0..64   operations that came back for want of room
/// ```
///
/// Time is an argument, in microseconds from any one origin.
///
/// # Invariants
/// GAUGE-2: a waiter is no depth, for it holds nothing of the channel's capacity; with none
/// entering or leaving, `waiting` is the number of those that are blocked. A clock that was read before
/// a waiter began to wait makes its wait 0, not 2^54 us.
///
/// # Progress
/// Wait-free.
///
/// # Staleness
/// A reader that is overtaken by a wait which ends can be off by that wait. A wait that has not ended
/// is known to about a millisecond.
///
/// # Orderings
/// Every access is Relaxed: each word is its own message, and the reader makes no promise across them.
/// Number and moments are one word, so a sum never misses a moment that the number includes.
///
/// # Example
/// ```
/// use plimsoll_core::Waiters;
///
/// let waiters = Waiters::new();
/// waiters.enter(1_000_000);
/// assert_eq!(waiters.waiting(), 1);
/// assert!(waiters.blocked_us(3_000_000).abs_diff(2_000_000) < 1_024);
/// waiters.exit(1_000_000, 3_000_000);
/// assert_eq!((waiters.waiting(), waiters.blocked_us(9_000_000)), (0, 2_000_000));
/// ```
#[derive(Debug)]
pub struct Waiters {
    waiting: AtomicU64,
    ended: AtomicU64,
    refused: AtomicU64,
}

const COUNT_BITS: u32 = 20;
const UNIT_BITS: u32 = 10;

/// One waiter that began at `entered_us`, as a summand of the word.
const fn waiter(entered_us: u64) -> u64 {
    ((entered_us >> UNIT_BITS) << COUNT_BITS) + 1
}

/// How many waiters are in the word.
#[inline(always)]
const fn count(waiting: u64) -> u64 {
    waiting & ((1 << COUNT_BITS) - 1)
}

impl Waiters {
    const_unless_loom! {
        /// No waiters, and no refusals.
        pub const fn new() -> Waiters {
            Waiters {
                waiting: AtomicU64::new(0),
                ended: AtomicU64::new(0),
                refused: AtomicU64::new(0),
            }
        }
    }

    /// A waiter begins to wait.
    pub fn enter(&self, now_us: u64) {
        // Relaxed: see the type.
        self.waiting.fetch_add(waiter(now_us), Ordering::Relaxed);
    }

    /// The waiter that began at `entered_us` is done.
    pub fn exit(&self, entered_us: u64, now_us: u64) {
        // Relaxed, both: see the type.
        self.waiting.fetch_sub(waiter(entered_us), Ordering::Relaxed);
        self.ended.fetch_add(now_us.saturating_sub(entered_us), Ordering::Relaxed);
    }

    /// An operation comes back because there is no room, or was none for as long as it would wait.
    pub fn refuse(&self) {
        // Relaxed: see the type.
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// How many operations came back for want of room.
    #[inline]
    pub fn refused(&self) -> u64 {
        // Relaxed: see the type.
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether nobody waits or was refused, and who has waited took no time.
    #[inline(always)]
    pub fn is_untouched(&self) -> bool {
        // Relaxed, all: see the type.
        let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
        load(&self.waiting) | load(&self.ended) | load(&self.refused) == 0
    }

    /// How many wait now.
    #[inline]
    pub fn waiting(&self) -> u64 {
        // Relaxed: see the type.
        count(self.waiting.load(Ordering::Relaxed))
    }

    /// How long waiters have waited in all, those that still wait included, in microseconds.
    #[inline]
    pub fn blocked_us(&self, now_us: u64) -> u64 {
        // Relaxed, both: see the type.
        let waiting = self.waiting.load(Ordering::Relaxed);
        let ended = self.ended.load(Ordering::Relaxed);
        if waiting == 0 {
            return ended;
        }
        // The sum of (now - start) over those that wait, modulo 2^44 units.
        let now = count(waiting).wrapping_mul(now_us >> UNIT_BITS) << COUNT_BITS;
        let starts = waiting - count(waiting);
        let units = (now.wrapping_sub(starts) as i64 >> COUNT_BITS).max(0) as u64;
        ended.wrapping_add(units << UNIT_BITS)
    }
}

impl Default for Waiters {
    fn default() -> Self {
        Self::new()
    }
}
