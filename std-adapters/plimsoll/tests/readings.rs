//! CHAN-5: each handle tells its channel's reading, and on request what has gone through it.
#![cfg(all(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]

mod common;

use std::time::{Duration, Instant};
use std::{iter, thread};

use common::AsPressure;
use plimsoll::channel::{ChannelReading, crossbeam, mpsc, tokio as tracked};
use plimsoll::{EventKind, Level, Limit, PressureRule, Registry};

const MOMENT: Duration = Duration::from_millis(20);

/// One channel of any flavour.
trait Channel {
    fn send(&self) -> bool;
    fn recv(&mut self) -> bool;
    fn sender(&self) -> ChannelReading;
    fn receiver(&self) -> ChannelReading;
    /// Drops the receiver.
    fn end(self: Box<Self>) -> Box<dyn Fn() -> ChannelReading>;
}

macro_rules! channel {
    ($name:ident, $tx:ty, $rx:ty, $send:ident) => {
        struct $name($tx, $rx);

        impl Channel for $name {
            fn send(&self) -> bool {
                self.0.$send(7).is_ok()
            }
            fn recv(&mut self) -> bool {
                self.1.try_recv().is_ok()
            }
            fn sender(&self) -> ChannelReading {
                self.0.reading()
            }
            fn receiver(&self) -> ChannelReading {
                self.1.reading()
            }
            fn end(self: Box<Self>) -> Box<dyn Fn() -> ChannelReading> {
                let Self(tx, rx) = *self;
                drop(rx);
                Box::new(move || tx.reading())
            }
        }
    };
}

channel!(Crossbeam, crossbeam::Sender<u32>, crossbeam::Receiver<u32>, try_send);
channel!(Mpsc, mpsc::SyncSender<u32>, mpsc::Receiver<u32>, try_send);
channel!(Tokio, tracked::Sender<u32>, tracked::Receiver<u32>, try_send);
channel!(TokioUnbounded, tracked::UnboundedSender<u32>, tracked::UnboundedReceiver<u32>, send);

fn bounded(registry: &Registry, limit: &Limit, capacity: usize) -> Vec<Box<dyn Channel>> {
    let (tx, rx) = crossbeam::bounded(registry, limit.clone(), capacity).unwrap();
    let crossbeam = Crossbeam(tx, rx);
    let (tx, rx) = mpsc::sync_channel(registry, limit.clone(), capacity).unwrap();
    let mpsc = Mpsc(tx, rx);
    let (tx, rx) = tracked::channel(registry, limit.clone(), capacity).unwrap();
    vec![Box::new(crossbeam), Box::new(mpsc), Box::new(Tokio(tx, rx))]
}

fn unbounded(registry: &Registry, limit: &Limit) -> Vec<Box<dyn Channel>> {
    let (tx, rx) = crossbeam::unbounded(registry, limit.clone()).unwrap();
    let crossbeam = Crossbeam(tx, rx);
    let (tx, rx) = tracked::unbounded_channel(registry, limit.clone()).unwrap();
    vec![Box::new(crossbeam), Box::new(TokioUnbounded(tx, rx))]
}

#[test]
fn chan_5_every_handle_tells_the_same_as_a_snapshot() {
    for capacity in [1, 2, 10] {
        let registry = Registry::new();
        for mut channel in bounded(&registry, &Limit::queue("q"), capacity) {
            let mut refused = 0;
            for (step, is_send) in [3, 0, 5, 2, 9].iter().zip(iter::repeat([true, false]).flatten())
            {
                for _ in 0..*step {
                    match is_send {
                        true => refused += u64::from(!channel.send()),
                        false => drop(channel.recv()),
                    }
                }
                let (reading, entry) = (channel.sender(), common::entry(&registry, "q"));
                assert_eq!(channel.receiver(), reading);
                assert_eq!(reading.depth, entry.depth);
                assert_eq!(reading.high_water, entry.high_water);
                assert_eq!((reading.level, reading.waiting), (entry.level, entry.waiting));
                assert_eq!((reading.capacity, reading.refused), (entry.capacity(), refused));
                assert_eq!(
                    (reading.sent, reading.received, reading.oldest_age),
                    (None, None, None)
                );
            }
        }
    }
}

