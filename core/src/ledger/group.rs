//! The sets that a key can be in, and how they change.

use super::Recorded;
use super::bound::BoundWord;
use super::cell::Cell;
use super::key_ref::KeyRef;
use super::lookup::Entry;
use super::rule::{Admission, Rule};
use super::set::{LedgerSet, Place};
use super::word::{SlotWord, VALUE_MAX};
use crate::sync::spin_loop;

/// What a look at all slots has found.
pub(super) enum Found {
    /// The key's entry.
    Entry(Place),
    /// The least entry, tombstone or empty slot, by value and then by place.
    Least { set: usize, slot: usize, value: u64 },
}

/// The sets that a key can be in: one, by its hash; or both sets of an [exact](super::Ledger::exact)
/// ledger, which are looked at as if they were one.
///
/// The noted floor, and the bound on absent keys, are those of the first set.
///
/// # Invariants
/// - LEDGER-10: one key holds one slot of all. See [the module](super) for why; slots of different
///   sets stand in the order of their sets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'s, const WORDS: usize, const SETS: usize>(
    pub(super) [&'s LedgerSet<WORDS>; SETS],
);

/// A [`Group`] of one set or two.
#[derive(Clone, Copy, Debug)]
pub(super) enum AnyGroup<'s, const WORDS: usize> {
    One(Group<'s, WORDS, 1>),
    Two(Group<'s, WORDS, 2>),
}

/// A cell that an admission has taken, and the set that it is of.
#[derive(Clone, Copy)]
struct Taken {
    set: u8,
    cell: u8,
}

impl<'s, const WORDS: usize> AnyGroup<'s, WORDS> {
    #[inline(always)]
    pub(super) fn sets(&self) -> &[&'s LedgerSet<WORDS>] {
        match self {
            AnyGroup::One(group) => &group.0,
            AnyGroup::Two(group) => &group.0,
        }
    }

    /// Records by `rule` for `key`, with a look at all slots. `on_evicted` gets the cell of who went,
    /// and the value.
    #[inline(always)]
    pub(super) fn look_and_record(
        self,
        key: KeyRef<'_, WORDS>,
        tag: u8,
        rule: impl Rule,
        on_evicted: impl FnOnce(&Cell<WORDS>, u64),
    ) -> (Recorded, Option<Place>) {
        match self {
            AnyGroup::One(group) => group.look_and_record(key, tag, rule, on_evicted),
            AnyGroup::Two(group) => group.look_and_record(key, tag, rule, on_evicted),
        }
    }

    /// Value and error of the key's entry, or what an absent key can have had.
    pub(super) fn get(self, key: KeyRef<'_, WORDS>, tag: u8) -> Result<(u64, u64), u64> {
        match self {
            AnyGroup::One(group) => group.get(key, tag),
            AnyGroup::Two(group) => group.get(key, tag),
        }
    }

    /// Makes the key's slot a tombstone of the same value.
    ///
    /// # Returns
    /// The entry, unless the key is not tracked.
    pub(super) fn remove(self, key: KeyRef<'_, WORDS>, tag: u8) -> Option<Entry<WORDS>> {
        match self {
            AnyGroup::One(group) => group.remove(key, tag),
            AnyGroup::Two(group) => group.remove(key, tag),
        }
    }

    /// The one that has the group's noted floor and bound.
    pub(super) fn first(&self) -> &'s LedgerSet<WORDS> {
        match self {
            AnyGroup::One(group) => group.first(),
            AnyGroup::Two(group) => group.first(),
        }
    }

    /// The least value: an amount up to it would not get a new key in.
    pub(super) fn floor(&self) -> u64 {
        self.sets().iter().map(|set| set.floor()).min().unwrap_or(0)
    }

    /// Bounds of absent keys that a merge brought.
    pub(super) fn bound(&self) -> BoundWord {
        self.first().bound.get()
    }

    /// What a key can have had that was found absent *before* this call.
    pub(super) fn absent_max(&self) -> u64 {
        match self {
            AnyGroup::One(group) => group.absent_max(),
            AnyGroup::Two(group) => group.absent_max(),
        }
    }
}

/// The groups of a ledger.
#[derive(Debug)]
pub(super) struct Groups<'s, const WORDS: usize> {
    sets: &'s [LedgerSet<WORDS>],
    is_exact: bool,
}

impl<'s, const WORDS: usize> Groups<'s, WORDS> {
    pub(super) fn new(sets: &'s [LedgerSet<WORDS>], is_exact: bool) -> Self {
        Groups { sets, is_exact }
    }
}

impl<'s, const WORDS: usize> Iterator for Groups<'s, WORDS> {
    type Item = AnyGroup<'s, WORDS>;

    fn next(&mut self) -> Option<AnyGroup<'s, WORDS>> {
        let (group, rest) = match self.sets {
            [one, other, rest @ ..] if self.is_exact => (AnyGroup::Two(Group([one, other])), rest),
            [one, rest @ ..] => (AnyGroup::One(Group([one])), rest),
            [] => return None,
        };
        self.sets = rest;
        Some(group)
    }
}

