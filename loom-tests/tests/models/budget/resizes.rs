//! Resizes beside asks: BUDGET-1, BUDGET-4, GAUGE-4.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::budget::{Asker, Node, PercentWatermarks, try_reserve};
use plimsoll_loom::flaw::Flaw;

use super::{NONE, ROOT, Tree};
use crate::common::Model;

/// BUDGET-1, BUDGET-4: once a resize has returned, nothing more is taken beyond it; what was there before
/// stays.
#[test]
fn budget_4_resize() {
    let model = || {
        let node = Arc::new(Node::new(9, NONE));
        let others = [1, 2].map(|_| {
            let node = node.clone();
            thread::spawn(move || {
                let path = || std::iter::once(&*node);
                try_reserve(path(), 3, Asker::Newcomer).is_ok()
            })
        });
        let _ = node.resize(Some(4)).unwrap();
        let usage = node.usage();
        let taken = others.map(|other| other.join().unwrap());
        let kept = taken.into_iter().filter(|taken| *taken).count() as u64 * 3;
        assert_eq!(node.usage(), kept);
        assert!(kept <= usage.max(4), "BUDGET-4: {kept} after {usage}");
        assert!(kept >= 3, "one fits always");
    };
    Model::bounded(3).at_least([2_500, 4_500, 800]).check_with_flaws(&[Flaw::TurnNotMoved], model);
}

/// BUDGET-4: two resizes at once leave one of their capacities, and each counts from when it returns.
#[test]
fn budget_4_resizes() {
    Model::bounded(3).at_least([2_500, 4_500, 450]).check(|| {
        let node = Arc::new(Node::new(9, NONE));
        let (first, asking) = (node.clone(), node.clone());
        let first = thread::spawn(move || {
            let _ = first.resize(Some(5)).unwrap();
        });
        let asking = thread::spawn(move || {
            try_reserve(std::iter::once(&*asking), 7, Asker::Newcomer).is_ok()
        });
        let _ = node.resize(Some(6)).unwrap();
        let usage = node.usage();
        first.join().unwrap();
        let taken = asking.join().unwrap();
        assert!(!taken || usage == 7, "BUDGET-4: taken after a resize had returned");
        assert!(matches!(node.capacity(), Some(5 | 6)));
        let again = try_reserve(std::iter::once(&*node), 7, Asker::Newcomer);
        assert!(again.is_err(), "BUDGET-4");
    });
}

/// BUDGET-4, GAUGE-4: the level agrees with the capacity that a resize has left, and each edge is handed to
/// one caller.
#[test]
fn budget_4_level() {
    let model = || {
        let marks = PercentWatermarks::pair(100, 50);
        let tree = Tree::new(Node::new(9, NONE), Node::new(9, NONE), Node::new(9, marks));
        let other = tree.clone();
        let other = thread::spawn(move || {
            other.reserve(0, 3).unwrap();
            other.release(0, 1);
        });
        for capacity in [3, 4] {
            let duties = tree.nodes[ROOT].resize(Some(capacity)).unwrap();
            if duties.is_edge_due(0) {
                tree.settle(ROOT);
            }
        }
        other.join().unwrap();
        tree.assert_at_rest([2, 0, 2]);
    };
    Model::bounded(2).at_least([350, 350, 50]).check(model);
}

/// BUDGET-4, GAUGE-4: a resize that finds an ask in flight leaves the level to who ends it, who goes by the
/// new capacity.
#[test]
fn budget_4_level_below_the_root() {
    Model::bounded(3).at_least([350, 1_000, 150]).check(|| {
        let marks = PercentWatermarks::pair(100, 50);
        let tree = Tree::new(Node::new(9, marks), Node::new(9, NONE), Node::new(9, NONE));
        let other = tree.clone();
        let other = thread::spawn(move || other.reserve(0, 3).unwrap());
        let duties = tree.nodes[0].resize(Some(3)).unwrap();
        if duties.is_edge_due(0) {
            tree.settle(0);
        }
        other.join().unwrap();
        tree.assert_at_rest([3, 0, 3]);
    });
}