/// The way to a mark that is known has few looks: a send that is refused shows that the channel was full.
#[test]
fn gauge_3_a_channel_that_was_full_again_says_so_when_it_clears() {
    const CAPACITY: usize = 1_024;
    let registry = Registry::new();
    let limit = Limit::queue("q").pressure(PressureRule::IMMEDIATE);
    for mut channel in bounded(&registry, &limit, CAPACITY) {
        let events = common::Events::of(&registry);
        for _turn in 0..3 {
            let sent = (0..=CAPACITY).filter(|_| channel.send()).count();
            assert_eq!(sent, CAPACITY);
            while channel.recv() {}
        }
        let cleared = events.all().into_iter().filter(|event| event.kind() == EventKind::Cleared);
        let peaks: Vec<_> = cleared.map(|event| event.pressure().peak).collect();
        assert_eq!(peaks, [CAPACITY as u64; 3]);
    }
}

#[test]
fn chan_5_who_waits_and_who_was_refused() {
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, "q", 1).unwrap();
    tx.send(1).unwrap();
    assert!(tx.try_send(2).is_err() && tx.send_timeout(2, MOMENT).is_err());
    assert!(tx.send_deadline(2, Instant::now() + MOMENT).is_err());
    // A busy machine may spend the second moment before the wait begins.
    assert!(rx.reading().blocked >= MOMENT / 2, "{:?}", rx.reading());
    thread::scope(|scope| {
        scope.spawn(|| tx.send(3).unwrap());
        common::until(|| rx.reading().waiting == 1);
        rx.recv().unwrap();
    });
    let reading = tx.reading();
    assert_eq!((reading.waiting, reading.refused, reading.level), (0, 3, Level::Elevated));
    let refused = || {
        let refused = flow(&registry, "q").refused;
        (refused.full, refused.timed_out, refused.closed)
    };
    assert_eq!(refused(), (1, 2, 0));
    drop(rx);
    assert!(tx.try_send(4).is_err());
    assert_eq!(tx.reading().refused, 3, "a channel that is gone refuses nobody for want of room");
    assert!(tx.send(4).is_err() && tx.send_timeout(4, MOMENT).is_err());
    let mut select = crossbeam::Select::new();
    select.send(&tx);
    assert!(select.select().send(&tx, 4).is_err());
    assert_eq!(refused(), (1, 2, 4));
    drop(select);
    drop(tx);

    let (tx, rx) = mpsc::sync_channel(&registry, "q", 1).unwrap();
    tx.send(1).unwrap();
    assert!(tx.try_send(2).is_err());
    thread::scope(|scope| {
        scope.spawn(|| tx.send(3).unwrap());
        common::until(|| rx.reading().waiting == 1);
        rx.recv().unwrap();
    });
    assert_eq!((rx.reading().waiting, rx.reading().refused), (0, 1));
    drop(rx);
    assert!(tx.try_send(4).is_err() && tx.send(4).is_err());
    assert_eq!((flow(&registry, "q").refused.full, flow(&registry, "q").refused.closed), (1, 2));
}

#[tokio::test]
async fn chan_5_who_waits_and_who_was_refused_among_tasks() {
    let registry = Registry::new();
    let (tx, rx) = tracked::channel(&registry, "q", 1).unwrap();
    tx.send(1).await.unwrap();
    assert!(tx.try_send(2).is_err() && tx.send_timeout(2, MOMENT).await.is_err());
    assert!(tx.try_reserve().is_err() && tx.try_reserve_many(1).is_err());
    assert!(tx.clone().try_reserve_owned().is_err());
    let blocked = tokio::spawn({
        let tx = tx.clone();
        async move { tx.send(2).await.is_err() }
    });
    while rx.reading().waiting == 0 {
        tokio::task::yield_now().await;
    }
    let weak = tx.downgrade();
    assert_eq!((weak.reading().refused, weak.reading().waiting), (5, 1));
    drop(rx);
    assert!(blocked.await.unwrap() && tx.try_send(3).is_err());
    assert_eq!((tx.reading().refused, tx.reading().waiting), (5, 0));
    assert!(tx.reserve().await.is_err() && tx.reserve_many(1).await.is_err());
    assert!(tx.reserve_many(9).await.is_err() && tx.try_reserve().is_err());
    assert!(tx.send_timeout(3, MOMENT).await.is_err());
    assert!(tx.clone().try_reserve_owned().is_err() && tx.clone().reserve_owned().await.is_err());
    let refused = flow(&registry, "q").refused;
    assert_eq!((refused.full, refused.timed_out, refused.closed), (4, 1, 9));
    let (tx, rx) = tracked::unbounded_channel(&registry, "unbounded").unwrap();
    drop(rx);
    assert!(tx.send(1).is_err());
    assert_eq!(flow(&registry, "unbounded").refused.closed, 1);
}

