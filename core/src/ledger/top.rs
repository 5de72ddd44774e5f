//! The largest entries.

use core::cmp::Reverse;
use core::ops::RangeInclusive;

use super::LANES;
use super::ceilings::Ceilings;
use super::engine::{Aggregate, Ledger};
use super::group::Group;
use super::largest::{Largest, Origin};
use super::lookup::Entry;
use super::set::LedgerSet;
use super::view::amend;
use super::word::{SlotWord, VALUE_MAX};

/// The largest entries of a ledger, the largest first.
#[derive(Clone, Copy, Debug)]
pub struct Top<'b, const WORDS: usize = 8> {
    entries: &'b [Entry<WORDS>],
    bound: u64,
    /// The largest value of those who are tracked and not listed.
    passed_over: u64,
}

impl<'b, const WORDS: usize> Top<'b, WORDS> {
    /// The entries.
    pub const fn entries(&self) -> &'b [Entry<WORDS>] {
        self.entries
    }

    /// What a key that the ledger does not track can have had at most.
    pub const fn bound(&self) -> u64 {
        self.bound
    }

    /// How many entries, from the first, are certainly the largest of all, ties aside: nobody else,
    /// listed or not, has more than any of them. Of sums this is certain of all of them together, and
    /// not of their order.
    pub fn covered(&self) -> usize {
        let (mut covered, mut certain) = (0, u64::MAX);
        for (place, entry) in self.entries.iter().enumerate() {
            certain = certain.min(entry.guaranteed());
            let next = self.entries.get(place + 1).map_or(self.passed_over, Entry::value);
            if certain >= next.max(self.bound) {
                covered = place + 1;
            }
        }
        covered
    }
}

impl<A: Aggregate, S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<A, S, WORDS> {
    /// The largest entries, as many as the buffer has room for.
    ///
    /// # Progress
    /// One pass over the ceilings of all sets, a second one if more than 14 entries are wanted, and one for
    /// the bound; of most sets it reads two cache lines. It reads only the keys that it lists. A listed slot
    /// that has changed meanwhile is compared with all before it.
    ///
    /// # Staleness
    /// Every record that was finished before the call is counted; each entry is as it was at one
    /// moment of the call. For each key that was removed meanwhile, or has moved to another slot, the list
    /// can be one shorter.
    pub fn top<'b>(&self, buffer: &'b mut [Entry<WORDS>]) -> Top<'b, WORDS> {
        self.top_between(&(1..=VALUE_MAX), buffer, |value| value)
    }

    /// The same of values in a range, shown as `show` says, which does not change their order.
    pub(super) fn top_between<'b>(
        &self,
        range: &RangeInclusive<u64>,
        buffer: &'b mut [Entry<WORDS>],
        show: impl Fn(u64) -> u64,
    ) -> Top<'b, WORDS> {
        let mut list = List { largest: Largest::new(buffer), range, bound: 0 };
        self.look_for_highest(&mut list);
        let passed_over = list.largest.passed_over();
        let (entries, bound) = list.read_keys(self.sets());
        let bound = self.bound_from(bound);
        // They are in order, unless records have come between. Of equal values, the more certain first.
        entries.sort_unstable_by_key(|entry| (Reverse(entry.value), entry.error));
        for entry in entries.iter_mut() {
            entry.value = show(entry.value);
        }
        Top { entries, bound: show(bound), passed_over: show(passed_over) }
    }

    /// Looks at all sets that can have one of the largest, or the largest of the others.
    fn look_for_highest(&self, list: &mut List<'_, '_, WORDS>) {
        let sets = self.sets();
        if self.groups == 1 {
            return sets.iter().enumerate().for_each(|(index, set)| list.look(index, set, None));
        }
        // As a rule, each of the largest is in a set of its own, and so is the first of the others. The ceiling
        // of one set more then tells that no other is needed.
        let room = list.largest.room().saturating_add(2);
        let mut highest = Ceilings::above(list.range.start().saturating_sub(1), room);
        let mut low = highest.low();
        for (index, set) in sets[..sets.len().min(Ceilings::SETS)].iter().enumerate() {
            let ceiling = set.ceiling.get();
            if ceiling > low {
                highest.insert(ceiling, index);
                low = highest.low();
            }
        }
        // Their own largest first, so that few others come into the list and leave it again.
        let mut seen = [None; Ceilings::ROOM];
        for (seen, (ceiling, index)) in seen.iter_mut().zip(highest.iter()) {
            if list.wants(ceiling) {
                *seen = list.take_largest_of(index, &sets[index]);
            }
        }
        for (seen, (ceiling, index)) in seen.into_iter().zip(highest.iter()) {
            if list.wants(ceiling) {
                list.look(index, &sets[index], seen);
            }
        }
        // No other set is above the low end.
        if sets.len() <= Ceilings::SETS && !list.wants(low) {
            return;
        }
        for (index, set) in sets.iter().enumerate() {
            if list.wants(set.ceiling.get()) && !highest.has(index) {
                list.look(index, set, None);
            }
        }
    }

    /// What absent keys can have had, or `least` if that is more. After the keys are read: what was evicted
    /// before is not above this.
    fn bound_from(&self, mut least: u64) -> u64 {
        if self.groups == 1 {
            return self.groups().fold(least, |least, group| group.absent_max().max(least));
        }
        let mut last = SlotWord::last_of(least);
        for set in self.sets() {
            if !set.is_absent_max_within(last) {
                least = Group([set]).absent_max().max(least);
                last = SlotWord::last_of(least);
            }
        }
        least
    }
}

