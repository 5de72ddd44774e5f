//! Counts that stand beside a gauge: the two halves of a depth, and who waits.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::{Gauge, Level, SplitCount, Tally, ThreadKey, Waiters, Watermarks};

use crate::common::Model;

/// GAUGE-1: whatever overtakes what, nothing is lost.
#[test]
fn split_count_1_is_exact() {
    Model::bounded(3).at_least([100, 70, 70]).check(|| {
        let count = Arc::new(SplitCount::new());
        let senders = [1, 2].map(|items| {
            let count = count.clone();
            thread::spawn(move || count.on_sent(items))
        });
        count.on_received(1);
        let seen = count.depth();
        assert!(seen <= 2, "{seen}");
        for sender in senders {
            sender.join().unwrap();
        }
        assert_eq!(count.depth(), 2);
    });
}

/// GAUGE-5: a look that takes its time shows a depth that was there, though never adds up items that
/// were not there together.
fn split_count_5(receive: fn(&SplitCount)) {
    Model::bounded(4).at_least([500, 90, 90]).check(move || {
        let count = Arc::new(SplitCount::new());
        count.on_sent(2);
        let other = count.clone();
        let channel = thread::spawn(move || {
            for _ in 0..3 {
                other.on_sent(1);
                receive(&other);
            }
        });
        let seen = count.depth();
        assert!((2..=3).contains(&seen), "{seen} is not within 2..=3");
        channel.join().unwrap();
        assert_eq!(count.depth(), 2);
        count.close();
        assert_eq!((count.depth(), count.is_closed(), count.totals()), (0, true, (5, 3)));
    });
}

/// GAUGE-5 with a receiver that is alone.
#[test]
fn split_count_5_sees_what_was_there() {
    split_count_5(|count| count.on_received(1));
}

/// GAUGE-5 with receivers that share the count.
#[test]
fn split_count_5_sees_what_was_there_shared() {
    split_count_5(|count| count.on_received_shared(1));
}

/// GAUGE-2: those who wait are counted by themselves, each with the moment at which it began.
#[test]
fn waiters_2_add_up() {
    Model::bounded(3).at_least([100, 100, 50]).check(|| {
        const END_US: u64 = 10_291_200;
        let began_us = [10_240_000, 10_250_240];
        let waited_us: u64 = began_us.iter().map(|began_us| END_US - began_us).sum();
        let waiters = Arc::new(Waiters::new());
        let others = began_us.map(|began_us| {
            let waiters = waiters.clone();
            thread::spawn(move || {
                waiters.enter(began_us);
                waiters.exit(began_us, END_US);
            })
        });
        assert!(waiters.waiting() <= 2);
        let blocked_us = waiters.blocked_us(END_US);
        assert!(blocked_us <= 2 * waited_us, "each wait twice at most, not {blocked_us} us");
        for other in others {
            other.join().unwrap();
        }
        assert_eq!((waiters.waiting(), waiters.blocked_us(END_US)), (0, waited_us));
    });
}

/// GAUGE-2: a reader whose clock is older than a wait, because the waiter came after it was read.
#[test]
fn waiters_2_an_older_clock_sees_no_wait() {
    Model::bounded(3).at_least([2, 2, 2]).check(|| {
        const OLD_US: u64 = 5_000_000;
        let waiters = Arc::new(Waiters::new());
        waiters.enter(OLD_US - 2_048);
        let other = waiters.clone();
        let late = thread::spawn(move || {
            other.enter(OLD_US + 3_600_000_000);
            other.refuse();
            other.exit(OLD_US + 3_600_000_000, OLD_US);
        });
        let blocked_us = waiters.blocked_us(OLD_US);
        assert!(blocked_us <= 3_072, "{blocked_us} us");
        late.join().unwrap();
        waiters.exit(OLD_US - 2_048, OLD_US);
        assert_eq!((waiters.waiting(), waiters.refused()), (0, 1));
        assert_eq!(waiters.blocked_us(OLD_US), 2_048);
    });
}

/// CHAN-5: whichever thread owns the half that is counted without a read-modify-write, nothing is lost; and a
/// total that is read is one that there was.
#[test]
fn chan_5_tally_is_exact() {
    Model::bounded(3).at_least([100, 100, 100]).check(|| {
        let tally = Arc::new(Tally::new());
        let key = |number| ThreadKey::new(number).expect("not 0");
        let other = tally.clone();
        let counter = thread::spawn(move || {
            other.count(key(2));
            other.count(key(2));
        });
        tally.count(key(1));
        let first = tally.total();
        let second = tally.total();
        assert!(1 <= first && first <= second && second <= 3, "{first}, then {second}");
        counter.join().unwrap();
        assert_eq!(tally.total(), 3);
    });
}

/// GAUGE-1, GAUGE-3, GAUGE-4, GAUGE-5: a gauge that is set while others count.
#[test]
fn gauge_1_set_beside_counting() {
    Model::bounded(3).at_least([100, 100, 100]).check(|| {
        let gauge = Arc::new(Gauge::new(Watermarks::counts(6, 3, 1)));
        let other = gauge.clone();
        let counter = thread::spawn(move || [other.add(2), other.sub(2)]);
        let mine = gauge.set(5);
        let mut edges: Vec<_> = counter.join().unwrap().into_iter().flatten().chain(mine).collect();
        edges.extend(gauge.set(1));
        // Between the halves of the other's pair, 2 less are left in the end.
        let left = edges.last().map(|edge| (edge.sequence(), edge.from()));
        assert_eq!(left, Some((2, Level::Elevated)), "GAUGE-3: {edges:?}");
        assert_eq!((edges.len(), edges[0].sequence()), (2, 1), "GAUGE-3: {edges:?}");
        assert!(!gauge.is_raised() && gauge.settle().is_none(), "GAUGE-4");
        assert!((5..=7).contains(&gauge.high_water()), "GAUGE-5");
        assert!(edges[1].peak() <= gauge.high_water() && edges[1].peak() >= 3, "{edges:?}");
        assert_eq!(gauge.depth(), 1);
    });
}
