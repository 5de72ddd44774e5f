//! Two ledgers, what was recorded in each, and what they must say.

use std::collections::HashMap;

use plimsoll_core::ledger::{Aggregate, Ledger, Peak, Sum, VALUE_MAX};
use plimsoll_core::ledger::{
    Entry, Key, LedgerHandle, LedgerSet, Lookup, Recorded, Seed, sets_for_exact,
};

use super::name::{Name, Truth, cut, key};
use super::{Act, Op, Size};
use crate::Seen;

pub(super) type Boxed = Box<[LedgerSet]>;

pub(super) fn sets(count: usize) -> Boxed {
    (0..count).map(|_| LedgerSet::new()).collect()
}

pub(super) fn made<A: Kind>(size: Size, seed: Seed) -> Ledger<A, Boxed, 8> {
    match size {
        Size::Sets(count) => Ledger::with_sets(sets(count), seed).expect("there are sets"),
        Size::Exact(entries) => {
            let sets = sets(sets_for_exact(entries));
            Ledger::exact(sets, seed, entries).expect("1 to 80 entries")
        }
    }
}

/// What tells the two aggregates apart.
pub(super) trait Kind: Aggregate + Sized {
    const IS_SUM: bool;
    fn note(truth: &mut Truth, name: Name, amount: u64);
    fn merge(one: &mut Ledger<Self, Boxed, 8>, other: &Ledger<Self, Boxed, 8>);
}

impl Kind for Peak {
    const IS_SUM: bool = false;

    fn note(truth: &mut Truth, name: Name, amount: u64) {
        truth.on_peak(name, amount);
    }

    fn merge(one: &mut Ledger<Self, Boxed, 8>, other: &Ledger<Self, Boxed, 8>) {
        one.merge(other);
    }
}

impl Kind for Sum {
    const IS_SUM: bool = true;

    fn note(truth: &mut Truth, name: Name, amount: u64) {
        truth.on_weight(name, amount);
    }

    fn merge(one: &mut Ledger<Self, Boxed, 8>, other: &Ledger<Self, Boxed, 8>) {
        one.merge(other);
    }
}

/// One ledger and the truth about it.
struct Side<A> {
    ledger: Ledger<A, Boxed, 8>,
    truth: Truth,
    cells: usize,
    floor: u64,
    is_merged: bool,
    /// Whether something has reached the end of the range.
    is_cut: bool,
}

pub(super) struct Pair<A> {
    sides: [Side<A>; 2],
    alike: bool,
    seen: Seen,
}

impl<A: Kind> Pair<A> {
    pub(super) fn new(ledgers: [Ledger<A, Boxed, 8>; 2], alike: bool) -> Self {
        let sides = ledgers.map(|ledger| {
            let cells = ledger.cells_free();
            let (truth, floor) = (Truth::default(), 0);
            Side { ledger, truth, cells, floor, is_merged: false, is_cut: false }
        });
        Pair { sides, alike, seen: Seen::default() }
    }

    pub(super) fn run(mut self, ops: &[Op]) -> Seen {
        // Handles live between two merges, which need the ledgers for themselves.
        for ops in ops.split_inclusive(|op| matches!(op.act, Act::Merge)) {
            let acts = |side| ops.iter().filter(move |op| op.side == side).map(|op| op.act);
            for (side, place) in self.sides.iter_mut().zip(0..) {
                side.run(acts(place), &mut self.seen);
            }
            if let Some(Op { side, act: Act::Merge }) = ops.last() {
                self.merge(*side);
            }
        }
        self.seen
    }

    fn merge(&mut self, side: usize) {
        let [one, other] = &mut self.sides;
        let (into, from) = if side == 0 { (one, &*other) } else { (other, &*one) };
        A::merge(&mut into.ledger, &from.ledger);
        into.truth.merge(&from.truth, A::IS_SUM);
        into.is_merged = true;
        into.is_cut |= from.is_cut || into.ledger.is_saturated();
        into.assert_all(&mut self.seen);
        self.seen.note(if self.alike { "merged alike" } else { "merged unlike" });
    }
}

