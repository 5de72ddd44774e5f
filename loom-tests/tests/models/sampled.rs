//! The sampled gauge: GAUGE-3, GAUGE-4.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::Watermarks;

use crate::common::{Model, Queue};

/// GAUGE-3, GAUGE-4: at capacity 1 every move is an edge.
#[test]
fn gauge_3_sampled_edges_alternate() {
    Model::bounded(3).at_least([7_000, 3_000, 2_000]).check(|| {
        let queue = Arc::new(Queue::new(Watermarks::counts(1, 1, 0)));
        let other = queue.clone();
        let other = thread::spawn(move || {
            other.put(1);
            other.take(1);
        });
        queue.put(1);
        queue.take(1);
        other.join().unwrap();
        queue.assert_at_rest();
    });
}

/// GAUGE-4: of three threads that move at once, the last to settle settles on what is there.
#[test]
fn gauge_4_sampled_three_movers() {
    Model::bounded(2).at_least([10_000, 6_000, 600]).check(|| {
        let queue = Arc::new(Queue::new(Watermarks::counts(2, 2, 1)));
        queue.put(2);
        let (first, second) = (queue.clone(), queue.clone());
        let first = thread::spawn(move || first.put(1));
        let second = thread::spawn(move || second.take(1));
        queue.take(1);
        first.join().unwrap();
        second.join().unwrap();
        queue.assert_at_rest();
    });
}

/// GAUGE-3, GAUGE-4: a reader may make the edge in a mover's stead; what it shows agrees with itself.
#[test]
fn gauge_4_sampled_reader_settles() {
    Model::bounded(3).at_least([2_000, 1_000, 300]).check(|| {
        let watermarks = Watermarks::counts(4, 2, 0).with_level(4, 2);
        let queue = Arc::new(Queue::new(watermarks));
        let other = queue.clone();
        let mover = thread::spawn(move || {
            other.put(4);
            other.take(4);
        });
        queue.ghost.begin();
        let (reading, edge) = queue.gauge.reading(|| queue.look());
        queue.ghost.end(edge);
        assert_eq!(watermarks.judge(reading.level, reading.depth), reading.level);
        mover.join().unwrap();
        queue.assert_at_rest();
    });
}
