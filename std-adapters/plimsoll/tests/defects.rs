//! Defects 1, 2, 3, 4 and 6 of the designs in use, absent from the tracked channels of every flavour.
//!
//! `plimsoll-core` has the same tests for its gauges, beside twins of those designs that show the
//! defects.
#![cfg(all(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc as plain};
use std::thread;
use std::time::Duration;

use common::{AsPressure, Events, entry, until};
use plimsoll::channel::{crossbeam, mpsc, tokio};
use plimsoll::{EventKind, Level, Limit, PressureRule, Registry};

/// A tracked channel of any flavour.
trait Channel: Send + Sync {
    fn try_send(&self, item: u32) -> bool;
    /// Blocks while there is no room.
    fn send(&self, item: u32) -> bool;
    /// Blocks while there is no item.
    fn recv(&self) -> Option<u32>;
    /// The receiver goes.
    fn close(&self);
}

struct Flavour<S, R> {
    sender: S,
    receiver: Mutex<Option<R>>,
}

impl<S, R> Flavour<S, R> {
    fn receiver(&self) -> MutexGuard<'_, Option<R>> {
        self.receiver.lock().unwrap()
    }
}

macro_rules! channel {
    ($flavour:ident::$sender:ident, $send:ident, $recv:ident) => {
        impl Channel for Flavour<$flavour::$sender<u32>, $flavour::Receiver<u32>> {
            fn try_send(&self, item: u32) -> bool {
                self.sender.try_send(item).is_ok()
            }

            fn send(&self, item: u32) -> bool {
                self.sender.$send(item).is_ok()
            }

            fn recv(&self) -> Option<u32> {
                let mut receiver = self.receiver();
                receiver.as_mut()?.$recv().into_iter().next()
            }

            fn close(&self) {
                self.receiver().take();
            }
        }
    };
}

channel!(crossbeam::Sender, send, recv);
channel!(mpsc::SyncSender, send, recv);
channel!(tokio::Sender, blocking_send, blocking_recv);

const FLAVOURS: [&str; 3] = ["crossbeam", "mpsc", "tokio"];

/// A channel whose every edge is an event, under the name of its flavour.
fn channel(registry: &Registry, flavour: &'static str, capacity: usize) -> Arc<dyn Channel> {
    fn boxed<S, R>((sender, receiver): (S, R)) -> Arc<dyn Channel>
    where
        Flavour<S, R>: Channel + 'static,
    {
        Arc::new(Flavour { sender, receiver: Mutex::new(Some(receiver)) })
    }
    let limit = Limit::queue(flavour).pressure(PressureRule::IMMEDIATE);
    match flavour {
        "crossbeam" => boxed(crossbeam::bounded(registry, limit, capacity).unwrap()),
        "mpsc" => boxed(mpsc::sync_channel(registry, limit, capacity).unwrap()),
        _ => boxed(tokio::channel(registry, limit, capacity).unwrap()),
    }
}

/// What every test ends with: nothing in the channel, and nothing said to be.
fn assert_at_rest(registry: &Registry, flavour: &str, high_water: u64) {
    let entry = entry(registry, flavour);
    assert_eq!((entry.depth, entry.level), (0, Level::Normal), "{flavour}");
    assert_eq!((entry.high_water, entry.waiting), (high_water, 0), "{flavour}");
}

/// GAUGE-1: a receiver that is quicker than the sender's count.
#[test]
fn defect_1_no_try_send_latches_a_channel_of_one() {
    const ITEMS: u32 = 20_000;
    for flavour in FLAVOURS {
        let registry = Registry::new();
        let queue = channel(&registry, flavour, 1);
        thread::scope(|scope| {
            scope.spawn(|| {
                for item in 0..ITEMS {
                    while !queue.try_send(item) {
                        thread::yield_now();
                    }
                }
            });
            (0..ITEMS).for_each(|item| assert_eq!(queue.recv(), Some(item)));
        });
        assert_at_rest(&registry, flavour, 1);
    }
}

