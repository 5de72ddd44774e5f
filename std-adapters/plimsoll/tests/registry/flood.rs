//! How much is said: REG-7, and the share rule for what never holds.

#[cfg(feature = "crossbeam")]
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::{
    BuildError, Event, EventKind, EventRate, Level, Limit, PressureRule, RegisterError, Registry,
    Watermarks,
};

use super::{Log, TEN};
use crate::common::AsPressure;

const SECOND: Duration = Duration::from_secs(1);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn count(events: &[Event], kind: EventKind) -> usize {
    events.iter().filter(|event| event.kind() == kind).count()
}

#[test]
fn reg_7_a_limit_that_swings_makes_one_raise_a_second_and_counts_the_rest() {
    for capacity in [1u64, 2, 4, 16, 64] {
        let registry = Registry::new();
        let log = Log::of(&registry);
        let gauge = registry.gauge("frames", Watermarks::new(capacity)).unwrap();
        let began = Instant::now();
        let mut swings = 0;
        while began.elapsed() < ms(300) {
            drop(gauge.permit(capacity));
            swings += 1;
        }
        let events = log.take();
        let seconds = began.elapsed().as_secs() as usize + 1;
        let raised = count(&events, EventKind::Raised);
        assert!(raised <= seconds && events.len() <= 2 * seconds, "{swings} swings: {events:?}");
        // The interval of the rate begins with the first of them.
        assert!(capacity <= 2 || raised >= 1, "{swings} swings: {events:?}");
    }
}

#[test]
fn reg_7_the_next_event_counts_what_was_held_back_and_what_lasts_is_told() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let rule = PressureRule::default().rate(2, ms(2_000));
    let gauge = registry.gauge(Limit::queue("q").pressure(rule), TEN).unwrap();
    let began = Instant::now();
    for _ in 0..10 {
        drop(gauge.permit(8));
    }
    let permit = gauge.permit(9);
    let kinds = log.take_kinds();
    use EventKind::{Cleared, Raised};
    assert_eq!(kinds, [Raised, Cleared, Raised, Cleared]);
    // Nobody delivers: it comes when the interval is over, with the depth of that time.
    let late = log.await_events().remove(0);
    assert!(began.elapsed() >= ms(1_999));
    assert_eq!((late.kind(), late.level(), late.pressure().depth), (Raised, Level::Elevated, 9));
    assert_eq!((late.pressure().suppressed, late.pressure().sequence), (2 * 8 + 1, 21));
    assert!(late.to_string().ends_with(", 17 suppressed"), "{late}");
    drop(permit);
    assert_eq!(log.take_kinds(), [Cleared]);
}

#[test]
fn reg_7_a_step_up_is_told_at_once() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let gauge = registry.gauge("q", TEN.with_level(10, 9)).unwrap();
    gauge.add(8);
    gauge.add(2);
    for _ in 0..100 {
        gauge.sub(2);
        gauge.add(2);
    }
    gauge.sub(10);
    let events = log.take();
    assert!(events.len() <= 5, "{events:?}");
    assert_eq!((events[0].level(), events[1].level()), (Level::Elevated, Level::Critical));
    assert_eq!(events.last().unwrap().level(), Level::Normal);
}

#[test]
fn reg_7_immediate_rules_are_not_limited() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let limit = Limit::queue("q").pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(limit, TEN).unwrap();
    (0..50).for_each(|_| drop(gauge.permit(8)));
    assert_eq!(log.take().len(), 100);
}

/// Emptied every `pause` in one go, and full in between.
#[cfg(feature = "crossbeam")]
#[test]
fn reg_7_a_queue_that_is_full_in_every_look_is_found_though_it_drains_in_between() {
    use plimsoll::channel::crossbeam;

    let rules = [
        PressureRule::hold(ms(100)),
        PressureRule::hold(SECOND * 3_600).share(50, ms(400)),
        PressureRule::default().share(50, ms(400)),
    ];
    for rule in rules {
        let registry = Registry::new();
        let log = Log::of(&registry);
        let limit = Limit::queue("frames").pressure(rule);
        let (tx, rx) = crossbeam::bounded::<u32>(&registry, limit, 16).unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                let tx = tx.clone();
                scope.spawn(move || while tx.send(1).is_ok() {});
            }
            let consumer = scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    thread::sleep(ms(40));
                    assert!(rx.try_iter().take(16).count() <= 16);
                }
                drop(rx);
            });
            let raised = log.await_events();
            assert_eq!(raised[0].kind(), EventKind::Raised, "{rule:?}");
            stop.store(true, Ordering::Relaxed);
            consumer.join().unwrap();
        });
    }
}

