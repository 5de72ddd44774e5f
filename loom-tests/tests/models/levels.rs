//! The time at each level of a limit of `plimsoll`, compiled with the model's atomics: edges are noted
//! while it is read.

#[path = "../../../std-adapters/plimsoll/src/registry/levels.rs"]
mod real;

use std::sync::Arc;

use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;
use plimsoll_loom::{Hysteresis, Level, Watermarks};

use crate::common::Model;
use crate::telemetry::LevelTotals;
use real::Levels;

/// After all edges.
const NOW_US: u64 = 10;

/// Raised at 1 us and cleared at 3 us, beside a reader.
fn among_edges(read: impl Fn(&Levels) -> Option<LevelTotals>) {
    let levels = Arc::new(Levels::new(0));
    let noted = levels.clone();
    let edges = thread::spawn(move || {
        let mut gauge = Hysteresis::new(Watermarks::counts(4, 2, 1));
        for (now_us, depth) in [(1, 3), (3, 0)] {
            noted.on_edge(now_us, &gauge.on_depth(depth).expect("an edge"));
        }
    });
    let seen = read(&levels).map(|numbers| {
        let held = |level: Level| numbers.of(level).held.as_micros();
        (numbers.elevated.raised, held(Level::Normal), held(Level::Elevated))
    });
    let possible = [(0, 10, 0), (1, 1, 9), (1, 8, 2)];
    assert!(seen.is_none_or(|seen| possible.contains(&seen)), "{seen:?}");
    edges.join().unwrap();
    let last = levels.read_between_edges(NOW_US).expect("no edge is noted");
    assert_eq!((last.elevated.raised, last.normal.held.as_micros()), (1, 8));
}

/// Who finds no edge noted has seen the time of the normal level.
#[test]
fn levels_agree_before_the_first_edge() {
    let read = |levels: &Levels| {
        let held = levels.read_before_edges(NOW_US)?;
        let mut numbers = LevelTotals::default();
        numbers.normal.held = held;
        Some(numbers)
    };
    Model::bounded(2).check(move || among_edges(read));
}

/// What is read between edges agrees; what is read among them may not.
#[test]
fn levels_agree_between_edges() {
    let model = Model::bounded(2).at_least([1, 1_300, 75]);
    model.check(|| among_edges(|levels| levels.read_between_edges(NOW_US)));
    model.check_wrong(|| among_edges(|levels| Some(levels.read(NOW_US))));
}

/// Who sees the level of an edge sees what its thread did before.
#[test]
fn levels_bring_what_was_done_before_their_edge() {
    Model::bounded(2).check(|| {
        let shared = Arc::new((Levels::new(0), AtomicU64::new(0)));
        let noted = shared.clone();
        let edge = thread::spawn(move || {
            let raised = Hysteresis::new(Watermarks::counts(4, 2, 1)).on_depth(3).expect("an edge");
            noted.1.store(1, Relaxed);
            noted.0.on_edge(1, &raised);
        });
        let (levels, done) = &*shared;
        let level = levels.level();
        assert!(level == Level::Normal || done.load(Relaxed) == 1, "{level:?}");
        edge.join().unwrap();
        assert_eq!(levels.level(), Level::Elevated);
    });
}