impl<A: Kind> Side<A> {
    fn run(&mut self, acts: impl Iterator<Item = Act>, seen: &mut Seen) {
        let Side { ledger, truth, .. } = self;
        let names = [3, 64, 130, 255];
        let mut handles = names.map(|name| LedgerHandle::new(&*ledger, key(name)));
        let mut was_tracked = [false; 4];
        for act in acts {
            match act {
                Act::Record(name, amount) => record(ledger, truth, name, amount, seen),
                Act::ByHandle(which, amount) => {
                    let place = usize::from(which);
                    let (handle, name) = (&mut handles[place], names[place]);
                    let before = ledger.get(&key(name)).value();
                    let recorded = handle.record(amount);
                    assert_eq!(handle.get(), ledger.get(handle.key()), "LEDGER-3");
                    A::note(truth, name, amount);
                    assert_recorded::<A>(recorded, before, amount);
                    let is_tracked = recorded.is_tracked();
                    seen.note_if(was_tracked[place] && before.is_none(), "handle lost its slot");
                    seen.note_if(
                        was_tracked[place] && before.is_some(),
                        "handle found its key again",
                    );
                    was_tracked[place] = is_tracked;
                }
                Act::Flood(first, count, from) => {
                    for step in 0..count {
                        let amount = from + u64::from(step);
                        record(ledger, truth, first.wrapping_add(step), amount, seen);
                    }
                }
                Act::Get(name) => {
                    let answer = ledger.get(&key(name));
                    assert_eq!(answer.value().is_some(), handles_hold(ledger, name), "LEDGER-7");
                }
                Act::Top(room) => assert_top(ledger, truth, usize::from(room)),
                Act::Remove(name) => self.is_cut |= remove(ledger, truth, name, seen),
                Act::Merge | Act::Turn(_) => {}
            }
        }
        self.is_cut |= self.ledger.is_saturated();
        self.assert_all(seen);
    }

    /// All that can be asked agrees with the truth.
    fn assert_all(&mut self, seen: &mut Seen) {
        let ledger = &self.ledger;
        let floor = ledger.floor();
        assert!(floor >= self.floor, "LEDGER-5: {floor} after {}", self.floor);
        self.floor = floor;
        assert!(ledger.len() <= ledger.slots(), "LEDGER-1");
        assert_eq!(ledger.cells_free() + ledger.len(), self.cells, "LEDGER-1: cells are conserved");
        let listed = listed(ledger);
        assert_eq!(listed.len(), ledger.len(), "LEDGER-10: each key once");
        let mut absent = 0;
        for (name, value) in self.truth.iter() {
            let entry = listed.get(&key(name));
            absent += u32::from(self.assert_one(name, cut(value), entry.copied()));
        }
        seen.note_if(absent > 0, "absent");
        seen.note_if(absent > 1 && ledger.slots() > 40, "absent, in two sets of several");
        seen.note_if(listed.values().any(|entry| entry.error() > 0), "sum with an error");
        seen.note_if(self.is_cut, "a value was cut");
        if A::IS_SUM && !self.is_merged && !self.is_cut {
            assert_eq!(u128::from(ledger.total()), self.truth.total(), "LEDGER-6: conserved");
        }
        self.assert_certificate(seen);
    }

    /// Whether the key is absent.
    fn assert_one(&self, name: Name, value: u64, entry: Option<Entry>) -> bool {
        let answer = self.ledger.get(&key(name));
        match (answer, entry) {
            (Lookup::Present { value: seen, error }, Some(entry)) => {
                assert_eq!((seen, error), (entry.value(), entry.error()), "LEDGER-7: {name}");
                if A::IS_SUM {
                    assert!((seen - error..=seen).contains(&value), "LEDGER-6: {name}: {value}");
                } else if self.is_merged {
                    assert!(seen <= value, "LEDGER-2: {name}: {value}");
                } else {
                    assert_eq!(seen, value, "LEDGER-2, LEDGER-3: {name}");
                }
                if !self.is_merged {
                    assert!(error <= self.ledger.floor_of(&key(name)), "LEDGER-6: {name}");
                }
                false
            }
            (Lookup::Absent { at_most }, None) => {
                assert!(value <= at_most, "LEDGER-3, LEDGER-11: {name}: {value}");
                if !self.is_merged {
                    assert_eq!(at_most, self.ledger.floor_of(&key(name)), "LEDGER-2: {name}");
                }
                true
            }
            (answer, entry) => panic!("LEDGER-7: {name}: {answer:?}, {entry:?}"),
        }
    }

    fn assert_certificate(&self, seen: &mut Seen) {
        let certificate = self.ledger.certificate();
        let mut buffer = vec![Entry::NONE; self.ledger.slots()];
        let top = self.ledger.top(&mut buffer);
        assert_eq!(top.bound(), certificate.bound(), "LEDGER-2");
        assert_eq!(top.covered(), certificate.covered(), "LEDGER-2");
        self.truth.assert_covered(top);
        if !A::IS_SUM {
            let values = top.entries().iter().map(|entry| u128::from(entry.value()));
            let largest = self.truth.descending().into_iter().map(|value| u128::from(cut(value)));
            let covered = top.covered();
            assert!(values.take(covered).eq(largest.take(covered)), "LEDGER-2: {top:?}");
        }
        let some = 0 < top.covered() && top.covered() < top.entries().len();
        seen.note_if(some, "some is certain");
        seen.note_if(
            !top.entries().is_empty() && top.covered() == top.entries().len(),
            "all is certain",
        );
    }
}

