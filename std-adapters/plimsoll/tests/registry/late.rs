//! Who comes late, and who is in charge: REG-9, and the handler.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use plimsoll::{Delivery, Event, EventKind, Level, Limit, PressureRule, Registry};

use super::TEN;
use crate::common::AsPressure;

type Seen = Arc<Mutex<Vec<(EventKind, String, u64)>>>;

fn sink(seen: &Seen) -> impl Fn(&Event) + Send + Sync + 'static {
    let seen = seen.clone();
    move |event| {
        let name = event.name().to_owned();
        seen.lock().unwrap().push((event.kind(), name, event.pressure().sequence));
    }
}

#[test]
fn reg_9_a_late_subscriber_hears_first_what_is_raised() {
    for delivery in [Delivery::Inline, Delivery::Deferred { capacity: 16 }] {
        let registry = Registry::builder().delivery(delivery).build().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| registry.gauge(name, TEN).unwrap());
        let gone = registry.gauge("gone", TEN).unwrap();
        [&a, &b, &c, &gone].iter().for_each(|gauge| gauge.add(8));
        b.sub(8);
        drop(gone);
        registry.deliver();
        a.add(1);
        let (plain, late) = (Seen::default(), Seen::default());
        let _plain = registry.subscribe(sink(&plain));
        let _late = registry.subscribe_with_current(sink(&late));
        assert!(plain.lock().unwrap().is_empty());
        use EventKind::{Cleared, Raised};
        let raised = [(Raised, "a".into(), 1), (Raised, "c".into(), 1)];
        assert_eq!(*late.lock().unwrap(), raised);
        c.sub(8);
        registry.deliver();
        assert_eq!(late.lock().unwrap()[2..], [(Cleared, "c".into(), 2)]);
        assert_eq!(plain.lock().unwrap().len(), 1);
    }
}

#[test]
fn reg_9_the_current_raise_has_depth_peak_and_duration() {
    let registry = Registry::new();
    let limit = Limit::queue("q").scope("guest-7");
    let gauge = registry.gauge(limit, TEN.with_level(10, 9)).unwrap();
    gauge.add(10);
    let (tell, told) = mpsc::channel();
    let _late = registry.subscribe_with_current(move |event| _ = tell.send(event.clone()));
    let event = told.recv().unwrap();
    assert_eq!(
        (event.level(), event.pressure().depth, event.pressure().peak),
        (Level::Critical, 10, 10)
    );
    assert_eq!((event.scope(), event.percent()), (Some("guest-7"), Some(100)));
    assert!(event.pressure().duration.is_some());
}

#[test]
fn reg_9_events_of_other_threads_wait_for_the_current_ones_and_keep_their_order() {
    let registry = Registry::new();
    let each = |name: &'static str| Limit::queue(name).pressure(PressureRule::IMMEDIATE);
    let first = registry.gauge(each("first"), TEN).unwrap();
    let second = registry.gauge(each("second"), TEN).unwrap();
    first.add(8);
    second.add(8);
    let seen = Seen::default();
    let (log, feed) = (sink(&seen), first.clone());
    let _late = registry.subscribe_with_current(move |event| {
        log(event);
        if (event.kind(), event.name()) == (EventKind::Raised, "first")
            && event.pressure().sequence == 1
        {
            // Another thread, and this very call: `second` is cleared while its raise has yet to come.
            thread::scope(|scope| _ = scope.spawn(|| second.sub(8)));
            feed.sub(8);
            feed.add(8);
        }
    });
    use EventKind::{Cleared, Raised};
    let expected = [
        (Raised, "first".into(), 1),
        (Raised, "second".into(), 1),
        (Cleared, "second".into(), 2),
        (Cleared, "first".into(), 2),
        (Raised, "first".into(), 3),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn reg_9_what_panics_while_it_catches_up_is_contained() {
    let registry = Registry::new();
    let gauge = registry.gauge("q", TEN).unwrap();
    gauge.add(8);
    let _late = registry.subscribe_with_current(|_| panic!("a bad subscriber"));
    gauge.sub(8);
    assert_eq!(registry.stats().panicked, 2);
}

#[test]
fn reg_9_reg_10_a_subscriber_that_takes_long_to_catch_up_holds_a_bounded_number_back() {
    let registry = Registry::new();
    let each = Limit::queue("q").pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(each, TEN).unwrap();
    gauge.add(8);
    let (calls, feed) = (Arc::new(AtomicUsize::new(0)), gauge.clone());
    let counter = calls.clone();
    let _late = registry.subscribe_with_current(move |_| {
        if counter.fetch_add(1, Ordering::Relaxed) == 0 {
            for _ in 0..1_000 {
                feed.sub(8);
                feed.add(8);
            }
        }
    });
    assert_eq!(registry.stats().dropped, 2_000 - 1_024);
    assert_eq!(calls.load(Ordering::Relaxed), 1 + 1_024);
}

#[test]
fn reg_3_a_handler_is_replaced_and_stands_beside_subscribers() {
    let registry = Registry::new();
    let each = Limit::queue("q").pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(each, TEN).unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let note = |who: &'static str| {
        let calls = calls.clone();
        move |_: &Event| calls.lock().unwrap().push(who)
    };
    let _subscription = registry.subscribe(note("subscriber"));
    let heard = || {
        drop(gauge.permit(8));
        std::mem::take(&mut *calls.lock().unwrap())
    };
    registry.set_handler(note("first"));
    assert_eq!(heard(), ["first", "subscriber", "first", "subscriber"]);
    registry.set_handler(note("second"));
    assert_eq!(heard(), ["second", "subscriber", "second", "subscriber"]);
    assert_eq!(Arc::strong_count(&calls), 3, "the first is dropped");
    registry.clear_handler();
    assert_eq!(heard(), ["subscriber"; 2]);
    registry.set_handler(|_| panic!("a bad handler"));
    assert_eq!(heard(), ["subscriber"; 2]);
    assert_eq!(registry.stats().panicked, 2);
}

#[test]
fn reg_3_a_handler_may_replace_itself_and_its_drop_may_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a handler that panics when it is dropped");
        }
    }
    let registry = Registry::new();
    let gauge = registry.gauge("q", TEN).unwrap();
    let (handle, bomb) = (registry.clone(), Bomb);
    registry.set_handler(move |_| {
        let _kept = &bomb;
        handle.clear_handler();
    });
    gauge.add(8);
    gauge.sub(8);
    assert_eq!(registry.stats().delivered, 2);
    registry.set_handler(|_| ());
}
