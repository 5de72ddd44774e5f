//! A thread that stops for ever at any one atomic step: BUDGET-6.

use loom::thread;
use plimsoll_loom::budget::{Node, PercentWatermarks};

use super::{NONE, ROOT, Tree};
use crate::common::Model;

/// Stops a thread of the first leaf at the step that is this run's; all else goes on beside it and after it.
fn freeze(work: fn(&Tree)) {
    Model::bounded(2).at_least([900, 600, 450]).check_frozen(move |freezer| {
        let leaves = [Node::new(9, NONE), Node::new(9, NONE)];
        let [leaf, other] = leaves;
        let tree = Tree::new(leaf, other, Node::new(9, PercentWatermarks::pair(60, 30)));
        let (stopped, freezer) = (tree.clone(), freezer.clone());
        let stopped = thread::spawn(move || freezer.run(|| work(&stopped)));
        tree.reserve(0, 1).unwrap();
        tree.release(0, 1);
        stopped.join().unwrap();
        // At the leaf an ask may be in flight for ever: what it took is not free, and all else goes on.
        let kept = tree.nodes.each_ref().map(Node::usage);
        assert!(kept.into_iter().all(|usage| usage <= 2), "BUDGET-2: {kept:?}");
        tree.reserve(1, 5).unwrap();
        tree.reserve(0, 1).unwrap();
        // The root judges, whatever the stopped thread has left undone.
        tree.settle(ROOT);
        assert!(tree.nodes[ROOT].is_raised(), "GAUGE-4");
        tree.release(0, 1);
        tree.release(1, 5);
        tree.settle(ROOT);
        assert!(!tree.nodes[ROOT].is_raised(), "GAUGE-4");
        assert_eq!(tree.nodes.each_ref().map(Node::usage), kept, "BUDGET-2");
        let reading = tree.nodes[ROOT].reading();
        assert!((6..=8).contains(&reading.high_water), "GAUGE-5: {reading:?}");
        assert_eq!(tree.nodes[ROOT].take_high_water(), reading.high_water, "GAUGE-5");
    });
}

/// BUDGET-6: an ask is stopped anywhere, in flight too.
#[test]
fn budget_6_freeze_reserve() {
    freeze(|tree| {
        let _ = tree.reserve(0, 2);
    });
}

/// BUDGET-6: a release is stopped anywhere.
#[test]
fn budget_6_freeze_release() {
    freeze(|tree| {
        if tree.reserve(0, 2).is_ok() {
            tree.release(0, 2);
        }
    });
}

/// BUDGET-6: a resize is stopped anywhere, and so is a settlement.
#[test]
fn budget_6_freeze_resize() {
    freeze(|tree| {
        let _ = tree.nodes[ROOT].resize(Some(10));
        tree.settle(ROOT);
    });
}
