//! Removals that meet records and readers.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::ledger::{Entry, LedgerHandle, Lookup};

use super::{Peaks, SEED, check, key};
use crate::common::Model;

/// A ledger of one set with these entries.
fn peaks(entries: &[(u64, u64)]) -> Arc<Peaks<1, 1>> {
    let ledger = Peaks::<1, 1>::new(SEED);
    for (number, value) in entries {
        ledger.record(&key(*number), *value);
    }
    Arc::new(ledger)
}

fn listed(ledger: &Peaks<1, 1>) -> Vec<u64> {
    let mut listed: Vec<u64> = ledger.entries().filter_map(|e| e.key().as_integer()).collect();
    listed.sort_unstable();
    assert!(listed.is_sorted_by(|one, other| one < other), "LEDGER-10: {listed:?}");
    assert_eq!(ledger.cells_free(), 4 - listed.len(), "LEDGER-1: cells are conserved");
    listed
}

/// LEDGER-12, LEDGER-5: a removal that meets a raise of its own key, and a newcomer who may evict it.
/// What was removed is gone, what came after is there, and the floor has not fallen.
#[test]
fn ledger_12_remove() {
    let flaws = [Flaw::FreedSlot, Flaw::LeakedCell];
    check(Model::bounded(2).at_least([1, 500, 300]), &flaws, || {
        let ledger = peaks(&[(1, 5), (2, 9)]);
        let [raiser, newcomer] = [ledger.clone(), ledger.clone()];
        let raiser = thread::spawn(move || {
            raiser.record(&key(1), 10);
        });
        let newcomer = thread::spawn(move || {
            newcomer.record(&key(3), 8);
        });
        let removed = ledger.remove(&key(1)).map(|entry| entry.value());
        assert!(ledger.floor() >= 5, "LEDGER-5: {}", ledger.floor());
        raiser.join().unwrap();
        newcomer.join().unwrap();
        let is_gone = removed == Some(10);
        assert!(is_gone || removed.is_none_or(|value| value == 5), "LEDGER-12: {removed:?}");
        let answer = ledger.get(&key(1));
        assert_eq!(answer.value(), (!is_gone).then_some(10), "LEDGER-3, LEDGER-12: {removed:?}");
        let answer = ledger.get(&key(3));
        assert!(answer.at_most() >= 8, "LEDGER-3: {answer:?}");
        let listed = listed(&ledger);
        assert!(listed.contains(&2) && ledger.floor() >= 5, "LEDGER-5: {listed:?}");
    });
}

/// LEDGER-12: of two who remove one key, one has it.
#[test]
fn ledger_12_removed_once() {
    check(Model::bounded(3).at_least([1, 20, 20]), &[Flaw::LeakedCell], || {
        let ledger = peaks(&[(1, 5), (2, 9)]);
        let other = ledger.clone();
        let other = thread::spawn(move || other.remove(&key(1)).is_some());
        let mine = ledger.remove(&key(1)).is_some();
        assert!(mine != other.join().unwrap(), "LEDGER-12");
        assert_eq!(listed(&ledger), [2]);
    });
}

/// LEDGER-10: one newcomer on two threads gets one entry, also beside a removal. If a removal freed
/// its slot, the two would choose different ones.
#[test]
fn ledger_10_one_newcomer_twice_beside_a_removal() {
    check(Model::bounded(2).at_least([1, 900, 900]), &[Flaw::FreedSlot], || {
        let ledger = peaks(&[(1, 5), (2, 6)]);
        let [one, other] = [ledger.clone(), ledger.clone()];
        let one = thread::spawn(move || {
            one.record(&key(3), 7);
        });
        let other = thread::spawn(move || {
            other.remove(&key(2));
        });
        ledger.record(&key(3), 8);
        one.join().unwrap();
        other.join().unwrap();
        assert_eq!(ledger.get(&key(3)).value(), Some(8), "LEDGER-3");
        assert!(listed(&ledger).contains(&3), "LEDGER-10");
    });
}

/// LEDGER-7, LEDGER-12: a key that is removed, and whose cell is used again at once, is read whole
/// and with its own value; and a handle does not take the slot's next key for its own.
#[test]
fn ledger_7_removed_under_readers_and_handles() {
    let flaws = [Flaw::UnvalidatedReader, Flaw::CellForKey];
    check(Model::bounded(2).at_least([1, 300, 200]), &flaws, || {
        let ledger = peaks(&[(1, 5), (2, 9)]);
        let mut handle = LedgerHandle::new(&*ledger, key(1));
        handle.record(5);
        let other = ledger.clone();
        let other = thread::spawn(move || {
            other.remove(&key(1));
            // Its cell is the next one that is taken, and its slot the least.
            other.record(&key(3), 7);
        });
        let all = [(1, 5), (2, 9), (3, 7)];
        let read: Vec<Entry<1>> = ledger.entries().collect();
        for entry in read {
            let number = entry.key().as_integer().expect("a number");
            assert!(all.contains(&(number, entry.value())), "LEDGER-7: {entry:?}");
        }
        handle.record(8);
        other.join().unwrap();
        assert_ne!(ledger.get(&key(3)).value(), Some(8), "LEDGER-7");
        let answer = ledger.get(&key(1));
        assert!(matches!(answer, Lookup::Present { value: 8, .. } | Lookup::Absent { .. }));
        listed(&ledger);
    });
}
