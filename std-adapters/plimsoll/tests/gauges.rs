//! Gauges in a registry that are set, and that ask a function.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;

use common::{AsPressure, Events, entry};
use plimsoll::{EventKind, Level, Limit, PressureRule, Registry, Watermarks};

const TEN: Watermarks = Watermarks::percent(10, 80, 50);

/// A limit whose every edge is an event.
fn q() -> Limit {
    Limit::queue("q").pressure(PressureRule::IMMEDIATE)
}

#[test]
fn gauge_1_a_gauge_is_counted_and_set() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let gauge = registry.gauge(q(), TEN).unwrap();
    gauge.add(3);
    gauge.set(9);
    assert_eq!((gauge.depth(), gauge.level(), gauge.high_water()), (9, Level::Elevated, 9));
    gauge.sub(4);
    assert_eq!((gauge.depth(), gauge.level()), (5, Level::Normal));
    let permit = gauge.permit(2);
    gauge.set(4);
    drop(permit);
    assert_eq!(gauge.depth(), 2, "the permit was part of what was set");
    gauge.sub(5);
    assert_eq!(gauge.depth(), 0, "a debt");
    gauge.set(0);
    gauge.add(1);
    assert_eq!(gauge.depth(), 1, "is forgotten by a set");
    gauge.set(u64::MAX);
    assert_eq!(gauge.depth(), plimsoll::MAX_CAPACITY);
    gauge.set(1);
    use EventKind::{Cleared, Raised};
    assert_eq!(events.kinds(), [Raised, Cleared, Raised, Cleared]);
}

#[test]
fn gauge_3_4_a_gauge_that_many_threads_set_and_count_is_right_at_rest() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let gauge = registry.gauge(q(), TEN).unwrap();
    for round in 0..50 {
        thread::scope(|scope| {
            for n in 0..3 {
                let gauge = &gauge;
                scope.spawn(move || {
                    for step in 0..100 {
                        gauge.add(n);
                        gauge.set((step * 7 + n + round) % 11);
                        gauge.sub(n);
                    }
                });
            }
        });
        gauge.set(round % 11);
        let reading = gauge.reading();
        assert_eq!(reading.depth, round % 11, "GAUGE-1");
        assert_eq!(TEN.judge(reading.level, reading.depth), reading.level, "GAUGE-4");
    }
    let mut edges = events.all();
    edges.sort_by_key(|event| event.pressure().sequence);
    for (edge, sequence) in edges.iter().zip(1..) {
        assert_eq!(edge.pressure().sequence, sequence, "GAUGE-3");
        let raised = sequence % 2 == 1;
        assert_eq!(edge.kind() == EventKind::Raised, raised, "GAUGE-3");
    }
    assert!(edges.len() > 20);
}

#[test]
fn gauge_2_an_observed_gauge_asks_when_it_is_read() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (length, asked) = (Arc::new(AtomicU64::new(3)), Arc::new(AtomicUsize::new(0)));
    let ask = {
        let (length, asked) = (length.clone(), asked.clone());
        move || {
            asked.fetch_add(1, SeqCst);
            length.load(SeqCst)
        }
    };
    let gauge = registry.observe(q(), TEN, ask).unwrap();
    assert_eq!(asked.load(SeqCst), 0, "not before a read");
    assert_eq!(entry(&registry, "q").depth, 3);
    length.store(9, SeqCst);
    assert_eq!(events.kinds(), []);
    let seen = entry(&registry, "q");
    assert_eq!((seen.depth, seen.high_water, seen.level), (9, 9, Level::Elevated));
    assert_eq!(events.kinds(), [EventKind::Raised]);
    length.store(2, SeqCst);
    gauge.observe();
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
    assert_eq!((gauge.depth(), gauge.high_water(), gauge.level()), (2, 9, Level::Normal));
    length.store(8, SeqCst);
    registry.deliver();
    assert_eq!(events.kinds().len(), 3, "a delivery asks");
    let window = registry.snapshot_window();
    assert_eq!(window.entries()[0].high_water, 9);
    assert_eq!(registry.snapshot_window().entries()[0].high_water, 8);
    let clone = gauge.clone();
    drop(gauge);
    assert_eq!(entry(&registry, "q").depth, 8);
    drop(clone);
    assert!(registry.snapshot().entries().is_empty());
    assert_eq!(Arc::strong_count(&length), 1, "the function is gone");
}

#[test]
fn reg_3_what_is_asked_may_panic_register_and_read() {
    let registry = Registry::new();
    let calls = Arc::new(AtomicU64::new(0));
    let ask = {
        let (registry, calls) = (registry.clone(), calls.clone());
        move || match calls.fetch_add(1, SeqCst) {
            0 => 4,
            1 => panic!("asked"),
            _ => {
                let _gone = registry.gauge("beside", TEN).unwrap();
                registry.snapshot().entries().iter().map(|entry| entry.depth).sum::<u64>() + 1
            }
        }
    };
    let gauge = registry.observe(q(), TEN, ask).unwrap();
    assert_eq!(entry(&registry, "q").depth, 4);
    assert_eq!(entry(&registry, "q").depth, 4, "the last answer stands in for a panic");
    assert_eq!(entry(&registry, "q").depth, 5, "and for a question within the question");
    assert!(calls.load(SeqCst) < 10);
    drop(gauge);
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("captured");
        }
    }
    let bomb = Bomb;
    let gauge = registry.observe("q", TEN, move || size_of_val(&bomb) as u64).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(gauge))).is_ok(), "as from a snapshot");
    assert!(registry.snapshot().entries().is_empty());
}
