//! Sums that meet on one set.

use plimsoll_loom::flaw::Flaw;

use super::{check, record_at_once, sums};
use crate::common::Model;

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
