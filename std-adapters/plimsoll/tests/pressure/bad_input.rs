//! What is refused, and what the error says.

use std::time::Duration;

use plimsoll::pressure::{HasLevel, Pressure, PressureError};
use plimsoll::{Level, Limit, RegisterError, Registry, Watermarks};

#[test]
fn each_flaw_has_its_error() {
    let registry = Registry::new();
    let gauge = registry.gauge(Limit::queue("jobs").scope("a"), Watermarks::new(10)).unwrap();
    let builder = || Pressure::builder(&registry);
    let error = |builder: plimsoll::pressure::PressureBuilder| builder.build().unwrap_err();

    assert_eq!(error(builder()), PressureError::NoCondition);
    let critical = error(builder().when(gauge.at(Level::Critical)));
    assert!(critical.to_string().starts_with("queue jobs[a] is never raised to critical"));
    assert!(matches!(critical, PressureError::NoSuchLevel { levels: 1, .. }));
    let normal = error(builder().when(gauge.at(Level::Normal)));
    assert!(matches!(normal, PressureError::NoSuchLevel { at: Level::Normal, .. }));
    for percent in [0, 101] {
        let window = Duration::from_secs(1);
        let share = builder().when(&gauge).share(percent, window);
        assert_eq!(error(share), PressureError::Share { percent, window });
    }
    let share = error(builder().when(&gauge).share(50, Duration::ZERO));
    assert_eq!(share, PressureError::Share { percent: 50, window: Duration::ZERO });
    assert!(share.to_string().ends_with("(asked 50 % of 0ns)"), "{share}");
    let looks = builder().when(&gauge).look_every(Duration::ZERO);
    assert_eq!(error(looks), PressureError::ZeroInterval);
    let scale = builder().when(gauge.at(Level::Elevated).scaled_between(7, 7));
    assert_eq!(error(scale), PressureError::Scale { zero: 7, one: 7 });
    let (_switch, manual) = Pressure::manual();
    let condition = plimsoll::pressure::Condition::from(&manual).scaled_between(0, 1);
    assert_eq!(error(builder().when(condition)), PressureError::NoDepth);
    let name = RegisterError::NameLength { bytes: 0 };
    assert_eq!(error(builder().when(&gauge).listed("")), PressureError::Register(name));
}

#[test]
fn a_level_that_a_limit_does_not_have_cannot_be_waited_for() {
    let registry = Registry::new();
    let unbounded = registry.gauge("jobs", Watermarks::unbounded()).unwrap();
    for level in Level::ALL {
        let below = unbounded.below(level).map(drop);
        assert!(matches!(below, Err(PressureError::NoSuchLevel { levels: 0, .. })));
    }
}

#[cfg(feature = "keepalive")]
#[test]
fn a_number_of_silent_guests_is_one_at_least() {
    let registry = Registry::new();
    let watcher = plimsoll::keepalive::Watcher::builder().build(&registry).unwrap();
    let pressure = Pressure::builder(&registry).when(watcher.silent(0)).build();
    assert_eq!(pressure.unwrap_err(), PressureError::ZeroCount);
}

#[test]
fn a_pressure_that_was_refused_leaves_nothing_behind() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", Watermarks::new(10)).unwrap();
    let refused =
        Pressure::builder(&registry).when(&gauge).listed("overload").share(0, Duration::ZERO);
    assert!(refused.build().is_err());
    assert_eq!(registry.stats().entries, 1);
}
