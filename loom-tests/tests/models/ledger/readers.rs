//! Readers beside a thread that records.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::ledger::{Entry, Key, Lookup};

use super::{Peaks, SEED, check, key, peaks, sums};
use crate::common::Model;

/// LEDGER-7: a key that is being replaced, in a cell that is used again at once, is read whole and
/// with its own value.
#[test]
fn ledger_7_torn_readers() {
    check(Model::bounded(2).at_least([75, 240, 150]), &[Flaw::UnvalidatedReader], || {
        beside_a_replacement(|ledger| {
            let read: Vec<Entry<2>> = ledger.entries().collect();
            assert_whole(&read);
        });
    });
}

/// LEDGER-7: the largest are listed by keys that are whole, each with its own value, though another key
/// has taken the slot since it was among the largest.
#[test]
fn ledger_7_torn_top() {
    let flaws = [Flaw::UnvalidatedReader, Flaw::ValueOfBefore];
    check(Model::bounded(2).at_least([120, 300, 115]), &flaws, || {
        beside_a_replacement(|ledger| {
            let mut buffer = [Entry::NONE; 2];
            assert_whole(ledger.top(&mut buffer).entries());
        });
    });
}

/// LEDGER-7: the same for one who looks for a key that is half the old one and half the new one.
#[test]
fn ledger_7_torn_lookups() {
    let flaws = [Flaw::UnvalidatedReader, Flaw::SlotForKey];
    check(Model::bounded(2).at_least([900, 280, 350]), &flaws, || {
        beside_a_replacement(|ledger| {
            let never = [name(b"old old ", b"new new "), name(b"new new ", b"old old ")];
            for torn in never {
                assert!(matches!(ledger.get(&torn), Lookup::Absent { .. }), "LEDGER-7");
                assert!(!ledger.record(&torn, 1).is_tracked(), "LEDGER-7");
            }
            // Of a name that there is, nobody else's number.
            let old = ledger.get(&name(b"old old ", b"old old "));
            assert!(matches!(old.value(), None | Some(5)), "LEDGER-7: {old:?}");
        });
    });
}

fn name(half: &[u8; 8], other: &[u8; 8]) -> Key<2> {
    Key::new(&[*half, *other].concat()).expect("16 bytes")
}

/// What is recorded beside a reader; the first two before it reads.
fn records() -> [(Key<2>, u64); 4] {
    let [old, new] = [name(b"old old ", b"old old "), name(b"new new ", b"new new ")];
    [(old, 5), (Key::from(2), 9), (Key::from(3), 6), (new, 7)]
}

/// Reads a ledger in which the old key is replaced: its cell becomes free, and the next one that is taken.
fn beside_a_replacement(read: impl FnOnce(&Peaks<1, 2>)) {
    let ledger = Arc::new(Peaks::<1, 2>::new(SEED));
    let record = |ledger: &Peaks<1, 2>, records: &[(Key<2>, u64)]| {
        for (key, value) in records {
            ledger.record(key, *value);
        }
    };
    record(&ledger, &records()[..2]);
    let other = ledger.clone();
    let other = thread::spawn(move || record(&other, &records()[2..]));
    read(&ledger);
    other.join().unwrap();
}

fn assert_whole(read: &[Entry<2>]) {
    for entry in read {
        assert!(records().contains(&(*entry.key(), entry.value())), "LEDGER-7: {entry:?}");
    }
}

/// LEDGER-6, LEDGER-7: a sum is read with its own error, also from a cell that is used again at once.
#[test]
fn ledger_6_torn_errors() {
    check(Model::bounded(2).at_least([110, 300, 95]), &[Flaw::UnvalidatedReader], || {
        // The last one has 1, and inherits 5.
        let truth = sums(&[(1, 5), (2, 9), (3, 1)]);
        let other = truth.clone();
        // Its cell becomes free, and the next one that is taken.
        let other = thread::spawn(move || other.record_all(&[(4, 1), (5, 1)]));
        let answer = truth.ledger.get(&key(3));
        let whole = Lookup::Present { value: 6, error: 5 };
        assert!(answer == whole || matches!(answer, Lookup::Absent { at_most: 6.. }), "{answer:?}");
        other.join().unwrap();
        truth.assert_at_rest();
    });
}

