//! CHAN-3: wakers, drops and clones that panic, on every path in and out.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_core::Stream;
use plimsoll::channel::tokio::{self as tracked, Receiver, Sender};
use plimsoll::{EventKind, Level, Registry};

use crate::common::{Events, entry};

struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("waker");
    }
}

fn bomb() -> Waker {
    Waker::from(Arc::new(Bomb))
}

fn poll<F: Future>(waker: &Waker, future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(waker))
}

fn ready<F: Future>(future: F) -> F::Output {
    match poll(Waker::noop(), future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("pending"),
    }
}

fn unwinds(operation: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(operation)).is_err(), "the waker's panic comes through");
}

/// An item; a clone of the one that the test keeps.
type Item = Arc<()>;

struct Stage {
    registry: Registry,
    events: Events,
    item: Item,
}

impl Stage {
    fn new() -> Self {
        let registry = Registry::new();
        let events = Events::of(&registry);
        Self { registry, events, item: Arc::default() }
    }

    fn channel(&self, capacity: usize) -> (Sender<Item>, Receiver<Item>) {
        tracked::channel(&self.registry, "q", capacity).unwrap()
    }

    /// The gauge says what upstream says, and so do its edges; nothing is kept that is not inside.
    fn assert_right(&self, rx: &Receiver<Item>, held: usize, case: &str) {
        let seen = entry(&self.registry, "q");
        assert_eq!((seen.depth, seen.waiting), (rx.len() as u64, 0), "{case}: GAUGE-1");
        // The registry holds back the edges of the smallest channels until they last.
        if seen.capacity() > Some(2) {
            let level = self.events.all().last().map_or(Level::Normal, |event| event.level());
            assert_eq!(level, seen.watermarks().judge(level, seen.depth), "{case}: GAUGE-4");
            assert_eq!(level, seen.level, "{case}: GAUGE-4");
        }
        assert_eq!(Arc::strong_count(&self.item), 1 + rx.len() + held, "{case}: as upstream");
    }
}

fn in_runtime(test: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _context = runtime.enter();
    test();
}

/// What is in when the receiver's waker panics has been sent.
#[test]
fn chan_3_a_receivers_waker_that_panics_on_every_way_in() {
    type Send = fn(&Sender<Item>, Item);
    let ways: [(&str, Send); 9] = [
        ("send", |tx, item| ready(tx.send(item)).unwrap()),
        ("try_send", |tx, item| tx.try_send(item).unwrap()),
        ("send_timeout", |tx, item| {
            ready(tx.send_timeout(item, Duration::from_secs(9))).unwrap();
        }),
        ("blocking_send", |tx, item| tx.blocking_send(item).unwrap()),
        ("reserve", |tx, item| ready(tx.reserve()).unwrap().send(item)),
        ("try_reserve", |tx, item| tx.try_reserve().unwrap().send(item)),
        ("reserve_many", |tx, item| {
            let mut permits = ready(tx.reserve_many(2)).unwrap();
            permits.next().unwrap().send(item);
        }),
        ("reserve_owned", |tx, item| {
            drop(ready(tx.clone().reserve_owned()).unwrap().send(item));
        }),
        ("try_reserve_owned", |tx, item| {
            drop(tx.clone().try_reserve_owned().unwrap().send(item));
        }),
    ];
    for (name, send) in ways {
        for capacity in [2, 10] {
            let stage = Stage::new();
            let (tx, mut rx) = stage.channel(capacity);
            for round in 0..2 {
                let waker = bomb();
                assert!(poll(&waker, rx.recv()).is_pending());
                in_runtime(|| unwinds(|| send(&tx, stage.item.clone())));
                stage.assert_right(&rx, 0, &format!("{name}, capacity {capacity}, round {round}"));
                assert_eq!(rx.len(), 1, "{name}: sent, as upstream");
                assert!(rx.try_recv().is_ok());
                stage.assert_right(&rx, 0, name);
            }
            while tx.try_send(stage.item.clone()).is_ok() {}
            stage.assert_right(&rx, 0, name);
            assert_eq!(entry(&stage.registry, "q").depth, capacity as u64, "{name}");
            while rx.try_recv().is_ok() {}
            stage.assert_right(&rx, 0, name);
        }
    }
}

/// What is out when a sender's waker panics has been received.
#[test]
fn chan_3_a_senders_waker_that_panics_on_every_way_out() {
    type Receive = fn(&mut Receiver<Item>);
    let ways: [(&str, Receive); 8] = [
        ("recv", |rx| drop(ready(rx.recv()))),
        ("try_recv", |rx| drop(rx.try_recv())),
        ("blocking_recv", |rx| drop(rx.blocking_recv())),
        ("poll_recv", |rx| drop(ready(poll_fn(|cx| rx.poll_recv(cx))))),
        ("stream", |rx| drop(ready(poll_fn(|cx| Pin::new(&mut *rx).poll_next(cx))))),
        ("recv_many", |rx| assert!(ready(rx.recv_many(&mut Vec::new(), 3)) > 0)),
        ("poll_recv_many", |rx| {
            let mut items = vec![Item::default()];
            assert!(ready(poll_fn(|cx| rx.poll_recv_many(cx, &mut items, 3))) > 0);
        }),
        ("blocking_recv_many", |rx| assert!(rx.blocking_recv_many(&mut Vec::new(), 1) > 0)),
    ];
    for (name, receive) in ways {
        for capacity in [1, 2, 7, 10] {
            let stage = Stage::new();
            let (tx, mut rx) = stage.channel(capacity);
            for round in 0..3 {
                while tx.try_send(stage.item.clone()).is_ok() {}
                let waker = bomb();
                let mut send = Box::pin(tx.reserve());
                assert!(poll(&waker, send.as_mut()).is_pending());
                unwinds(|| receive(&mut rx));
                drop(send);
                assert!(rx.len() < capacity, "{name}: received, as upstream");
                stage.assert_right(&rx, 0, &format!("{name}, capacity {capacity}, round {round}"));
            }
            while rx.try_recv().is_ok() {}
            stage.assert_right(&rx, 0, name);
        }
    }
}

