//! Waiters beside asks that end and room that is released: BUDGET-2, BUDGET-3.

use std::sync::Arc;

use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;
use plimsoll_loom::budget::{Asker, Node, Refusal};
use plimsoll_loom::flaw::Flaw;

use super::{NONE, ROOT, Tree};
use crate::common::Model;

/// Reserves of the first leaf as a newcomer, and waits as the documentation of the flag says.
///
/// Returns where it is left waiting, if it is.
fn wait_for(tree: &Tree, amount: u64) -> Option<usize> {
    let mut refused = tree.reserve(0, amount).err()?;
    loop {
        let place = refused.refusal.place().unwrap();
        assert!(refused.refusal.can_wait(), "{refused}");
        if tree.nodes[[0, ROOT][place]].set_waiting(true) {
            return Some(place);
        }
        refused = tree.reserve_as(Asker::Waiter, 0, amount).err()?;
    }
}

/// BUDGET-2, BUDGET-3: a waiter that was refused for an ask in flight is notified of its rollback.
#[test]
fn budget_2_rollback() {
    let model = || {
        let tree = Tree::new(Node::new(5, NONE), Node::new(9, NONE), Node::new(8, NONE));
        let (asking, beside) = (tree.clone(), tree.clone());
        // May take 4 of the leaf, and be refused by the root.
        let asking = thread::spawn(move || match asking.reserve(0, 4) {
            Ok(()) => asking.release(0, 4)[0],
            Err(refused) => refused.duties.has_waiters(0),
        });
        let beside = thread::spawn(move || {
            let taken = beside.reserve(1, 6).is_ok();
            taken && beside.release(1, 6)[1]
        });
        // The leaf refuses if the ask in flight is in the way.
        let waits = wait_for(&tree, 2);
        let told_by_leaf = asking.join().unwrap();
        let told_by_root = beside.join().unwrap();
        match waits {
            Some(0) => assert!(told_by_leaf, "BUDGET-2"),
            Some(_) => assert!(told_by_leaf || told_by_root, "BUDGET-3"),
            None => tree.assert_at_rest([2, 0, 2]),
        }
    };
    let flaws = [Flaw::RollbackNotTold];
    Model::bounded(2).at_least([3_000, 150, 100]).check_with_flaws(&flaws, model);
}

/// BUDGET-3: a waiter that sets the flag and asks again misses no release.
#[test]
fn budget_3_flag() {
    let model = || {
        let tree = Tree::new(Node::new(9, NONE), Node::new(9, NONE), Node::new(4, NONE));
        tree.reserve(1, 3).unwrap();
        let other = tree.clone();
        let other = thread::spawn(move || other.release(1, 3)[1]);
        let waits = wait_for(&tree, 2);
        let told = other.join().unwrap();
        assert!(waits.is_none() || told, "BUDGET-3: a release was missed");
    };
    Model::bounded(3).at_least([25, 20, 20]).check_with_flaws(&[Flaw::FlagReadBefore], model);
}

/// BUDGET-3: once the flag is set, no newcomer takes what was released.
#[test]
fn budget_3_newcomers() {
    let model = || {
        let tree = Tree::new(Node::new(9, NONE), Node::new(9, NONE), Node::new(4, NONE));
        tree.reserve(1, 3).unwrap();
        let is_set = Arc::new(AtomicU64::new(0));
        let (other, other_is_set) = (tree.clone(), is_set.clone());
        let newcomer = thread::spawn(move || {
            let was_set = other_is_set.load(Relaxed) == 1;
            let result = other.reserve(1, 2);
            assert!(result.is_err() || !was_set, "BUDGET-3: passed by a newcomer");
            result
        });
        tree.nodes[ROOT].set_waiting(true);
        is_set.store(1, Relaxed);
        assert!(tree.release(1, 3)[1]);
        let served = tree.reserve_as(Asker::Waiter, 0, 4);
        match newcomer.join().unwrap() {
            Ok(()) => assert_eq!(tree.release(1, 2), [false, true]),
            Err(refused) => {
                let refusal = refused.refusal;
                assert!(matches!(refusal, Refusal::Waiters { .. } | Refusal::NoRoom { .. }));
            }
        }
        let kept = if served.is_ok() { 4 } else { 0 };
        tree.assert_at_rest([kept, 0, kept]);
    };
    Model::bounded(3).at_least([50, 45, 100]).check_with_flaws(&[Flaw::FlagNotHeeded], model);
}
