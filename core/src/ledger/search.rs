//! How keys are found in a set.

use super::Entry;
use super::WAYS;
use super::flaw::{Flaw, is_planted};
use super::key_ref::KeyRef;
use super::set::{LedgerSet, Place};
use super::word::SlotWord;

/// Slots that are looked at side by side.
const LANES: usize = if WAYS % 4 == 0 { 4 } else { 1 };

/// What a look at all slots has found.
pub(super) enum Found {
    /// The key's entry.
    Entry(Place),
    /// The least entry, or an empty slot, by value and then by place.
    Least { slot: usize, value: u64 },
}

impl<const WORDS: usize> LedgerSet<WORDS> {
    /// The key's entry, as far as the hints know.
    #[inline(always)]
    pub(super) fn find_hinted(&self, key: KeyRef<'_, WORDS>, tag: u8) -> Option<Place> {
        for slot in self.hints.find(tag) {
            if let Some(word) = self.confirm(slot, tag, key) {
                return Some(Place { slot, word });
            }
        }
        None
    }

    /// Looks for the key, and for the least entry on the way.
    ///
    /// A slot's value and tag come from one look at it; where a tag fits, a later look tells
    /// whether the key is there. So a key that is not found was not in the slot when its value was
    /// seen, or has left it since.
    #[inline]
    pub(super) fn find_unhinted(&self, key: KeyRef<'_, WORDS>, tag: u8) -> Found {
        let mut least = [u64::MAX; LANES];
        let mut fits = 0;
        for (row, slots) in self.slots.chunks_exact(LANES).enumerate() {
            for (lane, slot) in slots.iter().enumerate() {
                let word = slot.look();
                fits |= word.tag_fit(tag);
                least[lane] = least[lane].min(word.rank(row * LANES + lane));
            }
        }
        if fits >> 63 != 0 {
            for slot in 0..WAYS {
                if let Some(word) = self.confirm(slot, tag, key) {
                    self.note_hint(slot, tag);
                    return Found::Entry(Place { slot, word });
                }
            }
        }
        let (slot, value) = SlotWord::of_rank(least.into_iter().fold(u64::MAX, u64::min));
        Found::Least { slot, value }
    }

    /// Notes the tag that a slot has, and that it still has afterwards.
    pub(super) fn note_hint(&self, slot: usize, mut tag: u8) {
        loop {
            self.hints.note(slot, tag);
            let now = self.slots[slot].look();
            if now.has_tag(tag) {
                return;
            }
            tag = now.tag();
        }
    }

    /// The slot's word, if it leads to the key.
    #[inline(always)]
    pub(super) fn confirm(&self, slot: usize, tag: u8, key: KeyRef<'_, WORDS>) -> Option<SlotWord> {
        let slot = &self.slots[slot];
        loop {
            let word = slot.look();
            // A cell that has been written anew answers no, and rightly: its key has left the slot.
            if word.is_empty() || !word.has_tag(tag) || !self.cells.cell(word.cell()).holds(key) {
                return None;
            }
            if slot.still(word) || is_planted(Flaw::UnvalidatedReader) {
                return Some(word);
            }
        }
    }

    /// The key, value and error in a slot at one moment.
    pub(super) fn entry(&self, slot: usize) -> Option<(SlotWord, Entry<WORDS>)> {
        let slot = &self.slots[slot];
        loop {
            let word = slot.look();
            if word.is_empty() {
                return None;
            }
            let (key, error) = self.cells.cell(word.cell()).read();
            if slot.still(word) || is_planted(Flaw::UnvalidatedReader) {
                return Some((word, Entry { key, value: word.value(), error }));
            }
        }
    }

    /// Value and error of the key's entry, or what an absent key can have had.
    pub(super) fn get(&self, key: KeyRef<'_, WORDS>, tag: u8) -> Result<(u64, u64), u64> {
        let found = match self.find_hinted(key, tag) {
            Some(place) => Found::Entry(place),
            None => self.find_unhinted(key, tag),
        };
        match found {
            Found::Entry(place) => self.read_at(place, key).ok_or_else(|| self.absent_max()),
            Found::Least { value, .. } if is_planted(Flaw::SingleCollect) => {
                Err(value.max(self.bound()))
            }
            Found::Least { .. } => Err(self.absent_max()),
        }
    }

    fn read_at(&self, mut place: Place, key: KeyRef<'_, WORDS>) -> Option<(u64, u64)> {
        loop {
            let (_, error) = self.cells.cell(place.word.cell()).read();
            let is_still = self.slots[place.slot].still(place.word);
            if is_still || is_planted(Flaw::UnvalidatedReader) {
                return Some((place.word.value(), error));
            }
            place.word = self.confirm(place.slot, place.word.tag(), key)?;
        }
    }
}
