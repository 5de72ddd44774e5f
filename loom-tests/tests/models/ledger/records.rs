//! Records of peaks that meet on one set.

use loom::thread;
use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::ledger::LedgerHandle;

use super::{check, key, peaks, record_at_once};
use crate::common::Model;

/// LEDGER-3: a raise that meets the eviction of its own key is not lost, whichever comes first.
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

/// LEDGER-7: a cell that is used again, in the same slot and for another key, is not the handle's.
#[test]
fn ledger_7_a_cell_used_again_under_a_handle() {
    check(Model::bounded(2).at_least([60, 170, 25]), &[Flaw::CellForKey], || {
        let truth = peaks(&[(1, 5), (2, 9)]);
        let mut mine = LedgerHandle::new(&truth.ledger, key(1));
        mine.record(5);
        let other = truth.clone();
        // The first takes the slot of `mine`, and the second its slot and its cell.
        let other = thread::spawn(move || other.record_all(&[(3, 6), (4, 7)]));
        truth.by(1, 8, |amount| {
            mine.record(amount);
        });
        other.join().unwrap();
        truth.assert_at_rest();
    });
}

/// LEDGER-12: who was evicted is named by the one who took the place, with the value it had then.
#[test]
fn ledger_12_the_evicted() {
    check(Model::bounded(3).at_least([50, 70, 100]), &[Flaw::EvictByKey], || {
        let truth = peaks(&[(1, 5), (2, 9)]);
        let other = truth.clone();
        let other = thread::spawn(move || other.record_all(&[(1, 7)]));
        truth.by(3, 8, |amount| {
            let (_, evicted) = truth.ledger.record_evicting(&key(3), amount);
            let evicted = evicted.map(|entry| (entry.key().as_integer(), entry.value()));
            let possible = [Some((Some(1), 5)), Some((Some(1), 7))];
            assert!(possible.contains(&evicted), "LEDGER-12: {evicted:?}");
        });
        other.join().unwrap();
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

/// LEDGER-1: cells are conserved, whichever thread wins.
#[test]
fn ledger_1_cells() {
    check(Model::bounded(2).at_least([1900, 280, 360]), &[Flaw::LeakedCell], || {
        let truth = peaks(&[(1, 1), (2, 2)]);
        record_at_once(&truth, &[&[(3, 3), (4, 5)], &[(4, 4), (3, 6)]]);
        truth.assert_at_rest();
    });
}

/// LEDGER-4, LEDGER-11: a newcomer that the noted floor turns away, or a key that was evicted, finds no
/// less when it asks afterwards; and the note is never too high.
#[test]
fn ledger_4_the_noted_floor() {
    check(Model::bounded(2).at_least([4500, 1400, 400]), &[Flaw::FloorTooHigh], || {
        let truth = peaks(&[(1, 3), (2, 5)]);
        let other = truth.clone();
        let other = thread::spawn(move || other.record_all(&[(3, 7), (4, 8), (5, 9)]));
        truth.record_all(&[(6, 6)]);
        let answer = truth.ledger.get(&key(6));
        assert!(answer.at_most() >= 6, "LEDGER-4, LEDGER-11: {answer:?}");
        other.join().unwrap();
        truth.assert_at_rest();
    });
}
