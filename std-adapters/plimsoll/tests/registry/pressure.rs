use std::thread;
use std::time::{Duration, Instant};

use plimsoll::{EventKind, Level, Limit, PressureRule, Registry, Watermarks};

use super::{Log, TEN};
use crate::common::AsPressure;

const HOLD: Duration = Duration::from_millis(60);
const REPEAT: Duration = Duration::from_millis(40);

fn held() -> Limit {
    Limit::queue("held").pressure(PressureRule::hold(HOLD).repeat(REPEAT))
}

/// Delivers until there is an event.
fn await_kinds(registry: &Registry, log: &Log) -> Vec<EventKind> {
    log.await_events_with(|| {
        registry.deliver();
    })
    .iter()
    .map(|event| event.kind())
    .collect()
}

#[test]
fn a_raise_is_announced_after_the_hold_and_repeated_while_it_lasts() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let gauge = registry.gauge(held(), TEN).unwrap();
    let began = Instant::now();
    gauge.add(8);
    assert_eq!(await_kinds(&registry, &log), [EventKind::Raised]);
    // Time is counted in whole milliseconds.
    let slack = Duration::from_millis(1);
    assert!(began.elapsed() + slack >= HOLD);
    gauge.add(1);
    for _ in 0..2 {
        assert_eq!(await_kinds(&registry, &log), [EventKind::Sustained]);
    }
    assert!(began.elapsed() + slack >= HOLD + 2 * REPEAT);
    gauge.sub(9);
    let cleared = &log.take()[0];
    assert_eq!(
        (cleared.kind(), cleared.level(), cleared.pressure().depth),
        (EventKind::Cleared, Level::Normal, 0)
    );
    assert_eq!(cleared.pressure().peak, 9);
    let duration = cleared.pressure().duration.unwrap();
    assert!(duration >= HOLD + 2 * REPEAT - slack && duration <= began.elapsed() + slack);
    thread::sleep(HOLD + REPEAT);
    assert_eq!(registry.deliver(), 0, "it is over");
}

#[test]
fn a_raise_that_is_over_before_the_hold_is_never_announced() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let hour = PressureRule::hold(Duration::from_secs(3_600));
    let gauge = registry.gauge(Limit::queue("held").pressure(hour), TEN).unwrap();
    for _ in 0..1_000 {
        drop(gauge.permit(8));
        registry.deliver();
    }
    assert!(log.take().is_empty());
}

/// Nobody delivers, and no snapshot is taken.
#[test]
fn reg_6_without_delivery_a_raise_that_lasts_is_an_event_all_the_same() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    for capacity in [1, 2, 10] {
        let limit = if capacity == 10 { held() } else { "tiny".into() };
        let gauge = registry.gauge(limit, Watermarks::new(capacity)).unwrap();
        let permit = gauge.permit(capacity);
        let raised = &log.await_events()[0];
        assert_eq!(
            (raised.kind(), raised.pressure().sequence, raised.pressure().depth),
            (EventKind::Raised, 1, capacity)
        );
        assert!(raised.pressure().duration >= Some(HOLD), "{raised}");
        drop(permit);
        let cleared = log.take().pop().unwrap();
        assert_eq!((cleared.kind(), cleared.pressure().sequence), (EventKind::Cleared, 2));
        assert!(
            cleared.pressure().duration >= raised.pressure().duration
                && cleared.pressure().peak == capacity,
            "{cleared}"
        );
    }
}

#[test]
fn each_edge_at_once_and_repetitions() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let rule = PressureRule::IMMEDIATE.repeat(REPEAT);
    let gauge = registry.gauge(Limit::queue("queue").pressure(rule), TEN).unwrap();
    gauge.add(8);
    assert_eq!(log.take_kinds(), [EventKind::Raised]);
    assert_eq!(await_kinds(&registry, &log), [EventKind::Sustained]);
    gauge.sub(8);
    assert_eq!(log.take_kinds(), [EventKind::Cleared]);
}

#[test]
fn a_limit_that_leaves_is_announced_no_more() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let gauge = registry.gauge(held(), TEN).unwrap();
    gauge.add(8);
    drop(gauge);
    thread::sleep(HOLD + Duration::from_millis(2));
    assert_eq!((registry.deliver(), log.take().len()), (0, 0));
}

#[test]
fn the_rule_is_the_limits_own_then_the_registrys_then_that_of_its_size() {
    let hour = PressureRule::hold(Duration::from_secs(3_600));
    let held_registry = Registry::builder().pressure(hour).build().unwrap();
    let announced = |registry: &Registry, limit: Limit, capacity| {
        let log = Log::of(registry);
        let gauge = registry.gauge(limit, Watermarks::new(capacity)).unwrap();
        gauge.add(capacity);
        !log.take().is_empty()
    };
    let own = || Limit::queue("a").pressure(PressureRule::IMMEDIATE);
    for (capacity, by_size) in [(1, false), (2, false), (3, true), (10, true)] {
        assert!(announced(&held_registry, own(), capacity));
        assert!(!announced(&held_registry, "a".into(), capacity));
        assert_eq!(announced(&Registry::new(), "a".into(), capacity), by_size);
        assert!(announced(&Registry::new(), own(), capacity));
    }
}

#[test]
fn gauge_7_a_ping_pong_on_a_tiny_queue_is_no_event_storm() {
    const TURNS: usize = 100_000;
    for capacity in [1, 2] {
        let registry = Registry::new();
        let log = Log::of(&registry);
        let delivery = registry.spawn_delivery(Duration::from_millis(5)).unwrap();
        let gauge = registry.gauge("tiny", Watermarks::new(capacity)).unwrap();
        // A turn that this very machine held up for as long as the rule asks was a stall.
        let mut stalls = 0;
        for _ in 0..TURNS {
            let began = Instant::now();
            drop(gauge.permit(capacity));
            stalls += usize::from(began.elapsed() >= PressureRule::TINY.hold);
        }
        let events = log.take();
        assert!(events.len() <= 2 * stalls, "{stalls} stalls, {events:?}");

        // One that stays. The first can still be under pressure, if this machine was.
        drop((gauge, delivery, log));
        let log = Log::of(&registry);
        let _delivery = registry.spawn_delivery(Duration::from_millis(5)).unwrap();
        let gauge = registry.gauge("tiny", Watermarks::new(capacity)).unwrap();
        let permit = gauge.permit(capacity);
        let raised = &log.await_events()[0];
        assert_eq!((raised.kind(), raised.pressure().depth), (EventKind::Raised, capacity));
        assert!(raised.pressure().duration >= Some(PressureRule::TINY.hold), "{raised}");
        drop(permit);
        assert_eq!(log.take_kinds(), [EventKind::Cleared]);
    }
}

#[test]
fn gauge_7_a_ping_pong_between_threads_is_no_event_storm_either() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let hour = PressureRule::hold(Duration::from_secs(3_600));
    let gauge = registry.gauge(Limit::queue("tiny").pressure(hour), Watermarks::new(1)).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| (0..50_000).for_each(|_| gauge.add(1)));
        scope.spawn(|| (0..50_000).for_each(|_| gauge.sub(1)));
    });
    registry.deliver();
    assert!(log.take().is_empty());
    assert_eq!((gauge.depth(), gauge.level()), (0, Level::Normal));
}
