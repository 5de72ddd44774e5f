//! A bounded queue of small records, for what is to be delivered later.

use crossbeam_utils::CachePadded;

use crate::error_type::error_type;
use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// A bounded first-in-first-out queue of four-word records; any number of threads push and pop.
///
/// The slots belong to the ring: an array for a `static`, or whatever the caller brings that can be
/// seen as a slice of [`RingSlot`] (a box, a `&mut` borrow). Nothing is allocated here. What does
/// not fit is dropped and counted.
///
/// Position `p` (0, 1, 2, ... over the life of the ring) lies in slot `p % capacity`, in lap
/// `p / capacity`. The slot's stamp says for which lap it is free, and whether its record is there:
///
/// ```text
///            1 push: claim p            2 push: publish
/// stamp 2 * lap -----------------------------------> stamp 2 * lap + 1
///   free for lap        words are being written        holds a record
///       ^                                                    |
///       |  stamp 2 * (lap + 1)                               |
///       +----------------------------------------------------+
///            4 pop: free                3 pop: claim p
/// ```
///
/// A claim moves the position, so that each record has one writer and one reader.
///
/// # Invariants
/// REG-4: a record that was pushed is popped once and whole; of two pushes of which one came after
/// the other, it is popped later; what was dropped is counted.
///
/// # Progress
/// Lock-free: a claim is tried again only if another one has moved the position. A thread that
/// stops for ever between its claim and the end of its push or pop keeps no other thread from
/// finishing, but its slot stays as it is: behind an unfinished push `pop` answers `None`, and
/// before an unfinished pop `push` is dropped once the other slots are in use, until that thread
/// goes on. Nothing is lost.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `push`, `pop`: position load | Relaxed | | | checked by stamp and exchange | `ring` |
/// | `push`, `pop`: position exchange | Relaxed | Relaxed | | published by the stamp | `ring` |
/// | `push`: stamp load | Acquire | | `pop`: stamp store | | `ring` |
/// | `push`: words store | Relaxed | | | published by the stamp | `ring` |
/// | `push`: stamp store | Release | | `pop`: stamp load | the words, the position | `ring` |
/// | `pop`: stamp load | Acquire | | `push`: stamp store | | `ring` |
/// | `pop`: words load | Relaxed | | | ordered by the stamp | `ring` |
/// | `pop`: stamp store | Release | | `push`: stamp load | that the words are read | `ring` |
/// | `dropped` | Relaxed | | | the word is its own message | `ring` |
///
/// # Example
/// ```
/// use plimsoll_core::{Ring, RingSlot};
///
/// static EVENTS: Ring<[RingSlot; 2]> = Ring::new();
///
/// assert!(EVENTS.push([1, 0, 0, 0]).is_ok());
/// assert!(EVENTS.push([2, 0, 0, 0]).is_ok());
/// assert!(EVENTS.push([3, 0, 0, 0]).is_err());
/// assert_eq!(EVENTS.pop(), Some([1, 0, 0, 0]));
/// assert_eq!(EVENTS.dropped(), 1);
///
/// let slots: Box<[RingSlot]> = (0..1024).map(|_| RingSlot::new()).collect();
/// assert_eq!(Ring::with_slots(slots)?.capacity(), 1024);
/// # Ok::<(), plimsoll_core::RingError>(())
/// ```
#[derive(Debug)]
pub struct Ring<S> {
    push_at: CachePadded<AtomicU64>,
    pop_at: CachePadded<AtomicU64>,
    dropped: CachePadded<AtomicU64>,
    capacity_log2: u32,
    slots: S,
}

/// Room for one record of a [`Ring`].
///
/// ```text
/// stamp  0      whether a record is there
///        1..64  the lap
/// words         the record; meaningful from publish to free
/// ```
#[derive(Debug)]
pub struct RingSlot {
    stamp: AtomicU64,
    words: [AtomicU64; 4],
}

/// The stamp of a slot that is free for `lap`.
const fn free(lap: u64) -> u64 {
    lap << 1
}

/// The stamp of a slot that holds the record of `lap`.
const fn filled(lap: u64) -> u64 {
    lap << 1 | 1
}

const fn log2_of(capacity: usize) -> Result<u32, RingError> {
    if capacity < 2 || !capacity.is_power_of_two() {
        return Err(RingError::Capacity { capacity });
    }
    Ok(capacity.trailing_zeros())
}

impl RingSlot {
    const_unless_loom! {
        /// An empty slot.
        pub const fn new() -> RingSlot {
            RingSlot {
                stamp: AtomicU64::new(free(0)),
                words: [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)],
            }
        }
    }
}

impl Default for RingSlot {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Ring<[RingSlot; N]> {
    const CAPACITY_LOG2: u32 = match log2_of(N) {
        Ok(log2) => log2,
        Err(_) => panic!("the capacity of a ring is a power of two, and at least 2"),
    };

