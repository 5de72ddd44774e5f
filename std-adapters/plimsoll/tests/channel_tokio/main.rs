//! CHAN-1 and CHAN-2 for the tracked tokio channels: upstream's behaviour, and a gauge that tells the
//! truth through every path in and out.
#![cfg(feature = "tokio")]

mod budget;
#[path = "../common/mod.rs"]
mod common;
mod panics;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use common::{AsPressure, Events, entry};
use futures_core::Stream;
use plimsoll::channel::tokio::error::{SendTimeoutError, TryRecvError, TrySendError};
use plimsoll::channel::tokio::{self as tracked, Receiver, Sender};
use plimsoll::{
    EventKind, Level, Limit, PressureRule, RegisterError, Registry, WatermarkError, Watermarks,
};
use tokio::time::timeout;

const MOMENT: Duration = Duration::from_millis(20);

fn channel(registry: &Registry, capacity: usize) -> (Sender<u32>, Receiver<u32>) {
    tracked::channel(registry, "q", capacity).unwrap()
}

#[tokio::test]
async fn chan_1_items_may_be_borrowed_or_stay_on_their_thread() {
    let registry = Registry::new();
    let text = String::from("a line");
    let (tx, mut rx) = tracked::channel::<&str>(&registry, "borrowed", 2).unwrap();
    tx.send(&text).await.unwrap();
    let limit = Limit::queue("counted").flow_totals();
    let (counted_tx, mut counted_rx) = tracked::unbounded_channel(&registry, limit).unwrap();
    let count = Rc::new(7);
    counted_tx.send(count.clone()).unwrap();
    assert!(registry.snapshot().entries().iter().all(|entry| entry.depth == 1));
    assert_eq!(counted_rx.reading().sent, Some(1));
    assert_eq!((rx.recv().await, counted_rx.recv().await), (Some("a line"), Some(count)));
}

fn depth(registry: &Registry) -> u64 {
    entry(registry, "q").depth
}

#[tokio::test]
async fn chan_1_order_capacity_and_errors_are_upstreams() {
    let registry = Registry::new();
    let (tx, mut rx) = channel(&registry, 3);
    assert_eq!((tx.max_capacity(), rx.max_capacity(), tx.capacity()), (3, 3, 3));
    for n in 0..3 {
        tx.send(n).await.unwrap();
    }
    assert_eq!((tx.capacity(), rx.capacity(), rx.len()), (0, 0, 3));
    assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!(tx.send_timeout(9, MOMENT).await, Err(SendTimeoutError::Timeout(9)));
    assert_eq!(rx.recv().await, Some(0));
    let mut rest = Vec::new();
    assert_eq!(rx.recv_many(&mut rest, 10).await, 2);
    assert_eq!(rest, [1, 2]);
    assert!(rx.is_empty());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert!(tx.same_channel(&tx.clone()));
    assert_eq!((tx.strong_count(), rx.sender_strong_count()), (1, 1));
    let weak = tx.downgrade();
    assert_eq!((weak.strong_count(), weak.weak_count(), rx.sender_weak_count()), (1, 1, 1));
    weak.upgrade().unwrap().send(4).await.unwrap();
    drop(tx);
    assert!(weak.upgrade().is_none());
    assert_eq!(rx.recv().await, Some(4));
    assert_eq!(rx.recv().await, None);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
}

#[tokio::test]
async fn chan_1_closing_wakes_senders_and_keeps_items() {
    let registry = Registry::new();
    let (tx, mut rx) = channel(&registry, 1);
    tx.send(1).await.unwrap();
    let blocked = tokio::spawn({
        let tx = tx.clone();
        async move { tx.send(2).await }
    });
    while entry(&registry, "q").waiting == 0 {
        tokio::task::yield_now().await;
    }
    rx.close();
    assert!(blocked.await.unwrap().is_err());
    tx.closed().await;
    assert!(tx.is_closed() && rx.is_closed());
    assert_eq!(tx.try_send(3), Err(TrySendError::Closed(3)));
    assert_eq!(depth(&registry), 1, "closed, and still there to be received");
    assert_eq!(rx.recv().await, Some(1));
    assert_eq!((rx.recv().await, depth(&registry)), (None, 0));
}

