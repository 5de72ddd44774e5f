//! A set: its slots, and the cells for their keys.

use super::bound::Bound;
use super::ceiling::Ceiling;
use super::cell::CellPool;
use super::floor::NotedFloor;
use super::hints::Hints;
use super::key::Key;
use super::key_ref::KeyRef;
use super::lookup::Recorded;
use super::rule::Rule;
use super::slot::Slot;
use super::word::SlotWord;
use super::{LANES, WAYS};
use crate::sync::const_unless_loom;

/// Room for `WAYS` entries of a ledger, and for the keys of so many more as may be on
/// their way in at once.
///
/// A key belongs to one set, by its hash, and sets have nothing to do with each other; in an exact
/// ledger, all sets are looked at as one.
///
/// The first cache line finds a key's slot, or turns it away; after it come the slots' words, in five
/// cache lines of their own, and then the keys. A reader of the largest needs the first line and that
/// of the last slots of most sets. The words stand together, and cells are used from the first on, so an
/// admission finds most of what it needs on one page of memory.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct LedgerSet<const WORDS: usize = 8> {
    pub(super) hints: Hints,
    pub(super) floor: NotedFloor,
    /// What no value is above.
    pub(super) ceiling: Ceiling,
    /// What absent keys can have had (LEDGER-2, LEDGER-11).
    pub(super) bound: Bound,
    pub(super) slots: [Slot; WAYS],
    pub(super) cells: CellPool<WORDS>,
}

/// Where an entry was, and the word that led to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Which of the sets that the key can be in.
    pub(super) set: usize,
    pub(super) slot: usize,
    pub(super) word: SlotWord,
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
            let (hints, floor, ceiling) = (Hints::new(), NotedFloor::new(), Ceiling::new());
            LedgerSet { hints, floor, ceiling, bound: Bound::new(), slots, cells: CellPool::new() }
        }
    }

    /// An empty set with so many slots that entries can be in; the others are closed for ever.
    pub(super) fn with_open(open: usize) -> LedgerSet<WORDS> {
        let mut set = LedgerSet::new();
        set.slots.iter_mut().skip(open).for_each(|slot| *slot = Slot::closed());
        set
    }

    /// Loads a word of each cache line of slots, so that a look at them does not wait for one after the
    /// other.
    #[inline(always)]
    pub(super) fn touch_slots(&self) {
        for line in self.slots.chunks(8) {
            line.first().map(Slot::hint);
        }
    }

    /// Records by `rule` for `key`, as far as the first cache line tells.
    ///
    /// # Returns
    /// `None` if all slots must be looked at.
    #[inline(always)]
    pub(super) fn record_hinted(
        &self,
        key: KeyRef<'_, WORDS>,
        tag: u8,
        rule: impl Rule,
    ) -> Option<(Recorded, Option<Place>)> {
        if let Some(place) = self.find_hinted(key, tag) {
            let (done, place) = self.raise_at(place, rule)?;
            return Some((done, Some(place)));
        }
        // A key that is tracked and not hinted has this much as well: nothing would change.
        let floor = self.floor.get();
        rule.is_idle(floor).then_some((Recorded::TurnedAway { floor }, None))
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
    pub(super) fn raise_at(&self, place: Place, rule: impl Rule) -> Option<(Recorded, Place)> {
        let (slot, word) = (place.slot, place.word);
        let from = word.value();
        let Some(to) = rule.raise(from) else {
            return Some((Recorded::Kept { value: from }, place));
        };
        self.ceiling.cover_raise(to, &self.floor);
        let word = self.slots[slot].raise(word, to)?;
        Some((Recorded::Raised { from, to }, Place { word, ..place }))
    }

    /// The word in a slot.
    #[inline(always)]
    pub(super) fn look(&self, slot: usize) -> SlotWord {
        // Acquire, by `look`: if the slot has changed hands, the other slots are seen as high as the
        // one who evicted saw them.
        self.slots[slot].look()
    }

    /// The words of all slots.
    pub(super) fn looks(&self) -> impl Iterator<Item = SlotWord> + '_ {
        (0..WAYS).map(|slot| self.look(slot))
    }

    /// The least value.
    pub(super) fn floor(&self) -> u64 {
        SlotWord::from_word(self.fold_words(u64::MAX, u64::min)).value()
    }

    /// Whether a key that was found absent *before* this call has had no more than a value, by its
    /// [last word](SlotWord::last_of), as far as can be seen without a look at all slots: most sets have one
    /// that is not above it.
    #[inline(always)]
    pub(super) fn is_absent_max_within(&self, last: SlotWord) -> bool {
        // The last slots fill last. The bound is looked at last: it was raised before what the look has seen.
        self.slots.iter().rev().any(|slot| slot.look().word() <= last.word())
            && self.bound.get().value() <= last.value()
    }

    /// The word of the highest value.
    #[inline(always)]
    pub(super) fn highest_word(&self) -> SlotWord {
        SlotWord::from_word(self.fold_words(0, u64::max))
    }

    /// A fold of all slots' words, several side by side.
    #[inline(always)]
    fn fold_words(&self, start: u64, fold: impl Fn(u64, u64) -> u64) -> u64 {
        let mut lanes = [start; LANES];
        for slots in self.slots.chunks_exact(LANES) {
            for (lane, slot) in lanes.iter_mut().zip(slots) {
                *lane = fold(*lane, slot.look().word());
            }
        }
        lanes.into_iter().fold(start, fold)
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        // Slots fill in order.
        let words = self.looks().take_while(|word| !word.is_empty());
        words.filter(|word| word.is_entry()).count()
    }

    /// How many cells are taken: as many as there are entries, and those on their way in or out.
    pub(super) fn cells_taken(&self) -> usize {
        self.cells.taken()
    }

    /// Changes value and error of an entry, while no other thread uses the ledger.
    pub(super) fn amend(&self, slot: usize, value: u64, error: u64) {
        let word = self.look(slot);
        let Some(cell) = self.cells.cell(word.cell()) else {
            return;
        };
        cell.set_error((&cell.read().0).into(), error);
        if value > word.value() {
            self.ceiling.cover_raise(value, &self.floor);
            let _ = self.slots[slot].raise(word, value);
        }
    }
}

impl<const WORDS: usize> Default for LedgerSet<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}
