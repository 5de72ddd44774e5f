//! High-water marks: GAUGE-5.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom::thread;
use plimsoll_loom::Watermarks;
use plimsoll_loom::flaw::Flaw;

use crate::common::{Counted, Model, Queue};

/// GAUGE-5: the mark of a counted gauge is the largest depth there was; a reading never shows a
/// depth above it.
#[test]
fn gauge_5_mark_is_exact() {
    let model = || {
        let counted = Arc::new(Counted::new(Watermarks::counts(4, 4, 0)));
        let others = [1, 2].map(|amount| {
            let counted = counted.clone();
            thread::spawn(move || counted.add(amount))
        });
        let first = counted.gauge.reading();
        let second = counted.gauge.reading();
        assert!(first.depth <= first.high_water && first.high_water <= second.high_water);
        for other in others {
            other.join().unwrap();
        }
        counted.sub(3);
        assert_eq!(counted.gauge.high_water(), 3);
        counted.assert_at_rest();
    };
    Model::bounded(3).at_least([4_000, 7_000, 800]).check_with_flaws(&[Flaw::MarkStored], model);
}

/// GAUGE-5: what one reading has shown no later one takes back, also if the depth has fallen before its
/// recorder has noted it.
#[test]
fn gauge_5_readings_never_fall() {
    let model = || {
        let counted = Arc::new(Counted::new(Watermarks::counts(4, 4, 0)));
        let (adder, taker) = (counted.clone(), counted.clone());
        let adder = thread::spawn(move || adder.add(2));
        let taker = thread::spawn(move || taker.sub(2));
        let first = counted.gauge.reading();
        let second = counted.gauge.reading();
        assert!(first.depth <= first.high_water && first.high_water <= second.high_water);
        adder.join().unwrap();
        taker.join().unwrap();
        counted.assert_at_rest();
    };
    Model::bounded(3).at_least([800, 1_500, 500]).check_with_flaws(&[Flaw::ReadingNotNoted], model);
}

/// GAUGE-5: whatever depth there was goes to one taker at least.
#[test]
fn gauge_5_takers_lose_nothing() {
    Model::bounded(3).at_least([10_000, 10_000, 2_000]).check(|| {
        let counted = Arc::new(Counted::new(Watermarks::counts(4, 4, 0)));
        let takers = [1, 2].map(|_| {
            let counted = counted.clone();
            thread::spawn(move || counted.gauge.take_high_water())
        });
        counted.add(1);
        counted.add(1);
        counted.sub(2);
        let taken = takers.map(|taker| taker.join().unwrap());
        let last = counted.gauge.take_high_water();
        assert_eq!(last.max(taken[0]).max(taken[1]), 2);
        assert_eq!((counted.gauge.take_high_water(), counted.gauge.high_water()), (0, 2));
    });
}

/// GAUGE-5: what is counted in after a take belongs to the next window, and is found there, even if
/// nothing but the gauge itself tells the one thread of the other.
#[test]
fn gauge_5_window_begins_with_the_take() {
    window_begins_with_the_take(|counted| {
        counted.add(2);
        counted.sub(2);
    });
}

/// GAUGE-5: the same of a depth that is set.
#[test]
fn gauge_5_window_of_a_depth_that_is_set() {
    window_begins_with_the_take(|counted| {
        counted.gauge.set(2);
        counted.gauge.set(0);
    });
}

fn window_begins_with_the_take(raise_to_2: fn(&Counted)) {
    Model::bounded(3).at_least([20, 20, 30]).check(move || {
        let counted = Arc::new(Counted::new(Watermarks::counts(4, 4, 0)));
        let taken = Arc::new(AtomicBool::new(false));
        counted.add(3);
        counted.sub(3);
        let (other, other_taken) = (counted.clone(), taken.clone());
        let taker = thread::spawn(move || {
            assert_eq!(other.gauge.take_high_water(), 3);
            other_taken.store(true, Relaxed);
        });
        let was_taken = taken.load(Relaxed);
        raise_to_2(&counted);
        taker.join().unwrap();
        let last = counted.gauge.take_high_water();
        assert!(last == 2 || !was_taken, "the new window shows {last}");
    });
}

/// GAUGE-5: the mark of a life never falls, not while a window is being folded into it.
#[test]
fn gauge_5_lifetime_never_falls() {
    Model::bounded(3).at_least([20_000, 20_000, 1_000]).check(|| {
        let counted = Arc::new(Counted::new(Watermarks::counts(4, 4, 0)));
        counted.add(2);
        let other = counted.clone();
        let taker = thread::spawn(move || other.gauge.take_high_water());
        let other = counted.clone();
        let recorder = thread::spawn(move || {
            other.sub(2);
            other.add(1);
        });
        let first = counted.gauge.high_water();
        let second = counted.gauge.high_water();
        assert_eq!((first, second), (2, 2));
        assert_eq!(taker.join().unwrap(), 2);
        recorder.join().unwrap();
    });
}

/// GAUGE-5, sampled: with nobody taking out, the mark at rest is the depth itself.
#[test]
fn gauge_5_sampled_mark_is_exact() {
    Model::bounded(3).at_least([5_000, 3_000, 3_000]).check(|| {
        let queue = Arc::new(Queue::new(Watermarks::counts(4, 4, 0)));
        let others = [1, 2].map(|items| {
            let queue = queue.clone();
            thread::spawn(move || queue.put(items))
        });
        let (first, _) = queue.gauge.reading(|| queue.look());
        let (second, _) = queue.gauge.reading(|| queue.look());
        assert!(first.depth <= first.high_water && first.high_water <= second.high_water);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(queue.gauge.high_water(), 3);
        queue.assert_at_rest();
    });
}

/// GAUGE-5, sampled: what is there when the mark is taken, or comes after it, is in the new window.
#[test]
fn gauge_5_sampled_take_loses_nothing() {
    Model::bounded(3).at_least([1_000, 900, 1_000]).check(|| {
        let queue = Arc::new(Queue::new(Watermarks::counts(4, 4, 0)));
        queue.put(2);
        queue.take(2);
        let other = queue.clone();
        let taker = thread::spawn(move || {
            assert_eq!(other.gauge.take_high_water(|| other.look()), 2);
            other.ghost.window_begins();
        });
        let other = queue.clone();
        let consumer = thread::spawn(move || {
            other.put(1);
            other.take(1);
        });
        queue.put(1);
        taker.join().unwrap();
        consumer.join().unwrap();
        queue.ghost.assert_window(queue.gauge.take_high_water(|| queue.look()));
        queue.assert_at_rest();
    });
}