#[tokio::test]
async fn gauge_1_depth_is_exact_through_every_path() {
    let registry = Registry::new();
    let (tx, mut rx) = channel(&registry, 8);
    tx.send(0).await.unwrap();
    tx.try_send(1).unwrap();
    tx.send_timeout(2, MOMENT).await.unwrap();
    tx.reserve().await.unwrap().send(3);
    tx.try_reserve().unwrap().send(4);
    let mut permits = tx.reserve_many(2).await.unwrap();
    assert_eq!(permits.len(), 2);
    permits.next().unwrap().send(5);
    assert_eq!(depth(&registry), 6, "a reserved slot is no item");
    drop(permits);
    let tx = tx.reserve_owned().await.unwrap().send(6);
    let tx = tx.try_reserve_owned().unwrap().release();
    tx.try_reserve_many(1).unwrap().next().unwrap().send(7);
    assert_eq!((depth(&registry), entry(&registry, "q").high_water), (8, 8));
    assert!(tx.try_reserve().is_err() && tx.try_send(9).is_err());

    assert_eq!(rx.recv().await, Some(0));
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(poll_fn(|cx| rx.poll_recv(cx)).await, Some(2));
    assert_eq!(poll_fn(|cx| Pin::new(&mut rx).poll_next(cx)).await, Some(3));
    let mut many = Vec::new();
    assert_eq!(poll_fn(|cx| rx.poll_recv_many(cx, &mut many, 1)).await, 1);
    assert_eq!(rx.recv_many(&mut many, 2).await, 2);
    assert_eq!((depth(&registry), many), (1, vec![4, 5, 6]));
    drop(tx);
    assert_eq!(depth(&registry), 1, "senders are gone, the item is not");
    assert_eq!((rx.recv().await, depth(&registry)), (Some(7), 0));
}

#[test]
fn gauge_1_holds_through_the_blocking_paths() {
    let registry = Registry::new();
    let (tx, mut rx) = channel(&registry, 2);
    std::thread::scope(|scope| {
        scope.spawn(|| (0..5).for_each(|n| tx.blocking_send(n).unwrap()));
        common::until(|| entry(&registry, "q").waiting == 1);
        assert_eq!(depth(&registry), 2);
        assert_eq!(rx.blocking_recv(), Some(0));
        let mut rest = Vec::new();
        while rest.len() < 4 {
            rx.blocking_recv_many(&mut rest, 4);
        }
        assert_eq!(rest, [1, 2, 3, 4]);
    });
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.waiting), (0, 2, 0));
}

#[tokio::test]
async fn gauge_1_a_cancelled_send_or_receive_counts_nothing() {
    let registry = Registry::new();
    let (tx, mut rx) = channel(&registry, 1);
    assert!(timeout(MOMENT, rx.recv()).await.is_err());
    tx.send(1).await.unwrap();
    for _ in 0..5 {
        assert!(timeout(MOMENT, tx.send(2)).await.is_err());
        assert!(timeout(MOMENT, tx.reserve()).await.is_err());
    }
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.waiting), (1, 1, 0));
    assert!(seen.blocked >= 5 * MOMENT);
    assert_eq!(rx.recv().await, Some(1));
    assert_eq!(depth(&registry), 0);
}

#[tokio::test]
async fn gauge_1_and_4_hold_when_the_receiver_goes_with_items_inside() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, rx) = channel(&registry, 10);
    for n in 0..9 {
        tx.send(n).await.unwrap();
    }
    let permit = tx.reserve().await.unwrap();
    drop(rx);
    permit.send(9);
    assert!(tx.send(10).await.is_err());
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.level, seen.high_water), (0, Level::Normal, 9));
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
}

#[tokio::test]
async fn gauge_2_waiting_tasks_are_no_depth_and_are_served_in_order() {
    let registry = Registry::new();
    let (tx, mut rx) = channel(&registry, 2);
    let mut tasks = Vec::new();
    for n in 0..10 {
        let tx = tx.clone();
        tasks.push(tokio::spawn(async move { tx.send(n).await.unwrap() }));
        tokio::task::yield_now().await;
    }
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.waiting), (2, 2, 8));
    for n in 0..10 {
        assert_eq!(rx.recv().await, Some(n), "upstream's queue of senders is fair");
    }
    for task in tasks {
        task.await.unwrap();
    }
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.waiting), (0, 2, 0));
}

