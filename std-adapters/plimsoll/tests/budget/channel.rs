//! The channel that is bounded by weight.

use std::thread;
use std::time::Duration;

use plimsoll::budget::channel::{Receiver, SendError, Sender, TryRecvError};
use plimsoll::budget::{BudgetError, RefusedReason};
use plimsoll::{Level, Limit, Registry};

use super::common::{entry, until};
use super::support::{PATIENCE, budget, tree};

fn weigh(item: &u64) -> u64 {
    *item
}

fn channel(weight: u64, items: usize) -> (Sender<u64>, Receiver<u64>) {
    budget(1_000).weighted_channel("frames", weight, items, weigh).unwrap()
}

fn reason(error: &SendError<u64>) -> (RefusedReason, u64) {
    (error.refused().reason(), error.refused().capacity())
}

#[test]
fn it_is_bounded_by_weight_and_by_number() {
    let (tx, mut rx) = channel(100, 3);
    for item in [0, 60, 0] {
        tx.try_send(item).unwrap();
    }
    let error = tx.try_send(1).unwrap_err();
    assert_eq!(reason(&error), (RefusedReason::Full, 3));
    assert_eq!(error.refused().name(), "frames_items", "not the weight");
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(reason(&tx.try_send(50).unwrap_err()), (RefusedReason::Full, 100));
    let heavy = tx.try_send(101).unwrap_err();
    assert_eq!((reason(&heavy), heavy.into_value()), ((RefusedReason::NeverFits, 100), 101));
    assert_eq!((tx.len(), rx.len(), tx.budget().usage()), (2, 2, 60));
    tx.try_send(40).unwrap();
    assert_eq!([rx.try_recv(), rx.try_recv(), rx.try_recv()], [Ok(60), Ok(0), Ok(40)]);
    assert_eq!((rx.try_recv(), rx.is_empty()), (Err(TryRecvError::Empty), true));
    assert_eq!(rx.budget().usage(), 0);
}

#[test]
fn its_weight_counts_for_those_above() {
    let (host, [guest]) = tree(100, [80]);
    let registry = Registry::new();
    let (tx, mut rx) = guest.weighted_channel("frames", 80, 10, weigh).unwrap();
    tx.try_send(70).unwrap();
    assert_eq!((host.usage(), guest.usage()), (70, 70));
    let _other = host.try_reserve(25).unwrap();
    let error = tx.try_send(8).unwrap_err();
    assert_eq!(error.to_string().split(':').next(), Some("not sent"));
    assert_eq!(error.refused().name(), "host_bytes");
    let (_, room) = thread::scope(|scope| {
        let receive = async { rx.recv_with_room().await.unwrap() };
        scope.spawn(|| block_on(receive)).join().unwrap()
    });
    assert_eq!((room.weight(), guest.usage()), (70, 70), "until it is worked off");
    let lease = room.into_weight().unwrap();
    assert_eq!(lease.amount(), 70);
    drop(lease);
    assert_eq!((host.usage(), guest.usage()), (25, 0));
    let listed = registry.weighted_channel(Limit::memory("bytes"), 10, 1, weigh).unwrap();
    listed.0.try_send(4).unwrap();
    assert_eq!(entry(&registry, "bytes").depth, 4);
    drop(listed);
    assert!(registry.snapshot().entries().is_empty());
}

/// Runs a future on the calling thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake};

    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

#[test]
fn senders_wait_in_turn_for_room() {
    let (tx, mut rx) = channel(100, 10);
    tx.blocking_send(100).unwrap();
    let senders: Vec<_> = (0..3)
        .map(|number| {
            let sender = thread::spawn({
                let tx = tx.clone();
                move || tx.blocking_send(90 + number)
            });
            until(|| tx.budget().waiting() == number + 1);
            sender
        })
        .collect();
    drop(tx);
    let received: Vec<_> = std::iter::from_fn(|| rx.blocking_recv()).collect();
    assert_eq!(received, [100, 90, 91, 92]);
    senders.into_iter().for_each(|sender| sender.join().unwrap().unwrap());
    assert_eq!((rx.try_recv(), rx.budget().usage()), (Err(TryRecvError::Disconnected), 0));
}

#[test]
fn a_receiver_that_goes_ends_the_senders_that_wait() {
    let (host, [guest]) = tree(100, [100]);
    let (tx, mut rx) = guest.weighted_channel("frames", 100, 10, weigh).unwrap();
    tx.try_send(100).unwrap();
    let sender = thread::spawn({
        let tx = tx.clone();
        move || tx.blocking_send(50)
    });
    until(|| tx.budget().waiting() == 1);
    rx.close();
    let error = sender.join().unwrap().unwrap_err();
    assert_eq!((reason(&error).0, error.into_value()), (RefusedReason::Closed, 50));
    assert!(tx.is_closed());
    assert_eq!(rx.try_recv(), Ok(100), "what is there is received still");
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(reason(&tx.try_send(1).unwrap_err()).0, RefusedReason::Closed);
    assert_eq!(host.usage(), 0);
    assert!(guest.try_reserve(100).is_ok(), "the guest's own budget is open");
}

