//! A hierarchical timing wheel (Varghese and Lauck 1987, scheme 7) of fixed capacity.

use super::error::{StaleKey, WheelError, WheelFull};
use super::rule::Tick;
use super::slot::{Before, CAPACITY_MAX, NONE, SlotKey, WheelSlot};
use super::sweep::{NextCheck, Swept};

/// Bits of a tick that tell the buckets of one level apart.
const DIGIT_BITS: u32 = 6;
const BUCKETS: usize = 1 << DIGIT_BITS;
/// As many as a tick has digits.
const LEVELS: usize = Tick::BITS.div_ceil(DIGIT_BITS) as usize;

/// Says which of many entries are to be looked at by now, without looking at the others.
///
/// The slots belong to the wheel: an array for a `static`, or whatever the caller brings that can
/// be seen as a slice of [`WheelSlot`]. Nothing is allocated here. What belongs to an entry is the
/// caller's, in a table with the places of [`SlotKey::index`].
///
/// Level `k` has a bucket for each value of the `k`th six-bit digit of a tick. An entry lies where
/// its tick first differs from the wheel's own, so it is looked at when that digit comes round: at
/// its tick or before, once per level at most, and then put back. No due times are kept. That is
/// what a keep-alive wants, where most looks find that a notification has moved the due time on: a
/// tracker is looked at once or twice per window (LIVE-5).
///
/// It belongs to one watcher. Notifiers never touch it; who registers meanwhile needs the watcher's
/// lock, or its ear.
///
/// # Invariants
/// LIVE-5: a sweep looks at what is due and at nothing else, so that its cost grows with what
/// expires and not with what is held. A held slot is in one bucket, or rests; one that is not is
/// free. The key of a slot that was given back finds nothing, also when the slot is held by another
/// entry since.
///
/// # Progress
/// `insert`, `remove` and `schedule` take constant time, `sweep` a constant time for each look. A
/// panic in a look leaves its entry where it was.
///
/// # Example
/// ```
/// use plimsoll_core::keepalive::{NextCheck, Tick, Wheel, WheelSlot};
///
/// let mut wheel: Wheel<[WheelSlot; 8]> = Wheel::new();
/// let soon = wheel.insert(Tick::new(5))?;
/// let later = wheel.insert(Tick::new(500))?;
///
/// let mut looked = None;
/// let swept = wheel.sweep(Tick::new(10), usize::MAX, |key| {
///     looked = Some(key);
///     NextCheck::Never
/// });
/// assert_eq!((swept.looks, looked), (1, Some(soon)));
/// assert!(wheel.remove(soon).is_ok() && wheel.remove(later).is_ok());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Wheel<S> {
    slots: S,
    /// The first slot of each bucket.
    first: [[u32; BUCKETS]; LEVELS],
    /// A bit for each bucket that is not empty.
    occupied: [u64; LEVELS],
    /// Everything due before this has been looked at.
    at: u64,
    free: u32,
    len: usize,
}

impl<const N: usize> Wheel<[WheelSlot; N]> {
    /// An empty wheel of `N` slots.
    pub const fn new() -> Self {
        const { assert!(N <= CAPACITY_MAX, "a wheel has 2^31 slots at most") };
        let mut slots = [const { WheelSlot::new() }; N];
        let mut index = 0;
        while index + 1 < N {
            slots[index] = WheelSlot::free_before(index as u32 + 1);
            index += 1;
        }
        Self::empty(slots, if N == 0 { NONE } else { 0 })
    }
}

impl<const N: usize> Default for Wheel<[WheelSlot; N]> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Wheel<S> {
    const fn empty(slots: S, free: u32) -> Self {
        let first = [[NONE; BUCKETS]; LEVELS];
        Self { slots, first, occupied: [0; LEVELS], at: 0, free, len: 0 }
    }

    /// How many slots are held.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no slot is held.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Everything that is due before this moment has been looked at.
    pub const fn swept_until(&self) -> Tick {
        Tick::new(self.at)
    }

    /// When the next look is due, or [`swept_until`](Self::swept_until) if that is later; `None` if
    /// nothing is scheduled.
    pub fn next_look(&self) -> Option<Tick> {
        self.next_bucket().map(|(_, tick)| Tick::new(tick))
    }

    /// The level of the bucket that comes round next, and when it does.
    fn next_bucket(&self) -> Option<(usize, u64)> {
        let ahead = (0..LEVELS).filter_map(|level| {
            let digit = digit(self.at, level);
            let ahead = self.occupied[level] & (u64::MAX << digit);
            let shift = level as u32 * DIGIT_BITS;
            // A bucket above the lowest level that comes round right now began with its stretch.
            let began = self.at >> shift << shift;
            let steps = u64::from(ahead.trailing_zeros()).wrapping_sub(digit as u64);
            (ahead != 0).then(|| (level, began + (steps << shift)))
        });
        ahead.min_by_key(|(_, tick)| *tick)
    }
}

impl<S: AsRef<[WheelSlot]> + AsMut<[WheelSlot]>> Wheel<S> {
    /// An empty wheel over the caller's slots, as many as there are.
    ///
    /// # Errors
    /// More than 2^31 slots.
    pub fn with_slots(mut slots: S) -> Result<Self, WheelError> {
        let table = slots.as_mut();
        let capacity = table.len();
        if capacity > CAPACITY_MAX {
            return Err(WheelError::Capacity { capacity });
        }
        for (slot, next) in table.iter_mut().zip(1..) {
            *slot = WheelSlot::free_before(next);
        }
        if let Some(last) = table.last_mut() {
            *last = WheelSlot::new();
        }
        Ok(Self::empty(slots, if capacity == 0 { NONE } else { 0 }))
    }

