//! Asks along a path beside other asks, releases and takes of the mark: BUDGET-1, BUDGET-2.

use loom::thread;
use plimsoll_loom::budget::{Asker, Node, PercentWatermarks, release, try_reserve};
use plimsoll_loom::flaw::Flaw;

use super::{NONE, ROOT, Tree};
use crate::common::Model;

/// BUDGET-1, BUDGET-2: of two asks that pass the check and do not fit together one is refused, and keeps
/// nothing; no usage is ever above its capacity.
#[test]
fn budget_1_exact() {
    let model = || {
        let tree = Tree::new(Node::new(4, NONE), Node::new(4, NONE), Node::new(5, NONE));
        let other = tree.clone();
        let other = thread::spawn(move || {
            let taken = other.reserve(1, 3).is_ok();
            if taken {
                other.release(1, 3);
            }
            taken
        });
        let mine = tree.reserve(0, 3);
        assert!(tree.nodes[ROOT].usage() <= 5, "BUDGET-1");
        assert!(tree.nodes[0].usage() <= 4, "BUDGET-1");
        let theirs = other.join().unwrap();
        assert!(theirs || mine.is_ok(), "one of them fits");
        let kept = if mine.is_ok() { 3 } else { 0 };
        tree.assert_at_rest([kept, 0, kept]);
        assert!(tree.nodes[ROOT].high_water() <= 5, "BUDGET-1");
    };
    let flaws = [Flaw::TakenUnchecked, Flaw::RootNotRolledBack];
    Model::bounded(3).at_least([23, 20, 90]).check_with_flaws(&flaws, model);
}

/// BUDGET-1: a release of more than there is gives nothing back, whatever is asked meanwhile.
#[test]
fn budget_1_released_too_much() {
    Model::bounded(3).at_least([15, 8, 8]).check(|| {
        let tree = Tree::new(Node::new(9, NONE), Node::new(9, NONE), Node::new(9, NONE));
        // The leaf has 8 in all, and the root does not.
        let leaf = || std::iter::once(&tree.nodes[0]);
        assert!(try_reserve(leaf(), 6, Asker::Newcomer).unwrap().is_none());
        tree.reserve(0, 2).unwrap();
        tree.reserve(1, 1).unwrap();
        let other = tree.clone();
        let other = thread::spawn(move || {
            let error = release(other.path(0), 7).unwrap_err();
            assert!((error.place, error.asked) == (1, 7) && (3..=5).contains(&error.usage));
        });
        let kept = if tree.reserve(1, 2).is_ok() { 3 } else { 1 };
        other.join().unwrap();
        tree.assert_at_rest([8, kept, 2 + kept]);
    });
}

/// BUDGET-2: an ask that is refused by the root makes no edge and no mark at its leaf, though others of the
/// leaf reserve, release, settle and read meanwhile.
#[test]
fn budget_2_edges() {
    let model = || {
        // At the leaf an edge is due at 8 of 10.
        let leaf = Node::new(10, PercentWatermarks::new());
        let tree = Tree::new(leaf, Node::new(10, NONE), Node::new(10, NONE));
        tree.reserve(0, 3).unwrap();
        let (asking, beside) = (tree.clone(), tree.clone());
        let asking = thread::spawn(move || asking.reserve(0, 4).is_ok());
        let beside = thread::spawn(move || beside.reserve(1, 2).is_ok());
        // Fits with either of them, and not with both.
        let mine = tree.reserve(0, 2).is_ok();
        tree.settle(0);
        let reading = tree.nodes[0].reading();
        assert!(reading.usage <= reading.high_water && reading.high_water <= 9, "GAUGE-5");
        let asked = asking.join().unwrap();
        let beside = if beside.join().unwrap() { 2 } else { 0 };
        let kept = 3 + if mine { 2 } else { 0 } + if asked { 4 } else { 0 };
        if kept < 8 {
            assert_eq!(tree.edges_of(0), 0, "BUDGET-2");
        }
        assert_eq!(tree.nodes[0].high_water(), kept, "BUDGET-2");
        tree.assert_at_rest([kept, beside, kept + beside]);
    };
    let flaws = [Flaw::AskNotCounted, Flaw::JudgedInFlight, Flaw::LastAskNotJudged];
    Model::bounded(2).at_least([10_000, 1_000, 800]).check_with_flaws(&flaws, model);
}

/// BUDGET-2: the same with a release beside it, and a mark that is taken meanwhile.
#[test]
fn budget_2_mark() {
    let model = || {
        let leaf = Node::new(10, PercentWatermarks::pair(60, 20));
        let tree = Tree::new(leaf, Node::new(10, NONE), Node::new(8, NONE));
        tree.reserve(0, 3).unwrap();
        let (asking, beside) = (tree.clone(), tree.clone());
        let asking = thread::spawn(move || asking.reserve(0, 4).is_ok());
        let beside = thread::spawn(move || beside.reserve(1, 3).is_ok());
        tree.release(0, 1);
        let first = tree.nodes[0].take_high_water();
        let asked = asking.join().unwrap();
        let beside = if beside.join().unwrap() { 3 } else { 0 };
        let kept = 2 + if asked { 4 } else { 0 };
        let second = tree.nodes[0].take_high_water();
        assert!(second >= kept, "GAUGE-5: a window begins with what is there");
        if !asked {
            assert_eq!((first, second), (3, 2), "BUDGET-2");
            assert_eq!(tree.edges_of(0), 0, "BUDGET-2");
        }
        assert!(first.max(second) <= 7, "GAUGE-5");
        tree.assert_at_rest([kept, beside, kept + beside]);
    };
    let flaws = [Flaw::MarkTakenInFlight];
    Model::bounded(2).at_least([1_800, 140, 100]).check_with_flaws(&flaws, model);
}

/// BUDGET-2: a window that begins while an ask is being kept has what it took.
#[test]
fn budget_2_mark_window() {
    Model::bounded(3).at_least([75, 75, 60]).check(|| {
        let tree = Tree::new(Node::new(9, NONE), Node::new(9, NONE), Node::new(9, NONE));
        let other = tree.clone();
        let other = thread::spawn(move || {
            other.reserve(0, 2).unwrap();
            other.reserve(0, 3).unwrap();
        });
        let first = tree.nodes[0].take_high_water();
        other.join().unwrap();
        let second = tree.nodes[0].take_high_water();
        assert_eq!((second, tree.nodes[0].high_water()), (5, 5), "GAUGE-5");
        assert!(first <= 5);
    });
}
