//! Who holds a limit: last handles that go in callbacks, beside readers, and with the registry.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use plimsoll::pressure::{HasLevel, Pressure};
use plimsoll::{Delivery, Event, EventKind, Level, Limit, PressureRule, Registry, channel};

use super::{Log, PATIENCE, TEN};
use crate::common::until;

type Handles = (channel::crossbeam::Sender<Item>, channel::crossbeam::Receiver<Item>);

/// What goes through the channels: counted as long as it is there.
type Item = Arc<()>;

fn immediate(name: &'static str) -> Limit {
    Limit::queue(name).pressure(PressureRule::IMMEDIATE)
}

/// Runs this on a thread of its own, and waits for it in vain if it waits for itself.
pub(super) fn watched(run: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        run();
        done.send(()).unwrap_or_default();
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = is_done.recv_timeout(PATIENCE) {
        panic!("it waits for ever");
    }
    if let Err(payload) = thread.join() {
        std::panic::resume_unwind(payload);
    }
}

/// A channel that is above its watermark, with an edge that is left to the next reader: the items came by
/// upstream's own handle, which ends here.
fn overfull(registry: &Registry, name: &'static str, item: &Item) -> Handles {
    let (tx, rx) = channel::crossbeam::bounded(registry, immediate(name), 10).unwrap();
    let upstream = crossbeam_channel::Sender::clone(&tx.watched());
    (0..9).for_each(|_| upstream.send(item.clone()).unwrap());
    (tx, rx)
}

