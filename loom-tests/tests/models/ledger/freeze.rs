//! A thread that stops for ever within a record.

use loom::thread;
use plimsoll_loom::flaw::plant;
use plimsoll_loom::ledger::{Entry, LedgerHandle, Lookup};

use super::{key, peaks, sums};
use crate::common::{Freezer, Model};

/// LEDGER-3: a thread that stops for ever within an admission keeps nobody from
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

/// LEDGER-6: the same for sums, with one who adds by a handle. A weight may be lost that is being
/// added by the one who stops, and none of anybody else.
#[test]
fn ledger_6_a_frozen_sum() {
    plant(None);
    Model::bounded(2).at_least([2_000, 2_000, 2_000]).check_frozen(|freezer: &Freezer| {
        let truth = sums(&[(1, 5), (2, 6)]);
        let (freezer, other) = (freezer.clone(), truth.clone());
        let frozen = thread::spawn(move || {
            freezer.run(|| {
                other.ledger.record(&key(3), 2);
                other.ledger.record(&key(1), 1);
            });
        });
        let mut handle = LedgerHandle::new(&truth.ledger, key(1));
        handle.record(20);
        truth.ledger.record(&key(4), 9);
        let mine = [handle.get(), truth.ledger.get(&key(4))];
        frozen.join().unwrap();
        for (answer, sum) in mine.into_iter().zip([25, 9]) {
            assert!(answer.at_most() >= sum, "LEDGER-6: {answer:?}");
            if let Lookup::Present { value, error } = answer {
                assert!(value - error <= sum + 1, "LEDGER-6: {answer:?}");
            }
        }
        let total = truth.ledger.total();
        assert!((40..=43).contains(&total), "LEDGER-6: {total}");
    });
}