#[test]
fn reg_7_a_share_clears_when_the_pressure_is_over_though_nobody_delivers() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    // A window that is long beside what a busy machine makes of a sleep of a millisecond.
    let rule = PressureRule::hold(SECOND * 3_600).share(60, SECOND);
    let rule = rule.repeat(ms(50));
    let gauge = registry.gauge(Limit::queue("q").pressure(rule), TEN).unwrap();
    let began = Instant::now();
    let raised = loop {
        gauge.add(9);
        thread::sleep(ms(9));
        gauge.sub(9);
        thread::sleep(ms(1));
        if let Some(event) = log.take().pop() {
            break event;
        }
        assert!(began.elapsed() < 20 * SECOND, "never told");
    };
    assert_eq!((raised.kind(), raised.level()), (EventKind::Raised, Level::Elevated));
    assert!(
        raised.pressure().duration >= Some(ms(500)) && raised.pressure().duration <= Some(SECOND),
        "{raised}"
    );
    let mut repeats = 0;
    while repeats < 2 {
        gauge.add(9);
        thread::sleep(ms(9));
        gauge.sub(9);
        for event in log.take() {
            repeats += 1;
            let seen = (event.kind(), event.level(), event.pressure().repeat);
            assert_eq!(seen, (EventKind::Sustained, Level::Elevated, repeats), "{event}");
        }
        assert!(began.elapsed() < 20 * SECOND, "never repeated");
    }
    let is_sustained = |event: &Event| event.kind() == EventKind::Sustained;
    let cleared = loop {
        if let Some(event) = log.await_events().into_iter().find(|event| !is_sustained(event)) {
            break event;
        }
    };
    assert_eq!((cleared.kind(), cleared.level()), (EventKind::Cleared, Level::Normal));
    assert!(
        cleared.pressure().suppressed <= 1
            && cleared.pressure().sequence >= raised.pressure().sequence
    );
}

#[test]
fn reg_6_what_has_held_clears_as_soon_as_it_falls_whatever_the_share() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let rule = PressureRule::hold(ms(20)).share(10, ms(100)).rate(100, ms(1));
    let gauge = registry.gauge(Limit::queue("q").pressure(rule), TEN).unwrap();
    for _ in 0..5 {
        gauge.add(9);
        assert_eq!(log.await_events()[0].kind(), EventKind::Raised);
        thread::sleep(ms(200));
        gauge.sub(9);
        let kinds = log.take_kinds();
        // The share may have raised it first, before it had held: then it lasts.
        assert!(kinds.len() <= 1, "{kinds:?}");
        let cleared = kinds.first().copied().unwrap_or_else(|| log.await_events()[0].kind());
        assert_eq!(cleared, EventKind::Cleared);
    }
    for _ in 0..5 {
        let gauge = registry.gauge("tiny", Watermarks::new(1)).unwrap();
        gauge.add(1);
        assert_eq!(log.await_events()[0].kind(), EventKind::Raised);
        thread::sleep(ms(500));
        gauge.sub(1);
        assert_eq!(log.take_kinds(), [EventKind::Cleared]);
    }
}

/// A rendezvous has no depth, and no edges.
#[cfg(feature = "crossbeam")]
#[test]
fn reg_7_a_sender_blocked_for_a_share_of_the_time_is_found_without_any_depth() {
    use plimsoll::channel::crossbeam;

    let registry = Registry::new();
    let log = Log::of(&registry);
    let rule = PressureRule::default().share(50, ms(200));
    let limit = Limit::queue("rendezvous").pressure(rule);
    let (tx, rx) = crossbeam::bounded::<u32>(&registry, limit, 0).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || tx.send(7).unwrap());
        let raised = log.await_events_with(|| _ = registry.deliver()).remove(0);
        assert_eq!((raised.kind(), raised.pressure().waiting), (EventKind::Raised, 1));
        assert_eq!(rx.recv(), Ok(7));
    });
    drop(rx);
    assert_eq!(log.take_kinds(), [EventKind::Cleared], "REG-8");
}

#[test]
fn rules_that_cannot_be_are_typed_errors() {
    let registry = Registry::new();
    let refused = |rule| {
        let built = Registry::builder().pressure(rule).build().map(drop);
        let gauge = registry.gauge(Limit::queue("q").pressure(rule), TEN).map(drop);
        (gauge.unwrap_err(), built.unwrap_err())
    };
    let rule = PressureRule::default();
    for percent in [0, 101, u32::MAX] {
        let (gauge, built) = refused(rule.share(percent, SECOND));
        assert_eq!(gauge, RegisterError::PressureShare { percent });
        assert_eq!(built, BuildError::PressureShare { percent });
        assert!(gauge.to_string().contains(&percent.to_string()));
    }
    let window = refused(rule.share(50, Duration::ZERO));
    assert_eq!(window.0, RegisterError::PressureShare { percent: 50 });
    for rule in [rule.rate(0, SECOND), rule.rate(1, Duration::ZERO)] {
        assert_eq!(refused(rule), (RegisterError::ZeroRate, BuildError::ZeroRate));
    }
    assert_eq!(EventRate::DEFAULT, EventRate { events: 1, interval: SECOND });
}
