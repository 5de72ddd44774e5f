//! What one node alone hands from thread to thread, and who judges its level: BUDGET-2, BUDGET-4,
//! BUDGET-6.

use std::sync::Arc;

use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;
use plimsoll_loom::budget::{Asker, Duties, Node, PercentWatermarks, release, try_reserve};

use super::NONE;
use crate::common::Model;

/// BUDGET-6: what the last holder has done before its release is visible to who takes its room.
#[test]
fn budget_6_publishes() {
    Model::bounded(3).at_least([2, 2, 2]).check(|| {
        let node = Arc::new(Node::new(3, NONE));
        let data = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        // Whether the holder saw what the other one has done, if it got the room.
        let hold = |node: &Node, data: &[AtomicU64; 2], me: usize| {
            let path = || std::iter::once(node);
            let _ = try_reserve(path(), 3, Asker::Newcomer).ok()?;
            let seen = data[1 - me].load(Relaxed) == 1;
            data[me].store(1, Relaxed);
            let _ = release(path(), 3).unwrap();
            Some(seen)
        };
        let (other, other_data) = (node.clone(), data.clone());
        let other = thread::spawn(move || hold(&other, &other_data, 1));
        let mine = hold(&node, &data, 0);
        if let (Some(mine), Some(theirs)) = (mine, other.join().unwrap()) {
            assert!(mine || theirs, "BUDGET-6: the second holder has not seen the first");
        }
    });
}

/// BUDGET-2, GAUGE-5: what is taken after a take of the mark is in the new window, even if nothing but the
/// node tells the one thread of the other.
#[test]
fn budget_2_mark_window_begins_with_the_take() {
    Model::bounded(3).at_least([10, 10, 10]).check(|| {
        let node = Arc::new(Node::new(4, NONE));
        let move_by = |node: &Node, amount: u64| {
            let _ = try_reserve(std::iter::once(node), amount, Asker::Newcomer).unwrap();
            let _ = release(std::iter::once(node), amount).unwrap();
        };
        move_by(&node, 3);
        let taken = Arc::new(AtomicU64::new(0));
        let (other, other_taken) = (node.clone(), taken.clone());
        let taker = thread::spawn(move || {
            assert_eq!(other.take_high_water(), 3);
            other_taken.store(1, Relaxed);
        });
        let was_taken = taken.load(Relaxed) == 1;
        move_by(&node, 2);
        taker.join().unwrap();
        let last = node.take_high_water();
        assert!(last == 2 || !was_taken, "the new window shows {last}");
    });
}

/// One node, judged by one thread while the other moves it: with both done the level agrees (GAUGE-4).
fn judged_beside(
    usage: u64,
    judged: impl Fn(&Node) -> Duties + Copy + Send + Sync + 'static,
    moved: impl Fn(&Node) -> Duties + Copy + Send + Sync + 'static,
) {
    Model::bounded(3).at_least([20, 20, 20]).check(move || {
        let node = Arc::new(Node::new(4, PercentWatermarks::pair(75, 50)));
        let settle = |node: &Node, duties: Duties| {
            if duties.is_edge_due(0) { node.settle().into_iter().count() } else { 0 }
        };
        let path = || std::iter::once(&*node);
        let duties = try_reserve(path(), usage, Asker::Newcomer).unwrap();
        let mut edges = settle(&node, duties);
        let other = node.clone();
        let other = thread::spawn(move || settle(&other, judged(&other)));
        edges += settle(&node, moved(&node));
        edges += other.join().unwrap();
        assert!(node.settle().is_none(), "GAUGE-4: an edge was left");
        assert_eq!(node.is_raised(), edges % 2 == 1, "GAUGE-3");
    });
}

fn take(node: &Node) -> Duties {
    try_reserve(std::iter::once(node), 1, Asker::Newcomer).unwrap()
}

fn give(node: &Node) -> Duties {
    release(std::iter::once(node), 1).unwrap()
}

/// BUDGET-2, GAUGE-4: a raise is judged beside a release.
#[test]
fn budget_2_judged_beside_a_release() {
    judged_beside(2, take, give);
}

/// BUDGET-2, GAUGE-4: a clear is judged beside an ask.
#[test]
fn budget_2_judged_beside_an_ask() {
    judged_beside(3, give, take);
}

/// BUDGET-4, GAUGE-4: a raise is judged beside a resize.
#[test]
fn budget_4_judged_beside_a_resize() {
    judged_beside(2, take, |node| node.resize(Some(8)).unwrap());
}
