//! Hints at the slots of keys.

use super::WAYS;
use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// The tags of a set's slots side by side, eight to a word, the first slot in the low byte.
///
/// A look at these few words finds the slot of nearly every tracked key, which is then confirmed at
/// the slot itself. Who changes a slot notes its tag here, and then looks whether the slot still has
/// it, so that the last note is the right one. A note that is stale nevertheless costs a look at all
/// slots, which mends it: only *all slots* tell that a key is absent. So nothing orders these words
/// with the slots, and a model's set is too small to have any.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | all | Relaxed | Relaxed | | a guess, confirmed at the slot | |
#[derive(Debug)]
pub(super) struct Hints {
    words: [AtomicU64; WORDS],
}

const WORDS: usize = WAYS / 8;
// A mask of guesses has room for eight rows; a model has none.
const _: () = assert!(WAYS <= 64 && (WAYS % 8 == 0 || WAYS < 8));
/// The lowest and the highest bit of every byte.
const LOW: u64 = u64::MAX / 0xff;
const HIGH: u64 = LOW << 7;

impl Hints {
    const_unless_loom! {
        pub(super) const fn new() -> Hints {
            #[cfg(not(loom))]
            let words = [const { AtomicU64::new(0) }; WORDS];
            #[cfg(loom)]
            let words = core::array::from_fn(|_| AtomicU64::new(0));
            Hints { words }
        }
    }

    /// The slots that may have the tag.
    #[inline(always)]
    pub(super) fn find(&self, tag: u8) -> Guesses {
        let mut guesses = 0;
        for (row, word) in self.words.iter().enumerate() {
            // Relaxed: a guess.
            let matches = matching(word.load(Ordering::Relaxed), tag);
            // A match is the highest bit of its byte: eight rows fit into one word.
            guesses |= matches >> (7 - row);
        }
        Guesses(guesses)
    }

    /// Notes the tag of a slot.
    #[inline(always)]
    pub(super) fn note(&self, slot: usize, tag: u8) {
        let Some(word) = self.words.get(slot / 8) else {
            return;
        };
        let shift = slot % 8 * 8;
        // Relaxed, all: a guess.
        let mut before = word.load(Ordering::Relaxed);
        loop {
            let after = before & !(0xff << shift) | u64::from(tag) << shift;
            match word.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(moved) => before = moved,
            }
        }
    }
}

/// Slots that may have a tag: row `r` and byte `b` of the hints are bit `8 * b + r`.
pub(super) struct Guesses(u64);

impl Iterator for Guesses {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(bit % 8 * 8 + bit / 8)
    }
}

/// The highest bit of each byte that equals `tag`, and now and then of the byte above such a one.
const fn matching(word: u64, tag: u8) -> u64 {
    let differs = word ^ (LOW * tag as u64);
    differs.wrapping_sub(LOW) & !differs & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_is_found_by_its_tag() {
        let hints = Hints::new();
        for slot in 0..WAYS {
            hints.note(slot, 100 + slot as u8);
        }
        for slot in 0..WAYS {
            assert!(hints.find(100 + slot as u8).any(|guess| guess == slot));
            hints.note(slot, 0);
            assert!(hints.find(100 + slot as u8).all(|guess| guess != slot));
        }
        let all = hints.find(0);
        assert_eq!(all.filter(|slot| *slot < WAYS).count(), WAYS);
    }

    #[test]
    fn no_equal_byte_is_missed() {
        for tag in 0..=255u8 {
            for place in 0..8 {
                for others in [0, 1, 0x7f, 0x80, 0xff, tag ^ 1] {
                    let shift = 8 * place;
                    let word =
                        (LOW * u64::from(others)) & !(0xff << shift) | u64::from(tag) << shift;
                    assert_ne!(matching(word, tag) & 0x80 << shift, 0, "{tag} in {word:x}");
                }
            }
        }
    }
}