/// LEDGER-11: of a key that is evicted during a lookup, no less is said than it had.
#[test]
fn ledger_11_absent() {
    let flaws = [Flaw::SingleCollect, Flaw::FloorForgotten];
    check(Model::bounded(3).at_least([1, 370, 490]), &flaws, || {
        let truth = peaks(&[(1, 3), (2, 5)]);
        let other = truth.clone();
        let other = thread::spawn(move || other.record_all(&[(1, 10), (3, 7)]));
        let answer = truth.ledger.get(&key(2));
        assert!(answer.at_most() >= 5, "LEDGER-11: {answer:?}");
        assert!(answer.at_most() <= 7, "LEDGER-11: no more than the floor can be: {answer:?}");
        other.join().unwrap();
        truth.assert_at_rest();
    });
}

/// LEDGER-2: a certificate is never overstated: what is not listed had no more than its bound.
#[test]
fn ledger_2_certificate() {
    let flaws = [Flaw::BoundFirst, Flaw::BoundBeforeKeys];
    check(Model::bounded(3).at_least([1, 2700, 2300]), &flaws, || {
        let truth = peaks(&[(1, 3), (2, 5)]);
        let other = truth.clone();
        let other = thread::spawn(move || other.record_all(&[(1, 10), (3, 7)]));
        let mut buffer = [Entry::NONE; 4];
        let top = truth.ledger.top(&mut buffer);
        truth.assert_covers(&[(1, 3), (2, 5)], top.entries(), top.bound());
        let certificate = truth.ledger.certificate();
        // Each key with more than the bound is among the covered, and none of those had less.
        let (covered, bound) = (certificate.covered(), certificate.bound());
        let above = [3, 5].iter().filter(|value| **value > bound).count();
        assert!((above..=2).contains(&covered) && bound >= 3, "LEDGER-2: {certificate:?}");
        let ever = [3, 5, 10, 7].iter().filter(|value| **value >= bound).count();
        assert!(covered <= ever, "LEDGER-2: {certificate:?}");
        other.join().unwrap();
        truth.assert_at_rest();
    });
}

/// LEDGER-2: a certificate counts only those who are surely above what the sets have lost by the time
/// it is given, in whichever of them.
#[test]
fn ledger_2_certificate_of_two_sets() {
    check(Model::bounded(2).at_least([1, 100, 100]), &[Flaw::OnePass], || {
        let ledger = Arc::new(Peaks::<2, 1>::new(SEED));
        let ([first, second, third], elsewhere) = keys_of_two_sets();
        for (number, value) in [(first, 3), (second, 5), (elsewhere, 4)] {
            ledger.record(&key(number), value);
        }
        let other = ledger.clone();
        let other = thread::spawn(move || {
            other.record(&key(first), 10);
            // Evicts the second.
            other.record(&key(third), 7);
        });
        let certificate = ledger.certificate();
        other.join().unwrap();
        let most = match certificate.bound() {
            3 | 4 => 3,
            5 | 7 => 2,
            other => panic!("LEDGER-2: no floor was {other}"),
        };
        // Fewer, if it had to look further above for something that no longer rises.
        assert!(certificate.covered() <= most, "LEDGER-2: {certificate:?}");
        let at_rest = ledger.certificate();
        assert_eq!((at_rest.covered(), at_rest.bound()), (2, 7), "LEDGER-2");
    });
}

/// LEDGER-3: who has seen an entry raised finds it in the list of the largest, though its set's ceiling
/// was too low before.
#[test]
fn ledger_3_listed_once_seen() {
    check(Model::bounded(2).at_least([1, 70, 65]), &[Flaw::CeilingAfter], || {
        listed_once_seen(Some(3))
    });
}

/// LEDGER-3: the same of a newcomer.
#[test]
fn ledger_3_listed_once_admitted() {
    check(Model::bounded(2).at_least([1, 40, 40]), &[Flaw::CeilingAfter], || {
        listed_once_seen(None)
    });
}