#[test]
fn what_is_left_in_it_is_given_back() {
    let host = budget(100);
    let (tx, rx) = host.weighted_channel("frames", 100, 10, weigh).unwrap();
    tx.try_send(30).unwrap();
    tx.try_send(20).unwrap();
    drop(rx);
    assert_eq!(host.usage(), 0);
    assert!(tx.try_send(1).is_err());
}

#[test]
fn a_receiver_waits_for_an_item_or_the_end() {
    let (tx, mut rx) = channel(100, 10);
    assert_eq!(rx.recv_timeout(Duration::from_millis(1)), Err(TryRecvError::Empty));
    let sender = thread::spawn(move || tx.blocking_send(7).unwrap());
    assert_eq!(rx.recv_timeout(PATIENCE), Ok(7));
    sender.join().unwrap();
    assert_eq!(rx.recv_timeout(PATIENCE), Err(TryRecvError::Disconnected));
}

#[test]
fn bad_bounds_are_refused() {
    let host = budget(100);
    let error = host.weighted_channel("frames", 10, 0, weigh).unwrap_err();
    assert_eq!(error, BudgetError::ZeroItems { limit: "frames".to_owned() });
    assert!(host.weighted_channel("frames", 101, 1, weigh).is_err());
    assert!(host.weighted_channel("frames", 0, 1, weigh).is_err());
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn tasks_send_and_receive() {
    let host = budget(1_000);
    let (tx, mut rx) = host.weighted_channel("frames", 100, 4, weigh).unwrap();
    let senders = (0..4).map(|sender| {
        let tx = tx.clone();
        tokio::spawn(async move {
            for item in 0..50 {
                tx.send((item * 13 + sender) % 100).await.unwrap();
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    drop(tx);
    let (mut items, mut sum) = (0, 0);
    while let Some(item) = rx.recv().await {
        assert!(rx.len() <= 4 && host.usage() <= 100, "{host:?}");
        (items, sum) = (items + 1, sum + item);
    }
    for sender in senders {
        sender.await.unwrap();
    }
    let expected: u64 = (0..4).flat_map(|s| (0..50).map(move |i| (i * 13 + s) % 100)).sum();
    assert_eq!((items, sum, host.usage()), (200, expected, 0));
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn a_cancelled_send_takes_no_room() {
    let host = budget(1_000);
    let (tx, mut rx) = host.weighted_channel("frames", 100, 4, weigh).unwrap();
    tx.send(80).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(1), tx.send(30)).await.is_err());
    assert_eq!((tx.len(), host.usage(), host.waiting()), (1, 80, 0));
    tx.try_send(20).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(1), tx.send(1)).await.is_err());
    assert_eq!((rx.recv().await, rx.recv().await), (Some(80), Some(20)));
    for _ in 0..4 {
        tx.try_send(25).unwrap();
    }
}

#[cfg(feature = "tokio")]
#[test]
fn a_receiver_is_a_stream() {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use futures_core::Stream;

    let (tx, mut rx) = channel(100, 4);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(Pin::new(&mut rx).poll_next(&mut context), Poll::Pending);
    tx.try_send(7).unwrap();
    drop(tx);
    assert_eq!(Pin::new(&mut rx).poll_next(&mut context), Poll::Ready(Some(7)));
    assert_eq!(Pin::new(&mut rx).poll_next(&mut context), Poll::Ready(None));
}

#[test]
fn budget_7_a_channel_full_by_number_is_seen_and_can_be_raised() {
    let registry = Registry::new();
    let limit = Limit::memory("frame_bytes").scope("guest-7");
    let (tx, mut rx) = registry.weighted_channel(limit, 100, 2, weigh).unwrap();
    tx.try_send(1).unwrap();
    tx.try_send(1).unwrap();
    let items = entry(&registry, "frame_bytes_items");
    assert_eq!((items.depth, items.scope(), items.level), (2, Some("guest-7"), Level::Elevated));
    let error = tx.try_send(1).unwrap_err();
    assert!(!error.is_disconnected());
    assert_eq!(
        error.to_string(),
        "not sent: queue frame_bytes_items[guest-7] has no room for 1: 2 of 2 used; \
         `Budget::resize` to 3 makes room",
    );
    let sender = thread::spawn({
        let tx = tx.clone();
        move || tx.blocking_send(1)
    });
    until(|| tx.item_budget().waiting() == 1);
    assert_eq!(
        entry(&registry, "frame_bytes_items").waiting,
        1,
        "a sender is blocked by the number"
    );
    tx.item_budget().resize(3).unwrap();
    sender.join().unwrap().unwrap();
    assert_eq!((rx.len(), rx.item_budget().usage()), (3, 3));
    rx.close();
    let error = tx.try_send(1).unwrap_err();
    assert!(error.is_disconnected());
    assert_eq!(error.to_string(), "not sent: the receiver is closed or gone");
}
