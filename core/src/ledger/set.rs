//! The set of slots that a key can be in, and how it changes.

use super::cell::CellPool;
use super::flaw::{Flaw, is_planted};
use super::floor::NotedFloor;
use super::hints::Hints;
use super::key::Key;
use super::key_ref::KeyRef;
use super::rule::{Admission, Rule};
use super::search::Found;
use super::slot::Slot;
use super::word::SlotWord;
use super::{Recorded, WAYS};
use crate::sync::{AtomicU64, Ordering, const_unless_loom, spin_loop};

/// Room for `WAYS` entries of a ledger, and for the keys of so many more as may be on
/// their way in at once.
///
/// A key belongs to one set, by its hash. Sets have nothing to do with each other.
///
/// The first cache line finds a key's slot, or turns it away; after it come the keys, and then the
/// slots' words in cache lines of their own.
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
#[repr(C, align(64))]
pub struct LedgerSet<const WORDS: usize = 8> {
    pub(super) hints: Hints,
    floor: NotedFloor,
    /// What absent keys can have had although no entry is as high: what a merged ledger had lost
    /// (LEDGER-2, LEDGER-11).
    bound: AtomicU64,
    pub(super) cells: CellPool<WORDS>,
    pub(super) slots: [Slot; WAYS],
}

/// Where an entry was, and the word that led to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
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
            let (hints, floor, cells) = (Hints::new(), NotedFloor::new(), CellPool::new());
            LedgerSet { hints, floor, bound: AtomicU64::new(0), cells, slots }
        }
    }

    /// Records by `rule` for `key`.
    ///
    /// # Returns
    /// What happened, and where the entry is if there is one.
    #[inline]
    pub(super) fn record(
        &self,
        key: KeyRef<'_, WORDS>,
        tag: u8,
        rule: impl Rule,
    ) -> (Recorded, Option<Place>) {
        if let Some(place) = self.find_hinted(key, tag) {
            if let Some((done, place)) = self.raise_at(place, rule) {
                return (done, Some(place));
            }
        } else {
            // A key that is tracked and not hinted has this much as well: nothing would change.
            let floor = self.floor.get();
            if rule.is_idle(floor) {
                return (Recorded::TurnedAway { floor }, None);
            }
        }
        self.look_and_record(key, tag, rule)
    }

    /// The same, with a look at all slots.
    #[inline(never)]
    fn look_and_record(
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
        let (slot, floor) = match self.find_unhinted(key, tag) {
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
        let is_wrong = is_planted(Flaw::FloorTooHigh);
        self.floor.note(if is_wrong { admission.value } else { floor });
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
        self.note_hint(slot, tag);
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
