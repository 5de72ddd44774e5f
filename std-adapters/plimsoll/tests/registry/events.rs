use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use plimsoll::{
    Delivery, Event, EventKind, ExhaustedEvent, GuestChange, GuestEvent, LaggingEvent, Level,
    Limit, PressureEvent, PressureRule, RegisterError, Registry, Silence, SuspectEvent,
    TrackedGauge, Watermarks,
};

use super::{Log, TEN};
use crate::common::AsPressure;

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn an_edge_becomes_one_event_with_all_that_is_known() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let limit = Limit::resource("vm_sockets").scope("guest-7");
    let sockets = registry.gauge(limit, TEN.with_level(10, 9)).unwrap();
    sockets.add(8);
    sockets.add(2);
    sockets.sub(1);
    sockets.sub(9);
    let events = log.take();
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.kind(),
                event.level(),
                event.pressure().depth,
                event.pressure().peak,
                event.pressure().sequence,
            )
        })
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
        assert_eq!((event.name(), event.scope()), ("vm_sockets", Some("guest-7")));
        assert_eq!(
            (event.pressure().capacity, event.pressure().waiting, event.pressure().repeat),
            (Some(10), 0, 0)
        );
        assert_eq!(event.pressure().duration.is_some(), event.kind() == EventKind::Cleared);
    }
    assert_eq!(events[0].to_string(), "resource vm_sockets[guest-7] raised to elevated: 8 of 10");
    assert_eq!(registry.stats().delivered, 4);
}

#[test]
fn an_exhausted_limit_need_not_be_registered() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let fuel = || Limit::cpu("fuel").scope("g");
    registry.warn_exhausted(fuel(), Some(7), Some(9), "trapped").unwrap();
    registry.warn_exhausted(fuel(), None, Some(9), String::new()).unwrap();
    registry.warn_exhausted(fuel(), None, None, "").unwrap();
    let events = log.take();
    let exhausted = |event: &Event| match event {
        Event::Exhausted(event) => (event.depth(), event.detail.as_deref().map(str::to_owned)),
        _ => panic!("{event}"),
    };
    let seen: Vec<_> = events.iter().map(exhausted).collect();
    assert_eq!(seen, [(7, Some("trapped".to_owned())), (9, None), (0, None)]);
    assert!(events.iter().all(|e| (e.kind(), e.level()) == (EventKind::Exhausted, Level::Full)));
    assert_eq!(events[0].to_string(), "cpu fuel[g] exhausted: 7 of 9, trapped");
}

