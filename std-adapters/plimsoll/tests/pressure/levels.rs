//! Waits for a level to fall, and the room up to the next one.

use std::pin::pin;
use std::sync::Arc;
use std::thread;

use plimsoll::pressure::HasLevel;
use plimsoll::{Level, Registry, Watermarks};

use crate::{Panics, Woken, poll};

/// Elevated from 5 to 2 of 10, critical from 8 to 6.
fn marks() -> Watermarks {
    Watermarks::counts(10, 5, 2).with_level(8, 6)
}

#[test]
fn press_2_below_ends_with_the_level() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    gauge.add(9);
    let woken = Arc::new(Woken::default());
    let waker = woken.clone().into();
    let mut critical = pin!(gauge.below(Level::Critical).unwrap());
    let mut elevated = pin!(gauge.below(Level::Elevated).unwrap());
    assert!(poll(critical.as_mut(), &waker).is_pending());
    assert!(poll(elevated.as_mut(), &waker).is_pending());
    gauge.set(6);
    assert_eq!(woken.count(), 1);
    assert!(poll(critical.as_mut(), &waker).is_ready());
    assert!(poll(elevated.as_mut(), &waker).is_pending());
    gauge.set(2);
    assert!(poll(elevated.as_mut(), &waker).is_ready());
}

#[test]
fn below_is_ready_at_once_where_nothing_is_raised() {
    let registry = Registry::new();
    let gauge = registry.recorded_gauge("heap", marks()).unwrap();
    let mut below = pin!(gauge.below(Level::Elevated).unwrap());
    assert!(poll(below.as_mut(), std::task::Waker::noop()).is_ready());
}

#[test]
fn below_ends_with_the_limit() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    gauge.add(9);
    let below = gauge.below(Level::Elevated).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let waiter = thread::spawn(move || runtime.block_on(below));
    drop(gauge);
    assert!(waiter.join().is_ok());
}

#[test]
fn press_5_a_waker_that_panics_harms_neither_the_gauge_nor_other_waits() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    gauge.add(9);
    let woken = Arc::new(Woken::default());
    let mut first = pin!(gauge.below(Level::Elevated).unwrap());
    let mut other = pin!(gauge.below(Level::Elevated).unwrap());
    assert!(poll(first.as_mut(), &Arc::new(Panics).into()).is_pending());
    assert!(poll(other.as_mut(), &woken.clone().into()).is_pending());
    gauge.sub(9);
    assert_eq!((gauge.depth(), woken.count()), (0, 1));
}

#[test]
fn room_is_what_makes_the_next_edge() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    for depth in 0..=10 {
        gauge.set(depth);
        let (level, room) = (gauge.level(), gauge.room());
        let Some(room) = room else {
            assert_eq!(level, Level::Critical, "nothing is above it");
            continue;
        };
        gauge.add(room - 1);
        assert_eq!(gauge.level(), level, "{depth}");
        gauge.add(1);
        assert!(gauge.level() > level, "{depth}");
        gauge.set(0);
    }
    let unbounded = registry.gauge("unbounded", Watermarks::unbounded()).unwrap();
    assert_eq!(unbounded.room(), None);
}