/// What is known so far for a list of the largest.
struct List<'b, 'r, const WORDS: usize> {
    largest: Largest<'b, WORDS>,
    range: &'r RangeInclusive<u64>,
    /// What was seen of a key that is above the range.
    bound: u64,
}

impl<'b, const WORDS: usize> List<'b, '_, WORDS> {
    /// Whether a set with this ceiling can have an entry of the range that is above those passed over.
    #[inline(always)]
    fn wants(&self, ceiling: u64) -> bool {
        ceiling > self.largest.passed_over() && ceiling >= *self.range.start()
    }

    /// Takes in the largest of a set, unless that is a removed entry or above the range.
    ///
    /// # Returns
    /// Its slot.
    #[inline(never)]
    fn take_largest_of(&mut self, index: usize, set: &LedgerSet<WORDS>) -> Option<usize> {
        let word = set.highest_word();
        if !word.is_entry() || !self.range.contains(&word.value()) {
            return None;
        }
        let slot = set.slots.iter().position(|slot| slot.look() == word)?;
        self.take(word, index, slot);
        Some(slot)
    }

    /// Looks at the words of a set, but for one that was `seen`.
    #[inline(never)]
    fn look(&mut self, index: usize, set: &LedgerSet<WORDS>, seen: Option<usize>) {
        let mut last = self.last_unwanted();
        for (row, slots) in set.slots.chunks_exact(LANES).enumerate() {
            for (lane, slot) in slots.iter().enumerate() {
                let (word, place) = (slot.look(), row * LANES + lane);
                if word.word() > last {
                    if Some(place) != seen {
                        self.take(word, index, place);
                    }
                    last = self.last_unwanted();
                }
            }
        }
    }

    #[inline(never)]
    fn take(&mut self, word: SlotWord, set: usize, slot: usize) {
        if !word.is_entry() {
            return;
        }
        if word.value() > *self.range.end() {
            // What it had in the range is gone.
            self.bound = word.value().max(self.bound);
        } else {
            self.largest.offer(word.value(), Origin::new(set, slot, word));
        }
    }

    /// The highest word that changes nothing.
    #[inline(always)]
    fn last_unwanted(&self) -> u64 {
        let below = self.range.start().saturating_sub(1);
        SlotWord::last_of(below.max(self.largest.passed_over())).word()
    }

    /// Reads the keys, and the values anew. A key that is seen twice is found where a word has changed: if the
    /// words of two slots have not changed since before both were read, one key would have been in both.
    ///
    /// # Returns
    /// The entries, and what keys can have had that are above the range.
    fn read_keys(self, sets: &[LedgerSet<WORDS>]) -> (&'b mut [Entry<WORDS>], u64) {
        let List { largest, range, mut bound } = self;
        let (buffer, count) = largest.into_sorted();
        let mut len = 0;
        for place in 0..count {
            let (value, origin) = Origin::of(&buffer[place]);
            // Unless it was removed meanwhile.
            let Some((word, entry)) = sets[origin.set()].entry(origin.slot()) else { continue };
            if entry.value > *range.end() {
                bound = entry.value.max(bound);
            } else if origin.is_of(value, word) || !amend(&mut buffer[..len], &entry) {
                buffer[len] = entry;
                len += 1;
            }
        }
        buffer[len..count].fill(Entry::NONE);
        (&mut buffer[..len], bound)
    }
}