/// GAUGE-1: sends that fail.
#[test]
fn defect_2_a_hundred_sends_to_a_gone_receiver_count_nothing() {
    for flavour in FLAVOURS {
        let registry = Registry::new();
        let events = Events::of(&registry);
        let queue = channel(&registry, flavour, 10);
        queue.close();
        assert!((0..50).all(|item| !queue.send(item) && !queue.try_send(item)));
        assert_at_rest(&registry, flavour, 0);
        assert!(events.all().is_empty(), "{flavour}");
    }
}

/// GAUGE-2: who is blocked is a number of its own.
#[test]
fn defect_3_sixteen_senders_on_four_places_are_a_depth_of_four() {
    for flavour in FLAVOURS {
        let registry = Registry::new();
        let queue = channel(&registry, flavour, 4);
        thread::scope(|scope| {
            for item in 0..16 {
                let queue = &queue;
                scope.spawn(move || assert!(queue.send(item)));
            }
            until(|| entry(&registry, flavour).waiting == 12);
            let full = entry(&registry, flavour);
            assert_eq!((full.depth, full.high_water), (4, 4), "{flavour}");
            assert!((0..16).all(|_| queue.recv().is_some()));
        });
        assert_at_rest(&registry, flavour, 4);
        assert!(entry(&registry, flavour).blocked > Duration::ZERO, "{flavour}");
    }
}

/// GAUGE-3 and GAUGE-4: two threads on either side of a channel of one, where all is a crossing.
#[test]
fn defect_4_each_crossing_warns_once_and_the_level_ends_right() {
    const ITEMS: u32 = 5_000;
    for flavour in FLAVOURS {
        let registry = Registry::new();
        let events = Events::of(&registry);
        let queue = channel(&registry, flavour, 1);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert!((0..ITEMS).all(|item| queue.send(item))));
            }
            assert!((0..2 * ITEMS).all(|_| queue.recv().is_some()));
        });
        let mut edges: Vec<_> =
            events.all().iter().map(|event| (event.pressure().sequence, event.kind())).collect();
        edges.sort_by_key(|(sequence, _)| *sequence);
        let kinds = [EventKind::Raised, EventKind::Cleared].into_iter().cycle();
        for ((place, edge), kind) in edges.iter().enumerate().zip(kinds) {
            assert_eq!(*edge, (place as u64 + 1, kind), "{flavour}");
        }
        assert_at_rest(&registry, flavour, 1);
    }
}

/// REG-3: a panic in a subscriber is no business of the channel.
#[test]
fn defect_6_a_panicking_subscriber_costs_no_item() {
    for flavour in FLAVOURS {
        let registry = Registry::new();
        let _panics = registry.subscribe(|_| std::panic::resume_unwind(Box::new("subscriber")));
        let queue = channel(&registry, flavour, 1);
        for item in 0..10 {
            assert!(queue.send(item));
            assert_eq!(queue.recv(), Some(item), "{flavour}");
        }
        assert_eq!(registry.stats().panicked, 20, "{flavour}");
        assert_at_rest(&registry, flavour, 1);
    }
}

/// REG-3: a subscriber may send, even into the channel that has just run full; it waits for room as
/// anybody would, and holds up nobody else.
#[test]
fn defect_6_a_subscriber_that_sends_into_the_full_channel_gets_through() {
    for flavour in FLAVOURS {
        let registry = Registry::new();
        let queue = channel(&registry, flavour, 1);
        let first = AtomicBool::new(true);
        let target = Arc::downgrade(&queue);
        let _sends = registry.subscribe(move |event| {
            if event.kind() == EventKind::Raised && first.swap(false, Ordering::Relaxed) {
                assert!(target.upgrade().unwrap().send(2));
            }
        });
        let (done, finished) = plain::channel();
        let sender = queue.clone();
        thread::spawn(move || done.send(sender.send(1)));
        until(|| entry(&registry, flavour).waiting == 1);
        assert_eq!(entry(&registry, flavour).depth, 1, "a snapshot is to be had meanwhile");
        assert_eq!(queue.recv(), Some(1), "{flavour}");
        assert_eq!(queue.recv(), Some(2), "{flavour}");
        assert_eq!(finished.recv_timeout(Duration::from_secs(10)), Ok(true), "{flavour}");
        until(|| entry(&registry, flavour).level == Level::Normal);
        assert_at_rest(&registry, flavour, 1);
    }
}