    const_unless_loom! {
        /// An empty ring of `N` records, which for a bad `N` does not compile.
        pub const fn new() -> Ring<[RingSlot; N]> {
            #[cfg(not(loom))]
            let slots = [const { RingSlot::new() }; N];
            #[cfg(loom)]
            let slots = core::array::from_fn(|_| RingSlot::new());
            Ring::empty(slots, Self::CAPACITY_LOG2)
        }
    }
}

impl<const N: usize> Default for Ring<[RingSlot; N]> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsRef<[RingSlot]> + AsMut<[RingSlot]>> Ring<S> {
    /// An empty ring over the caller's slots, as many as there are.
    ///
    /// # Errors
    /// [`RingError::Capacity`].
    pub fn with_slots(mut slots: S) -> Result<Self, RingError> {
        let capacity_log2 = log2_of(slots.as_ref().len())?;
        for slot in slots.as_mut() {
            *slot = RingSlot::new();
        }
        Ok(Self::empty(slots, capacity_log2))
    }
}

impl<S> Ring<S> {
    const_unless_loom! {
        const fn empty(slots: S, capacity_log2: u32) -> Ring<S> {
            Ring {
                push_at: CachePadded::new(AtomicU64::new(0)),
                pop_at: CachePadded::new(AtomicU64::new(0)),
                dropped: CachePadded::new(AtomicU64::new(0)),
                capacity_log2,
                slots,
            }
        }
    }

    /// How many records have room.
    pub const fn capacity(&self) -> usize {
        1 << self.capacity_log2
    }

    /// How many records were dropped in the ring's life.
    pub fn dropped(&self) -> u64 {
        // Relaxed: the count carries no other data.
        self.dropped.load(Ordering::Relaxed)
    }
}

impl<S: AsRef<[RingSlot]>> Ring<S> {
    /// Puts a record at the end.
    ///
    /// # Errors
    /// [`RingFull`] if there is no room; the refusal is counted.
    pub fn push(&self, record: [u64; 4]) -> Result<(), RingFull> {
        // Relaxed: the stamp and the exchange below tell whether this is stale.
        let mut position = self.push_at.load(Ordering::Relaxed);
        loop {
            let (slot, lap) = self.slot(position);
            // Acquire: if the slot is free, the pop that freed it has read the words; if it is of a
            // later lap, the position that led there is visible below.
            let stamp = slot.stamp.load(Ordering::Acquire);
            if stamp < free(lap) {
                // Relaxed: the count carries no other data.
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return Err(RingFull);
            }
            if stamp > free(lap) {
                // Relaxed: ordered by the stamp.
                position = self.push_at.load(Ordering::Relaxed);
                continue;
            }
            match claim(&self.push_at, position) {
                Ok(()) => {
                    for (word, value) in slot.words.iter().zip(record) {
                        // Relaxed: published by the stamp.
                        word.store(value, Ordering::Relaxed);
                    }
                    // Release: publishes the words, and the position for the threads behind it.
                    slot.stamp.store(filled(lap), Ordering::Release);
                    return Ok(());
                }
                Err(moved) => position = moved,
            }
        }
    }

    /// Takes the oldest record.
    ///
    /// # Returns
    /// `None` if there is none, or if the push of the oldest one has not finished yet.
    pub fn pop(&self) -> Option<[u64; 4]> {
        // Relaxed: the stamp and the exchange below tell whether this is stale.
        let mut position = self.pop_at.load(Ordering::Relaxed);
        loop {
            let (slot, lap) = self.slot(position);
            // Acquire: if the record is there, its words are visible; if the slot is of a later
            // lap, the position that led there is visible below.
            let stamp = slot.stamp.load(Ordering::Acquire);
            if stamp < filled(lap) {
                return None;
            }
            if stamp > filled(lap) {
                // Relaxed: ordered by the stamp.
                position = self.pop_at.load(Ordering::Relaxed);
                continue;
            }
            match claim(&self.pop_at, position) {
                Ok(()) => {
                    // Relaxed: ordered by the load of the stamp.
                    let record = core::array::from_fn(|i| slot.words[i].load(Ordering::Relaxed));
                    // Release: a push that finds the slot free comes after these loads.
                    slot.stamp.store(free(lap + 1), Ordering::Release);
                    return Some(record);
                }
                Err(moved) => position = moved,
            }
        }
    }

