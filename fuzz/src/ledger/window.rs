//! Peaks of windows against a map for each of them.

use std::collections::BTreeMap;

use plimsoll_core::ledger::{Entry, Lookup, Recorded, Seed, WindowLedger, sets_for_exact};

use super::name::{Name, key};
use super::pair::{Boxed, sets};
use super::{Act, Op, Size};
use crate::Seen;

pub(super) struct Windows {
    ledger: WindowLedger<Boxed>,
    /// The peaks of each window.
    truth: BTreeMap<u64, BTreeMap<Name, u64>>,
    window: u64,
    seen: Seen,
}

impl Windows {
    pub(super) fn new(size: Size, seed: Seed, bits: u32) -> Self {
        let ledger = match size {
            Size::Sets(count) => WindowLedger::with_sets(sets(count), seed, bits),
            Size::Exact(entries) => {
                WindowLedger::exact(sets(sets_for_exact(entries)), seed, entries, bits)
            }
        };
        let ledger = ledger.expect("1 to 49 bits");
        Windows { ledger, truth: BTreeMap::new(), window: 0, seen: Seen::default() }
    }

    pub(super) fn run(mut self, ops: &[Op]) -> Seen {
        for op in ops {
            match op.act {
                Act::Record(name, size) => self.record(name, size),
                Act::ByHandle(name, size) => self.record(name, size),
                Act::Flood(first, count, from) => {
                    for step in 0..count {
                        self.record(first.wrapping_add(step), from + u64::from(step));
                    }
                }
                Act::Get(name) => self.assert_one(name),
                Act::Top(room) => self.assert_top(room.into()),
                Act::Remove(name) => self.remove(name),
                Act::Turn(by) => self.turn(by.into()),
                Act::Merge => self.window = u64::MAX,
            }
        }
        (0..=255).for_each(|name| self.assert_one(name));
        self.assert_top(1_000);
        self.seen
    }

    fn turn(&mut self, by: i64) {
        self.window = self.window.saturating_add_signed(by);
        self.seen.note(if by > 0 { "later window" } else { "earlier window" });
    }

    /// The number under which the ledger keeps the window.
    fn kept(&self) -> u64 {
        self.window.min(self.ledger.window_max())
    }

    fn record(&mut self, name: Name, size: u64) {
        let recorded = self.ledger.record(self.window, &key(name), size);
        let kept = self.kept();
        self.seen.note_if(kept < self.window, "last window");
        if size == 0 {
            assert!(!matches!(recorded, Recorded::Admitted { .. } | Recorded::Raised { .. }));
            return;
        }
        let size = size.min(self.ledger.peak_max());
        let peak = self.truth.entry(kept).or_default().entry(name).or_default();
        *peak = size.max(*peak);
    }

    fn remove(&mut self, name: Name) {
        let before = self.ledger.get(self.window, &key(name)).value();
        let removed = self.ledger.remove(self.window, &key(name)).map(|entry| entry.value());
        assert_eq!(removed, before, "LEDGER-12");
        self.truth.values_mut().for_each(|window| {
            window.remove(&name);
        });
        self.seen.note(if removed.is_some() { "removed" } else { "removed, and was absent" });
    }

    /// The truth of this window, and whether the name was seen in a later one.
    fn truth_of(&self, name: Name) -> (u64, bool) {
        let of = |window: &BTreeMap<Name, u64>| window.get(&name).copied();
        let peak = self.truth.get(&self.kept()).and_then(of).unwrap_or(0);
        let later = self.truth.range(self.kept() + 1..).any(|(_, window)| of(window).is_some());
        (peak, later)
    }

    fn assert_one(&mut self, name: Name) {
        let (peak, is_later) = self.truth_of(name);
        match self.ledger.get(self.window, &key(name)) {
            Lookup::Present { value, error } => {
                assert_eq!((value, error), (peak, 0), "LEDGER-2: {name}");
                assert!(!is_later, "LEDGER-5: {name}");
            }
            Lookup::Absent { at_most } => {
                assert!(peak <= at_most, "LEDGER-11: {name}: {peak}");
                self.seen.note_if(is_later, "of a window that is over");
            }
        }
    }

    fn assert_top(&self, room: usize) {
        let mut buffer = vec![Entry::NONE; room];
        let top = self.ledger.top(self.window, &mut buffer);
        let empty = BTreeMap::new();
        let truth = self.truth.get(&self.kept()).unwrap_or(&empty);
        let mut peaks: Vec<u64> = truth.values().copied().collect();
        peaks.sort_unstable_by(|one, other| other.cmp(one));
        let values = top.entries().iter().map(Entry::value);
        assert!(values.clone().is_sorted_by(|one, other| one >= other), "{top:?}");
        let covered = top.covered();
        // Also if some are in a later window by now: then nothing that might be theirs is covered.
        assert!(values.take(covered).eq(peaks.into_iter().take(covered)), "LEDGER-2: {top:?}");
    }
}
