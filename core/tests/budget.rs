//! Budgets: what is promised in a single thread, and by real threads at rest.

use std::iter::once;
use std::thread;

use plimsoll_core::budget::{
    Asker, Duties, MAX_AMOUNT, Node, PercentWatermarks, Refusal, ReleaseError, release, try_reserve,
};
use plimsoll_core::{EdgeKind, Level, WatermarkError};

const MARKS: PercentWatermarks = PercentWatermarks::new();

fn reserve(path: &[&Node], amount: u64) -> Result<Duties, Refusal> {
    try_reserve(path.iter().copied(), amount, Asker::Newcomer).map_err(|refused| refused.refusal)
}

fn give(path: &[&Node], amount: u64) -> Duties {
    release(path.iter().copied(), amount).unwrap()
}

/// BUDGET-1, BUDGET-2: exactly what fits is taken, at all nodes of the path or at none.
#[test]
fn budget_2_all_nodes_or_none() {
    let [leaf, middle, root] = [10, 20, 15].map(|capacity| Node::new(capacity, MARKS));
    let path = [&leaf, &middle, &root];
    assert!(reserve(&path, 7).unwrap().is_none());
    assert_eq!(
        reserve(&path, 4),
        Err(Refusal::NoRoom { place: 0, asked: 4, usage: 7, capacity: 10 })
    );
    assert_eq!(reserve(&path[1..], 8).unwrap().edges().collect::<Vec<_>>(), [1]);
    assert_eq!(
        reserve(&path, 1),
        Err(Refusal::NoRoom { place: 2, asked: 1, usage: 15, capacity: 15 })
    );
    assert_eq!(path.map(Node::usage), [7, 15, 15]);
    assert_eq!(path.map(Node::high_water), [7, 15, 15]);
    let _ = give(&path, 7);
    let _ = give(&path[1..], 8);
    assert_eq!(path.map(Node::usage), [0, 0, 0]);
    assert_eq!(path.map(Node::take_high_water), [7, 15, 15]);
    assert_eq!(path.map(Node::take_high_water), [0, 0, 0]);
}

/// BUDGET-2: an edge is due at the nodes that have reached a watermark, once.
#[test]
fn budget_2_edges_are_due_where_watermarks_are_reached() {
    let [leaf, root] = [10, 100].map(|capacity| Node::new(capacity, MARKS));
    let path = [&leaf, &root];
    let duties = reserve(&path, 8).unwrap();
    assert!(duties.is_edge_due(0) && !duties.is_edge_due(1) && !duties.has_waiters(0));
    // The level is right before anybody has made the edge.
    assert_eq!(leaf.level(), Level::Elevated);
    let edge = leaf.settle().unwrap();
    assert_eq!((edge.kind(), edge.depth(), edge.sequence()), (EdgeKind::Raised, 8, 1));
    assert_eq!(edge.capacity(), Some(10));
    assert!(leaf.settle().is_none() && root.settle().is_none());
    let _ = reserve(&path, 1).unwrap();
    let _ = give(&path, 3);
    assert_eq!(leaf.level(), Level::Elevated, "between the watermarks the level stays");
    assert!(give(&path, 1).is_edge_due(0));
    let edge = leaf.settle().unwrap();
    assert_eq!((edge.kind(), edge.depth(), edge.peak()), (EdgeKind::Cleared, 5, 9));
}

/// BUDGET-3: with the flag of waiters newcomers are refused, waiters are served, and releases say so.
#[test]
fn budget_3_waiters_come_first() {
    let [leaf, root] = [10, 10].map(|capacity| Node::new(capacity, MARKS));
    let path = [&leaf, &root];
    let _ = reserve(&path, 6).unwrap();
    assert!(!root.set_waiting(true) && root.set_waiting(true));
    assert_eq!(reserve(&path, 1), Err(Refusal::Waiters { place: 1, asked: 1 }));
    assert_eq!(leaf.usage(), 6, "nothing of it was kept");
    // What can never fit need not wait to be told so.
    let never = Refusal::AboveCapacity { place: 0, asked: 11, capacity: 10 };
    assert_eq!(reserve(&path, 11), Err(never));
    let served = try_reserve(path.into_iter(), 2, Asker::Waiter).unwrap();
    assert!(!served.has_waiters(1));
    let duties = give(&path, 2);
    assert_eq!(duties.waiters().collect::<Vec<_>>(), [1]);
    assert!(root.is_waiting() && root.set_waiting(false) && !root.is_waiting());
    assert!(give(&path, 6).waiters().next().is_none());
}