    fn slot(&self, position: u64) -> (&RingSlot, u64) {
        let index = position as usize & (self.capacity() - 1);
        (&self.slots.as_ref()[index], position >> self.capacity_log2)
    }
}

/// Moves a position on by one, or says where it is by now.
fn claim(at: &AtomicU64, position: u64) -> Result<(), u64> {
    // Relaxed: the stamp that the claimant stores next publishes the move.
    at.compare_exchange(position, position + 1, Ordering::Relaxed, Ordering::Relaxed).map(drop)
}

error_type! {
    /// A record found no room in a [`Ring`]; it is counted there.
    #[error("the ring is full")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RingFull;
}

error_type! {
    /// Why a [`Ring`] could not be made.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum RingError {
        /// The number of slots is no power of two, or less than 2.
        #[error("the capacity of a ring is a power of two, and at least 2 (asked {capacity})")]
        Capacity {
            /// How many there were.
            capacity: usize,
        },
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    extern crate std;

    use std::boxed::Box;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::vec::Vec;

    use super::*;

    fn boxed(capacity: usize) -> Result<Ring<Box<[RingSlot]>>, RingError> {
        Ring::with_slots((0..capacity).map(|_| RingSlot::new()).collect())
    }

    #[test]
    fn capacities_other_than_powers_of_two_are_refused() {
        for capacity in [0, 1, 3, 12, 1_000] {
            assert_eq!(boxed(capacity).unwrap_err(), RingError::Capacity { capacity });
        }
        for capacity in [2, 4, 1_024] {
            assert_eq!(boxed(capacity).unwrap().capacity(), capacity);
        }
    }

    #[test]
    fn reg_4_first_in_first_out_over_many_laps_and_refusals_are_counted() {
        let ring = boxed(4).unwrap();
        for lap in 0..1_000u64 {
            for n in 0..4 {
                assert_eq!(ring.push([lap, n, lap ^ n, !n]), Ok(()));
            }
            assert_eq!(ring.push([0; 4]), Err(RingFull));
            for n in 0..4 {
                assert_eq!(ring.pop(), Some([lap, n, lap ^ n, !n]));
            }
            assert_eq!((ring.pop(), ring.dropped()), (None, lap + 1));
        }
    }

    #[test]
    fn used_slots_serve_again() {
        let mut slots: [RingSlot; 2] = core::array::from_fn(|_| RingSlot::new());
        for _ in 0..2 {
            let ring = Ring::with_slots(&mut slots).unwrap();
            assert_eq!(ring.pop(), None);
            assert_eq!(ring.push([7; 4]), Ok(()));
        }
    }

    /// A thread that stops for ever between claim and publish, step by step as `push` does it.
    #[test]
    fn an_unfinished_push_hinders_nobody_from_finishing() {
        let ring = boxed(2).unwrap();
        let frozen = ring.push_at.load(Ordering::Relaxed);
        claim(&ring.push_at, frozen).unwrap();
        assert_eq!(ring.push([2; 4]), Ok(()));
        assert_eq!(ring.push([3; 4]), Err(RingFull));
        assert_eq!(ring.pop(), None, "what is behind it waits");
        ring.slot(frozen).0.stamp.store(filled(0), Ordering::Release);
        assert_eq!((ring.pop(), ring.pop(), ring.pop()), (Some([0; 4]), Some([2; 4]), None));
    }

    #[test]
    fn an_unfinished_pop_hinders_nobody_from_finishing() {
        let ring = boxed(2).unwrap();
        ring.push([1; 4]).unwrap();
        ring.push([2; 4]).unwrap();
        claim(&ring.pop_at, 0).unwrap();
        assert_eq!(ring.pop(), Some([2; 4]));
        assert_eq!(ring.push([3; 4]), Err(RingFull), "its slot is not free yet");
        assert_eq!(ring.pop(), None);
    }

    #[test]
    fn reg_4_many_threads_lose_and_tear_and_repeat_nothing() {
        const THREADS: u64 = 3;
        const EACH: u64 = if cfg!(miri) { 200 } else { 30_000 };
        static RING: Ring<[RingSlot; 8]> = Ring::new();
        let finished = AtomicUsize::new(0);
        let (pushed, popped) = std::thread::scope(|scope| {
            let producers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let finished = &finished;
                    scope.spawn(move || {
                        let accepted = (0..EACH)
                            .filter(|n| RING.push([thread, *n, thread ^ n, thread + n]).is_ok())
                            .count() as u64;
                        finished.fetch_add(1, SeqCst);
                        accepted
                    })
                })
                .collect();
            let consumers: Vec<_> = (0..2)
                .map(|_| {
                    let finished = &finished;
                    scope.spawn(move || {
                        let mut last = [None; THREADS as usize];
                        let mut seen = 0;
                        loop {
                            let over = finished.load(SeqCst) == THREADS as usize;
                            match RING.pop() {
                                Some([thread, n, xor, sum]) => {
                                    assert_eq!((xor, sum), (thread ^ n, thread + n), "torn");
                                    assert!(
                                        last[thread as usize] < Some(n),
                                        "repeated or reordered"
                                    );
                                    last[thread as usize] = Some(n);
                                    seen += 1;
                                }
                                None if over => return seen,
                                None => std::thread::yield_now(),
                            }
                        }
                    })
                })
                .collect();
            let pushed: u64 = producers.into_iter().map(|thread| thread.join().unwrap()).sum();
            let popped: u64 = consumers.into_iter().map(|thread| thread.join().unwrap()).sum();
            (pushed, popped)
        });
        assert_eq!(popped, pushed);
        assert_eq!(RING.dropped(), THREADS * EACH - pushed);
    }
}
