//! The largest entries.

use core::cmp::Reverse;
use core::ops::RangeInclusive;

use super::engine::{Aggregate, Ledger};
use super::lookup::Entry;
use super::set::LedgerSet;
use super::view::GroupView;
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
    /// One pass over the sets. It reads only keys whose values might belong in the buffer.
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
        let mut heap = Heap { buffer, len: 0, passed_over: 0 };
        let mut view = GroupView::EMPTY;
        let mut bound = 0;
        for group in self.groups() {
            let low = heap.least().map_or(*range.start(), |least| least + 1);
            view.read(group, &(low..=*range.end()));
            view.entries().iter().for_each(|entry| heap.offer(entry));
            heap.pass_over(view.passed_over);
            bound = view.absent_max.max(bound);
        }
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
                self.sift_down();
            }
            Some(_) => self.pass_over(entry.value),
        }
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

    fn sift_down(&mut self) {
        let mut parent = 0;
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
