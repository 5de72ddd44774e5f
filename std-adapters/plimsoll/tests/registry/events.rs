use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use plimsoll::{
    Delivery, Event, EventKind, Level, Limit, PressureRule, RegisterError, Registry, TrackedGauge,
    Watermarks,
};

use super::{Log, TEN};

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn an_edge_becomes_one_event_with_all_that_is_known() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let limit = Limit::resource("vm_sockets").instance("guest-7");
    let sockets = registry.gauge(limit, TEN.with_level(10, 9)).unwrap();
    sockets.add(8);
    sockets.add(2);
    sockets.sub(1);
    sockets.sub(9);
    let events = log.take();
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.kind, event.level, event.depth, event.peak, event.sequence))
        .collect();
    assert_eq!(
        seen,
        [
            (EventKind::Raised, Level::Elevated, 8, 8, 1),
            (EventKind::Raised, Level::Critical, 10, 10, 2),
            (EventKind::Cleared, Level::Elevated, 9, 10, 3),
            (EventKind::Cleared, Level::Normal, 0, 10, 4),
        ]
    );
    for event in &events {
        assert_eq!((event.name(), event.instance()), ("vm_sockets", Some("guest-7")));
        assert_eq!((event.capacity, event.waiting, event.repeat), (Some(10), 0, 0));
        assert_eq!(event.duration.is_some(), event.kind == EventKind::Cleared);
    }
    assert_eq!(events[0].to_string(), "resource vm_sockets[guest-7] raised to elevated: 8 of 10");
    assert_eq!(registry.stats().delivered, 4);
}

#[test]
fn an_exhausted_limit_need_not_be_registered() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let fuel = || Limit::cpu("fuel").instance("g");
    registry.warn_exhausted(fuel(), Some(7), Some(9), "trapped").unwrap();
    registry.warn_exhausted(fuel(), None, Some(9), String::new()).unwrap();
    registry.warn_exhausted(fuel(), None, None, "").unwrap();
    let events = log.take();
    let seen: Vec<_> = events.iter().map(|event| (event.depth, event.detail.as_deref())).collect();
    assert_eq!(seen, [(7, Some("trapped")), (9, None), (0, None)]);
    assert!(events.iter().all(|e| (e.kind, e.level) == (EventKind::Exhausted, Level::Full)));
    assert_eq!(events[0].to_string(), "cpu fuel[g] exhausted: 7 of 9, trapped");
}

#[test]
fn reg_3_each_edge_is_delivered_once_whoever_makes_it() {
    let registry = Registry::new();
    let sequences = Arc::new(Mutex::new(Vec::new()));
    let sink = sequences.clone();
    let _subscription = registry.subscribe(move |event| sink.lock().unwrap().push(event.sequence));
    let limit = Limit::queue("busy").pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(limit, Watermarks::counts(2, 1, 0)).unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..5_000).for_each(|_| drop(gauge.permit(1))));
        }
    });
    let mut sequences = std::mem::take(&mut *sequences.lock().unwrap());
    sequences.sort_unstable();
    assert!(sequences.iter().copied().eq(1..=sequences.len() as u64), "each once, none missing");
    assert_eq!(sequences.len() % 2, 0, "in the end it is cleared");
    assert_eq!(gauge.level(), Level::Normal);
}

#[test]
fn reg_3_a_subscriber_may_register_snapshot_send_and_subscribe() {
    let registry = Registry::new();
    let inner = Log::of(&Registry::new()); // unrelated, and silent
    let queue = registry.gauge("queue", TEN).unwrap();
    let (handle, kept) = (registry.clone(), Mutex::new(Vec::new()));
    let told = Arc::new(AtomicUsize::new(0));
    let counter = told.clone();
    let subscription = registry.subscribe(move |event| {
        if event.name() != "queue" {
            return;
        }
        let fresh = handle.gauge("fresh", TEN).unwrap();
        fresh.add(event.depth); // raises an edge of its own, which comes back to us
        assert_eq!(handle.snapshot().find("queue", None).unwrap().depth, event.depth);
        handle.deliver();
        let counter = counter.clone();
        let another = handle.subscribe(move |_| count(&counter));
        kept.lock().unwrap().push((fresh, another));
    });
    queue.add(9);
    queue.sub(9);
    assert_eq!(told.load(Ordering::SeqCst), 1, "the first of the new ones hears the second edge");
    let names: Vec<_> =
        registry.snapshot().entries().iter().map(|entry| entry.name().to_owned()).collect();
    assert_eq!(names, ["queue", "fresh", "fresh"]);
    assert_eq!((registry.stats().panicked, inner.take().len()), (0, 0));
    drop(subscription);
}

