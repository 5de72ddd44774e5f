//! The counted gauge: GAUGE-1, GAUGE-3, GAUGE-4, GAUGE-6.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::{Gauge, MAX_CAPACITY, MAX_STEP, Watermarks};

use crate::common::{Counted, Model};

/// GAUGE-1: a `sub` that overtakes its `add` is not lost, and neither is a step that races an edge.
#[test]
fn gauge_1_depth_is_exact() {
    Model::bounded(3).at_least([20_000, 6_000, 1_000]).check(|| {
        let counted = Arc::new(Counted::new(Watermarks::counts(4, 2, 1)));
        let (producer, consumer) = (counted.clone(), counted.clone());
        let producer = thread::spawn(move || {
            producer.add(1);
            producer.add(2);
        });
        let consumer = thread::spawn(move || {
            consumer.sub(1);
            consumer.sub(1);
        });
        counted.hold(1);
        producer.join().unwrap();
        consumer.join().unwrap();
        assert_eq!(counted.gauge.depth(), 1);
        counted.assert_at_rest();
    });
}

/// GAUGE-1, GAUGE-4: a permit that is dropped counts out; its edge is made by the next caller.
#[test]
fn gauge_1_permits_dropped() {
    Model::bounded(3).at_least([100, 100, 40]).check(|| {
        let counted = Arc::new(Counted::new(Watermarks::counts(2, 2, 0)));
        let other = counted.clone();
        let dropper = thread::spawn(move || {
            other.ghost.begin();
            other.ghost.moved(1);
            let (permit, edge) = other.gauge.permit(1);
            drop(permit);
            other.ghost.moved(-1);
            // The thread that drops a permit settles when it can.
            let settled = other.gauge.settle();
            other.ghost.ends([edge, settled]);
        });
        counted.hold(1);
        dropper.join().unwrap();
        assert_eq!(counted.gauge.depth(), 0);
        counted.assert_at_rest();
    });
}

/// GAUGE-3, GAUGE-4: at capacity 1 every step is an edge.
#[test]
fn gauge_3_edges_alternate() {
    Model::bounded(3).at_least([20_000, 8_000, 4_000]).check(|| {
        let counted = Arc::new(Counted::new(Watermarks::counts(1, 1, 0)));
        let others = [1, 2].map(|_| {
            let counted = counted.clone();
            thread::spawn(move || {
                counted.add(1);
                counted.sub(1);
            })
        });
        counted.add(1);
        for other in others {
            other.join().unwrap();
        }
        counted.assert_at_rest();
    });
}

/// GAUGE-3: the full number of an edge is found though the word holds its low bits only. With that
/// field as short as it is in a model, five edges are enough to lead astray who does not see them.
#[test]
fn gauge_3_numbers_are_published() {
    Model::bounded(3).at_least([200, 100, 70]).check(|| {
        let counted = Arc::new(Counted::new(Watermarks::counts(1, 1, 0)));
        let other = counted.clone();
        let other = thread::spawn(move || {
            other.add(1);
            other.sub(1);
            other.add(1);
            other.sub(1);
            other.add(1);
        });
        counted.sub(1);
        other.join().unwrap();
        counted.assert_at_rest();
    });
}

/// GAUGE-3: a reader that asks for depths before edges is not led astray when the edges are as many as the
/// word counts: it sees a number that was published. Depth 2 at the normal level comes after all edges.
#[test]
fn gauge_3_before_edges() {
    Model::bounded(3).at_least([20, 20, 10]).check(|| {
        let gauge = Arc::new(Gauge::new(Watermarks::counts(4, 3, 1)));
        let other = gauge.clone();
        let other = thread::spawn(move || {
            let mut edges = 0;
            for (up, down) in [(3, 2), (2, 2), (2, 2), (2, 2)] {
                edges += u32::from(other.add(up).is_some());
                edges += u32::from(other.sub(down).is_some());
            }
            assert!(edges == 8 && other.add(1).is_none());
        });
        let seen = gauge.depths_before_edges();
        assert!(seen.is_none_or(|(depth, high_water)| depth == 0 && high_water <= 3), "{seen:?}");
        other.join().unwrap();
        assert_eq!((gauge.depth(), gauge.depths_before_edges()), (2, None));
    });
}

/// GAUGE-3: the number that a thread publishes late, of an edge that is long past, takes back no later
/// one.
#[test]
fn gauge_3_numbers_never_fall() {
    let model = || {
        let counted = Arc::new(Counted::new(Watermarks::counts(9, 3, 1)));
        counted.add(3);
        counted.sub(2);
        let other = counted.clone();
        let other = thread::spawn(move || {
            other.add(1);
            other.sub(3);
            other.add(3);
            other.sub(3);
        });
        // May stop between reading the number of the last edge and publishing it.
        counted.add(2);
        other.join().unwrap();
        // Numbered by what is published now.
        counted.add(2);
        counted.assert_at_rest();
    };
    Model::bounded(2).at_least([600, 200, 75]).check_with_flaws(&[Flaw::SequenceStored], model);
}

/// GAUGE-3, GAUGE-4: a step may lead over several levels at once.
#[test]
fn gauge_4_levels() {
    Model::bounded(3).at_least([700, 300, 200]).check(|| {
        let watermarks = Watermarks::counts(4, 2, 0).with_level(4, 2);
        let counted = Arc::new(Counted::new(watermarks));
        let (first, second) = (counted.clone(), counted.clone());
        let first = thread::spawn(move || {
            first.add(3);
            first.sub(2);
        });
        let second = thread::spawn(move || second.add(1));
        first.join().unwrap();
        second.join().unwrap();
        counted.assert_at_rest();
    });
}

/// GAUGE-6: beyond its range the depth is cut, whichever thread comes first.
#[test]
fn gauge_6_saturates() {
    Model::bounded(3).at_least([300, 200, 100]).check(|| {
        let gauge = Arc::new(Gauge::new(Watermarks::unbounded()));
        for _ in 0..MAX_CAPACITY / MAX_STEP {
            assert!(gauge.add(MAX_STEP).is_none());
        }
        let others = [1, 2].map(|_| {
            let gauge = gauge.clone();
            thread::spawn(move || {
                assert!(gauge.add(MAX_STEP).is_none());
            })
        });
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(gauge.depth(), MAX_CAPACITY);
    });
}
