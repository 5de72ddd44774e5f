use std::thread;
use std::time::{Duration, Instant};

use plimsoll::{Event, EventKind, Level, Limit, PressureRule, Registry, Watermarks};

use super::{Log, TEN};
use crate::common::AsPressure;

const HOLD: Duration = Duration::from_millis(60);
const REPEAT: Duration = Duration::from_millis(40);

fn held() -> Limit {
    Limit::queue("held").pressure(PressureRule::hold(HOLD).repeat(REPEAT))
}

/// Delivers until there are so many events.
fn await_events(registry: &Registry, log: &Log, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(log.await_events_with(|| _ = registry.deliver()));
    }
    events
}

/// Waits until the last event is a clear: the registry's own thread may hold it up for a moment.
fn await_cleared(log: &Log, events: &mut Vec<Event>) {
    while events.last().is_none_or(|event| event.kind() != EventKind::Cleared) {
        events.extend(log.await_events());
    }
}

#[test]
fn a_raise_is_announced_after_the_hold_and_repeated_while_it_lasts() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    let gauge = registry.gauge(held(), TEN).unwrap();
    let began = Instant::now();
    gauge.add(8);
    let mut events = await_events(&registry, &log, 1);
    gauge.add(1);
    events.extend(await_events(&registry, &log, 2));
    // Time is counted in whole milliseconds.
    let slack = Duration::from_millis(1);
    assert!(began.elapsed() + slack >= HOLD + 2 * REPEAT);
    gauge.sub(9);
    await_cleared(&log, &mut events);
    let cleared = events.pop().unwrap();
    // On a busy machine it is repeated more than twice.
    let after = (0..).map(|repeat| HOLD + repeat * REPEAT);
    for ((event, repeat), after) in events.iter().zip(0..).zip(after) {
        let kind = if repeat == 0 { EventKind::Raised } else { EventKind::Sustained };
        assert_eq!((event.kind(), event.pressure().repeat), (kind, repeat), "{event}");
        assert!(event.pressure().duration.unwrap() + slack >= after, "{event}");
    }
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
    let mut events = log.take();
    assert_eq!(events[0].kind(), EventKind::Raised, "at once");
    events.extend(await_events(&registry, &log, 1));
    gauge.sub(8);
    await_cleared(&log, &mut events);
    let mut kinds: Vec<_> = events.iter().map(|event| event.kind()).collect();
    // On a busy machine it is repeated more than once.
    kinds.dedup();
    assert_eq!(kinds, [EventKind::Raised, EventKind::Sustained, EventKind::Cleared]);
}

#[test]
fn a_limit_that_leaves_is_announced_no_more() {
    let registry = Registry::new();
    let log = Log::of(&registry);
    // One that a busy machine has kept for longer than the hold was raised.
    let is_quick = || {
        let gauge = registry.gauge(held(), TEN).unwrap();
        let began = Instant::now();
        gauge.add(8);
        drop(gauge);
        let is_quick = began.elapsed() < HOLD;
        if !is_quick {
            log.take();
        }
        is_quick
    };
    assert!((0..20).any(|_| is_quick()), "a machine that never gets there");
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