/// What reads each limit, by its name.
type Reader = (&'static str, fn(&Registry));

fn readers() -> [Reader; 4] {
    [
        ("snapshot", |registry| drop(registry.snapshot())),
        ("window", |registry| drop(registry.snapshot_window())),
        ("delivery", |registry| _ = registry.deliver()),
        ("history", |registry| _ = registry.history().tick(Duration::from_secs(1))),
    ]
}

#[test]
fn reg_8_the_last_handle_may_go_in_the_callback_of_what_a_reader_has_found() {
    let inline_and_deferred = [Delivery::Inline, Delivery::Deferred { capacity: 8 }];
    for (delivery, (name, read)) in
        inline_and_deferred.into_iter().flat_map(|delivery| readers().map(|one| (delivery, one)))
    {
        watched(move || {
            let registry = Registry::builder().delivery(delivery).build().unwrap();
            let (log, item) = (Log::of(&registry), Item::default());
            let slot = Arc::new(Mutex::new(Some(overfull(&registry, "queue", &item))));
            let handles = slot.clone();
            let _subscription = registry.subscribe(move |_| {
                let last = handles.lock().unwrap().take();
                drop(last);
            });
            read(&registry);
            registry.deliver();
            let mut kinds = log.take_kinds();
            // What the end of the channel has made is delivered with the next round.
            registry.deliver();
            kinds.extend(log.take_kinds());
            assert_eq!(kinds, [EventKind::Raised, EventKind::Cleared], "REG-8: {name}");
            assert!(registry.snapshot().entries().is_empty(), "REG-2: {name}");
            assert_eq!(Arc::strong_count(&item), 1, "items are kept: {name}");
            assert_eq!(registry.stats().panicked, 0);
        });
    }
}

/// While a reader is in the middle of handing on what it has found, the limit's last handle goes on another
/// thread, and another limit takes the name.
#[test]
fn reg_8_a_limit_is_named_anew_while_a_reader_hands_on_what_it_has_found() {
    for (name, read) in readers() {
        watched(move || {
            let (registry, item) = (Registry::new(), Item::default());
            let heard = Arc::<Mutex<Vec<(EventKind, u64, bool)>>>::default();
            let (begun, is_begun) = mpsc::channel();
            let (go, may_go) = mpsc::channel();
            let (notes, may_go) = (heard.clone(), Mutex::new(Some(may_go)));
            let _subscription = registry.subscribe(move |event| {
                let event = event.as_pressure().unwrap();
                let kind = Event::from(event.clone()).kind();
                notes.lock().unwrap().push((kind, event.depth, event.is_gone));
                let first = may_go.lock().unwrap().take();
                if let Some(first) = first {
                    begun.send(()).unwrap();
                    first.recv_timeout(PATIENCE).unwrap();
                }
            });
            let gauge = overfull(&registry, "queue", &item);
            let reading = registry.clone();
            let reader = thread::spawn(move || read(&reading));
            is_begun.recv_timeout(PATIENCE).unwrap();
            // Its receiver is gone with it: that is an edge. It leaves once the reader is through.
            drop(gauge);
            let anew = registry.recorded_gauge(immediate("queue"), TEN).unwrap();
            anew.record(8);
            let snapshot = registry.snapshot();
            let depths: Vec<u64> = snapshot.entries().iter().map(|row| row.depth).collect();
            assert_eq!(depths, [0, 8], "REG-2: the old one is held: {name}");
            go.send(()).unwrap();
            reader.join().unwrap();
            let snapshot = registry.snapshot();
            assert_eq!(snapshot.entries().len(), 1, "REG-2: {name}");
            assert_eq!(snapshot.find("queue", None).unwrap().depth, 8);
            drop(anew);
            let (raised, cleared) = (EventKind::Raised, EventKind::Cleared);
            let expected =
                [(raised, 9, false), (cleared, 0, false), (raised, 8, false), (cleared, 8, true)];
            assert_eq!(*heard.lock().unwrap(), expected, "REG-8: {name}");
            assert_eq!(Arc::strong_count(&item), 1);
        });
    }
}

/// A callback that does all that one can, on each event, while it unwinds in the end.
#[test]
fn reg_3_a_callback_may_drop_other_limits_register_read_unsubscribe_and_panic() {
    for (name, read) in readers() {
        watched(move || {
            let registry = Registry::new();
            let (log, item) = (Log::of(&registry), Item::default());
            let others = Arc::new(Mutex::new(Vec::new()));
            let doing = (registry.downgrade(), others.clone());
            let own = Arc::new(Mutex::new(None));
            let mine = own.clone();
            let subscription = registry.subscribe(move |event| {
                let (registry, others) = (doing.0.upgrade().unwrap(), &doing.1);
                if event.name() != "queue" {
                    return;
                }
                // The last handles of a limit that the reader has listed, and not yet reached.
                let gone: Vec<Handles> = others.lock().unwrap().drain(..).collect();
                drop(gone);
                let fresh = registry.gauge(immediate("fresh"), TEN).unwrap();
                fresh.add(9);
                registry.snapshot();
                registry.snapshot_window();
                registry.deliver();
                registry.history().tick(Duration::from_secs(7));
                registry.subscribe_with_current(|_| panic!("a late one")).detach();
                drop(mine.lock().unwrap().take());
                panic!("and last of all");
            });
            *own.lock().unwrap() = Some(subscription);
            let first = overfull(&registry, "queue", &item);
            others.lock().unwrap().extend(["a", "b"].map(|of| overfull(&registry, of, &item)));
            read(&registry);
            let mut kinds = std::collections::BTreeMap::<String, Vec<EventKind>>::new();
            for event in log.take() {
                kinds.entry(event.name().to_owned()).or_default().push(event.kind());
            }
            assert_eq!(kinds["queue"], [EventKind::Raised], "REG-3: {name}");
            for (of, kinds) in kinds.iter().filter(|(of, _)| *of != "queue") {
                assert_eq!(*kinds, [EventKind::Raised, EventKind::Cleared], "REG-8: {of}, {name}");
            }
            assert_eq!(registry.snapshot().entries().len(), 1, "REG-2: {name}");
            assert_eq!(Arc::strong_count(&item), 1 + 9, "items of others are kept: {name}");
            drop(first);
            let weak = registry.downgrade();
            drop(registry);
            // The thread of the registry may be at a look.
            until(|| weak.upgrade().is_none());
        });
    }
}

/// An item of a channel whose drop ends another limit, and panics.
struct Last(Option<Box<dyn std::any::Any + Send>>);

impl Drop for Last {
    fn drop(&mut self) {
        drop(self.0.take());
        if !thread::panicking() {
            panic!("an item that panics");
        }
    }
}

#[test]
fn chan_3_an_item_that_panics_may_end_another_limit_and_its_own_channel() {
    watched(|| {
        let registry = Registry::new();
        let log = Log::of(&registry);
        let raised = |name| {
            let gauge = registry.gauge(immediate(name), TEN).unwrap();
            gauge.add(9);
            gauge
        };
        let ended = |run: &dyn Fn()| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
            assert!(registry.snapshot().entries().is_empty(), "REG-2");
            assert_eq!(log.take_kinds(), [EventKind::Raised, EventKind::Cleared], "REG-8");
        };
        ended(&|| {
            let (tx, rx) = channel::crossbeam::unbounded(&registry, "queue").unwrap();
            // It has the last sender of its own channel, too.
            let item = Last(Some(Box::new((raised("of_crossbeam"), tx.clone()))));
            tx.send(item).unwrap_or_else(|_| unreachable!());
            drop(tx);
            drop(rx);
        });
        ended(&|| {
            let (tx, rx) = channel::mpsc::sync_channel(&registry, "queue", 4).unwrap();
            tx.send(Last(Some(Box::new((raised("of_std"), tx.clone()))))).unwrap();
            drop(tx);
            drop(rx);
        });
        ended(&|| {
            let (tx, rx) = channel::tokio::channel(&registry, "queue", 4).unwrap();
            let item = Last(Some(Box::new((raised("of_tokio"), tx.clone()))));
            tx.try_send(item).unwrap_or_else(|_| unreachable!());
            drop(tx);
            drop(rx);
        });
    });
}

