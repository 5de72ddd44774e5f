//! CHAN-1 and CHAN-2 for the tracked crossbeam channels: upstream's behaviour, and a gauge that tells
//! the truth through every path in and out.
#![cfg(feature = "crossbeam")]

#[path = "../common/mod.rs"]
mod common;
mod select;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{AsPressure, Events, entry};
use plimsoll::channel::crossbeam::{
    self, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError,
};
use plimsoll::{EventKind, Level, Limit, PressureRule, Registry, Watermarks};

const MOMENT: Duration = Duration::from_millis(20);

#[test]
fn chan_1_order_capacity_and_errors_are_upstreams() {
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, "q", 3).unwrap();
    assert_eq!((tx.capacity(), rx.capacity()), (Some(3), Some(3)));
    assert!(tx.is_empty() && rx.is_empty());
    for n in 0..3 {
        tx.send(n).unwrap();
    }
    assert!(tx.is_full() && rx.is_full());
    assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!(tx.send_timeout(9, MOMENT), Err(SendTimeoutError::Timeout(9)));
    assert_eq!(tx.send_deadline(9, Instant::now() + MOMENT), Err(SendTimeoutError::Timeout(9)));
    assert_eq!((tx.len(), rx.len()), (3, 3));
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(rx.recv_timeout(MOMENT), Err(RecvTimeoutError::Timeout));
    assert_eq!(rx.recv_deadline(Instant::now() + MOMENT), Err(RecvTimeoutError::Timeout));
    assert!(tx.same_channel(&tx.clone()) && rx.same_channel(&rx.clone()));
}

#[test]
fn chan_2_a_receive_that_has_waited_is_counted() {
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, Limit::queue("q").flow_totals(), 1).unwrap();
    thread::scope(|scope| {
        let received = scope.spawn(|| rx.recv());
        // It waits by then, if the machine is not very busy.
        thread::sleep(MOMENT);
        tx.send(7).unwrap();
        assert_eq!(received.join().unwrap(), Ok(7));
    });
    let row = entry(&registry, "q");
    assert_eq!((row.depth, row.level), (0, Level::Normal));
    assert_eq!(row.flow.unwrap().received, Some(1));
}

#[test]
fn chan_1_disconnect_is_seen_at_once_on_both_sides() {
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, "q", 3).unwrap();
    tx.send(1).unwrap();
    drop(tx.clone());
    assert_eq!(rx.try_recv(), Ok(1));
    tx.send(2).unwrap();
    drop(tx);
    assert_eq!(rx.recv(), Ok(2), "what was sent can still be received");
    assert!(rx.recv().is_err());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));

    let (tx, rx) = crossbeam::bounded(&registry, "q", 3).unwrap();
    let other = rx.clone();
    drop(rx);
    tx.send(1).unwrap();
    drop(other);
    assert!(tx.send(2).is_err());
    assert_eq!(tx.try_send(2), Err(TrySendError::Disconnected(2)));
    assert_eq!(tx.send_timeout(2, MOMENT), Err(SendTimeoutError::Disconnected(2)));
}

#[test]
fn chan_1_a_blocked_sender_is_woken_by_room_and_by_disconnect() {
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, "q", 1).unwrap();
    tx.send(1).unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(|| tx.send(2));
        common::until(|| entry(&registry, "q").waiting == 1);
        assert_eq!(rx.recv(), Ok(1));
        first.join().unwrap().unwrap();
        let second = scope.spawn(|| tx.send(3));
        common::until(|| entry(&registry, "q").waiting == 1);
        drop(rx);
        assert!(second.join().unwrap().is_err());
    });
    assert_eq!(entry(&registry, "q").waiting, 0);
    assert_eq!(entry(&registry, "q").depth, 0, "what was in the channel went with its receiver");
}

#[test]
fn chan_1_items_are_dropped_when_upstream_drops_them() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    // How many of five items are dropped after the last receiver, and after the last sender.
    macro_rules! dropped_after_each_side {
        ($channel:expr) => {{
            let dropped = Arc::new(AtomicUsize::new(0));
            let (tx, rx) = $channel;
            for _ in 0..5 {
                assert!(tx.send(Counted(dropped.clone())).is_ok());
            }
            drop(rx.clone());
            assert_eq!(dropped.load(Ordering::Relaxed), 0);
            drop(rx);
            let without_receiver = dropped.load(Ordering::Relaxed);
            drop(tx);
            (without_receiver, dropped.load(Ordering::Relaxed))
        }};
    }
    let registry = Registry::new();
    assert_eq!(
        dropped_after_each_side!(crossbeam::bounded(&registry, "q", 8).unwrap()),
        dropped_after_each_side!(crossbeam_channel::bounded(8)),
    );
    assert_eq!(
        dropped_after_each_side!(crossbeam::unbounded(&registry, "q").unwrap()),
        dropped_after_each_side!(crossbeam_channel::unbounded()),
    );
    assert!(registry.snapshot().entries().is_empty(), "the channels have left the registry");
}

