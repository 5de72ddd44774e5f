//! Reading a ledger, as many slots at a time as a key can be in.

use core::ops::RangeInclusive;

use super::engine::{Aggregate, Ledger};
use super::group::{AnyGroup, Groups};
use super::lookup::Entry;
use super::set::LedgerSet;
use super::word::SlotWord;
use super::{EXACT_MAX, VALUE_MAX, WAYS};

/// The entries of one group, each of them whole, and what keys that are not among them can have had.
pub(super) struct GroupView<const WORDS: usize> {
    entries: [Entry<WORDS>; EXACT_MAX],
    len: usize,
    tags: TagSet,
    /// What keys of the group can have had in the range or below that are not here.
    pub(super) absent_max: u64,
}

/// Which tags there have been.
struct TagSet([u64; 4]);

impl TagSet {
    const EMPTY: TagSet = TagSet([0; 4]);

    /// Whether the tag is new.
    fn insert(&mut self, word: SlotWord) -> bool {
        let tag = usize::from(word.tag());
        let (part, bit) = (&mut self.0[tag / 64], 1 << (tag % 64));
        let is_new = *part & bit == 0;
        *part |= bit;
        is_new
    }
}

impl<const WORDS: usize> GroupView<WORDS> {
    pub(super) const EMPTY: GroupView<WORDS> =
        GroupView { entries: [Entry::NONE; EXACT_MAX], len: 0, tags: TagSet::EMPTY, absent_max: 0 };

    pub(super) fn entries(&self) -> &[Entry<WORDS>] {
        &self.entries[..self.len]
    }

    /// Reads a group: entries of the range first, and then, again, how high absent keys can be.
    pub(super) fn read(&mut self, group: AnyGroup<'_, WORDS>, range: &RangeInclusive<u64>) {
        (self.len, self.tags) = (0, TagSet::EMPTY);
        let mut above = 0;
        for set in group.sets() {
            for slot in 0..WAYS {
                if set.look(slot).value() < *range.start() {
                    continue;
                }
                let Some((word, entry)) = set.entry(slot) else { continue };
                if entry.value <= *range.end() {
                    self.put(word, entry);
                } else {
                    // What it had in the range is gone.
                    above = entry.value.max(above);
                }
            }
        }
        self.absent_max = group.absent_max().max(above);
    }

    fn put(&mut self, word: SlotWord, entry: Entry<WORDS>) {
        if !self.tags.insert(word) && amend(&mut self.entries[..self.len], &entry) {
            return;
        }
        self.entries[self.len] = entry;
        self.len += 1;
    }
}

/// Changes the entry of the same key, if there is one: a key that has moved to another slot meanwhile is
/// seen twice, and there it has the higher value.
pub(super) fn amend<const WORDS: usize>(listed: &mut [Entry<WORDS>], entry: &Entry<WORDS>) -> bool {
    let Some(before) = listed.iter_mut().find(|before| before.key == entry.key) else {
        return false;
    };
    before.value = before.value.max(entry.value);
    before.error = entry.error;
    true
}

/// The entries of a ledger, in no order; each key once.
///
/// # Staleness
/// Each entry is as it was at one moment of the iteration. Of a key that came or went meanwhile,
/// either answer is right.
#[must_use = "iterators do nothing unless they are advanced"]
pub struct Entries<'l, const WORDS: usize> {
    groups: Groups<'l, WORDS>,
    view: GroupView<WORDS>,
    next: usize,
}

impl<A: Aggregate, S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<A, S, WORDS> {
    /// All entries. The iterator has room for a copy of two sets, about 7 KiB for the longest keys.
    pub fn entries(&self) -> Entries<'_, WORDS> {
        Entries { groups: self.groups(), view: GroupView::EMPTY, next: 0 }
    }
}

impl<const WORDS: usize> Iterator for Entries<'_, WORDS> {
    type Item = Entry<WORDS>;

    fn next(&mut self) -> Option<Entry<WORDS>> {
        loop {
            if let Some(entry) = self.view.entries().get(self.next) {
                self.next += 1;
                return Some(*entry);
            }
            self.view.read(self.groups.next()?, &(1..=VALUE_MAX));
            self.next = 0;
        }
    }
}
