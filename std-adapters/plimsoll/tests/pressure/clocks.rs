//! Times by clocks that a test puts forward: exact to the millisecond.

use std::time::Duration;

use plimsoll::keepalive::{Clock, FakeClock};
use plimsoll::pressure::{Pressure, PressureBuilder};
use plimsoll::{Registry, TrackedGauge, Watermarks};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// A gauge of ten, and a pressure that goes by it and by times.
fn pressure_of(
    registry: &Registry,
    clock: impl Clock,
    times: fn(PressureBuilder) -> PressureBuilder,
) -> (TrackedGauge, Pressure) {
    let gauge = registry.gauge("jobs", Watermarks::new(10)).unwrap();
    let builder = times(Pressure::builder(registry).when(&gauge)).clock(clock);
    let pressure = builder.build().unwrap();
    (gauge, pressure)
}

#[test]
fn press_3_held_for_is_exact_whatever_the_steps_are() {
    for step in [MS, 7 * MS, 250 * MS, HOUR] {
        let (registry, clock) = (Registry::new(), FakeClock::default());
        let times = |builder: PressureBuilder| builder.held_for(HOUR);
        let (gauge, pressure) = pressure_of(&registry, clock.clone(), times);
        for is_on in [true, false, true] {
            gauge.set(if is_on { 9 } else { 0 });
            let before = clock.now();
            clock.advance(HOUR.saturating_sub(2 * step + MS));
            while pressure.is_on() != is_on {
                clock.advance(step);
                registry.deliver();
                let passed = clock.now() - before;
                assert_eq!(pressure.is_on() == is_on, passed >= HOUR, "{passed:?}");
            }
        }
    }
}

#[test]
fn press_3_a_share_is_reached_by_time_alone() {
    let (registry, clock) = (Registry::new(), FakeClock::default());
    let times = |builder: PressureBuilder| builder.share(50, HOUR);
    let (gauge, pressure) = pressure_of(&registry, clock.clone(), times);
    let minute = |depth: u64| {
        gauge.set(depth);
        clock.advance(HOUR / 60);
        registry.deliver();
        pressure.is_on()
    };
    assert!(!(0..29).any(|_| minute(9)), "less than half of the window");
    assert!((0..2).any(|_| minute(9)), "half of it");
    let off_after = (1..=120).position(|_| !minute(0));
    assert!(off_after.is_some_and(|minutes| (15..=90).contains(&minutes)), "{off_after:?}");
}

#[test]
fn a_clock_that_panics_lets_no_time_pass() {
    struct Broken;
    impl Clock for Broken {
        fn now(&self) -> Duration {
            panic!("a clock that panics");
        }
    }
    let registry = Registry::new();
    let times = |builder: PressureBuilder| builder.held_for(MS);
    let (gauge, pressure) = pressure_of(&registry, Broken, times);
    gauge.add(9);
    registry.deliver();
    assert!(!pressure.is_on() && gauge.depth() == 9);
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn press_3_held_for_is_exact_under_the_paused_clock_of_tokio() {
    use plimsoll::keepalive::TokioClock;

    let registry = Registry::new();
    let times = |builder: PressureBuilder| builder.held_for(HOUR);
    let (gauge, pressure) = pressure_of(&registry, TokioClock::default(), times);
    gauge.add(9);
    let waiter = tokio::spawn(pressure.on());
    tokio::time::advance(HOUR - MS).await;
    registry.deliver();
    assert!(!pressure.is_on() && !waiter.is_finished());
    tokio::time::advance(MS).await;
    registry.deliver();
    assert!(pressure.is_on());
    waiter.await.unwrap();
}