/// BUDGET-4: below the usage asks are refused until they fit; the watermarks move with the capacity.
#[test]
fn budget_4_resize_below_the_usage() {
    let node = Node::new(100, MARKS);
    let path = [&node];
    let _ = reserve(&path, 60).unwrap();
    let duties = node.resize(Some(50)).unwrap();
    assert!(duties.is_edge_due(0));
    let edge = node.settle().unwrap();
    assert_eq!((edge.kind(), edge.depth(), edge.capacity()), (EdgeKind::Raised, 60, Some(50)));
    let full = Refusal::NoRoom { place: 0, asked: 1, usage: 60, capacity: 50 };
    assert_eq!(reserve(&path, 1), Err(full));
    let _ = give(&path, 11);
    assert!(reserve(&path, 2).is_err());
    assert!(reserve(&path, 1).is_ok());
    assert!(node.resize(Some(1000)).unwrap().is_edge_due(0));
    assert_eq!(node.settle().unwrap().kind(), EdgeKind::Cleared);
    assert!(node.resize(Some(0)).unwrap().is_edge_due(0));
    assert_eq!(node.settle().unwrap().kind(), EdgeKind::Raised);
    assert!(give(&path, 50).is_edge_due(0));
    assert_eq!(node.settle().unwrap().kind(), EdgeKind::Cleared);
    assert_eq!(reserve(&path, 1), Err(Refusal::AboveCapacity { place: 0, asked: 1, capacity: 0 }));
    assert!(node.resize(None).unwrap().is_none());
    assert!(reserve(&path, 1 << 40).unwrap().is_none());
    assert_eq!((node.capacity(), node.level()), (None, Level::Normal));
}

/// BUDGET-5: amounts reach 2^56 exactly, and nothing goes beyond.
#[test]
fn budget_5_amounts_reach_the_maximum() {
    let node = Node::new(MAX_AMOUNT, MARKS.with_level(100, 99));
    let path = [&node];
    assert!(reserve(&path, MAX_AMOUNT).unwrap().is_edge_due(0));
    let edge = node.settle().unwrap();
    assert_eq!((edge.depth(), edge.to()), (MAX_AMOUNT, Level::Critical));
    let reading = node.reading();
    assert_eq!((reading.usage, reading.high_water), (MAX_AMOUNT, MAX_AMOUNT));
    assert!(matches!(reserve(&path, 1), Err(Refusal::NoRoom { usage: MAX_AMOUNT, .. })));
    for asked in [MAX_AMOUNT + 1, u64::MAX] {
        assert_eq!(reserve(&path, asked), Err(Refusal::AboveMax { asked }));
        assert!(release(path.into_iter(), asked).is_err());
        assert!(node.resize(Some(asked)).is_err() && Node::try_new(Some(asked), MARKS).is_err());
    }
    let _ = give(&path, MAX_AMOUNT);
    let edge = node.settle().unwrap();
    assert_eq!((edge.to(), edge.peak()), (Level::Normal, MAX_AMOUNT));

    let unbounded = Node::unbounded(MARKS);
    assert!(reserve(&[&unbounded], MAX_AMOUNT).unwrap().is_none());
    let full = Refusal::NoRoom { place: 0, asked: 1, usage: MAX_AMOUNT, capacity: MAX_AMOUNT };
    assert_eq!(reserve(&[&unbounded], 1), Err(full));
}

/// BUDGET-5, BUDGET-7: bad input is a typed error that says what is allowed.
#[test]
fn budget_7_refusals_say_what_helps() {
    let [leaf, root] = [100, 10].map(|capacity| Node::new(capacity, MARKS));
    let path = [&leaf, &root];
    assert_eq!(reserve(&path, 0), Err(Refusal::Zero));
    let refused = reserve(&path, 11).unwrap_err();
    assert_eq!((refused.place(), refused.can_wait()), (Some(1), false));
    assert_eq!(
        refused.to_string(),
        "11 was asked of a capacity of 10 at place 1: ask less, or raise that capacity"
    );
    let _ = reserve(&path, 10).unwrap();
    let refused = reserve(&path, 1).unwrap_err();
    assert_eq!((refused.place(), refused.can_wait()), (Some(1), true));
    assert_eq!(
        refused.to_string(),
        "1 was asked beside 10 of 10 at place 1: wait for releases, or raise that capacity"
    );
    assert_eq!(release(path.into_iter(), 11), Err(ReleaseError { place: 0, asked: 11, usage: 10 }));
    // What can never fit is said at once, wherever it is: to wait for the leaf would be in vain.
    let _ = leaf.resize(Some(12)).unwrap();
    let never = Refusal::AboveCapacity { place: 1, asked: 11, capacity: 10 };
    assert_eq!(reserve(&path, 11), Err(never));
    let full = Refusal::NoRoom { place: 0, asked: 5, usage: 10, capacity: 12 };
    assert_eq!(reserve(&path, 5), Err(full), "of two that are full the first is named");
    let _ = leaf.resize(Some(100)).unwrap();
    // The leaf has it, the root does not: neither releases.
    let _ = reserve(&path[..1], 5).unwrap();
    assert_eq!(release(path.into_iter(), 11), Err(ReleaseError { place: 1, asked: 11, usage: 10 }));
    assert_eq!(path.map(Node::usage), [15, 10]);
    assert!(reserve(&[], 5).unwrap().is_none() && give(&[], 5).is_none());
}

