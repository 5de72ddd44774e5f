//! The largest entries.

use core::cmp::Reverse;
use core::ops::RangeInclusive;

use super::engine::{Aggregate, Ledger};
use super::group::{AnyGroup, Group};
use super::lookup::Entry;
use super::set::LedgerSet;
use super::view::{TagSet, read_entries};
use super::word::VALUE_MAX;

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
    /// One pass over the sets, of most of which it reads two cache lines. It reads only keys whose
    /// values might belong in the buffer.
    ///
    /// # Staleness
    /// Every record that was finished before the call is counted; each entry is as it was at one
    /// moment of the call.
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
        let heap = Heap { buffer, len: 0, passed_over: 0 };
        let mut list = List { heap, range, bound: 0 };
        self.read_highest(&mut list);
        let List { heap, bound, .. } = list;
        let Heap { buffer, len, passed_over } = heap;
        let entries = &mut buffer[..len];
        // Of equal values, the more certain first.
        entries.sort_unstable_by_key(|entry| (Reverse(entry.value), entry.error));
        for entry in entries.iter_mut() {
            entry.value = show(entry.value);
        }
        Top { entries, bound: show(bound), passed_over: show(passed_over) }
    }
}

/// Parts of a ledger, each with a set whose ceiling is the highest.
#[cfg(not(any(loom, shuttle)))]
const PARTS: usize = 16;
#[cfg(any(loom, shuttle))]
const PARTS: usize = 1;

impl<A: Aggregate, S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<A, S, WORDS> {
    /// Reads all groups of sets that can have one of the largest, or the largest of the others.
    fn read_highest(&self, list: &mut List<'_, '_, WORDS>) {
        if self.groups == 1 {
            return self.groups().for_each(|group| {
                list.read(group);
                list.bound(group);
            });
        }
        // Most of the largest are in sets that have the highest ceiling of their part.
        let sets = self.sets();
        let part_len = sets.len().div_ceil(PARTS);
        let mut highest = [(0, usize::MAX); PARTS];
        for (part, (highest, sets)) in highest.iter_mut().zip(sets.chunks(part_len)).enumerate() {
            for (index, set) in (part * part_len..).zip(sets) {
                let ceiling = set.ceiling.get();
                if ceiling > highest.0 {
                    *highest = (ceiling, index);
                }
            }
        }
        for _ in 0..PARTS {
            let Some(next) = highest.iter_mut().max_by_key(|(ceiling, _)| *ceiling) else { break };
            if !list.wants(next.0) {
                break;
            }
            next.0 = 0;
            list.read(AnyGroup::One(Group([&sets[next.1]])));
        }
        for (index, set) in sets.iter().enumerate() {
            let group = AnyGroup::One(Group([set]));
            if list.wants(set.ceiling.get()) && highest.iter().all(|(_, read)| *read != index) {
                list.read(group);
            }
            list.bound(group);
        }
    }
}

/// What has been read for a list of the largest.
struct List<'b, 'r, const WORDS: usize> {
    heap: Heap<'b, WORDS>,
    range: &'r RangeInclusive<u64>,
    /// What absent keys can have had.
    bound: u64,
}

impl<const WORDS: usize> List<'_, '_, WORDS> {
    /// Whether a set with this ceiling can have an entry of the range that is above those passed over.
    #[inline(always)]
    fn wants(&self, ceiling: u64) -> bool {
        ceiling > self.heap.passed_over && ceiling >= *self.range.start()
    }

    #[inline(never)]
    fn read(&mut self, group: AnyGroup<'_, WORDS>) {
        let mut tags = TagSet::EMPTY;
        let (start, end) = (*self.range.start(), *self.range.end());
        let low = |heap: &Heap<'_, WORDS>| heap.least().map_or(start, |least| least + 1);
        let passed_over = read_entries(group, low(&self.heap), |word, entry| {
            if entry.value > end {
                // What it had in the range is gone.
                self.bound = entry.value.max(self.bound);
            } else if tags.insert(word) || !self.heap.amend(&entry) {
                self.heap.offer(&entry);
            }
            low(&self.heap)
        });
        self.heap.pass_over(passed_over);
    }

    /// After the entries of the group, if they are read: what was evicted before is not above this.
    #[inline(always)]
    fn bound(&mut self, group: AnyGroup<'_, WORDS>) {
        self.bound = group.absent_max_from(self.bound);
    }
}

/// The largest entries that were offered, the least of them at the root of a binary heap.
struct Heap<'b, const WORDS: usize> {
    buffer: &'b mut [Entry<WORDS>],
    len: usize,
    /// The largest value for which there was no room.
    passed_over: u64,
}

impl<const WORDS: usize> Heap<'_, WORDS> {
    /// The least value, once there is no more room.
    fn least(&self) -> Option<u64> {
        if self.len < self.buffer.len() {
            return None;
        }
        Some(self.buffer.first().map_or(VALUE_MAX, |entry| entry.value))
    }

    fn offer(&mut self, entry: &Entry<WORDS>) {
        match self.least() {
            None => {
                self.buffer[self.len] = *entry;
                self.len += 1;
                self.sift_up(self.len - 1);
            }
            Some(least) if entry.value > least => {
                self.pass_over(least);
                self.buffer[0] = *entry;
                self.sift_down(0);
            }
            Some(_) => self.pass_over(entry.value),
        }
    }

    /// Changes the entry of the same key, if there is one: a key that has moved to another slot meanwhile
    /// is seen twice, and there it has the higher value.
    fn amend(&mut self, entry: &Entry<WORDS>) -> bool {
        let Some(place) = self.buffer[..self.len].iter().position(|e| e.key == entry.key) else {
            return false;
        };
        let before = &mut self.buffer[place];
        before.value = before.value.max(entry.value);
        before.error = entry.error;
        self.sift_down(place);
        true
    }

    fn pass_over(&mut self, value: u64) {
        self.passed_over = self.passed_over.max(value);
    }

    fn sift_up(&mut self, mut child: usize) {
        while child > 0 {
            let parent = (child - 1) / 2;
            if self.buffer[parent].value <= self.buffer[child].value {
                return;
            }
            self.buffer.swap(parent, child);
            child = parent;
        }
    }

    fn sift_down(&mut self, mut parent: usize) {
        loop {
            let children = 2 * parent + 1..(2 * parent + 3).min(self.len);
            let Some(least) = children.min_by_key(|child| self.buffer[*child].value) else {
                return;
            };
            if self.buffer[parent].value <= self.buffer[least].value {
                return;
            }
            self.buffer.swap(parent, least);
            parent = least;
        }
    }
}
