//! The set of slots that a key can be in.

use super::cell::CellPool;
use super::flaw::{Flaw, is_planted};
use super::hints::Hints;
use super::key::{Key, KeyRef};
use super::rule::{Admission, Rule};
use super::slot::Slot;
use super::word::SlotWord;
use super::{Entry, Recorded, WAYS};
use crate::sync::{AtomicU64, Ordering, const_unless_loom, spin_loop};

/// Room for `WAYS` entries of a ledger, and for the keys of so many more as may be on
/// their way in at once.
///
/// A key belongs to one set, by its hash. Sets have nothing to do with each other.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `raise_bound`: bound `fetch_max` | Relaxed | | | the word is its own message | `ledger_2_merge` |
/// | `bound`: bound load | Relaxed | | | the word is its own message | `ledger_2_merge` |
///
/// # Invariants
/// - LEDGER-10: one key holds one slot. See [the module](super) for why.
#[derive(Debug)]
#[repr(align(64))]
pub struct LedgerSet<const WORDS: usize = 8> {
    hints: Hints,
    slots: [Slot; WAYS],
    /// What absent keys can have had although no entry is as high: what a merged ledger had lost
    /// (LEDGER-2, LEDGER-11).
    bound: AtomicU64,
    cells: CellPool<WORDS>,
}

/// Where an entry was, and the word that led to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) slot: usize,
    pub(super) word: SlotWord,
}

/// Slots that are looked at side by side.
const LANES: usize = if WAYS % 4 == 0 { 4 } else { 1 };

/// What a look for a key has found.
enum Found {
    /// The key's entry.
    Entry(Place),
    /// The least entry, or an empty slot, by value and then by place.
    Least { slot: usize, value: u64 },
}

impl<const WORDS: usize> LedgerSet<WORDS> {
    const_unless_loom! {
        /// An empty set.
        pub const fn new() -> LedgerSet<WORDS> {
            #[cfg(not(loom))]
            let slots = [const { Slot::new() }; WAYS];
            #[cfg(loom)]
            let slots = core::array::from_fn(|_| Slot::new());
            // Does not compile for a width that no key has.
            let _ = Key::<WORDS>::BYTES_MAX;
            LedgerSet { hints: Hints::new(), slots, bound: AtomicU64::new(0), cells: CellPool::new() }
        }
    }

    /// Records by `rule` for `key`.
    ///
    /// # Returns
    /// What happened, and where the entry is if there is one.
    pub(super) fn record(
        &self,
        key: KeyRef<'_, WORDS>,
        tag: u8,
        rule: impl Rule,
    ) -> (Recorded, Option<Place>) {
        let mut taken = None;
        let done = loop {
            if let Some(done) = self.try_record(key, tag, rule, &mut taken) {
                break done;
            }
        };
        if let Some(cell) = taken.filter(|_| !is_planted(Flaw::LeakedCell)) {
            self.cells.put_back(cell);
        }
        done
    }

    /// One attempt. `taken` is a cell with the key in it, if an earlier attempt has needed one; once
    /// the key is in, it is the cell that became free.
    ///
    /// # Returns
    /// `None` if another record has changed the word that this one was about to exchange.
    #[inline(always)]
    fn try_record(
        &self,
        key: KeyRef<'_, WORDS>,
        tag: u8,
        rule: impl Rule,
        taken: &mut Option<usize>,
    ) -> Option<(Recorded, Option<Place>)> {
        let (slot, floor) = match self.find(key, tag) {
            Found::Entry(place) => {
                let (done, place) = self.raise_at(place, rule)?;
                return Some((done, Some(place)));
            }
            Found::Least { slot, value } => (slot, value),
        };
        let Some(admission) = rule.admit(floor, || floor.max(self.bound())) else {
            return Some((Recorded::TurnedAway { floor }, None));
        };
        let Some(cell) = taken.or_else(|| self.cells.take(key)) else {
            // Others are on their way in with every spare cell.
            spin_loop();
            return None;
        };
        *taken = Some(cell);
        // At the same value it is the same word as before.
        let word = self.slots[slot].look();
        if word.value() != floor && !is_planted(Flaw::EvictByKey) {
            return None;
        }
        let least = Place { slot, word };
        let least = self.flawed_victim(least, admission.value);
        let place = self.admit_over(least, key, tag, admission, cell)?;
        *taken = (floor > 0).then(|| least.word.cell());
        Some((Recorded::Admitted { evicted: floor }, Some(place)))
    }

    /// Records by `rule` for the key that was at `place`.
    ///
    /// # Returns
    /// `None` if it must be looked for.
    #[inline(always)]
    pub(super) fn record_at(
        &self,
        place: Place,
        key: &Key<WORDS>,
        rule: impl Rule,
    ) -> Option<(Recorded, Place)> {
        let word = self.slots[place.slot].hint();
        let place = if word == place.word {
            place
        } else {
            Place { word: self.confirm(place.slot, place.word.tag(), key.into())?, ..place }
        };
        self.raise_at(place, rule)
    }

    /// `None` if the word has changed.
    #[inline(always)]
    fn raise_at(&self, place: Place, rule: impl Rule) -> Option<(Recorded, Place)> {
        let Place { slot, word } = place;
        let from = word.value();
        let Some(to) = rule.raise(from) else {
            return Some((Recorded::Kept { value: from }, place));
        };
        let Some(word) = self.slots[slot].raise(word, to) else {
            if is_planted(Flaw::AddTwice) {
                let word = self.slots[slot].look();
                let twice = rule.raise(word.value()).and_then(|sum| rule.raise(sum))?;
                self.slots[slot].raise(word, twice);
            }
            return None;
        };
        Some((Recorded::Raised { from, to }, Place { slot, word }))
    }