#[test]
fn chan_1_zero_capacity_hands_over_and_has_no_depth() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, rx) = crossbeam::bounded(&registry, "handover", 0).unwrap();
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    thread::scope(|scope| {
        let sender = scope.spawn(|| tx.send(7));
        common::until(|| entry(&registry, "handover").waiting == 1);
        let seen = entry(&registry, "handover");
        assert_eq!((seen.depth, seen.high_water, seen.capacity()), (0, 0, Some(0)));
        assert_eq!(rx.recv(), Ok(7));
        sender.join().unwrap().unwrap();
    });
    let seen = entry(&registry, "handover");
    assert_eq!((seen.depth, seen.high_water, seen.waiting), (0, 0, 0));
    assert!(seen.blocked > Duration::ZERO);
    assert_eq!(events.kinds(), []);
}

#[test]
fn chan_1_all_items_arrive_once_with_many_senders_and_receivers() {
    const EACH: u64 = 20_000;
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded::<u64>(&registry, "q", 64).unwrap();
    let sum: u64 = thread::scope(|scope| {
        for _ in 0..3 {
            let tx = tx.clone();
            scope.spawn(move || (0..EACH).for_each(|n| tx.send(n).unwrap()));
        }
        drop(tx);
        let receivers: Vec<_> = (0..3)
            .map(|_| {
                let rx = rx.clone();
                scope.spawn(move || rx.into_iter().sum::<u64>())
            })
            .collect();
        receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum()
    });
    assert_eq!(sum, 3 * EACH * (EACH - 1) / 2);
    let seen = entry(&registry, "q");
    assert_eq!(seen.depth, 0);
    assert!(seen.high_water <= 64, "GAUGE-2");
    drop(rx);
}

#[test]
fn gauge_1_depth_is_exact_through_every_path() {
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, "q", 4).unwrap();
    let depth = || entry(&registry, "q").depth;
    tx.send(0).unwrap();
    tx.try_send(0).unwrap();
    tx.send_timeout(0, MOMENT).unwrap();
    tx.send_deadline(0, Instant::now() + MOMENT).unwrap();
    assert_eq!(depth(), 4);
    assert!(tx.try_send(0).is_err() && tx.send_timeout(0, MOMENT).is_err());
    assert_eq!(depth(), 4);
    rx.recv().unwrap();
    rx.try_recv().unwrap();
    rx.recv_timeout(MOMENT).unwrap();
    rx.recv_deadline(Instant::now() + MOMENT).unwrap();
    assert_eq!(depth(), 0);
    for _ in 0..4 {
        tx.send(0).unwrap();
    }
    assert_eq!(rx.iter().take(1).count(), 1);
    assert_eq!((&rx).into_iter().take(1).count(), 1);
    assert_eq!(rx.try_iter().take(1).count(), 1);
    assert_eq!(depth(), 1);
    drop(tx);
    assert_eq!(depth(), 1, "senders are gone, the item is not");
    assert_eq!(rx.clone().into_iter().count(), 1);
    assert_eq!((depth(), entry(&registry, "q").high_water), (0, 4));
}

#[test]
fn gauge_1_and_4_hold_when_the_receiver_goes_with_items_inside() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, rx) = crossbeam::bounded(&registry, "q", 10).unwrap();
    for n in 0..9 {
        tx.send(n).unwrap();
    }
    drop(rx);
    for n in 0..100 {
        assert!(tx.send(n).is_err());
    }
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water), (0, 9), "nobody can receive what is left");
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
}

#[test]
fn gauge_1_holds_when_items_panic_as_they_are_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("as an item's drop may");
            }
        }
    }
    let registry = Registry::new();
    let (tx, rx) = crossbeam::unbounded(&registry, "q").unwrap();
    for _ in 0..4 {
        assert!(tx.send(Bomb).is_ok());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
    assert_eq!(entry(&registry, "q").depth, 0);
    drop(tx);
    assert!(registry.snapshot().entries().is_empty());
}

#[test]
fn gauge_2_blocked_senders_are_no_depth() {
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, "q", 4).unwrap();
    for n in 0..4 {
        tx.send(n).unwrap();
    }
    thread::scope(|scope| {
        for n in 0..12 {
            let tx = &tx;
            scope.spawn(move || tx.send(n).unwrap());
        }
        common::until(|| entry(&registry, "q").waiting == 12);
        let seen = entry(&registry, "q");
        assert_eq!((seen.depth, seen.high_water, seen.capacity()), (4, 4, Some(4)));
        thread::sleep(MOMENT);
        assert!(entry(&registry, "q").blocked >= 12 * MOMENT);
        assert_eq!(rx.iter().take(16).count(), 16);
    });
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.waiting), (0, 4, 0));
}