fn listed<A: Kind>(ledger: &Ledger<A, Boxed, 8>) -> HashMap<Key, Entry> {
    ledger.entries().map(|entry| (*entry.key(), entry)).collect()
}

fn handles_hold<A: Kind>(ledger: &Ledger<A, Boxed, 8>, name: Name) -> bool {
    ledger.entries().any(|entry| *entry.key() == key(name))
}

fn record<A: Kind>(
    ledger: &Ledger<A, Boxed, 8>,
    truth: &mut Truth,
    name: Name,
    amount: u64,
    seen: &mut Seen,
) {
    let key = key(name);
    let before = ledger.get(&key).value();
    let floor = ledger.floor_of(&key);
    let len = ledger.len();
    // To list them all takes longer than all the rest: one record in sixteen does.
    let listed = (amount % 16 == 1).then(|| listed(ledger));
    let (recorded, mut gone) = ledger.record_evicting(&key, amount);
    A::note(truth, name, amount);
    assert_recorded::<A>(recorded, before, amount);
    match recorded {
        Recorded::Raised { .. } => seen.note("raised"),
        Recorded::Kept { .. } => seen.note("kept"),
        Recorded::Admitted { evicted } => {
            let gone = gone.take();
            assert_eq!(gone.map_or(0, |entry| entry.value()), evicted, "LEDGER-12");
            if let Some(gone) = gone {
                if let Some(listed) = &listed {
                    assert_eq!(listed.get(gone.key()), Some(&gone), "LEDGER-12");
                }
                assert_eq!(ledger.get(gone.key()).value(), None, "LEDGER-12");
            }
            assert!(evicted == floor || evicted == 0, "LEDGER-2: the least goes");
            assert_eq!(ledger.len(), len + usize::from(evicted == 0), "LEDGER-1");
            seen.note(match (floor, evicted) {
                (0, _) => "admitted into a free slot",
                (_, 0) => "admitted over a tombstone",
                _ => "admitted over another",
            });
        }
        Recorded::TurnedAway { floor: at } => {
            assert!(at <= floor, "LEDGER-4");
            let is_too_little =
                if A::IS_SUM { amount == 0 || floor == VALUE_MAX } else { amount <= floor };
            assert!(is_too_little, "LEDGER-3, LEDGER-4: {amount} over {floor}");
            seen.note(if amount == 0 { "amount of 0" } else { "turned away" });
            seen.note_if(amount > 0 && amount == floor, "turned away at a tie");
        }
    }
    assert_eq!(gone, None, "LEDGER-12: only an admission evicts");
}

/// Removes a name, which is then as if it had never been; whether it had reached the end of the range.
fn remove<A: Kind>(
    ledger: &Ledger<A, Boxed, 8>,
    truth: &mut Truth,
    name: Name,
    seen: &mut Seen,
) -> bool {
    let (key, before, len) = (key(name), listed(ledger), ledger.len());
    let floor = ledger.floor_of(&key);
    let removed = ledger.remove(&key);
    assert_eq!(removed.as_ref(), before.get(&key), "LEDGER-12");
    assert_eq!(ledger.len(), len - usize::from(removed.is_some()), "LEDGER-1, LEDGER-12");
    assert_eq!(ledger.get(&key).value(), None, "LEDGER-12");
    assert_eq!(ledger.floor_of(&key), floor, "LEDGER-5");
    truth.remove(name);
    seen.note(if removed.is_some() { "removed" } else { "removed, and was absent" });
    removed.is_some_and(|entry| entry.is_saturated())
}

/// What the answer says of the value before, which others cannot have changed.
fn assert_recorded<A: Kind>(recorded: Recorded, before: Option<u64>, amount: u64) {
    let after = |value: u64| {
        let sum = u128::from(value) + u128::from(amount);
        if A::IS_SUM { cut(sum) } else { cut(amount.into()).max(value) }
    };
    let expected = before.map(|value| match after(value) {
        same if same == value => Recorded::Kept { value },
        to => Recorded::Raised { from: value, to },
    });
    match expected {
        Some(expected) => assert_eq!(recorded, expected, "LEDGER-3"),
        None => assert!(
            matches!(recorded, Recorded::Admitted { .. } | Recorded::TurnedAway { .. }),
            "LEDGER-11: {recorded:?}"
        ),
    }
}

fn assert_top<A: Kind>(ledger: &Ledger<A, Boxed, 8>, truth: &Truth, room: usize) {
    let mut buffer = vec![Entry::NONE; room];
    let top = ledger.top(&mut buffer);
    let mut values: Vec<u64> = ledger.entries().map(|entry| entry.value()).collect();
    values.sort_unstable_by(|one, other| other.cmp(one));
    values.truncate(room);
    assert!(top.entries().iter().map(Entry::value).eq(values), "LEDGER-2: {top:?}");
    truth.assert_covered(top);
}