#[tokio::test]
async fn gauge_2_permits_that_are_held_do_not_raise() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, mut rx) = channel(&registry, 10);
    let permits = tx.reserve_many(10).await.unwrap();
    assert_eq!((depth(&registry), events.kinds()), (0, vec![]));
    drop(permits);
    for n in 0..8 {
        tx.send(n).await.unwrap();
    }
    assert_eq!(events.kinds(), [EventKind::Raised]);
    for _ in 0..3 {
        rx.recv().await.unwrap();
    }
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
    assert_eq!(entry(&registry, "q").high_water, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gauge_3_and_4_hold_after_a_storm() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let limit = Limit::queue("q").pressure(PressureRule::IMMEDIATE);
    let (tx, mut rx) = tracked::channel(&registry, limit, 16).unwrap();
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let tx = tx.clone();
            tokio::spawn(async move {
                for n in 0..10_000 {
                    match n % 3 {
                        0 => tx.send(n).await.unwrap(),
                        1 => tx.reserve().await.unwrap().send(n),
                        _ => {
                            drop(tx.reserve().await.unwrap());
                            tx.clone().send(n).await.unwrap();
                        }
                    }
                }
            })
        })
        .collect();
    drop(tx);
    let mut received = 0;
    while rx.recv().await.is_some() {
        received += 1;
    }
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(received, 40_000);
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.level, seen.waiting), (0, Level::Normal, 0));
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

#[tokio::test]
async fn chan_2_tokios_select_takes_tracked_handles() {
    let registry = Registry::new();
    let (tx, mut rx) = channel(&registry, 1);
    tx.send(1).await.unwrap();
    tokio::select! {
        biased;
        sent = tx.send(2) => sent.unwrap(),
        item = rx.recv() => assert_eq!(item, Some(1)),
    }
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.waiting), (0, 0));
}

#[tokio::test]
async fn chan_1_a_busy_sender_still_yields_to_others() {
    let registry = Registry::new();
    let (tx, mut rx) = tracked::channel::<u32>(&registry, "q", 100_000).unwrap();
    let mut yielded = false;
    {
        let mut busy = pin!(async {
            for n in 0..50_000 {
                tx.send(n).await.unwrap();
            }
        });
        poll_fn(|cx| {
            yielded |= busy.as_mut().poll(cx).is_pending();
            std::task::Poll::Ready(())
        })
        .await;
        assert!(yielded, "upstream's budget for a task holds");
        assert_eq!(entry(&registry, "q").waiting, 0, "to yield is not to wait for room");
        busy.await;
    }
    assert_eq!(rx.recv().await, Some(0));
}

#[tokio::test]
async fn unbounded_keeps_depth_and_never_raises() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, mut rx) = tracked::unbounded_channel::<u32>(&registry, "q").unwrap();
    for n in 0..500 {
        tx.send(n).unwrap();
    }
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.capacity()), (500, 500, None));
    assert_eq!(rx.recv().await, Some(0));
    assert_eq!(rx.try_recv(), Ok(1));
    let mut many = Vec::new();
    assert_eq!(rx.recv_many(&mut many, 98).await, 98);
    assert_eq!(poll_fn(|cx| Pin::new(&mut rx).poll_next(cx)).await, Some(100));
    assert_eq!((depth(&registry), rx.len()), (399, 399));
    let weak = tx.downgrade();
    weak.upgrade().unwrap().send(0).unwrap();
    drop(rx);
    assert!(tx.is_closed() && tx.send(1).is_err());
    assert_eq!((depth(&registry), events.kinds()), (0, vec![]));
}

#[tokio::test]
async fn bad_input_is_a_typed_error() {
    let registry = Registry::new();
    let error = tracked::channel::<u32>(&registry, "q", 0).unwrap_err();
    assert!(matches!(error, RegisterError::Watermarks(_)), "{error}");
    let error = tracked::unbounded_channel::<u32>(&registry, "no spaces").unwrap_err();
    assert!(matches!(error, RegisterError::NameCharacter { .. }), "{error}");
}

#[tokio::test]
async fn watermarks_of_the_users_choice_are_the_channels() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let levels = Watermarks::counts(100, 50, 20).with_level(80, 60).with_level(100, 90);
    let (tx, mut rx) = tracked::channel_with(&registry, "q", levels).unwrap();
    assert_eq!(tx.max_capacity(), 100);
    for _ in 0..100 {
        tx.try_send(()).unwrap();
    }
    while rx.try_recv().is_ok() {}
    let depths: Vec<_> = events.all().iter().map(|e| e.pressure().depth).collect();
    assert_eq!(depths, [50, 80, 100, 90, 60, 20]);
    for none in [Watermarks::unbounded(), Watermarks::rendezvous()] {
        let refused = tracked::channel_with::<()>(&registry, "none", none).unwrap_err();
        assert_eq!(refused, RegisterError::Watermarks(WatermarkError::NoCapacity));
    }
}