/// A waker that panics as it is replaced, before anything is taken.
#[test]
fn chan_3_a_waker_that_cannot_be_replaced_takes_nothing() {
    struct DropBomb;
    impl Wake for DropBomb {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for DropBomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "dropped waker");
        }
    }
    for many in [false, true] {
        let stage = Stage::new();
        let (tx, mut rx) = stage.channel(2);
        // The channel is left with the only copy, and drops it as it registers another; upstream
        // contains that panic.
        assert!(poll(&Waker::from(Arc::new(DropBomb)), rx.recv()).is_pending());
        match many {
            false => assert!(poll(Waker::noop(), rx.recv()).is_pending()),
            true => assert!(poll(Waker::noop(), rx.recv_many(&mut Vec::new(), 2)).is_pending()),
        }
        stage.assert_right(&rx, 0, "recv");
        tx.try_send(stage.item.clone()).unwrap();
        stage.assert_right(&rx, 0, "try_send");
        assert!(rx.try_recv().is_ok());
        stage.assert_right(&rx, 0, "try_recv");
    }
}

#[test]
fn chan_3_items_that_panic_as_the_receiver_drops_them() {
    struct Charge(Arc<()>);
    impl Drop for Charge {
        fn drop(&mut self) {
            // One panic at a time: upstream goes on draining while it unwinds.
            assert!(std::thread::panicking() || Arc::strong_count(&self.0) % 4 > 0, "item");
        }
    }
    let (registry, charge) = (Registry::new(), Arc::new(()));
    let events = Events::of(&registry);
    let (tx, rx) = tracked::channel(&registry, "q", 10).unwrap();
    let (unbounded, unbounded_rx) = tracked::unbounded_channel(&registry, "u").unwrap();
    for _ in 0..9 {
        assert!(tx.try_send(Charge(charge.clone())).is_ok());
        assert!(unbounded.send(Charge(charge.clone())).is_ok());
    }
    unwinds(|| drop(rx));
    unwinds(|| drop(unbounded_rx));
    assert_eq!((entry(&registry, "q").depth, entry(&registry, "u").depth), (0, 0));
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
    assert_eq!(entry(&registry, "q").level, Level::Normal);
    assert!(tx.is_closed() && unbounded.is_closed());
}

#[test]
fn chan_3_the_wakers_of_unbounded_channels() {
    let registry = Registry::new();
    let (tx, mut rx) = tracked::unbounded_channel::<Item>(&registry, "q").unwrap();
    let waker = bomb();
    for round in 1..=3 {
        assert!(poll(&waker, rx.recv()).is_pending());
        unwinds(|| tx.send(Item::default()).unwrap());
        assert_eq!((entry(&registry, "q").depth, rx.len()), (1, 1));
        match round {
            1 => assert!(ready(rx.recv()).is_some()),
            2 => assert!(rx.try_recv().is_ok()),
            _ => assert_eq!(ready(rx.recv_many(&mut Vec::new(), 9)), 1),
        }
        assert_eq!((entry(&registry, "q").depth, rx.len()), (0, 0));
    }
    assert!(poll(&waker, rx.recv()).is_pending());
    unwinds(|| drop(tx));
    assert_eq!(entry(&registry, "q").depth, 0);
}

/// A blocked send whose wait ends by a panic no longer waits.
#[test]
fn chan_3_a_wait_that_unwinds_is_over() {
    struct Rude;
    impl Future for Rude {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            panic!("beside the send");
        }
    }
    let stage = Stage::new();
    let (tx, rx) = stage.channel(1);
    tx.try_send(stage.item.clone()).unwrap();
    unwinds(|| {
        let mut send = pin!(tx.send(stage.item.clone()));
        assert!(poll(Waker::noop(), send.as_mut()).is_pending());
        assert_eq!(entry(&stage.registry, "q").waiting, 1);
        let _ = poll(Waker::noop(), Rude);
    });
    stage.assert_right(&rx, 0, "send");
}

#[test]
fn gauge_3_a_receiver_that_goes_with_items_inside_clears() {
    let stage = Stage::new();
    for close_first in [false, true] {
        let (tx, mut rx) = stage.channel(3);
        while tx.try_send(stage.item.clone()).is_ok() {}
        if close_first {
            rx.close();
        }
        drop(rx);
        assert_eq!(stage.events.kinds().last(), Some(&EventKind::Cleared));
        assert_eq!(entry(&stage.registry, "q").level, Level::Normal);
        drop(tx);
    }
    assert_eq!(stage.events.kinds().len(), 4);
    assert_eq!(Arc::strong_count(&stage.item), 1);
}