#[test]
fn chan_5_totals_are_exact_at_rest_and_outlive_the_receiver() {
    let registry = Registry::new();
    let limit = Limit::queue("q").flow_totals();
    let channels = [1, 2, 64].map(|capacity| bounded(&registry, &limit, capacity));
    for mut channel in channels.into_iter().flatten().chain(unbounded(&registry, &limit)) {
        let (mut sent, mut received) = (0, 0);
        for burst in [1, 2, 3, 40, 7] {
            sent += (0..burst).filter(|_| channel.send()).count() as u64;
            received += (0..burst / 2 + 1).filter(|_| channel.recv()).count() as u64;
            let flow = flow(&registry, "q");
            assert_eq!((flow.sent, flow.received), (Some(sent), Some(received)));
            assert_eq!(flow.oldest_age.is_some(), sent > received);
            for reading in [channel.sender(), channel.receiver()] {
                assert_eq!((reading.sent, reading.received), (Some(sent), Some(received)));
                assert_eq!(reading.depth, sent - received);
                assert_eq!(reading.oldest_age.is_some(), reading.depth > 0);
            }
        }
        let after = channel.end()();
        assert_eq!((after.sent, after.received), (Some(sent), Some(received)));
        assert_eq!((after.depth, after.oldest_age), (0, None));
    }
}

/// Handles of several threads, one of which takes turns with others on one handle.
#[test]
fn chan_5_totals_of_many_receivers_add_up() {
    const EACH: u64 = 5_000;
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, Limit::queue("q").flow_totals(), 16).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..EACH).for_each(|n| tx.send(n).unwrap()));
            scope.spawn(|| (0..EACH / 2).for_each(|_| assert!(rx.recv().is_ok())));
        }
        let clone = rx.clone();
        scope.spawn(move || (0..EACH - 10).for_each(|_| assert!(clone.recv().is_ok())));
        let mut last = 0;
        while last < 2 * EACH - 10 {
            let (reading, seen) = (tx.reading(), rx.reading().received.unwrap());
            assert!(reading.depth <= 16 && reading.received.unwrap() >= last);
            last = seen;
        }
    });
    let reading = tx.reading();
    assert_eq!((reading.sent, reading.received), (Some(2 * EACH), Some(2 * EACH - 10)));
    assert_eq!(reading.depth, 10);
}

#[test]
fn chan_5_the_oldest_item_is_never_told_older_than_it_is() {
    let registry = Registry::new();
    let limit = Limit::queue("q").flow_totals();
    for mut channel in bounded(&registry, &limit, 8).into_iter().chain(unbounded(&registry, &limit))
    {
        assert_eq!(channel.receiver().oldest_age, None);
        let before_first = Instant::now();
        assert!(channel.send());
        common::until(|| channel.sender().oldest_age >= Some(5 * MOMENT));
        let age = channel.sender().oldest_age.unwrap();
        assert!(age <= before_first.elapsed(), "{age:?}");
        let before_second = Instant::now();
        assert!(channel.send());
        assert!(channel.receiver().oldest_age >= Some(5 * MOMENT), "the first is still there");
        assert!(channel.recv());
        let age = channel.receiver().oldest_age.unwrap();
        assert!(age <= before_second.elapsed(), "{age:?}");
        common::until(|| channel.receiver().oldest_age >= Some(MOMENT));
        assert!(channel.recv());
        assert_eq!(channel.receiver().oldest_age, None);
    }
}

/// What a snapshot says of a channel, without the name.
fn flow(registry: &Registry, name: &str) -> plimsoll::SnapshotFlow {
    common::entry(registry, name).flow.expect("it is a channel")
}
