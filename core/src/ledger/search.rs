//! Search for keys among the slots.

use super::group::{Found, Group};
use super::key_ref::KeyRef;
use super::lookup::Entry;
use super::set::{LedgerSet, Place};
use super::word::SlotWord;
use super::{LANES, WAYS};

impl<const WORDS: usize, const SETS: usize> Group<'_, WORDS, SETS> {
    /// Looks for the key, and for the least entry on the way.
    ///
    /// A slot's value and tag come from one look at it; where a tag fits, a later look tells
    /// whether the key is there. So a key that is not found was not in the slot when its value was
    /// seen, or has left it since.
    #[inline(always)]
    pub(super) fn find(self, key: KeyRef<'_, WORDS>, tag: u8) -> Found {
        let (mut least, mut fits) = self.first().survey(tag);
        let mut least_set = 0;
        for (index, set) in self.0.iter().enumerate().skip(1) {
            let (rank, fit) = set.survey(tag);
            let is_less = SlotWord::of_rank(rank).1 < SlotWord::of_rank(least).1;
            if is_less {
                (least, least_set) = (rank, index);
            }
            fits |= fit;
        }
        if fits >> 63 != 0 {
            for (index, set) in self.0.iter().enumerate() {
                for slot in 0..WAYS {
                    if let Some(word) = set.confirm(slot, tag, key) {
                        set.note_hint(slot, tag);
                        return Found::Entry(Place { set: index, slot, word });
                    }
                }
            }
        }
        let (slot, value) = SlotWord::of_rank(least);
        Found::Least { set: least_set, slot, value }
    }

    pub(super) fn get(self, key: KeyRef<'_, WORDS>, tag: u8) -> Result<(u64, u64), u64> {
        let found = match self.first().find_hinted(key, tag) {
            Some(place) => Found::Entry(place),
            None => self.find(key, tag),
        };
        match found {
            Found::Entry(place) => self.read_at(place, key).ok_or_else(|| self.absent_max()),
            Found::Least { .. } => Err(self.absent_max()),
        }
    }

    #[inline(never)]
    pub(super) fn absent_max(self) -> u64 {
        let floors = self.0.map(LedgerSet::floor);
        // The bound last: it was raised before what the look has seen.
        self.first().bound.get().over(floors.into_iter().min().unwrap_or(0))
    }

    fn read_at(self, mut place: Place, key: KeyRef<'_, WORDS>) -> Option<(u64, u64)> {
        let set = self.0[place.set];
        loop {
            let (_, error) = set.cells.cell(place.word.cell())?.read();
            if set.slots[place.slot].still(place.word) {
                return Some((place.word.value(), error));
            }
            place.word = set.confirm(place.slot, place.word.tag(), key)?;
        }
    }
}

const _: () = assert!(WAYS % (2 * LANES) == 0);

impl<const WORDS: usize> LedgerSet<WORDS> {
    /// The key's entry, as far as the hints know.
    #[inline(always)]
    pub(super) fn find_hinted(&self, key: KeyRef<'_, WORDS>, tag: u8) -> Option<Place> {
        for slot in self.hints.find(tag) {
            if let Some(word) = self.confirm(slot, tag, key) {
                return Some(Place { set: 0, slot, word });
            }
        }
        None
    }

    /// The rank of the least entry or empty slot, and a number whose highest bit is set if a tag fits.
    ///
    /// Ranks of a lane have the place of its row; the lane is added at the end, so that of equal values the
    /// first slot is still the least.
    #[inline(always)]
    fn survey(&self, tag: u8) -> (u64, u64) {
        let mut least = [u64::MAX; LANES];
        let mut fits = 0;
        for (row, slots) in self.slots.chunks_exact(2 * LANES).enumerate() {
            for (index, slot) in slots.iter().enumerate() {
                let word = slot.look();
                fits |= word.tag_fit(tag);
                let (lane, place) = (index % LANES, (2 * row + index / LANES) * LANES);
                least[lane] = least[lane].min(word.rank(place));
            }
        }
        let ranks = least.into_iter().enumerate().map(|(lane, rank)| rank | lane as u64);
        (ranks.fold(u64::MAX, u64::min), fits)
    }

    /// Notes the tag that a slot has, and that it still has afterwards.
    #[inline(always)]
    pub(super) fn note_hint(&self, slot: usize, mut tag: u8) {
        loop {
            self.hints.note(slot, tag);
            let now = self.look(slot);
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
            if !word.has_tag(tag) || word.is_empty() {
                return None;
            }
            // A cell that has been written anew answers no, and rightly: its key has left the slot. A
            // tombstone leads to none.
            if !self.cells.cell(word.cell())?.holds(key) {
                return None;
            }
            if slot.still(word) {
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
            let entry = self.cells.cell(word.cell())?.entry(word.value());
            if slot.still(word) {
                return Some((word, entry));
            }
        }
    }
}