    /// `None` if the least entry's word has changed.
    fn admit_over(
        &self,
        Place { slot, word }: Place,
        key: KeyRef<'_, WORDS>,
        tag: u8,
        Admission { value, error }: Admission,
        cell: usize,
    ) -> Option<Place> {
        self.cells.cell(cell).set_error(key, error);
        let next = SlotWord::entry(value, tag, cell);
        if !self.slots[slot].replace(word, next) {
            return None;
        }
        self.hints.note(slot, tag);
        Some(Place { slot, word: next })
    }

    /// The victim itself, unless a model has planted a mistake.
    #[inline(always)]
    fn flawed_victim(&self, least: Place, value: u64) -> Place {
        let mut all = (0..WAYS).map(|slot| Place { slot, word: self.slots[slot].look() });
        if is_planted(Flaw::EvictByKey) {
            all.nth(least.slot).unwrap_or(least)
        } else if is_planted(Flaw::FirstLowerVictim) {
            all.find(|place| place.word.value() < value).unwrap_or(least)
        } else if is_planted(Flaw::EitherLeastVictim) && value % 2 == 1 {
            let tied = |place: &Place| place.word.value() == least.word.value();
            all.rfind(tied).unwrap_or(least)
        } else {
            least
        }
    }

    /// Looks for the key, and for the least entry on the way.
    ///
    /// A slot's value and tag come from one look at it; where the tag fits, a later look tells
    /// whether the key is there. So a key that is not found was not in the slot when its value was
    /// seen, or has left it since.
    #[inline]
    fn find(&self, key: KeyRef<'_, WORDS>, tag: u8) -> Found {
        let confirm = |slot| Some(Place { slot, word: self.confirm(slot, tag, key)? });
        match self.hints.find(tag, confirm) {
            Some(place) => Found::Entry(place),
            None => self.find_unhinted(key, tag),
        }
    }

    fn find_unhinted(&self, key: KeyRef<'_, WORDS>, tag: u8) -> Found {
        let mut least = [u64::MAX; LANES];
        let mut tagged = 0u64;
        for (row, slots) in self.slots.chunks_exact(LANES).enumerate() {
            for (lane, slot) in slots.iter().enumerate() {
                let (index, word) = (row * LANES + lane, slot.look());
                tagged |= u64::from(word.has_tag(tag)) << index;
                least[lane] = least[lane].min(word.rank(index));
            }
        }
        while tagged != 0 {
            let slot = tagged.trailing_zeros() as usize;
            if let Some(word) = self.confirm(slot, tag, key) {
                self.hints.note(slot, tag);
                return Found::Entry(Place { slot, word });
            }
            tagged &= tagged - 1;
        }
        let (slot, value) = SlotWord::of_rank(least.into_iter().fold(u64::MAX, u64::min));
        Found::Least { slot, value }
    }

    /// The slot's word, if it leads to the key.
    #[inline(always)]
    fn confirm(&self, slot: usize, tag: u8, key: KeyRef<'_, WORDS>) -> Option<SlotWord> {
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
        match self.find(key, tag) {
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
            if self.slots[place.slot].still(place.word) {
                return Some((place.word.value(), error));
            }
            place.word = self.confirm(place.slot, place.word.tag(), key)?;
        }
    }

    /// The value in a slot, 0 if it is empty.
    #[inline(always)]
    pub(super) fn value(&self, slot: usize) -> u64 {
        // Acquire, by `look`: if the slot has changed hands, the other slots are seen as high as the
        // one who evicted saw them.
        self.slots[slot].look().value()
    }

    /// The least value: an amount up to it would not get a new key in.
    pub(super) fn floor(&self) -> u64 {
        (0..WAYS).map(|slot| self.value(slot)).min().unwrap_or(0)
    }

    /// What a key can have had that was found absent *before* this call.
    pub(super) fn absent_max(&self) -> u64 {
        self.floor().max(self.bound())
    }

    pub(super) fn bound(&self) -> u64 {
        // Relaxed: whoever comes after a merge finds its bound, and nobody else has to.
        self.bound.load(Ordering::Relaxed)
    }

    /// Lets no reader think that absent keys had less than `bound`.
    pub(super) fn raise_bound(&self, bound: u64) {
        // Relaxed: the word is its own message.
        self.bound.fetch_max(bound, Ordering::Relaxed);
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        (0..WAYS).take_while(|slot| self.value(*slot) > 0).count()
    }

    /// How many cells are taken: as many as there are entries, and those on their way in or out.
    pub(super) fn cells_taken(&self) -> usize {
        self.cells.taken()
    }

    /// Changes value and error of an entry, while nobody else uses the ledger.
    pub(super) fn amend(&self, slot: usize, value: u64, error: u64) {
        let word = self.slots[slot].look();
        let cell = self.cells.cell(word.cell());
        cell.set_error((&cell.read().0).into(), error);
        if value > word.value() {
            let _ = self.slots[slot].raise(word, value);
        }
    }
}

impl<const WORDS: usize> Default for LedgerSet<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}
