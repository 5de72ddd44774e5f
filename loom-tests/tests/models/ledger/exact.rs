//! An exact ledger of three entries: two sets that are looked at as one.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::ledger::{LedgerSet, Lookup};

use super::{Peaks, SEED, check, key};
use crate::common::Model;

/// Three entries, of which the last is in the second set.
fn exact(entries: &[(u64, u64)]) -> Arc<Peaks<2, 1>> {
    let sets = [LedgerSet::new(), LedgerSet::new()];
    let ledger = Peaks::<2, 1>::exact(sets, SEED, 3).expect("three entries");
    for (number, value) in entries {
        ledger.record(&key(*number), *value);
    }
    Arc::new(ledger)
}

/// LEDGER-2, LEDGER-10: newcomers evict the least of both sets, and one of two threads gets one entry.
#[test]
fn ledger_10_one_newcomer_of_two_sets() {
    check(Model::bounded(2).at_least([1, 200, 200]), &[Flaw::FirstSetsLeast], || {
        let ledger = exact(&[(1, 6), (2, 7), (4, 5)]);
        let other = ledger.clone();
        let other = thread::spawn(move || {
            other.record(&key(3), 8);
        });
        ledger.record(&key(3), 9);
        ledger.record(&key(5), 7);
        other.join().unwrap();
        let mut listed: Vec<(u64, u64)> = ledger
            .entries()
            .filter_map(|entry| Some((entry.key().as_integer()?, entry.value())))
            .collect();
        listed.sort_unstable();
        assert_eq!(listed, [(2, 7), (3, 9), (5, 7)], "LEDGER-2, LEDGER-10");
        assert_eq!(ledger.cells_free(), 5, "LEDGER-1: cells are conserved");
    });
}

/// LEDGER-11: of a key that moves from one set to the other during a lookup, no less is said than it
/// had.
#[test]
fn ledger_11_absent_of_two_sets() {
    check(Model::bounded(2).at_least([1, 200, 200]), &[Flaw::SingleCollect], || {
        let ledger = exact(&[(1, 4), (2, 9), (3, 5)]);
        let other = ledger.clone();
        let other = thread::spawn(move || {
            // Evicts the first, and then the third, which is the least by then.
            other.record(&key(4), 8);
            other.record(&key(5), 7);
        });
        let answer = ledger.get(&key(3));
        assert!(answer.at_most() >= 5, "LEDGER-11: {answer:?}");
        other.join().unwrap();
        assert_eq!(ledger.get(&key(3)), Lookup::Absent { at_most: 7 }, "LEDGER-11");
    });
}