/// A pressure keeps a limit's entry, and no more of it.
#[test]
fn reg_10_a_pressure_keeps_no_channel() {
    let (registry, item) = (Registry::new(), Item::default());
    let (tx, rx) = overfull(&registry, "queue", &item);
    let on_raised = tx.at(Level::Elevated);
    let pressure = Pressure::builder(&registry).when(on_raised).build().unwrap();
    assert!(pressure.is_on() && pressure.scaled() > 0.0, "it looks when it is built");
    drop((tx, rx));
    assert_eq!(Arc::strong_count(&item), 1);
    assert_eq!((pressure.is_on(), pressure.scaled()), (false, 0.0));
    assert_eq!(registry.stats().entries, 0);
    // The name is free, and the pressure goes by the limit that it was built of.
    let anew = overfull(&registry, "queue", &item);
    registry.snapshot();
    assert!(!pressure.is_on());
    drop((anew, pressure));
    let weak = registry.downgrade();
    drop(registry);
    assert!(weak.upgrade().is_none());
}

/// Handles outlive the registry's own, and go on other threads while time is due.
#[test]
fn reg_8_handles_that_outlive_the_registry_clear_on_any_thread_and_keep_nothing() {
    watched(|| {
        let hour = PressureRule::hold(Duration::ZERO).repeat(Duration::from_secs(3_600));
        for round in 0..50 {
            let registry = Registry::new();
            let (heard, log) = (Arc::new(AtomicUsize::new(0)), Log::of(&registry));
            let count = heard.clone();
            registry.subscribe(move |_| _ = count.fetch_add(1, Ordering::SeqCst)).detach();
            let limit = Limit::queue("queue").pressure(hour);
            let gauge = registry.gauge(limit, TEN).unwrap();
            gauge.add(9);
            let weak = registry.downgrade();
            let snapshots = registry.clone();
            let reader = thread::spawn(move || (0..3).for_each(|_| drop(snapshots.snapshot())));
            drop(registry);
            let gauges = [gauge.clone(), gauge];
            let ends = gauges.map(|gauge| thread::spawn(move || drop(gauge)));
            ends.into_iter().for_each(|end| end.join().unwrap());
            reader.join().unwrap();
            assert_eq!(log.take_kinds(), [EventKind::Raised, EventKind::Cleared], "{round}");
            // Its own thread may be at a look.
            until(|| weak.upgrade().is_none() && Arc::strong_count(&heard) == 1);
        }
    });
}
