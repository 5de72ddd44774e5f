//! Pressures: what is set and what is waited for, and a state that agrees with its conditions at rest.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use plimsoll::pressure::{HasLevel, Pressure};
use plimsoll::{Level, Registry, TrackedGauge, Watermarks};
use plimsoll_core::stepped::Flaw;
use shuttle::thread;

use crate::common::{DEADLOCK, Model};

const WAITS: Model = Model::new(500, waits);

/// One waits for on, and another one gives up, while a third one turns it on; then one waits for off while
/// it is so for a moment only.
fn waits() {
    let (switch, pressure) = Pressure::manual();
    let waiters = [None, Some(Duration::from_millis(1))].map(|timeout| {
        let pressure = pressure.clone();
        thread::spawn(move || match timeout {
            None => pressure.on_blocking(),
            Some(timeout) => _ = pressure.on_timeout(timeout),
        })
    });
    assert!(switch.set(true) && pressure.is_on(), "PRESS-1");
    waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    let mut off = pin!(pressure.off());
    assert!(off.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let setter = thread::spawn(move || assert!(switch.set(false) && switch.set(true)));
    shuttle::future::block_on(off);
    setter.join().unwrap();
    assert_eq!(pressure.state().sequence, 3, "PRESS-1");
}

#[test]
fn press_2_no_wake_up_is_lost() {
    WAITS.check();
}

#[test]
fn a_wait_whose_wake_up_is_forgotten_is_found() {
    WAITS.check_finds(Flaw::UnparkForgotten, DEADLOCK);
}

fn gauge(registry: &Registry, name: &'static str) -> TrackedGauge {
    registry.gauge(name, Watermarks::percent(10, 80, 50)).unwrap()
}

const AT_REST: Model = Model::new(500, at_rest);

/// Two threads move two gauges over their watermarks while pressures over both are built and dropped.
fn at_rest() {
    let registry = Registry::new();
    let gauges = ["first", "second"].map(|name| gauge(&registry, name));
    let [first, second] = &gauges;
    let builder = || Pressure::builder(&registry).when(first).when(second);
    let any = builder().build().unwrap();
    let workers = gauges.clone().map(|gauge| {
        thread::spawn(move || {
            drop(gauge.permit(9));
            gauge.add(9);
        })
    });
    let all = builder().all().build().unwrap();
    drop(builder().build().unwrap());
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    // The thread that delivers may be the one that makes an edge, and the last to drop a gauge.
    all.on_blocking();
    assert!(any.is_on(), "PRESS-1: both are raised");
    first.sub(9);
    all.off_blocking();
    assert!(any.is_on(), "PRESS-1: one is raised");
    drop(gauges);
    any.off_blocking();
    assert!(!all.is_on() && !any.is_on(), "PRESS-1: none is left");
}

#[test]
fn press_1_at_rest_the_state_agrees_with_the_conditions() {
    AT_REST.check();
}

const BELOW: Model = Model::new(500, below);

/// One waits for a level to fall while it does.
fn below() {
    let registry = Registry::new();
    let gauge = gauge(&registry, "frames");
    gauge.add(9);
    let worker = thread::spawn({
        let gauge = gauge.clone();
        move || gauge.sub(9)
    });
    shuttle::future::block_on(gauge.below(Level::Elevated).unwrap());
    worker.join().unwrap();
}

#[test]
fn press_2_a_level_that_falls_ends_its_wait() {
    BELOW.check();
}

const HOLD: Model = Model::new(200, hold);

/// One waits for a condition to have lasted: time alone turns it on, and the thread of the registry is asleep
/// or not there yet.
fn hold() {
    let registry = Registry::new();
    let gauge = gauge(&registry, "frames");
    let builder = Pressure::builder(&registry).when(&gauge);
    let pressure = builder.held_for(Duration::from_millis(20)).build().unwrap();
    let worker = thread::spawn(move || {
        gauge.add(9);
        gauge
    });
    pressure.on_blocking();
    let gauge = worker.join().unwrap();
    gauge.sub(9);
    pressure.off_blocking();
    assert_eq!(pressure.state().sequence, 2, "PRESS-3");
}

#[test]
fn press_3_time_alone_turns_it_on_and_off() {
    HOLD.check();
}
