//! Times that conditions have to last, with inline and with deferred delivery.

use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pressure::Pressure;
use plimsoll::{Delivery, Registry, Watermarks};

use crate::PATIENCE;

const HOLD: Duration = Duration::from_millis(40);
/// Times are counted in it.
const MS: Duration = Duration::from_millis(1);

#[test]
fn press_3_held_for_turns_on_and_off_without_an_edge() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", Watermarks::new(10)).unwrap();
    let pressure = Pressure::builder(&registry).when(&gauge).held_for(HOLD).build().unwrap();
    for _ in 0..2 {
        let began = Instant::now();
        gauge.add(9);
        assert!(pressure.on_timeout(PATIENCE) && began.elapsed() + MS >= HOLD);
        let began = Instant::now();
        gauge.sub(9);
        assert!(pressure.off_timeout(PATIENCE) && began.elapsed() + MS >= HOLD);
    }
    assert_eq!(pressure.state().sequence, 4);
}

#[test]
fn press_3_what_does_not_last_never_turns_it_on() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", Watermarks::new(10)).unwrap();
    let hour = Duration::from_secs(3_600);
    let pressure = Pressure::builder(&registry).when(&gauge).held_for(hour).build().unwrap();
    for _ in 0..100 {
        gauge.add(9);
        gauge.sub(9);
    }
    assert_eq!(pressure.state().sequence, 0);
}

#[test]
fn press_3_with_deferred_delivery_time_passes_in_deliver() {
    let deferred = Delivery::Deferred { capacity: 8 };
    let registry = Registry::builder().delivery(deferred).build().unwrap();
    let gauge = registry.gauge("jobs", Watermarks::new(10)).unwrap();
    let pressure = Pressure::builder(&registry).when(&gauge).held_for(HOLD).build().unwrap();
    gauge.add(9);
    thread::sleep(2 * HOLD);
    assert!(!pressure.is_on(), "nobody has delivered");
    registry.deliver();
    assert!(pressure.is_on());
    let _delivers = registry.spawn_delivery(Duration::from_millis(1)).unwrap();
    gauge.sub(9);
    assert!(pressure.off_timeout(PATIENCE));
}

#[test]
fn press_3_a_share_of_the_time_turns_it_on_though_it_never_lasts() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", Watermarks::new(10)).unwrap();
    let pressure = Pressure::builder(&registry)
        .when(&gauge)
        .held_for(Duration::from_secs(3_600))
        .share(20, Duration::from_millis(200))
        .build()
        .unwrap();
    let began = Instant::now();
    while !pressure.is_on() {
        assert!(began.elapsed() < PATIENCE, "half of the time is more than a fifth");
        gauge.add(9);
        thread::sleep(Duration::from_millis(5));
        gauge.sub(9);
        thread::sleep(Duration::from_millis(5));
    }
    assert!(pressure.off_timeout(PATIENCE), "it ends with time alone");
}

#[test]
fn a_pressure_that_is_dropped_leaves_time_to_others() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", Watermarks::new(10)).unwrap();
    let held = || Pressure::builder(&registry).when(&gauge).held_for(HOLD).build().unwrap();
    let (gone, stays) = (held(), held());
    gauge.add(9);
    drop(gone);
    assert!(stays.on_timeout(PATIENCE));
}

#[test]
fn the_last_pressure_of_a_registry_that_is_gone_still_turns_off() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", Watermarks::new(10)).unwrap();
    let pressure = Pressure::builder(&registry).when(&gauge).held_for(HOLD).build().unwrap();
    gauge.add(9);
    drop(registry);
    assert!(pressure.on_timeout(PATIENCE));
    drop(gauge);
    assert!(pressure.off_timeout(PATIENCE));
}
