//! Two ledgers, what was recorded in each, and what they must say.

use std::collections::HashMap;

use plimsoll_core::ledger::{Aggregate, Ledger, Peak, Sum, VALUE_MAX};
use plimsoll_core::{Entry, Key, LedgerHandle, LedgerSet, Lookup, Recorded};

use super::name::{Name, Truth, cut, key};
use super::{Act, Op};
use crate::Seen;

pub(super) type Boxed = Box<[LedgerSet]>;

pub(super) fn sets(count: usize) -> Boxed {
    (0..count).map(|_| LedgerSet::new()).collect()
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
        assert!(top.covered() <= certificate.covered(), "LEDGER-2");
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
    let recorded = ledger.record(&key, amount);
    A::note(truth, name, amount);
    assert_recorded::<A>(recorded, before, amount);
    match recorded {
        Recorded::Raised { .. } => seen.note("raised"),
        Recorded::Kept { .. } => seen.note("kept"),
        Recorded::Admitted { evicted } => {
            assert_eq!(evicted, floor, "LEDGER-2: the least goes");
            assert_eq!(ledger.len(), len + usize::from(floor == 0), "LEDGER-1");
            seen.note(if floor == 0 {
                "admitted into a free slot"
            } else {
                "admitted over another"
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
}

/// What the answer says of the value before, which others can not have changed.
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
