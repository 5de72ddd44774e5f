//! Merges, with ledgers that are recorded into meanwhile.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::ledger::{LedgerSet, Lookup, SumLedger};

use super::{Peaks, SEED, Sums, check, key};
use crate::common::Model;

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

/// LEDGER-11: a key that is evicted from merged sums during a lookup of it is said to have had no less
/// than it had. Their floor is no bound, so it is the eviction that says it.
#[test]
fn ledger_11_lost_by_merged_sums() {
    check(Model::bounded(3).at_least([1, 50, 50]), &[Flaw::LossUnsaid], || {
        let mut ledger = Sums::new(SEED);
        for (number, weight) in [(1, 5), (2, 9)] {
            ledger.record(&key(number), weight);
        }
        ledger.merge(&Sums::new(SEED));
        ledger.record(&key(1), 3);
        let ledger = Arc::new(ledger);
        let other = ledger.clone();
        let other = thread::spawn(move || {
            other.record(&key(3), 1);
        });
        let answer = ledger.get(&key(1));
        assert!(answer.at_most() >= 8, "LEDGER-11: {answer:?}");
        assert!(matches!(ledger.get(&key(4)), Lookup::Absent { at_most: 5 | 8 }), "LEDGER-11");
        other.join().unwrap();
        assert_eq!(ledger.certificate().bound(), 8, "LEDGER-6");
    });
}

/// LEDGER-6: a merge of sums keeps both bounds of every key, while the other is recorded into.
#[test]
fn ledger_6_merged_sums() {
    check(Model::bounded(2).at_least([1, 350, 300]), &[Flaw::NoMergeBound], || {
        let mut ledger = SumLedger::<[LedgerSet<1>; 2], 1>::new(SEED);
        let lossy = Arc::new(Sums::new(SEED));
        let [high, low, lost] = three_of_two_sets();
        ledger.record(&key(high), 5);
        // The last one takes the place of the first.
        for (number, weight) in [(lost, 4), (high, 7), (low, 3)] {
            lossy.record(&key(number), weight);
        }
        let others = lossy.clone();
        let other = thread::spawn(move || {
            others.record(&key(high), 1);
            others.record(&key(low), 2);
        });
        ledger.merge(&*lossy);
        other.join().unwrap();
        // What was recorded before the merge, and with what was recorded beside it.
        for (number, least, most) in [(high, 12, 13), (low, 3, 5), (lost, 4, 4)] {
            let answer = ledger.get(&key(number));
            let at_least = match answer {
                Lookup::Present { value, error } => value - error,
                Lookup::Absent { .. } => 0,
            };
            assert!(
                at_least <= most && least <= answer.at_most(),
                "LEDGER-6: {number}: {answer:?}"
            );
        }
        // Afterwards it goes on as a ledger that has seen both.
        ledger.record(&key(lost), 6);
        let answer = ledger.get(&key(lost));
        assert!(answer.at_most() >= 10, "LEDGER-6: {answer:?}");
    });
}