fn listed_once_seen(before: Option<u64>) {
    let ledger = Arc::new(Peaks::<2, 1>::new(SEED));
    let ([first, second, _], elsewhere) = keys_of_two_sets();
    ledger.record(&key(first), 6);
    ledger.record(&key(second), 5);
    if let Some(value) = before {
        ledger.record(&key(elsewhere), value);
    }
    let other = ledger.clone();
    let other = thread::spawn(move || other.record(&key(elsewhere), 9));
    let seen = ledger.get(&key(elsewhere)).value();
    let mut buffer = [Entry::NONE];
    let top = ledger.top(&mut buffer);
    let listed = top.entries()[0].value();
    assert!(listed == 9 || (listed, seen) == (6, before), "LEDGER-3: {listed}, seen {seen:?}");
    assert_eq!(top.covered(), 1, "LEDGER-2: {top:?}");
    other.join().unwrap();
    assert_eq!(ledger.top(&mut buffer).entries()[0].value(), 9, "LEDGER-3");
}

/// Three keys of one set, and one of the other.
fn keys_of_two_sets() -> ([u64; 3], u64) {
    let probe = Peaks::<2, 1>::new(SEED);
    let is_full = |number: &u64| probe.floor_of(&key(*number)) > 0;
    // Until the first key's set is full: then the floors of keys tell the sets apart.
    let second = (1..).find(|number| {
        probe.record(&key(*number), 1);
        is_full(&1)
    });
    let second = second.expect("there are many numbers");
    let third = (second + 1..).find(is_full).expect("there are many numbers");
    let elsewhere = (second + 1..).find(|number| !is_full(number));
    ([1, second, third], elsewhere.expect("there are many numbers"))
}

/// LEDGER-10: a reader of all entries meets no key twice, even one that goes and comes back.
#[test]
fn ledger_10_listed_once() {
    check(Model::bounded(3).at_least([1, 750, 930]), &[Flaw::ListedTwice], || {
        let truth = peaks(&[(1, 3), (2, 5)]);
        let other = truth.clone();
        let other = thread::spawn(move || other.record_all(&[(3, 6), (1, 7)]));
        let mut listed: Vec<u64> =
            truth.ledger.entries().filter_map(|entry| entry.key().as_integer()).collect();
        listed.sort_unstable();
        assert!(listed.is_sorted_by(|one, other| one < other), "LEDGER-10: {listed:?}");
        other.join().unwrap();
        truth.assert_at_rest();
    });
}

/// LEDGER-10: nor is a key among the largest twice, which has moved to a slot whose key is read later.
#[test]
fn ledger_10_largest_once() {
    check(Model::bounded(2).at_least([180, 390, 230]), &[Flaw::ListedTwice], || {
        let truth = peaks(&[(1, 5), (2, 3)]);
        let other = truth.clone();
        // The first is evicted, and comes back over the second.
        let other = thread::spawn(move || other.record_all(&[(2, 9), (3, 6), (3, 20), (1, 10)]));
        let mut buffer = [Entry::NONE; 2];
        let top = truth.ledger.top(&mut buffer);
        let listed = top.entries();
        assert!(listed.len() < 2 || listed[0].key() != listed[1].key(), "LEDGER-10: {listed:?}");
        truth.assert_covers(&[(1, 5), (2, 3)], listed, top.bound());
        other.join().unwrap();
        truth.assert_at_rest();
    });
}

/// LEDGER-6, LEDGER-10: a key that moves to another slot while sums are listed is listed once, with
/// the error that belongs to its sum.
#[test]
fn ledger_6_listed_sums() {
    check(Model::bounded(3).at_least([170, 1400, 670]), &[Flaw::ListedTwice], || {
        let truth = sums(&[(1, 5), (2, 6)]);
        let other = truth.clone();
        let other = thread::spawn(move || other.record_all(&[(3, 2), (1, 1)]));
        let listed: Vec<Entry<1>> = truth.ledger.entries().collect();
        assert!(listed.len() < 2 || listed[0].key() != listed[1].key(), "LEDGER-10: {listed:?}");
        for entry in listed.iter().filter(|entry| *entry.key() == key(1)) {
            let (least, most) = (entry.value().checked_sub(entry.error()), entry.value());
            assert!(least.is_some_and(|least| least <= 6) && most >= 5, "LEDGER-6: {entry:?}");
        }
        other.join().unwrap();
        truth.assert_at_rest();
    });
}
