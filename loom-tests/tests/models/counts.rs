//! Counts that stand beside a gauge: the two halves of a depth, and who waits.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::{SplitCount, Waiters};

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
        assert_eq!((count.depth(), count.is_closed()), (0, true));
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