#[test]
fn gauge_3_each_crossing_is_one_event_in_order() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let limit = Limit::queue("q").pressure(PressureRule::IMMEDIATE);
    let (tx, rx) = crossbeam::bounded(&registry, limit, 10).unwrap();
    for round in 0..3 {
        for n in 0..10 {
            tx.send(n).unwrap();
        }
        assert_eq!(rx.try_iter().count(), 10);
        let raised_and_cleared: Vec<_> = events.all().split_off(2 * round);
        let seen: Vec<_> = raised_and_cleared
            .iter()
            .map(|e| (e.kind(), e.pressure().depth, e.pressure().sequence))
            .collect();
        let first = 2 * round as u64 + 1;
        assert_eq!(seen, [(EventKind::Raised, 8, first), (EventKind::Cleared, 5, first + 1)]);
    }
}

#[test]
fn gauge_4_level_agrees_with_depth_after_a_storm_of_handles_and_threads() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let limit = Limit::queue("q").pressure(PressureRule::IMMEDIATE);
    let (tx, rx) = crossbeam::bounded::<u32>(&registry, limit, 16).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for n in 0..50_000 {
                    // One handle shared by reference, and one that lives for a single send.
                    if n % 7 == 0 { tx.clone().send(n).unwrap() } else { tx.send(n).unwrap() }
                }
            });
            scope.spawn(|| (0..50_000).for_each(|_| assert!(rx.recv().is_ok())));
        }
    });
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.level), (0, plimsoll::Level::Normal));
    assert!(seen.high_water <= 16);
    let mut sequences: Vec<_> =
        events.all().iter().map(|e| (e.pressure().sequence, e.kind())).collect();
    sequences.sort_unstable_by_key(|(sequence, _)| *sequence);
    for (index, (sequence, kind)) in sequences.iter().enumerate() {
        assert_eq!(*sequence, index as u64 + 1, "each edge once");
        let expected = if index % 2 == 0 { EventKind::Raised } else { EventKind::Cleared };
        assert_eq!(*kind, expected);
    }
    assert_eq!(sequences.len() % 2, 0, "the last edge cleared");
}

#[test]
fn gauge_5_high_water_is_the_largest_depth() {
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, "q", 1_000).unwrap();
    for peak in [1, 3, 2, 700, 5, 701, 40] {
        for _ in 0..peak {
            tx.send(()).unwrap();
        }
        assert_eq!(rx.try_iter().count(), peak);
    }
    assert_eq!(entry(&registry, "q").high_water, 701);
}

#[test]
fn unbounded_keeps_depth_and_never_raises() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, rx) = crossbeam::unbounded(&registry, "q").unwrap();
    for n in 0..5_000 {
        tx.send(n).unwrap();
    }
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.capacity()), (5_000, 5_000, None));
    assert_eq!(rx.try_iter().count(), 5_000);
    assert_eq!((entry(&registry, "q").depth, events.kinds()), (0, vec![]));
}

#[test]
fn several_levels_are_one_edge_each_way() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let levels = Watermarks::counts(100, 50, 20).with_level(80, 60).with_level(100, 90);
    let (tx, rx) = crossbeam::bounded_with(&registry, "q", levels).unwrap();
    for _ in 0..100 {
        tx.send(()).unwrap();
    }
    assert_eq!(rx.try_iter().count(), 100);
    let depths: Vec<_> = events.all().iter().map(|e| e.pressure().depth).collect();
    assert_eq!(depths, [50, 80, 100, 90, 60, 20]);
}

#[test]
fn bad_input_is_a_typed_error() {
    use plimsoll::RegisterError;
    let registry = Registry::new();
    let name = "n".repeat(65);
    assert!(matches!(
        crossbeam::bounded::<()>(&registry, name, 4),
        Err(RegisterError::NameLength { .. })
    ));
    let error = crossbeam::bounded::<()>(&registry, "q", usize::MAX).unwrap_err();
    assert!(matches!(error, RegisterError::Watermarks(_)), "{error}");
    assert!(crossbeam::bounded::<()>(&registry, "q", 1).is_ok());
    assert!(registry.snapshot().entries().is_empty(), "what failed or is gone leaves nothing");
}

/// The owner of a handle writes into it for each message.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_handle_is_one_cache_line() {
    let layouts = [
        (size_of::<crossbeam::Sender<u8>>(), align_of::<crossbeam::Sender<u8>>()),
        (size_of::<crossbeam::Receiver<u8>>(), align_of::<crossbeam::Receiver<u8>>()),
    ];
    assert_eq!(layouts, [(64, 64); 2]);
}