#[test]
fn reg_3_a_subscriber_may_feed_the_gauge_that_calls_it() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let gauge = registry.gauge("stalled", TEN).unwrap();
    let fed: Arc<OnceLock<TrackedGauge>> = Arc::default();
    let feed = fed.clone();
    let _subscription = registry.subscribe(move |event| {
        if event.kind == EventKind::Raised {
            feed.get().unwrap().sub(5);
        }
    });
    fed.set(gauge.clone()).unwrap();
    gauge.add(8);
    assert_eq!(log.take_kinds(), [EventKind::Raised, EventKind::Cleared]);
    assert_eq!((gauge.depth(), gauge.level()), (3, Level::Normal));
}

#[test]
fn reg_3_a_subscriber_is_removed_by_dropping_its_guard_even_inside_a_call() {
    let registry = Registry::new();
    let gauge = registry.gauge("queue", TEN).unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let guards = Arc::new(Mutex::new(Vec::new()));
    for n in 0..3 {
        let (calls, taken) = (calls.clone(), guards.clone());
        let guard = registry.subscribe(move |_| {
            calls.lock().unwrap().push(n);
            // The first call removes everybody, itself included.
            let all = std::mem::take(&mut *taken.lock().unwrap());
            drop(all);
        });
        guards.lock().unwrap().push(guard);
    }
    gauge.add(8);
    gauge.sub(8);
    assert_eq!(*calls.lock().unwrap(), [0]);
    assert_eq!(Arc::strong_count(&calls), 1, "the callbacks are gone as well");
}

#[test]
fn reg_3_a_detached_subscriber_stays() {
    let registry = Registry::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    registry.subscribe(move |_| count(&counter)).detach();
    let gauge = registry.gauge("queue", TEN).unwrap();
    gauge.add(8);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    drop((gauge, registry));
    assert_eq!(Arc::strong_count(&calls), 1, "it goes with the registry");
}

#[test]
fn reg_3_a_guard_may_outlive_its_registry_and_a_gauge_its_handles() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let gauge = registry.gauge("queue", TEN).unwrap();
    drop(registry);
    gauge.add(8);
    assert_eq!(log.take_kinds(), [EventKind::Raised]);
    drop(gauge);
    assert_eq!(log.take_kinds(), [EventKind::Cleared], "REG-8");
}

/// Its drop panics as well.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a payload that panics");
    }
}

#[test]
fn reg_3_a_panicking_subscriber_is_contained_and_counted() {
    let registry = Registry::new();
    let before = Log::of(&registry);
    let _first = registry.subscribe(|_| panic!("a subscriber that panics"));
    let _second = registry.subscribe(|_| panic_any(Bomb));
    let after = Log::of(&registry);
    let gauge = registry.gauge("queue", TEN).unwrap();
    let permit = gauge.permit(8);
    // Also while its recorder unwinds.
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _permit = permit;
        panic!("the guest's code");
    }));
    assert_eq!(*unwound.unwrap_err().downcast_ref::<&str>().unwrap(), "the guest's code");
    assert_eq!(before.take_kinds(), [EventKind::Raised, EventKind::Cleared]);
    assert_eq!(after.take_kinds(), [EventKind::Raised, EventKind::Cleared]);
    assert_eq!(registry.stats().panicked, 4);
    assert_eq!(gauge.depth(), 0);
}

#[test]
fn reg_12_whatever_labels_hold_display_is_one_line() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let hostile =
        "a\u{2028}b\u{2029}c\u{202e}d\u{2066}e\u{200b}f\u{feff}g\u{61c}h\u{e0041}i\u{ad}j";
    let each = || Limit::queue("q").instance(hostile).pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(each(), TEN).unwrap();
    gauge.add(8);
    registry.warn_exhausted(each(), None, None, format!("{hostile}\n\r\u{1b}[2J")).unwrap();
    let mut texts: Vec<_> = log.take().iter().map(ToString::to_string).collect();
    let snapshot = registry.snapshot();
    texts.push(snapshot.entries()[0].to_string());
    texts.extend(snapshot.to_string().split('\n').map(str::to_owned));
    assert_eq!(texts.len(), 2 + 1 + 2, "{texts:?}");
    let second = Duration::from_secs(1);
    texts.push(Event::silent("guests", hostile, hostile, second, second).to_string());
    for text in &texts {
        assert!(text.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{text:?}");
    }
    assert!(texts[0].starts_with("queue q[a\\u{2028}b\\u{2029}c\\u{202e}d"), "{}", texts[0]);
    assert_eq!(snapshot.entries()[0].instance(), Some(hostile), "only what is shown is escaped");
}

