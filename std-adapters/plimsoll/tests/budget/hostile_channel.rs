//! What hostile or unlucky use does to channels bounded by weight.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use plimsoll::Limit;
use plimsoll::budget::RefusedReason;
use plimsoll::budget::channel::{Receiver, Sender, TryRecvError};

use super::channel::block_on;
use super::common::until;
use super::support::{PATIENCE, budget};

/// An item whose drop uses the channel that it is in.
struct Item {
    weight: u64,
    sends: Option<Sender<Item>>,
}

impl Item {
    fn of(weight: u64) -> Self {
        Self { weight, sends: None }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        if let Some(sender) = self.sends.take() {
            // With a lock held it would hang.
            assert!(!sender.is_closed() || sender.try_send(Item::of(1)).is_err());
            drop(sender.try_send(Item::of(1)));
            assert!(sender.len() <= 8);
        }
    }
}

fn channel(items: usize) -> (Sender<Item>, Receiver<Item>) {
    let weigh = |item: &Item| {
        assert_ne!(item.weight, 13, "a weight that panics");
        item.weight
    };
    budget(1_000).weighted_channel("frame_bytes", 100, items, weigh).unwrap()
}

#[test]
fn items_may_use_their_channel_when_they_are_dropped() {
    let (tx, mut rx) = channel(8);
    for _ in 0..3 {
        tx.try_send(Item { weight: 10, sends: Some(tx.clone()) }).unwrap();
    }
    let (weight, host) = (tx.budget().clone(), tx.budget().parent().unwrap());
    drop(rx.try_recv().unwrap());
    assert_eq!(rx.len(), 3, "it has sent another one");
    drop(tx);
    drop(rx);
    assert_eq!((weight.usage(), host.usage()), (0, 0));
}

#[test]
fn a_weight_that_panics_takes_no_room() {
    let (tx, mut rx) = channel(2);
    for _ in 0..10 {
        assert!(catch_unwind(AssertUnwindSafe(|| drop(tx.try_send(Item::of(13))))).is_err());
        let mut send = pin!(tx.send(Item::of(13)));
        let mut context = Context::from_waker(Waker::noop());
        let polled = catch_unwind(AssertUnwindSafe(|| send.as_mut().poll(&mut context).is_ready()));
        assert!(polled.is_err());
    }
    tx.try_send(Item::of(100)).unwrap();
    tx.try_send(Item::of(0)).unwrap();
    assert_eq!((rx.blocking_recv().unwrap().weight, rx.blocking_recv().unwrap().weight), (100, 0));
    assert_eq!(tx.budget().usage(), 0);
}

#[test]
fn items_without_a_weight_are_bounded_by_their_number() {
    let (tx, mut rx) = channel(2);
    tx.try_send(Item::of(0)).unwrap();
    tx.try_send(Item::of(0)).unwrap();
    let error = tx.try_send(Item::of(0)).unwrap_err();
    assert_eq!((error.refused().reason(), error.refused().capacity()), (RefusedReason::Full, 2));
    assert_eq!(rx.recv_timeout(PATIENCE).unwrap().weight, 0);
    let heavy = tx.blocking_send(Item::of(101)).unwrap_err();
    assert_eq!(heavy.refused().reason(), RefusedReason::NeverFits);
    assert_eq!(heavy.into_value().weight, 101);
    tx.try_send(Item::of(1)).unwrap();
    assert_eq!(rx.len(), 2);
}

#[test]
fn a_receiver_that_goes_ends_senders_that_wait_for_either_bound() {
    for (items, first, second) in [(1, 1, 1), (8, 100, 50)] {
        let (tx, rx) = channel(items);
        tx.try_send(Item::of(first)).unwrap();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let tx = tx.clone();
                thread::spawn(move || tx.blocking_send(Item::of(second)).unwrap_err())
            })
            .collect();
        let mut send = pin!(tx.send(Item::of(second)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(send.as_mut().poll(&mut context).is_pending());
        if items > 1 {
            until(|| tx.budget().waiting() == 4);
        }
        drop(rx);
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap().refused().reason(), RefusedReason::Closed);
        }
        let Poll::Ready(Err(error)) = send.as_mut().poll(&mut context) else { panic!("it waits") };
        assert_eq!(
            (error.refused().reason(), error.into_value().weight),
            (RefusedReason::Closed, second)
        );
        assert_eq!((tx.budget().usage(), tx.budget().waiting()), (0, 0));
    }
}

#[test]
fn a_resize_below_an_item_that_waits_gives_it_back() {
    let (tx, mut rx) = channel(8);
    tx.try_send(Item::of(60)).unwrap();
    thread::scope(|scope| {
        let heavy = scope.spawn(|| tx.blocking_send(Item::of(90)).unwrap_err());
        until(|| tx.budget().waiting() == 1);
        tx.budget().resize(70).unwrap();
        assert_eq!(heavy.join().unwrap().refused().reason(), RefusedReason::NeverFits);
    });
    assert_eq!(rx.try_recv().unwrap().weight, 60);
    assert_eq!(rx.try_recv().err(), Some(TryRecvError::Empty));
    // A budget that the user closes is no end of the channel, but nothing with a weight passes.
    tx.budget().close();
    assert_eq!(tx.try_send(Item::of(1)).unwrap_err().refused().reason(), RefusedReason::Closed);
    tx.try_send(Item::of(0)).unwrap();
    assert_eq!(rx.recv_timeout(Duration::MAX).unwrap().weight, 0);
}

#[test]
fn all_that_is_sent_is_received_while_senders_give_up() {
    let weigh = |weight: &u64| weight % 101;
    let host = budget(150);
    let (tx, mut rx) = host.weighted_channel(Limit::memory("frame_bytes"), 100, 4, weigh).unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (tx, sent) = (tx.clone(), sent.clone());
            scope.spawn(move || {
                for step in 0..1_500 {
                    let value = step * 7 + thread;
                    let is_sent = match step % 3 {
                        0 => tx.blocking_send(value).is_ok(),
                        1 => tx.try_send(value).is_ok(),
                        _ => {
                            let mut send = pin!(tx.send(value));
                            let mut context = Context::from_waker(Waker::noop());
                            matches!(send.as_mut().poll(&mut context), Poll::Ready(Ok(())))
                        }
                    };
                    sent.fetch_add(if is_sent { value } else { 0 }, Ordering::Relaxed);
                }
            });
        }
        drop(tx);
        let mut received = 0;
        while let Some((value, room)) = block_on(rx.recv_with_room()) {
            received += value;
            assert_eq!(room.weight(), value % 101);
            drop(room.into_weight());
        }
        assert_eq!(received, sent.load(Ordering::Relaxed));
    });
    assert_eq!((host.usage(), host.waiting()), (0, 0));
}
