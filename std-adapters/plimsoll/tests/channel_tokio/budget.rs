//! CHAN-4: what a task's cooperative budget has to do with waiting, and what an operation costs of it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use plimsoll::Registry;
use plimsoll::channel::tokio::{self as tracked, Sender};
use tokio::sync::mpsc;
use tokio::task::coop::has_budget_remaining;
use tokio::task::{unconstrained, yield_now};

use crate::common::entry;

const HOUR: Duration = Duration::from_secs(3_600);

/// Makes operations until one is pending, and holds it.
///
/// # Returns
/// How many waiters there are then, and how many once that operation has been polled with budget.
async fn waiting_after<'a, F: Future + 'a>(
    registry: &Registry,
    mut operation: impl FnMut() -> F,
    mut keep: impl FnMut(F::Output),
) -> (u64, u64) {
    yield_now().await;
    let mut pending = poll_fn(|cx| {
        loop {
            let mut operation = Box::pin(operation());
            match operation.as_mut().poll(cx) {
                Poll::Ready(output) => keep(output),
                Poll::Pending => return Poll::Ready(operation),
            }
        }
    })
    .await;
    let first = entry(registry, "q").waiting;
    let with_budget = unconstrained(poll_fn(|cx| Poll::Ready(pending.as_mut().poll(cx)))).await;
    if let Poll::Ready(output) = with_budget {
        keep(output);
    }
    let second = entry(registry, "q").waiting;
    drop(pending);
    assert_eq!(entry(registry, "q").waiting, 0);
    (first, second)
}

async fn every_way_to_wait(capacity: usize, is_room: bool) {
    let registry = Registry::new();
    let (tx, _rx) = tracked::channel::<u32>(&registry, "q", capacity).unwrap();
    let expected = if is_room { (0, 0) } else { (1, 1) };
    let case = |name: &str, seen: (u64, u64)| assert_eq!(seen, expected, "{name}");

    let mut permits = Vec::new();
    let seen = waiting_after(&registry, || tx.reserve(), |permit| permits.push(permit)).await;
    case("reserve", seen);
    permits.clear();
    let mut permits = Vec::new();
    let seen =
        waiting_after(&registry, || tx.clone().reserve_owned(), |permit| permits.push(permit));
    case("reserve_owned", seen.await);
    permits.clear();
    let mut permits = Vec::new();
    let seen = waiting_after(&registry, || tx.reserve_many(1), |permit| permits.push(permit)).await;
    case("reserve_many", seen);
    permits.clear();
    let seen = waiting_after(&registry, || tx.send(1), |sent| sent.unwrap()).await;
    case("send", seen);
    let (tx, _rx) = tracked::channel::<u32>(&registry, "r", capacity).unwrap();
    let seen = waiting_after_named(&registry, "r", || tx.send_timeout(1, HOUR)).await;
    case("send_timeout", seen);
}

async fn waiting_after_named<'a, F: Future + 'a>(
    registry: &Registry,
    name: &str,
    mut operation: impl FnMut() -> F,
) -> (u64, u64) {
    yield_now().await;
    let mut pending: Pin<Box<F>> = poll_fn(|cx| {
        loop {
            let mut operation = Box::pin(operation());
            if operation.as_mut().poll(cx).is_pending() {
                return Poll::Ready(operation);
            }
        }
    })
    .await;
    let first = entry(registry, name).waiting;
    unconstrained(poll_fn(|cx| Poll::Ready(pending.as_mut().poll(cx).is_ready()))).await;
    (first, entry(registry, name).waiting)
}

#[tokio::test]
async fn chan_4_a_task_that_has_to_yield_does_not_wait() {
    every_way_to_wait(1_000, true).await;
}

#[tokio::test]
async fn chan_4_a_task_without_room_waits() {
    every_way_to_wait(1, false).await;
    every_way_to_wait(2, false).await;
}