#[test]
fn reg_3_each_edge_is_delivered_once_whichever_thread_makes_it() {
    let registry = Registry::new();
    let sequences = Arc::new(Mutex::new(Vec::new()));
    let sink = sequences.clone();
    let _subscription =
        registry.subscribe(move |event| sink.lock().unwrap().push(event.pressure().sequence));
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
        fresh.add(event.pressure().depth); // raises an edge of its own, which comes back to us
        assert_eq!(handle.snapshot().find("queue", None).unwrap().depth, event.pressure().depth);
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
        if event.kind() == EventKind::Raised {
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
    let each = || Limit::queue("q").scope(hostile).pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(each(), TEN).unwrap();
    gauge.add(8);
    registry.warn_exhausted(each(), None, None, format!("{hostile}\n\r\u{1b}[2J")).unwrap();
    let mut texts: Vec<_> = log.take().iter().map(ToString::to_string).collect();
    let snapshot = registry.snapshot();
    texts.push(snapshot.entries()[0].to_string());
    texts.extend(snapshot.to_string().split('\n').map(str::to_owned));
    assert_eq!(texts.len(), 2 + 1 + 2, "{texts:?}");
    let second = Duration::from_secs(1);
    let silence = Silence::new(hostile, hostile, second, second);
    texts.push(Event::from(GuestEvent::new("guests", GuestChange::Silent, silence)).to_string());
    for text in &texts {
        assert!(text.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{text:?}");
    }
    assert!(texts[0].starts_with("queue q[a\\u{2028}b\\u{2029}c\\u{202e}d"), "{}", texts[0]);
    assert_eq!(snapshot.entries()[0].scope(), Some(hostile), "only what is shown is escaped");
}

#[test]
fn events_can_be_made_for_tests_and_know_their_percentage() {
    let frames = || Limit::queue("frames").scope("guest-7");
    let raised = Event::from(PressureEvent::raised(frames(), Level::Critical, 9, 12));
    assert_eq!(
        (raised.kind(), raised.level(), raised.percent()),
        (EventKind::Raised, Level::Critical, Some(75))
    );
    assert_eq!((raised.name(), raised.scope()), ("frames", Some("guest-7")));
    let cleared = Event::from(PressureEvent::cleared("frames", 3, None));
    assert_eq!(
        (cleared.kind(), cleared.level(), cleared.percent()),
        (EventKind::Cleared, Level::Normal, None)
    );
    let exhausted = ExhaustedEvent::new(Limit::memory("heap"), None, Some(64), "killed");
    assert_eq!((exhausted.depth(), Event::from(exhausted).percent()), (64, Some(100)));
    for (depth, capacity, percent) in
        [(0, Some(0), None), (1, Some(3), Some(33)), (u64::MAX, Some(1), Some(u64::MAX))]
    {
        let event = Event::from(PressureEvent::raised("q", Level::Full, depth, capacity));
        assert_eq!(event.percent(), percent);
    }
}

#[test]
fn events_of_guests_and_watchers_can_be_made_for_tests() {
    let [window, elapsed] = [10, 15].map(Duration::from_secs);
    let silence = || Silence::new("guest-7", "run-1", window, elapsed);
    let made = |change| Event::from(GuestEvent::new("guests", change, silence()));
    let silent = made(GuestChange::Silent);
    assert_eq!((silent.kind(), silent.percent()), (EventKind::Silent, Some(150)));
    assert_eq!(
        (silent.as_silence(), made(GuestChange::Late).as_silence()),
        (Some(&silence()), None)
    );
    let text = |event: Event| event.to_string();
    let of = "queue guests[guest-7]";
    assert_eq!(text(silent), format!("{of} silent after 15s, window 10s, run run-1"));
    let ended = made(GuestChange::Ended);
    assert_eq!((ended.kind(), ended.level()), (EventKind::Cleared, Level::Normal));
    let says = "cleared to normal after 15s, window 10s, run run-1, the run has ended";
    assert_eq!(text(ended), format!("{of} {says}"));
    let mut stalled = silence();
    stalled.elapsed_raw = Duration::from_secs(21);
    let recovered = GuestEvent::new("guests", GuestChange::Recovered, stalled);
    let says = "recovered after 15s, window 10s, 21s with stalls, run run-1";
    assert_eq!(text(recovered.into()), format!("{of} {says}"));

    let suspect = Event::from(SuspectEvent::new("guests", 5, 8));
    assert_eq!((suspect.kind(), suspect.percent()), (EventKind::Suspect, Some(62)));
    assert_eq!(text(suspect), "queue guests suspects itself: 5 of 8, they get another window");
    let lagging = Event::from(LaggingEvent::new("guests", elapsed, window));
    assert_eq!((lagging.kind(), lagging.percent()), (EventKind::Lagging, Some(150)));
    assert_eq!(
        text(lagging),
        "queue guests lagging by 15s, slack 10s: silences are reported that much later"
    );
}

#[cfg(feature = "serde")]
#[test]
fn each_variant_serializes_what_it_knows() {
    use serde_json::json;
    let json = |event: Event| serde_json::to_value(event).unwrap();
    let mut raised = PressureEvent::raised(Limit::queue("q"), Level::Critical, 9, 12);
    raised.duration = Some(Duration::from_millis(1_500));
    raised.suppressed = 2;
    assert_eq!(
        json(raised.into()),
        json!({
            "name": "q", "category": "queue", "kind": "raised", "level": "critical", "depth": 9,
            "capacity": 12, "sequence": 0, "waiting": 0, "peak": 9, "duration_ms": 1_500, "repeat": 0,
            "suppressed": 2
        })
    );
    let exhausted = ExhaustedEvent::new(Limit::cpu("fuel"), Some(3), None, "trapped");
    assert_eq!(
        json(exhausted.into()),
        json!({
            "name": "fuel", "category": "cpu", "kind": "exhausted", "level": "full", "depth": 3,
            "observed": 3, "detail": "trapped"
        })
    );
    let [window, elapsed] = [10, 15].map(Duration::from_secs);
    let silence = Silence::new("guest-7", "run-1", window, elapsed);
    assert_eq!(
        json(GuestEvent::new("guests", GuestChange::Silent, silence).into()),
        json!({
            "name": "guests", "category": "queue", "scope": "guest-7", "kind": "silent",
            "level": "full", "run": "run-1", "window_ms": 10_000, "elapsed_ms": 15_000,
            "elapsed_raw_ms": 15_000, "sequence": 0
        })
    );
    assert_eq!(
        json(SuspectEvent::new("guests", 5, 8).into()),
        json!({
            "name": "guests", "category": "queue", "kind": "suspect", "level": "critical",
            "expired": 5, "watched": 8
        })
    );
    assert_eq!(
        json(LaggingEvent::new("guests", elapsed, window).into()),
        json!({
            "name": "guests", "category": "queue", "kind": "lagging", "level": "elevated",
            "lag_ms": 15_000, "slack_ms": 10_000
        })
    );
}

#[test]
fn invalid_settings_are_typed_errors() {
    use plimsoll::BuildError;
    let never = PressureRule::IMMEDIATE.repeat(Duration::ZERO);
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
    let limit = Limit::memory("heap").scope("g");
    registry.warn_exhausted(limit, Some(7), None, "trapped").unwrap();
    let events: Vec<_> =
        log.take().iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let expected = serde_json::json!([
        {
            "name": "queue", "category": "queue", "kind": "raised", "level": "elevated",
            "depth": 8, "capacity": 10, "sequence": 1, "waiting": 0, "peak": 8, "repeat": 0,
        },
        {
            "name": "heap", "category": "memory", "scope": "g", "kind": "exhausted",
            "level": "full", "depth": 7, "observed": 7, "detail": "trapped",
        },
    ]);
    assert_eq!(serde_json::Value::from(events), expected);
}
