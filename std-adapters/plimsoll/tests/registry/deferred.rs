use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use plimsoll::{Delivery, Event, EventKind, Limit, PressureRule, Registry};

use super::{Log, TEN};
use crate::common::AsPressure;

fn deferred(capacity: usize) -> Registry {
    Registry::builder().delivery(Delivery::Deferred { capacity }).build().unwrap()
}

#[test]
fn reg_4_subscribers_run_on_the_delivering_thread_only() {
    let registry = deferred(8);
    let threads: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
    let seen = threads.clone();
    let _subscription =
        registry.subscribe(move |_| seen.lock().unwrap().push(thread::current().id()));
    let gauge = registry.gauge("queue", TEN).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| drop(gauge.permit(8)));
    });
    registry.warn_exhausted("queue", None, None, "").unwrap();
    registry.snapshot();
    assert!(threads.lock().unwrap().is_empty());
    assert_eq!((registry.deliver(), registry.deliver()), (3, 0));
    assert_eq!(*threads.lock().unwrap(), [thread::current().id(); 3]);
}

#[test]
fn reg_4_an_event_is_the_same_as_inline() {
    let [inline, deferred] = [Registry::new(), deferred(8)].map(|registry| {
        let log = Log::of(&registry);
        let limit = Limit::resource("sockets").scope("guest-7");
        let gauge = registry.gauge(limit, TEN.with_level(10, 9)).unwrap();
        gauge.add(8);
        gauge.add(2);
        gauge.sub(10);
        registry.warn_exhausted("fuel", Some(3), None, "trapped").unwrap();
        registry.deliver();
        let mut events = log.take();
        events.iter_mut().for_each(|event| {
            if let Event::Pressure(event) = event {
                event.duration = event.duration.map(|_| Duration::ZERO);
            }
        });
        format!("{events:?}")
    });
    assert_eq!(inline, deferred);
    assert!(inline.contains("trapped"));
}

#[test]
fn reg_4_what_the_ring_has_to_drop_is_counted() {
    let registry = deferred(4);
    let log = Log::of(&registry);
    let each = Limit::queue("queue").pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(each, TEN).unwrap();
    for _ in 0..50 {
        drop(gauge.permit(8));
    }
    for _ in 0..7 {
        registry.warn_exhausted("queue", None, None, "").unwrap();
    }
    assert_eq!(registry.stats().dropped, 100 - 4 + 7 - 4);
    assert_eq!(registry.deliver(), 8);
    let sequence = |event: &Event| event.as_pressure().map(|event| event.sequence);
    let first: Vec<_> = log.take().iter().map(sequence).collect();
    assert_eq!(first, [Some(1), Some(2), Some(3), Some(4), None, None, None, None]);
    drop(gauge.permit(8));
    assert_eq!((registry.deliver(), registry.stats().dropped), (2, 99), "there is room again");
}

#[test]
fn reg_4_the_events_of_a_limit_outlive_it() {
    let registry = deferred(8);
    let log = Log::of(&registry);
    for round in 0..3 {
        let limit = Limit::queue("gone").scope(round.to_string());
        drop(registry.gauge(limit, TEN).unwrap().permit(8));
    }
    assert_eq!(registry.stats().entries, 0);
    assert!(registry.snapshot().entries().is_empty());
    assert_eq!(registry.deliver(), 6);
    let events = log.take();
    let labels: Vec<_> = events.iter().map(|event| event.scope().unwrap()).collect();
    assert_eq!(labels, ["0", "0", "1", "1", "2", "2"]);
    assert!(
        events.iter().all(|event| (event.name(), event.pressure().capacity) == ("gone", Some(10)))
    );
}

#[test]
fn reg_4_nothing_is_lost_or_repeated_under_churn() {
    const EACH: u64 = 2_000;
    let registry = deferred(64);
    let log = Log::of(&registry);
    let delivery = registry.spawn_delivery(Duration::from_millis(1)).unwrap();
    thread::scope(|scope| {
        for thread in 0..2 {
            let registry = &registry;
            scope.spawn(move || {
                for n in 0..EACH {
                    let limit = Limit::queue("churn").scope(format!("{thread}-{n}"));
                    drop(registry.gauge(limit, TEN).unwrap().permit(8));
                }
            });
        }
    });
    drop(delivery);
    let events = log.take();
    let stats = registry.stats();
    assert_eq!((stats.delivered, stats.entries), (events.len() as u64, 0));
    let (raised, cleared): (Vec<_>, Vec<_>) =
        events.iter().partition(|event| event.kind() == EventKind::Raised);
    assert_eq!(raised.len(), cleared.len(), "REG-6, REG-8: what was raised is over");
    assert!(raised.len() as u64 + stats.dropped >= 2 * EACH, "what was dropped is counted");
    let mut identities: Vec<_> =
        events.iter().map(|event| (event.scope().unwrap(), event.pressure().sequence)).collect();
    identities.sort_unstable();
    identities.dedup();
    assert_eq!(identities.len(), events.len());
}

#[test]
fn a_delivery_thread_delivers_once_more_when_it_is_dropped() {
    let registry = deferred(8);
    let log = Log::of(&registry);
    let delivery = registry.spawn_delivery(Duration::from_secs(3_600)).unwrap();
    let gauge = registry.gauge("queue", TEN).unwrap();
    gauge.add(8);
    drop(delivery);
    assert_eq!(log.take_kinds(), [EventKind::Raised]);
}

#[test]
fn a_delivery_thread_may_be_dropped_by_a_subscriber_on_it() {
    let registry = deferred(8);
    let (tx, rx) = std::sync::mpsc::channel();
    let kept = Arc::new(Mutex::new(None));
    let taken = kept.clone();
    let _subscription = registry.subscribe(move |_| {
        drop(taken.lock().unwrap().take());
        tx.send(thread::current().name().map(str::to_owned)).unwrap();
    });
    let gauge = registry.gauge("queue", TEN).unwrap();
    *kept.lock().unwrap() = Some(registry.spawn_delivery(Duration::from_millis(1)).unwrap());
    gauge.add(8);
    assert_eq!(rx.recv().unwrap().as_deref(), Some("plimsoll-delivery"));
}

#[test]
fn a_delivery_thread_ends_though_a_subscriber_took_its_wake_up() {
    let registry = deferred(8);
    let (told, tells) = std::sync::mpsc::channel();
    let (go, goes) = std::sync::mpsc::channel::<()>();
    let goes = Mutex::new(goes);
    let _subscription = registry.subscribe(move |_| {
        told.send(()).unwrap();
        // The handle is dropped meanwhile.
        let _ = goes.lock().unwrap().recv_timeout(Duration::from_millis(300));
        thread::park_timeout(Duration::from_millis(1));
    });
    registry.gauge("queue", TEN).unwrap().add(8);
    let delivery = registry.spawn_delivery(Duration::from_secs(3_600)).unwrap();
    tells.recv().unwrap();
    // It is not for an hour that this waits.
    drop(delivery);
    drop(go);
}

#[test]
fn a_round_ends_though_its_subscribers_emit() {
    let registry = deferred(4);
    let each = Limit::queue("queue").pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(each, TEN).unwrap();
    let feed = gauge.clone();
    let _subscription = registry.subscribe(move |_| drop(feed.permit(8)));
    drop(gauge.permit(8));
    assert!((8..=20).contains(&registry.deliver()));
    assert!(registry.deliver() > 0);
}