/// GAUGE-3, GAUGE-4: watermarks in percent judge as counts of the same capacity do.
#[test]
fn gauge_4_percent_watermarks_are_counts_of_the_capacity() {
    let percent = PercentWatermarks::pair(50, 20).with_level(80, 60).with_level(100, 90);
    for capacity in [1, 2, 3, 7, 99, 100, 101, 1 << 20, MAX_AMOUNT - 1, MAX_AMOUNT] {
        for level in Level::ALL {
            for above in Level::ALL {
                let ends = [percent.high(above, capacity), percent.low(above, capacity)];
                for usage in
                    ends.into_iter().flatten().flat_map(|end| [end.max(1) - 1, end, end + 1])
                {
                    let to = percent.judge(level, usage, capacity);
                    assert_eq!(percent.judge(to, usage, capacity), to, "it comes to rest at once");
                    for other in Level::ALL.into_iter().filter(|other| *other > Level::Normal) {
                        let (high, low) =
                            (percent.high(other, capacity), percent.low(other, capacity));
                        let (high, low) = (high.unwrap(), low.unwrap());
                        assert!(low < high && high <= capacity);
                        assert!(to >= other || usage < high, "{usage} of {capacity} at {to}");
                        assert!(to < other || usage > low, "{usage} of {capacity} at {to}");
                    }
                }
            }
        }
    }
    let error = PercentWatermarks::try_pair(101, 3);
    assert_eq!(error, Err(WatermarkError::PercentTooLarge { percent: 101 }));
    let error = PercentWatermarks::try_pair(100, 102);
    assert_eq!(error, Err(WatermarkError::PercentTooLarge { percent: 102 }));
    let error = PercentWatermarks::try_pair(50, 50);
    assert_eq!(error, Err(WatermarkError::LowNotBelowHigh { low: 50, high: 50 }));
    assert!(percent.try_with_level(100, 95).is_err(), "three are the most");
    let error = PercentWatermarks::new().try_with_level(80, 60);
    assert!(matches!(error, Err(WatermarkError::LevelsOutOfOrder { .. })));
    let none = PercentWatermarks::none();
    assert_eq!(
        (none.judge(Level::Normal, 9, 9), none.high(Level::Elevated, 9)),
        (Level::Normal, None)
    );
}

/// BUDGET-1, BUDGET-2, GAUGE-4: threads on two branches of one root leave nothing behind, never lead above a
/// capacity, and hand on alternating edges.
#[test]
fn budget_1_threads_leave_nothing_behind() {
    let root = Node::new(8, MARKS);
    let leaves = [Node::new(6, MARKS), Node::new(6, MARKS)];
    let edges = std::sync::Mutex::new(Vec::new());
    let settle = |path: [&Node; 2], duties: Duties| {
        for place in duties.edges() {
            let edge = path[place].settle();
            if place == 1 {
                edges.lock().unwrap().extend(edge);
            }
        }
    };
    thread::scope(|scope| {
        for n in 0..4usize {
            let path = [&leaves[n % 2], &root];
            let settle = &settle;
            scope.spawn(move || {
                for round in 0..20_000u64 {
                    let amount = 1 + (round + n as u64) % 4;
                    match try_reserve(path.into_iter(), amount, Asker::Newcomer) {
                        Ok(duties) => {
                            assert!(path[0].usage() <= 6 && path[1].usage() <= 8, "BUDGET-1");
                            settle(path, duties);
                            settle(path, release(path.into_iter(), amount).unwrap());
                        }
                        Err(refused) => {
                            assert!(refused.refusal.can_wait());
                            settle(path, refused.duties);
                        }
                    }
                }
            });
        }
    });
    for node in leaves.iter().chain(once(&root)) {
        assert_eq!((node.usage(), node.level()), (0, Level::Normal), "BUDGET-2");
        assert!(node.settle().is_none(), "GAUGE-4");
        assert!(node.high_water() <= node.capacity().unwrap(), "BUDGET-1");
    }
    let mut edges = edges.into_inner().unwrap();
    edges.sort_by_key(|edge| edge.sequence());
    for (edge, place) in edges.iter().zip(1..) {
        let kind = if place % 2 == 1 { EdgeKind::Raised } else { EdgeKind::Cleared };
        assert_eq!((edge.sequence(), edge.kind()), (place, kind), "GAUGE-3");
    }
}