#[test]
fn events_can_be_made_for_tests_and_know_their_percentage() {
    let frames = || Limit::queue("frames").instance("guest-7");
    let raised = Event::raised(frames(), Level::Critical, 9, 12);
    assert_eq!(
        (raised.kind, raised.level, raised.percent()),
        (EventKind::Raised, Level::Critical, Some(75))
    );
    assert_eq!((raised.name(), raised.instance()), ("frames", Some("guest-7")));
    let cleared = Event::cleared("frames", 3, None);
    assert_eq!(
        (cleared.kind, cleared.level, cleared.percent()),
        (EventKind::Cleared, Level::Normal, None)
    );
    let exhausted = Event::exhausted(Limit::memory("heap"), None, Some(64), "killed");
    assert_eq!((exhausted.depth, exhausted.percent()), (64, Some(100)));
    let (window, elapsed) = (Duration::from_secs(10), Duration::from_secs(15));
    let silent = Event::silent("guests", "guest-7", "run-1", window, elapsed);
    assert_eq!((silent.kind, silent.percent()), (EventKind::Silent, Some(150)));
    assert_eq!(silent.to_string(), "queue guests[guest-7] silent after 15s, window 10s, run run-1");
    for (depth, capacity, percent) in
        [(0, Some(0), None), (1, Some(3), Some(33)), (u64::MAX, Some(1), Some(u64::MAX))]
    {
        assert_eq!(Event::raised("q", Level::Full, depth, capacity).percent(), percent);
    }
    let mut made = Event::new(EventKind::Recovered, "guests");
    made.suppressed = 3;
    assert_eq!(made.to_string(), "queue guests recovered: 0, 3 suppressed");
}

#[test]
fn settings_that_can_not_be_are_typed_errors() {
    use plimsoll::BuildError;
    let never = PressureRule::IMMEDIATE.repeated_every(Duration::ZERO);
    let ring = |capacity| Registry::builder().delivery(Delivery::Deferred { capacity }).build();
    assert_eq!(Registry::builder().max_entries(0).build().unwrap_err(), BuildError::ZeroEntries);
    assert_eq!(Registry::builder().pressure(never).build().unwrap_err(), BuildError::ZeroRepeat);
    for capacity in [0, 1, 1_000] {
        assert!(matches!(ring(capacity).unwrap_err(), BuildError::Ring(_)));
    }
    let capacity = 1 << 40;
    assert_eq!(ring(capacity).unwrap_err(), BuildError::RingTooLarge { capacity });

    let registry = Registry::new();
    let limit = Limit::queue("a").pressure(never);
    assert_eq!(registry.gauge(limit, TEN).unwrap_err(), RegisterError::ZeroRepeat);
    assert!(registry.spawn_delivery(Duration::ZERO).is_err());
}

#[cfg(feature = "serde")]
#[test]
fn an_event_serializes_what_is_known() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let gauge = registry.gauge("queue", TEN).unwrap();
    gauge.add(8);
    let limit = Limit::memory("heap").instance("g");
    registry.warn_exhausted(limit, Some(7), None, "trapped").unwrap();
    let events: Vec<_> =
        log.take().iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let expected = serde_json::json!([
        {
            "name": "queue", "category": "queue", "kind": "raised", "level": "elevated",
            "depth": 8, "capacity": 10, "sequence": 1, "waiting": 0, "peak": 8, "repeat": 0,
        },
        {
            "name": "heap", "category": "memory", "instance": "g", "kind": "exhausted",
            "level": "full", "depth": 7, "sequence": 0, "waiting": 0, "peak": 7, "repeat": 0,
            "detail": "trapped",
        },
    ]);
    assert_eq!(serde_json::Value::from(events), expected);
}