impl<'s, const WORDS: usize, const SETS: usize> Group<'s, WORDS, SETS> {
    /// The one that has the group's noted floor and bound.
    #[inline(always)]
    pub(super) fn first(self) -> &'s LedgerSet<WORDS> {
        const { assert!(SETS > 0, "a group has a set") };
        self.0[0]
    }

    /// Records by `rule` for `key`, with a look at all slots. `on_evicted` gets the cell of who went,
    /// and the value.
    #[inline(never)]
    fn look_and_record(
        self,
        key: KeyRef<'_, WORDS>,
        tag: u8,
        rule: impl Rule,
        on_evicted: impl FnOnce(&Cell<WORDS>, u64),
    ) -> (Recorded, Option<Place>) {
        let mut taken = None;
        let done = loop {
            if let Some(done) = self.try_record(key, tag, rule, &mut taken) {
                break done;
            }
        };
        if let Some(Taken { set, cell }) = taken {
            let (cells, cell) = (&self.0[usize::from(set)].cells, usize::from(cell));
            if let (Recorded::Admitted { evicted }, Some(gone)) = (done.0, cells.cell(cell)) {
                // No slot leads there any more, and no other thread has it yet.
                on_evicted(gone, evicted);
            }
            cells.put_back(cell);
        }
        done
    }

    /// One attempt. `taken` is a cell with the key in it, if an earlier attempt has needed one; once
    /// the key is in, it is the cell that became free.
    ///
    /// # Returns
    /// `None` if another record has changed the word that this one was about to exchange.
    #[inline(always)]
    fn try_record<R: Rule>(
        self,
        key: KeyRef<'_, WORDS>,
        tag: u8,
        rule: R,
        taken: &mut Option<Taken>,
    ) -> Option<(Recorded, Option<Place>)> {
        let (index, slot, floor) = match self.find(key, tag) {
            Found::Entry(place) => {
                let (done, place) = self.0[place.set].raise_at(place, rule)?;
                return Some((done, Some(place)));
            }
            Found::Least { set, slot, value } => (set, slot, value),
        };
        let Some(admission) = rule.admit(floor, || floor.max(self.first().bound.get().value()))
        else {
            if R::IS_SUM && floor == VALUE_MAX {
                // Its weight is in no entry.
                self.first().bound.raise(VALUE_MAX);
            }
            return Some((Recorded::TurnedAway { floor }, None));
        };
        let set = self.0[index];
        let Some(cell) = self.take(index, key, taken) else {
            // Others are on their way in with every spare cell.
            spin_loop();
            return None;
        };
        // At the same value it is the same word as before, or that of a removed entry.
        let word = set.look(slot);
        if word.value() != floor {
            return None;
        }
        if R::IS_SUM && word.is_entry() && self.first().bound.get().is_whole() {
            // Before the exchange that publishes the eviction.
            self.first().bound.raise(floor);
        }
        let least = Place { set: index, slot, word };
        let place = set.admit_over(least, key, tag, admission, cell)?;
        let is_evicted = least.word.is_entry();
        *taken = is_evicted.then(|| Taken { set: index as u8, cell: least.word.cell() as u8 });
        if SETS == 1 {
            // Where there are two sets, the hints of the first do not tell whether a key is tracked.
            self.first().floor.note(floor);
        }
        let evicted = if is_evicted { floor } else { 0 };
        Some((Recorded::Admitted { evicted }, Some(place)))
    }

    /// A cell of the set with the key in it: the one that is taken, or another.
    #[inline(always)]
    fn take(self, set: usize, key: KeyRef<'_, WORDS>, taken: &mut Option<Taken>) -> Option<usize> {
        match *taken {
            Some(mine) if usize::from(mine.set) == set => return Some(mine.cell.into()),
            Some(mine) => self.0[usize::from(mine.set)].cells.put_back(mine.cell.into()),
            None => {}
        }
        let cell = self.0[set].cells.take(key);
        *taken = cell.map(|cell| Taken { set: set as u8, cell: cell as u8 });
        cell
    }

    fn remove(self, key: KeyRef<'_, WORDS>, tag: u8) -> Option<Entry<WORDS>> {
        loop {
            let Found::Entry(place) = self.find(key, tag) else {
                return None;
            };
            let (set, word) = (self.0[place.set], place.word);
            if !set.slots[place.slot].remove(word) {
                continue;
            }
            let entry = set.cells.cell(word.cell()).map(|cell| cell.entry(word.value()));
            // No slot leads there any more.
            set.cells.put_back(word.cell());
            return entry;
        }
    }
}

impl<const WORDS: usize> LedgerSet<WORDS> {
    /// `None` if the least entry's word has changed.
    #[inline(always)]
    fn admit_over(
        &self,
        least: Place,
        key: KeyRef<'_, WORDS>,
        tag: u8,
        Admission { value, error }: Admission,
        cell: usize,
    ) -> Option<Place> {
        self.cells.cell(cell)?.set_error(key, error);
        self.ceiling.cover(value);
        let next = SlotWord::entry(value, tag, cell);
        if !self.slots[least.slot].replace(least.word, next) {
            return None;
        }
        self.note_hint(least.slot, tag);
        Some(Place { word: next, ..least })
    }
}
