//! CHAN-1 and CHAN-2 for the tracked `sync_channel`: upstream's behaviour, and a gauge that tells the
//! truth through every path in and out.
#![cfg(feature = "std-channel")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use common::{AsPressure, Events, entry};
use plimsoll::channel::mpsc::{self, RecvTimeoutError, TryRecvError, TrySendError};
use plimsoll::{
    EventKind, Level, Limit, PressureRule, RegisterError, Registry, WatermarkError, Watermarks,
};

const MOMENT: Duration = Duration::from_millis(20);

#[test]
fn chan_1_items_may_be_borrowed_or_stay_on_their_thread() {
    let registry = Registry::new();
    let text = String::from("a line");
    let (tx, rx) = mpsc::sync_channel::<&str>(&registry, "borrowed", 2).unwrap();
    tx.send(&text).unwrap();
    let (counted_tx, counted_rx) =
        mpsc::sync_channel(&registry, Limit::queue("counted").flow_totals(), 2).unwrap();
    let count = Rc::new(7);
    counted_tx.send(count.clone()).unwrap();
    let snapshot = registry.snapshot();
    assert!(snapshot.entries().iter().all(|entry| (entry.depth, entry.capacity()) == (1, Some(2))));
    assert_eq!(counted_rx.reading().sent, Some(1));
    assert_eq!((rx.recv(), counted_rx.recv()), (Ok("a line"), Ok(count)));
}

#[test]
fn chan_1_order_capacity_and_errors_are_upstreams() {
    let registry = Registry::new();
    let (tx, rx) = mpsc::sync_channel(&registry, "q", 3).unwrap();
    for n in 0..3 {
        tx.send(n).unwrap();
    }
    assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(rx.recv_timeout(MOMENT), Err(RecvTimeoutError::Timeout));
    tx.send(4).unwrap();
    drop(tx.clone());
    drop(tx);
    assert_eq!(rx.recv(), Ok(4));
    assert!(rx.recv().is_err());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(rx.recv_timeout(MOMENT), Err(RecvTimeoutError::Disconnected));

    let (tx, rx) = mpsc::sync_channel(&registry, "q", 3).unwrap();
    drop(rx);
    assert!(tx.send(1).is_err());
    assert_eq!(tx.try_send(1), Err(TrySendError::Disconnected(1)));
}

#[test]
fn chan_1_zero_capacity_hands_over_and_has_no_depth() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, rx) = mpsc::sync_channel(&registry, "handover", 0).unwrap();
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    thread::scope(|scope| {
        let sender = scope.spawn(|| (0..100).for_each(|n| tx.send(n).unwrap()));
        common::until(|| entry(&registry, "handover").waiting == 1);
        for n in 0..100 {
            assert_eq!(rx.recv(), Ok(n));
            assert_eq!(entry(&registry, "handover").depth, 0);
        }
        sender.join().unwrap();
    });
    let seen = entry(&registry, "handover");
    assert_eq!((seen.depth, seen.high_water, seen.waiting), (0, 0, 0));
    assert_eq!(events.kinds(), []);
}

#[test]
fn gauge_1_depth_is_exact_through_every_path() {
    let registry = Registry::new();
    let (tx, rx) = mpsc::sync_channel(&registry, "q", 6).unwrap();
    let depth = || entry(&registry, "q").depth;
    for n in 0..6 {
        if n % 2 == 0 { tx.send(n).unwrap() } else { tx.try_send(n).unwrap() }
    }
    assert!(tx.try_send(9).is_err());
    assert_eq!(depth(), 6);
    rx.recv().unwrap();
    rx.try_recv().unwrap();
    rx.recv_timeout(MOMENT).unwrap();
    assert_eq!(rx.iter().take(1).count() + (&rx).into_iter().take(1).count(), 2);
    assert_eq!(depth(), 1);
    drop(tx);
    assert_eq!(depth(), 1, "senders are gone, the item is not");
    assert_eq!(rx.into_iter().count(), 1);
}

#[test]
fn gauge_1_a_send_to_a_gone_receiver_counts_nothing() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, rx) = mpsc::sync_channel(&registry, "q", 10).unwrap();
    for n in 0..9 {
        tx.send(n).unwrap();
    }
    drop(rx);
    for n in 0..100 {
        assert!(tx.send(n).is_err());
    }
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.level), (0, 9, Level::Normal));
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
}

#[test]
fn gauge_1_and_4_hold_when_items_panic_as_the_receiver_drops_them() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("as an item's drop may");
            }
        }
    }
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, rx) = mpsc::sync_channel(&registry, "q", 4).unwrap();
    for _ in 0..4 {
        assert!(tx.send(Bomb).is_ok());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
    assert_eq!(entry(&registry, "q").depth, 0);
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
}

#[test]
fn gauge_2_blocked_senders_are_no_depth() {
    let registry = Registry::new();
    let (tx, rx) = mpsc::sync_channel(&registry, "q", 4).unwrap();
    thread::scope(|scope| {
        for n in 0..16 {
            let tx = tx.clone();
            scope.spawn(move || tx.send(n).unwrap());
        }
        common::until(|| entry(&registry, "q").waiting == 12);
        let seen = entry(&registry, "q");
        assert_eq!((seen.depth, seen.high_water), (4, 4));
        assert_eq!(rx.iter().take(16).count(), 16);
    });
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.waiting), (0, 4, 0));
    assert!(seen.blocked > Duration::ZERO);
}

#[test]
fn gauge_3_and_4_hold_after_a_storm() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let limit = Limit::queue("q").pressure(PressureRule::IMMEDIATE);
    let (tx, rx) = mpsc::sync_channel(&registry, limit, 16).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            let tx = tx.clone();
            scope.spawn(move || (0..50_000).for_each(|n| tx.send(n).unwrap()));
        }
        let rx = &rx;
        (0..100_000).for_each(|_| assert!(rx.recv().is_ok()));
    });
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.level), (0, Level::Normal));
    assert!(seen.high_water <= 16);
    let mut edges: Vec<_> =
        events.all().iter().map(|e| (e.pressure().sequence, e.kind())).collect();
    edges.sort_unstable_by_key(|(sequence, _)| *sequence);
    for (index, (sequence, kind)) in edges.iter().enumerate() {
        assert_eq!(*sequence, index as u64 + 1, "each edge once");
        let expected = if index % 2 == 0 { EventKind::Raised } else { EventKind::Cleared };
        assert_eq!(*kind, expected);
    }
    assert_eq!(edges.len() % 2, 0, "the last edge cleared");
}

#[test]
fn watermarks_of_the_users_choice_are_the_channels() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let levels = Watermarks::counts(100, 50, 20).with_level(80, 60).with_level(100, 90);
    let (tx, rx) = mpsc::sync_channel_with(&registry, "q", levels).unwrap();
    for _ in 0..100 {
        tx.try_send(()).unwrap();
    }
    assert_eq!(tx.try_send(()), Err(TrySendError::Full(())));
    assert_eq!(rx.try_iter().count(), 100);
    let depths: Vec<_> = events.all().iter().map(|e| e.pressure().depth).collect();
    assert_eq!(depths, [50, 80, 100, 90, 60, 20]);

    let unbounded = Watermarks::unbounded();
    let refused = mpsc::sync_channel_with::<()>(&registry, "none", unbounded).unwrap_err();
    assert_eq!(refused, RegisterError::Watermarks(WatermarkError::NoCapacity));
    let (tx, _rx) = mpsc::sync_channel_with(&registry, "none", Watermarks::rendezvous()).unwrap();
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
}