/// The last slot may be the one that the budget denied.
#[tokio::test]
async fn chan_4_a_task_that_has_to_yield_before_the_last_slot_does_not_wait() {
    let registry = Registry::new();
    let (tx, mut rx) = tracked::channel::<u32>(&registry, "q", 1).unwrap();
    yield_now().await;
    let waiting = poll_fn(|cx| {
        for n in 0.. {
            let mut send = pin!(tx.send(n));
            if send.as_mut().poll(cx).is_pending() {
                assert!(n > 0 && !has_budget_remaining());
                return Poll::Ready(entry(&registry, "q").waiting);
            }
            assert_eq!(rx.try_recv(), Ok(n));
        }
        unreachable!("the budget is finite")
    })
    .await;
    assert_eq!((waiting, tx.capacity()), (0, 1));
}

#[tokio::test]
async fn chan_4_a_party_that_waits_goes_on_waiting_through_a_poll_without_budget() {
    let registry = Registry::new();
    let (tx, _rx) = tracked::channel::<u32>(&registry, "q", 1).unwrap();
    tx.try_send(1).unwrap();
    let mut send = pin!(tx.send(2));
    yield_now().await;
    poll_fn(|cx| {
        assert!(send.as_mut().poll(cx).is_pending());
        spend_all(cx);
        assert!(send.as_mut().poll(cx).is_pending());
        assert_eq!(entry(&registry, "q").waiting, 1);
        Poll::Ready(())
    })
    .await;
}

fn spend_all(cx: &mut std::task::Context<'_>) {
    let (_tx, mut rx) = mpsc::channel::<u32>(1);
    rx.close();
    while rx.poll_recv(cx).is_ready() {}
}

/// How many units of its budget a task has left.
async fn budget_left() -> usize {
    poll_fn(|cx| {
        let (_tx, mut rx) = mpsc::channel::<u32>(1);
        rx.close();
        let left = std::iter::from_fn(|| rx.poll_recv(cx).is_ready().then_some(())).count();
        Poll::Ready(left)
    })
    .await
}

/// What `operations` costs of a fresh budget.
async fn cost<F: Future>(operations: F) -> (usize, F::Output) {
    yield_now().await;
    let full = budget_left().await;
    yield_now().await;
    let output = operations.await;
    (full - budget_left().await, output)
}

#[tokio::test]
async fn chan_4_a_tracked_operation_costs_what_upstreams_does() {
    let registry = Registry::new();
    macro_rules! bounded {
        ($channel:expr) => {{
            let (tx, mut rx) = $channel;
            cost(async move {
                let mut items = Vec::new();
                tx.send(0u32).await.unwrap();
                tx.send_timeout(1, HOUR).await.unwrap();
                tx.reserve().await.unwrap().send(2);
                tx.reserve_many(2).await.unwrap().for_each(|permit| permit.send(3));
                let tx = tx.reserve_owned().await.unwrap().send(4);
                tx.try_send(5).unwrap();
                assert_eq!(rx.recv().await, Some(0));
                assert_eq!(rx.try_recv(), Ok(1));
                poll_fn(|cx| rx.poll_recv(cx)).await.unwrap();
                rx.recv_many(&mut items, 0).await + rx.recv_many(&mut items, 100).await
            })
            .await
        }};
    }
    let upstream = bounded!(mpsc::channel(100));
    assert_eq!(bounded!(tracked::channel(&registry, "q", 100).unwrap()), upstream);
    assert!(upstream.0 >= 9, "{upstream:?}");

    macro_rules! unbounded {
        ($channel:expr, $items:expr, $limit:expr) => {{
            let (tx, mut rx) = $channel;
            (0..$items).for_each(|n: u32| tx.send(n).unwrap());
            cost(async move {
                let mut items = Vec::new();
                let many = rx.recv_many(&mut items, $limit).await;
                let polled = match rx.is_empty() {
                    true => 0,
                    false => poll_fn(|cx| rx.poll_recv_many(cx, &mut items, $limit)).await,
                };
                (many, polled, items.len(), rx.len())
            })
            .await
        }};
    }
    for (items, limit) in [(1, 1), (10_000, usize::MAX), (20_000, 9_000), (65, 64), (128, 64)] {
        let upstream = unbounded!(mpsc::unbounded_channel(), items, limit);
        let own = unbounded!(tracked::unbounded_channel(&registry, "u").unwrap(), items, limit);
        assert_eq!(own, upstream, "{items} items, {limit} at most");
    }
}

