//! Slots of a wheel: their links and their owners.

/// The end of a list.
pub(super) const NONE: u32 = u32::MAX;
/// `before` of a free slot.
const FREE: u32 = u32::MAX - 1;
/// `before` of a slot that is held, and in no list.
const RESTING: u32 = u32::MAX - 2;
/// `before` of the first slot of a list is the number of its bucket with this bit.
const BUCKET: u32 = 1 << 31;
/// Slots that a wheel can have: those whose number has no other meaning.
pub(super) const CAPACITY_MAX: usize = BUCKET as usize;

/// Room for one entry of a [`Wheel`](crate::keepalive::Wheel), 12 bytes.
///
/// ```text
/// before      the slot before this one; or its bucket; or resting; or free
/// after       the slot after this one in its bucket, or in the list of free ones
/// generation  how often the slot has been given back
/// ```
///
/// A slot is in one list at most: a bucket's if it is due at some time, that of the free ones if
/// nobody holds it.
#[derive(Clone, Copy, Debug)]
pub struct WheelSlot {
    before: u32,
    after: u32,
    generation: u32,
}

/// A held slot of a [`Wheel`](crate::keepalive::Wheel). It says nothing to a wheel that has given the slot to
/// another tracker since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotKey {
    index: u32,
    generation: u32,
}

impl SlotKey {
    pub(super) const fn new(index: u32, slot: &WheelSlot) -> SlotKey {
        SlotKey { index, generation: slot.generation }
    }

    /// The place of the slot, from 0 on: what belongs to the entry is kept at the same place of a
    /// table of the caller's.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// How often the slot had been given back before it became this entry's.
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

impl WheelSlot {
    /// A slot that nobody holds.
    pub const fn new() -> WheelSlot {
        WheelSlot { before: FREE, after: NONE, generation: 0 }
    }

    /// A slot that nobody holds, in front of another one.
    pub(super) const fn free_before(next: u32) -> WheelSlot {
        WheelSlot { before: FREE, after: next, generation: 0 }
    }

    /// Where the slot is linked in; `None` if it is in no bucket.
    pub(super) const fn before(&self) -> Option<Before> {
        match self.before {
            FREE | RESTING => None,
            bucket if bucket & BUCKET != 0 => Some(Before::Bucket(bucket & !BUCKET)),
            slot => Some(Before::Slot(slot)),
        }
    }

    pub(super) const fn after(&self) -> u32 {
        self.after
    }

    pub(super) const fn is_free(&self) -> bool {
        self.before == FREE
    }

    pub(super) const fn is_held_by(&self, key: SlotKey) -> bool {
        !self.is_free() && self.generation == key.generation
    }

    pub(super) fn set_after(&mut self, slot: u32) {
        self.after = slot;
    }

    pub(super) fn link(&mut self, before: Before, after: u32) {
        self.before = before.word();
        self.after = after;
    }

    pub(super) fn set_before(&mut self, before: Before) {
        self.before = before.word();
    }

    pub(super) fn rest(&mut self) {
        self.before = RESTING;
        self.after = NONE;
    }

    /// Gives the slot back, in front of the free slot `after`.
    ///
    /// # Returns
    /// Whether it can be held again: a generation that has come to its end would make old keys
    /// valid again, so such a slot stays empty.
    pub(super) fn release(&mut self, after: u32) -> bool {
        self.before = FREE;
        self.after = after;
        let last = self.generation == u32::MAX;
        self.generation = self.generation.saturating_add(1);
        !last
    }
}

impl Default for WheelSlot {
    fn default() -> Self {
        Self::new()
    }
}

/// What stands before a slot in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Bucket(u32),
    Slot(u32),
}

impl Before {
    const fn word(self) -> u32 {
        match self {
            Before::Bucket(bucket) => bucket | BUCKET,
            Before::Slot(slot) => slot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_held_once_per_generation_and_in_the_end_no_more() {
        let mut slot = WheelSlot::new();
        slot.rest();
        let key = SlotKey::new(7, &slot);
        assert!(slot.is_held_by(key) && slot.before().is_none());
        assert!(slot.release(NONE));
        assert!(!slot.is_held_by(key));
        slot.rest();
        assert!(!slot.is_held_by(key));
        slot.generation = u32::MAX;
        let last = SlotKey::new(7, &slot);
        assert!(!slot.release(NONE) && !slot.is_held_by(last));
    }

    #[test]
    fn what_stands_before_is_told_apart() {
        let mut slot = WheelSlot::new();
        for before in [Before::Bucket(0), Before::Bucket(703), Before::Slot(0)] {
            slot.link(before, NONE);
            assert_eq!(slot.before(), Some(before));
        }
        slot.set_before(Before::Slot(CAPACITY_MAX as u32 - 1));
        assert_eq!(slot.before(), Some(Before::Slot(CAPACITY_MAX as u32 - 1)));
    }
}