    /// How many slots there are.
    pub fn capacity(&self) -> usize {
        self.slots.as_ref().len()
    }

    /// Takes a slot for an entry that is first looked at when `due`.
    ///
    /// # Errors
    /// Every slot is held.
    pub fn insert(&mut self, due: Tick) -> Result<SlotKey, WheelFull> {
        let index = self.free;
        if index == NONE {
            return Err(WheelFull { capacity: self.capacity() });
        }
        let slot = self.slot(index);
        let key = SlotKey::new(index, slot);
        self.free = slot.after();
        self.len += 1;
        self.place(index, self.at.max(due.get()));
        Ok(key)
    }

    /// Gives the slot back.
    ///
    /// # Errors
    /// It has been given back.
    pub fn remove(&mut self, key: SlotKey) -> Result<(), StaleKey> {
        self.check(key)?;
        self.unlink(key.index() as u32);
        self.release(key.index() as u32);
        Ok(())
    }

    /// Looks at the entry at this moment or before, instead of when it was due; at once if
    /// the moment has come.
    ///
    /// # Errors
    /// The slot has been given back.
    pub fn schedule(&mut self, key: SlotKey, due: Tick) -> Result<(), StaleKey> {
        self.check(key)?;
        let index = key.index() as u32;
        self.unlink(index);
        self.place(index, self.at.max(due.get()));
        Ok(())
    }

    /// Whether the key's slot is held by its entry.
    pub fn holds(&self, key: SlotKey) -> bool {
        self.slots.as_ref().get(key.index()).is_some_and(|slot| slot.is_held_by(key))
    }

    /// The keys of all held slots, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = SlotKey> + '_ {
        let slots = self.slots.as_ref().iter().zip(0..);
        slots.filter(|(slot, _)| !slot.is_free()).map(|(slot, index)| SlotKey::new(index, slot))
    }

    /// Looks at the entries that are due by `now`, oldest first, with `budget` looks at most.
    ///
    /// `look` can be called before an entry's due time: it says when it is due. A sweep
    /// over much time can come by an entry again, once for each level at most.
    ///
    /// # Progress
    /// At most `budget` looks, and a constant time for each, whatever time has passed.
    pub fn sweep(
        &mut self,
        now: Tick,
        budget: usize,
        mut look: impl FnMut(SlotKey) -> NextCheck,
    ) -> Swept {
        let mut looks = 0;
        loop {
            let Some((level, tick)) = self.next_bucket().filter(|(_, tick)| *tick <= now.get())
            else {
                self.at = self.at.max(now.get());
                return Swept { looks, is_behind: false };
            };
            if looks == budget {
                return Swept { looks, is_behind: true };
            }
            self.at = tick;
            let index = self.first[level][digit(tick, level)];
            let next = look(SlotKey::new(index, self.slot(index)));
            looks += 1;
            self.unlink(index);
            match next {
                NextCheck::At(due) => self.place(index, due.get().max(now.get() + 1)),
                NextCheck::Never => self.slot_mut(index).rest(),
                NextCheck::Leave => self.release(index),
            }
        }
    }

    fn check(&self, key: SlotKey) -> Result<(), StaleKey> {
        if self.holds(key) { Ok(()) } else { Err(StaleKey) }
    }

    fn slot(&self, index: u32) -> &WheelSlot {
        &self.slots.as_ref()[index as usize]
    }

    fn slot_mut(&mut self, index: u32) -> &mut WheelSlot {
        &mut self.slots.as_mut()[index as usize]
    }

    /// Links a slot that is in no list into the bucket of `tick`, which is not before `at`.
    fn place(&mut self, index: u32, tick: u64) {
        let differing = (tick ^ self.at) | 1;
        let level = (differing.ilog2() / DIGIT_BITS) as usize;
        let digit = digit(tick, level);
        let after = self.first[level][digit];
        self.first[level][digit] = index;
        self.occupied[level] |= 1 << digit;
        self.slot_mut(index).link(Before::Bucket((level * BUCKETS + digit) as u32), after);
        if after != NONE {
            self.slot_mut(after).set_before(Before::Slot(index));
        }
    }

    /// Takes a slot out of its bucket, if it is in one.
    fn unlink(&mut self, index: u32) {
        let slot = *self.slot(index);
        let Some(before) = slot.before() else { return };
        match before {
            Before::Slot(before) => self.slot_mut(before).set_after(slot.after()),
            Before::Bucket(bucket) => {
                let (level, digit) = (bucket as usize / BUCKETS, bucket as usize % BUCKETS);
                self.first[level][digit] = slot.after();
                if slot.after() == NONE {
                    self.occupied[level] &= !(1 << digit);
                }
            }
        }
        if slot.after() != NONE {
            self.slot_mut(slot.after()).set_before(before);
        }
    }

    fn release(&mut self, index: u32) {
        let free = self.free;
        if self.slot_mut(index).release(free) {
            self.free = index;
        }
        self.len -= 1;
    }
}

const fn digit(tick: u64, level: usize) -> usize {
    (tick >> (level as u32 * DIGIT_BITS)) as usize % BUCKETS
}
