//! Budgets: BUDGET-1, BUDGET-2, BUDGET-3, BUDGET-4, BUDGET-6, and the levels of their nodes.

use std::sync::{Arc, Mutex};

use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;
use plimsoll_loom::budget::{
    Asker, Duties, Node, PercentWatermarks, Refusal, Refused, release, try_reserve,
};
use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::{Edge, Level};

use crate::common::Model;

const NONE: PercentWatermarks = PercentWatermarks::none();

/// A root with two leaves, and the edges that were handed out, by node.
struct Tree {
    /// Two leaves and the root.
    nodes: [Node; 3],
    edges: Mutex<Vec<(usize, Edge)>>,
}

const ROOT: usize = 2;

impl Tree {
    fn new(leaf: Node, other: Node, root: Node) -> Arc<Self> {
        Arc::new(Self { nodes: [leaf, other, root], edges: Mutex::default() })
    }

    fn path(&self, leaf: usize) -> impl Iterator<Item = &Node> + Clone {
        [&self.nodes[leaf], &self.nodes[ROOT]].into_iter()
    }

    fn reserve(&self, leaf: usize, amount: u64) -> Result<(), Refused> {
        self.reserve_as(Asker::Newcomer, leaf, amount)
    }

    fn reserve_as(&self, asker: Asker, leaf: usize, amount: u64) -> Result<(), Refused> {
        match try_reserve(self.path(leaf), amount, asker) {
            Ok(duties) => self.serve(leaf, duties),
            Err(refused) => {
                self.serve(leaf, refused.duties);
                return Err(refused);
            }
        }
        Ok(())
    }

    /// Returns whether the leaf, and the root, have waiters.
    fn release(&self, leaf: usize, amount: u64) -> [bool; 2] {
        let duties = release(self.path(leaf), amount).unwrap();
        self.serve(leaf, duties);
        [0, 1].map(|place| duties.has_waiters(place))
    }

    fn serve(&self, leaf: usize, duties: Duties) {
        for place in duties.edges() {
            self.settle([leaf, ROOT][place]);
        }
    }

    fn settle(&self, node: usize) {
        if let Some(edge) = self.nodes[node].settle() {
            self.edges.lock().unwrap().push((node, edge));
        }
    }

    /// With all threads done: the usage is what was kept, no edge is missing, and none was made that is
    /// not in order.
    fn assert_at_rest(&self, usage: [u64; 3]) {
        let mut edges = self.edges.lock().unwrap().clone();
        edges.sort_by_key(|(node, edge)| (*node, edge.sequence()));
        for (index, node) in self.nodes.iter().enumerate() {
            assert_eq!(node.usage(), usage[index], "BUDGET-2");
            let mut level = Level::Normal;
            let of_node = edges.iter().filter(|(of, _)| *of == index);
            for ((_, edge), sequence) in of_node.zip(1..) {
                assert_eq!((edge.sequence(), edge.from()), (sequence, level), "GAUGE-3");
                assert_ne!(edge.to(), level, "GAUGE-3");
                assert!(edge.peak() >= edge.depth());
                level = edge.to();
            }
            assert_eq!(level, node.level(), "GAUGE-4: no edge is missing");
            assert!(node.settle().is_none(), "GAUGE-4: no edge is due");
            let reading = node.reading();
            assert_eq!((reading.usage, reading.level), (usage[index], level));
            assert!(reading.usage <= reading.high_water, "GAUGE-5");
        }
    }

    fn edges_of(&self, node: usize) -> usize {
        self.edges.lock().unwrap().iter().filter(|(of, _)| *of == node).count()
    }
}

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

/// BUDGET-1: a release of more than there is gives nothing back, whoever asks meanwhile.
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

/// BUDGET-2, BUDGET-3: who has been refused for an ask in flight, and waits, is told of its rollback.
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

/// BUDGET-3: a release is not missed by who sets the flag and asks again.
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
