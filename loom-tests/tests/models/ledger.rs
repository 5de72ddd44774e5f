//! The ledger: LEDGER-1, LEDGER-2, LEDGER-3, LEDGER-5, LEDGER-6, LEDGER-7, LEDGER-10, LEDGER-11.
//!
//! In a model a set has two slots and two spare cells, and all tags are the same. Each model is run
//! as it is, and must pass; and with each mistake that it is there to find, and must fail.

mod truth;

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::ledger::{Flaw, plant};
use plimsoll_loom::{Entry, Key, LedgerHandle, LedgerSet, Lookup, PeakLedger, Seed, SumLedger};

use crate::common::{Freezer, Model};
use truth::{Recording, Truth};

const SEED: Seed = Seed::new(17, 4);

type Peaks<const SETS: usize, const WORDS: usize> = PeakLedger<[LedgerSet<WORDS>; SETS], WORDS>;
type Sums = SumLedger<[LedgerSet<1>; 1], 1>;

fn key(number: u64) -> Key<1> {
    Key::from(number)
}

/// Checks that `model` passes, and that it fails with each of the mistakes.
fn check(bounds: Model, flaws: &[Flaw], model: impl Fn() + Copy + Send + Sync + 'static) {
    plant(None);
    bounds.check(model);
    for flaw in flaws {
        plant(Some(*flaw));
        bounds.check_wrong(model);
    }
    plant(None);
}

/// A ledger of one set with these entries, and the truth about it.
fn peaks(entries: &[(u64, u64)]) -> Arc<Truth<Peaks<1, 1>>> {
    Truth::with(Peaks::<1, 1>::new(SEED), entries)
}

fn sums(entries: &[(u64, u64)]) -> Arc<Truth<Sums>> {
    Truth::with(Sums::new(SEED), entries)
}

