//! Budgets: BUDGET-6.

use std::fmt::Write;
use std::hint::black_box;

use plimsoll_core::budget::{Asker, Node, PercentWatermarks, release, try_reserve};

use super::{Discard, allocator_calls};

#[test]
fn budget_6_does_not_allocate() {
    let calls = allocator_calls(|| {
        let marks = PercentWatermarks::new().with_level(95, 90);
        let [leaf, root] = [80, 100].map(|capacity| Node::new(black_box(capacity), marks));
        let path = [&leaf, &root];
        let mut edges = 0;
        for amount in [70, 5, 9, 80, 0] {
            let asked = try_reserve(path.into_iter(), black_box(amount), Asker::Newcomer);
            let (Ok(duties) | Err(duties)) = asked.map_err(|refused| {
                write!(Discard, "{refused} {refused:?}").unwrap();
                refused.duties
            });
            edges += duties.edges().filter_map(|place| path[place].settle()).count();
        }
        let _ = root.resize(Some(60)).unwrap();
        edges += usize::from(root.settle().is_some());
        root.set_waiting(true);
        let duties = release(path.into_iter(), black_box(75)).unwrap();
        assert!(duties.has_waiters(1));
        edges += duties.edges().filter_map(|place| path[place].settle()).count();
        assert_eq!(edges, 4);
        let error = release(path.into_iter(), black_box(1)).unwrap_err();
        write!(Discard, "{error} {leaf:?} {:?}", root.reading()).unwrap();
        black_box((leaf.high_water(), leaf.take_high_water(), leaf.is_raised()));
    });
    assert_eq!(calls, 0);
}
