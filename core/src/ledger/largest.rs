//! The slots with the largest values, before their keys are read.

use super::lookup::Entry;
use super::word::{SlotWord, VALUE_MAX};

/// Where a slot with one of the largest values is, and the low bits of its word, in 64 bits, low bit first:
///
/// ```text
///  0..14  low   tag and cell of the slot's word
/// 14..20  slot
/// 20..52  set   which of all
/// 52..64  always 0
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin(u64);

const SLOT_SHIFT: u32 = SlotWord::LOW_BITS;
const SLOT_BITS: u32 = 6;
const SET_SHIFT: u32 = SLOT_SHIFT + SLOT_BITS;

const _: () = assert!(super::WAYS <= 1 << SLOT_BITS && SET_SHIFT + u32::BITS <= u64::BITS);

impl Origin {
    #[inline(always)]
    pub(super) const fn new(set: usize, slot: usize, word: SlotWord) -> Origin {
        Origin((set as u64) << SET_SHIFT | (slot as u64) << SLOT_SHIFT | word.low())
    }

    /// The value and the origin that stand in an entry.
    pub(super) const fn of<const WORDS: usize>(entry: &Entry<WORDS>) -> (u64, Origin) {
        (entry.value, Origin(entry.error))
    }

    pub(super) const fn set(self) -> usize {
        (self.0 >> SET_SHIFT) as usize
    }

    pub(super) const fn slot(self) -> usize {
        (self.0 >> SLOT_SHIFT) as usize % (1 << SLOT_BITS)
    }

    /// Whether `word` is the one that was seen there at `value`.
    pub(super) const fn is_of(self, value: u64, word: SlotWord) -> bool {
        word.value() == value && word.low() == self.0 % (1 << SLOT_SHIFT)
    }
}

/// The largest values that were offered, the least of them at the root of a binary heap.
///
/// The heap is in the caller's buffer, whose keys are left alone: an entry has the slot's value, and its
/// [`Origin`] in place of an error.
pub(super) struct Largest<'b, const WORDS: usize> {
    buffer: &'b mut [Entry<WORDS>],
    len: usize,
    /// The largest value for which there was no room.
    passed_over: u64,
}

impl<'b, const WORDS: usize> Largest<'b, WORDS> {
    pub(super) fn new(buffer: &'b mut [Entry<WORDS>]) -> Self {
        Largest { buffer, len: 0, passed_over: 0 }
    }

    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// How many values there is room for.
    pub(super) fn room(&self) -> usize {
        self.buffer.len()
    }

    /// Takes in a value, unless there is room for larger ones only.
    #[inline(always)]
    pub(super) fn offer(&mut self, value: u64, origin: Origin) {
        if self.len < self.buffer.len() {
            self.len += 1;
            return self.sift_up(self.len - 1, (value, origin));
        }
        let least = self.buffer.first().map_or(VALUE_MAX, |entry| entry.value);
        self.passed_over = self.passed_over.max(least.min(value));
        if value > least {
            self.sift_down(self.len, (value, origin));
        }
    }

    /// The buffer, and how many of its entries have a value, the largest first.
    pub(super) fn into_sorted(mut self) -> (&'b mut [Entry<WORDS>], usize) {
        for end in (1..self.len).rev() {
            let [last, least] = [end, 0].map(|place| self.at(place));
            self.put(end, least);
            self.sift_down(end, last);
        }
        (self.buffer, self.len)
    }

    #[inline(always)]
    fn at(&self, place: usize) -> (u64, Origin) {
        Origin::of(&self.buffer[place])
    }

    #[inline(always)]
    fn put(&mut self, place: usize, (value, Origin(origin)): (u64, Origin)) {
        let entry = &mut self.buffer[place];
        (entry.value, entry.error) = (value, origin);
    }

    /// Puts a value at `child` or above.
    fn sift_up(&mut self, mut child: usize, new: (u64, Origin)) {
        while child > 0 {
            let parent = (child - 1) / 2;
            let above = self.at(parent);
            if above.0 <= new.0 {
                break;
            }
            self.put(child, above);
            child = parent;
        }
        self.put(child, new);
    }

    /// Puts a value in place of the root, of a heap of so many.
    fn sift_down(&mut self, len: usize, new: (u64, Origin)) {
        let heap = &mut self.buffer[..len];
        let mut parent = 0;
        while let Some(left) = heap.get(2 * parent + 1) {
            let (mut child, mut below) = (2 * parent + 1, (left.value, left.error));
            if let Some(right) = heap.get(child + 1).filter(|right| right.value < below.0) {
                (child, below) = (child + 1, (right.value, right.error));
            }
            if below.0 >= new.0 {
                break;
            }
            (heap[parent].value, heap[parent].error) = below;
            parent = child;
        }
        self.put(parent, new);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    #[test]
    fn an_origin_comes_back_as_it_went_in() {
        let word = SlotWord::entry(7, 255, 47);
        for (set, slot) in [(0, 0), (u32::MAX as usize, 39), (1, 38)] {
            let origin = Origin::new(set, slot, word);
            assert_eq!((origin.set(), origin.slot()), (set, slot));
            assert!(origin.is_of(7, word) && !origin.is_of(6, word));
            assert!(!origin.is_of(7, SlotWord::entry(7, 254, 47)));
            assert!(!origin.is_of(7, SlotWord::entry(7, 255, 46)));
        }
    }

    #[test]
    fn the_largest_of_any_number_are_sorted() {
        for room in 0..=9 {
            let mut buffer = [Entry::<1>::NONE; 9];
            let mut largest = Largest::new(&mut buffer[..room]);
            let values: Vec<u64> = (0..40).map(|step| 1 + step * 17 % 40).collect();
            for (place, value) in values.iter().enumerate() {
                let origin = Origin::new(place, 0, SlotWord::EMPTY);
                largest.offer(*value, origin);
            }
            let passed_over = largest.passed_over();
            let (buffer, len) = largest.into_sorted();
            let sorted: Vec<u64> = buffer[..len].iter().map(|entry| entry.value).collect();
            let expected: Vec<u64> = (0..room as u64).map(|place| 40 - place).collect();
            assert_eq!((sorted, passed_over), (expected, 40 - room as u64));
            for entry in &buffer[..len] {
                assert_eq!(values[Origin(entry.error).set()], entry.value);
            }
        }
    }
}