/// So does one that finds no room, or nobody to receive.
#[tokio::test]
async fn chan_4_a_tracked_send_that_comes_to_nothing_costs_what_upstreams_does() {
    let registry = Registry::new();
    macro_rules! bounded {
        ($channel:expr) => {{
            let (tx, rx) = $channel;
            cost(async move {
                tx.send(0u32).await.unwrap();
                for _ in 0..3 {
                    poll_fn(|cx| {
                        assert!(pin!(tx.send(1)).poll(cx).is_pending());
                        assert!(pin!(tx.reserve()).poll(cx).is_pending());
                        Poll::Ready(())
                    })
                    .await;
                }
                drop(rx);
                for _ in 0..3 {
                    assert!(tx.send(2).await.is_err() && tx.reserve().await.is_err());
                }
            })
            .await
            .0
        }};
    }
    let upstream = bounded!(mpsc::channel(1));
    assert_eq!(bounded!(tracked::channel(&registry, "q", 1).unwrap()), upstream);
    assert!(upstream >= 1, "{upstream}");
}

/// A task that has used up its budget is sent away by both alike.
#[tokio::test]
async fn chan_4_a_busy_receiver_yields_as_upstreams() {
    let registry = Registry::new();
    let (tx, mut rx) = tracked::unbounded_channel::<u32>(&registry, "q").unwrap();
    (0..1_000).for_each(|n| tx.send(n).unwrap());
    let (raw_tx, mut raw_rx) = mpsc::unbounded_channel::<u32>();
    (0..1_000).for_each(|n| raw_tx.send(n).unwrap());
    yield_now().await;
    let raw = poll_fn(|cx| {
        Poll::Ready((0..1_000).take_while(|_| raw_rx.poll_recv(cx).is_ready()).count())
    });
    let raw = raw.await;
    yield_now().await;
    let own =
        poll_fn(|cx| Poll::Ready((0..1_000).take_while(|_| rx.poll_recv(cx).is_ready()).count()));
    assert_eq!(own.await, raw);
    assert_eq!(entry(&registry, "q").depth, 1_000 - raw as u64);
}

#[test]
fn chan_1_blocking_calls_panic_inside_a_runtime_as_upstreams_do() {
    let registry = Registry::new();
    let (tx, mut rx): (Sender<u32>, _) = tracked::channel(&registry, "q", 4).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let message = |call: &mut dyn FnMut()| {
        let call = std::panic::AssertUnwindSafe(|| runtime.block_on(async { call() }));
        let panic = std::panic::catch_unwind(call).unwrap_err();
        panic.downcast_ref::<String>().cloned().unwrap_or_else(|| {
            (*panic.downcast_ref::<&str>().expect("a panic with a message")).to_owned()
        })
    };
    let raw = mpsc::channel::<u32>(4);
    let upstream = message(&mut || raw.0.blocking_send(1).unwrap());
    assert_eq!(message(&mut || tx.blocking_send(1).unwrap()), upstream);
    assert_eq!(message(&mut || assert!(rx.blocking_recv().is_some())), upstream);
    assert_eq!(entry(&registry, "q").depth, 0);
    tx.blocking_send(1).unwrap();
    assert_eq!((rx.blocking_recv(), entry(&registry, "q").depth), (Some(1), 0));
}