/// Each list is recorded by a thread of its own, the last one by this.
fn record_at_once<L: Recording>(truth: &Arc<Truth<L>>, lists: &[&'static [(u64, u64)]]) {
    let (mine, others) = lists.split_last().expect("somebody records");
    let others: Vec<_> = others
        .iter()
        .map(|list| {
            let (truth, list) = (truth.clone(), *list);
            thread::spawn(move || truth.record_all(list))
        })
        .collect();
    truth.record_all(mine);
    for other in others {
        other.join().unwrap();
    }
}

/// LEDGER-3: a raise that meets the eviction of its own key is not lost, whoever comes first.
#[test]
fn ledger_3_raise_meets_eviction() {
    check(Model::bounded(3).at_least([50, 70, 100]), &[Flaw::EvictByKey], || {
        let truth = peaks(&[(1, 5), (2, 9)]);
        record_at_once(&truth, &[&[(1, 10)], &[(3, 8)]]);
        truth.assert_at_rest();
    });
}

/// LEDGER-3, LEDGER-5: the same with a second newcomer, and a raise that no longer gets in.
#[test]
fn ledger_3_raise_meets_two_evictions() {
    check(Model::bounded(2).at_least([50_000, 2000, 1000]), &[Flaw::EvictByKey], || {
        let truth = peaks(&[(1, 5), (2, 7)]);
        record_at_once(&truth, &[&[(1, 8)], &[(3, 9)], &[(4, 6)]]);
        truth.assert_at_rest();
    });
}

/// LEDGER-3: handles of one key on two threads, beside a newcomer.
#[test]
fn ledger_3_handles() {
    check(Model::bounded(2).at_least([15_000, 1800, 300]), &[], || {
        let truth = peaks(&[(1, 5), (2, 9)]);
        let mut mine = LedgerHandle::new(&truth.ledger, key(1));
        mine.record(5);
        let other = truth.clone();
        let other = thread::spawn(move || {
            let mut theirs = LedgerHandle::new(&other.ledger, key(1));
            other.by(1, 6, |amount| {
                theirs.record(amount);
            });
            other.by(1, 12, |amount| {
                theirs.record(amount);
            });
        });
        let newcomer = truth.clone();
        let newcomer = thread::spawn(move || newcomer.record_all(&[(3, 8)]));
        truth.by(1, 7, |amount| {
            mine.record(amount);
        });
        truth.by(1, 10, |amount| {
            mine.record(amount);
        });
        other.join().unwrap();
        newcomer.join().unwrap();
        truth.assert_at_rest();
    });
}

/// LEDGER-10: one newcomer on two threads gets one entry, over entries of different value.
#[test]
fn ledger_10_one_newcomer_twice() {
    check(Model::bounded(3).at_least([80, 170, 440]), &[Flaw::FirstLowerVictim], || {
        let truth = peaks(&[(1, 6), (2, 5)]);
        record_at_once(&truth, &[&[(3, 6)], &[(3, 7)]]);
        truth.assert_at_rest();
    });
}

/// LEDGER-10: the same over a tie, which is why the place decides between equals.
#[test]
fn ledger_10_one_newcomer_twice_over_a_tie() {
    check(Model::bounded(3).at_least([80, 260, 480]), &[Flaw::EitherLeastVictim], || {
        let truth = peaks(&[(1, 5), (2, 5)]);
        record_at_once(&truth, &[&[(3, 6)], &[(3, 7)]]);
        truth.assert_at_rest();
    });
}

/// LEDGER-1, LEDGER-2: into an empty set, three newcomers on three threads.
#[test]
fn ledger_2_newcomers() {
    check(Model::bounded(2).at_least([1900, 220, 270]), &[], || {
        let truth = peaks(&[]);
        record_at_once(&truth, &[&[(1, 3)], &[(2, 4)], &[(3, 5)]]);
        truth.assert_at_rest();
    });
}

/// LEDGER-1: cells are conserved, whoever has won or lost.
#[test]
fn ledger_1_cells() {
    check(Model::bounded(2).at_least([1900, 280, 360]), &[Flaw::LeakedCell], || {
        let truth = peaks(&[(1, 1), (2, 2)]);
        record_at_once(&truth, &[&[(3, 3), (4, 5)], &[(4, 4), (3, 6)]]);
        truth.assert_at_rest();
    });
}

/// LEDGER-7: a key that is being replaced, in a cell that is used again at once, is read whole and
/// with its own value.
#[test]
fn ledger_7_torn_readers() {
    check(Model::bounded(2).at_least([75, 240, 150]), &[Flaw::UnvalidatedReader], || {
        let name = |half: &[u8; 8], other: &[u8; 8]| {
            Key::<2>::new(&[*half, *other].concat()).expect("16 bytes")
        };
        let [old, new] = [name(b"old old ", b"old old "), name(b"new new ", b"new new ")];
        let ledger = Arc::new(Peaks::<1, 2>::new(SEED));
        let between = Key::from(3);
        let all = [(old, 5), (Key::from(2), 9), (between, 6), (new, 7)];
        for (key, value) in &all[..2] {
            ledger.record(key, *value);
        }
        let other = ledger.clone();
        let other = thread::spawn(move || {
            // The cell of `old` becomes free, and the next one that is taken.
            other.record(&between, 6);
            other.record(&new, 7);
        });
        let read: Vec<Entry<2>> = ledger.entries().collect();
        for entry in read {
            assert!(all.contains(&(*entry.key(), entry.value())), "LEDGER-7: {entry:?}");
        }
        other.join().unwrap();
    });
}

/// LEDGER-7: the same for one who looks for a key that is half the old one and half the new one.
#[test]
fn ledger_7_torn_lookups() {
    check(Model::bounded(2).at_least([2900, 280, 410]), &[Flaw::UnvalidatedReader], || {
        let name = |half: &[u8; 8], other: &[u8; 8]| {
            Key::<2>::new(&[*half, *other].concat()).expect("16 bytes")
        };
        let ledger = Arc::new(Peaks::<1, 2>::new(SEED));
        ledger.record(&name(b"old old ", b"old old "), 5);
        ledger.record(&Key::from(2), 9);
        let other = ledger.clone();
        let other = thread::spawn(move || {
            other.record(&Key::from(3), 6);
            other.record(&name(b"new new ", b"new new "), 7);
        });
        let never = [name(b"old old ", b"new new "), name(b"new new ", b"old old ")];
        for torn in never {
            assert!(matches!(ledger.get(&torn), Lookup::Absent { .. }), "LEDGER-7");
            assert!(!ledger.record(&torn, 1).is_tracked(), "LEDGER-7");
        }
        other.join().unwrap();
    });
}

/// LEDGER-11: of a key that is evicted while somebody asks, no less is said than it had.
#[test]
fn ledger_11_absent() {
    check(Model::bounded(3).at_least([1, 370, 490]), &[Flaw::SingleCollect], || {
        let truth = peaks(&[(1, 3), (2, 5)]);
        let other = truth.clone();
        let other = thread::spawn(move || other.record_all(&[(1, 10), (3, 7)]));
        let answer = truth.ledger.get(&key(2));
        assert!(answer.at_most() >= 5, "LEDGER-11: {answer:?}");
        other.join().unwrap();
        truth.assert_at_rest();
    });
}

/// LEDGER-2: a certificate is never overstated: what is not listed had no more than its bound.
#[test]
fn ledger_2_certificate() {
    check(Model::bounded(3).at_least([1, 2700, 3700]), &[Flaw::SingleCollect], || {
        let truth = peaks(&[(1, 3), (2, 5)]);
        let other = truth.clone();
        let other = thread::spawn(move || other.record_all(&[(1, 10), (3, 7)]));
        let mut buffer = [Entry::NONE; 4];
        let top = truth.ledger.top(&mut buffer);
        truth.assert_covers(&[(1, 3), (2, 5)], top.entries(), top.bound());
        let certificate = truth.ledger.certificate();
        assert!(certificate.covered() <= 2 && certificate.bound() >= 3, "LEDGER-2");
        other.join().unwrap();
        truth.assert_at_rest();
    });
}

/// LEDGER-10: a reader of all entries meets no key twice, even one that goes and comes back.
#[test]
fn ledger_10_listed_once() {
    check(Model::bounded(3).at_least([1, 750, 930]), &[], || {
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

/// LEDGER-6: nothing is lost of what is added up, and nothing counted twice.
#[test]
fn ledger_6_sums() {
    check(Model::bounded(2).at_least([1700, 900, 430]), &[Flaw::AddTwice], || {
        let truth = sums(&[(1, 5), (2, 9)]);
        record_at_once(&truth, &[&[(1, 2)], &[(3, 4)], &[(1, 3)]]);
        truth.assert_at_rest();
    });
}

/// LEDGER-6, LEDGER-10: one newcomer on two threads gets one entry and one inheritance.
#[test]
fn ledger_6_one_newcomer_twice() {
    check(Model::bounded(3).at_least([80, 260, 590]), &[Flaw::EitherLeastVictim], || {
        let truth = sums(&[(1, 5), (2, 5)]);
        record_at_once(&truth, &[&[(3, 1)], &[(3, 2)]]);
        truth.assert_at_rest();
    });
}

/// Three keys of a ledger of two sets, the first and the last of which are in different ones.
fn three_of_two_sets() -> [u64; 3] {
    let probe = Peaks::<2, 1>::new(SEED);
    // Until the first key's set is full: then the floors of keys tell the sets apart.
    let first = 1;
    let mut number = first;
    while probe.floor_of(&key(first)) == 0 {
        probe.record(&key(number), 1);
        number += 1;
    }
    let other = (number..).find(|number| probe.floor_of(&key(*number)) == 0);
    [first, number, other.expect("there are many numbers")]
}

/// LEDGER-2, LEDGER-11: a merge takes over what the other had lost, while both are recorded into.
#[test]
fn ledger_2_merge() {
    check(Model::bounded(2).at_least([2, 340, 360]), &[Flaw::NoMergeBound], || {
        let ledger = Arc::new(Peaks::<2, 1>::new(SEED));
        let lossy = Arc::new(Peaks::<1, 1>::new(SEED));
        let [high, low, lost] = three_of_two_sets();
        let before = [(high, 7), (low, 6), (lost, 6)];
        for (number, value) in before {
            lossy.record(&key(number), value);
        }
        ledger.record(&key(high), 2);
        let (other, others) = (ledger.clone(), lossy.clone());
        let other = thread::spawn(move || {
            other.record(&key(high), 9);
            others.record(&key(low), 8);
        });
        ledger.merge(&*lossy);
        for (number, value) in before {
            let answer = ledger.get(&key(number));
            assert!(answer.at_most() >= value, "LEDGER-11: {answer:?} of {number}");
        }
        assert!(ledger.certificate().bound() >= 6, "LEDGER-2");
        other.join().unwrap();
        assert_eq!(ledger.get(&key(high)).value(), Some(9), "LEDGER-3");
    });
}

/// LEDGER-3, LEDGER-6: a thread that stops for ever within an admission keeps nobody from
/// finishing, and what the others have recorded holds.
#[test]
fn ledger_3_a_frozen_newcomer() {
    plant(None);
    Model::bounded(2).at_least([6500, 5000, 6100]).check_frozen(|freezer: &Freezer| {
        let truth = peaks(&[(1, 5), (2, 6)]);
        let (freezer, other) = (freezer.clone(), truth.clone());
        let frozen = thread::spawn(move || {
            freezer.run(|| {
                other.ledger.record(&key(3), 7);
            });
        });
        for (number, value) in [(1, 8), (4, 9)] {
            truth.ledger.record(&key(number), value);
            let answer = truth.ledger.get(&key(number));
            assert!(answer.value() == Some(value), "LEDGER-3: {answer:?}");
        }
        frozen.join().unwrap();
        let mut buffer = [Entry::NONE; 2];
        let values: Vec<u64> =
            truth.ledger.top(&mut buffer).entries().iter().map(Entry::value).collect();
        assert_eq!(values, [9, 8], "LEDGER-2");
    });
}
