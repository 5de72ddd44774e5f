//! Budgets whose level drives a pressure.

use plimsoll::pressure::{HasLevel, Pressure, PressureError};
use plimsoll::{Level, Limit, Registry};

use super::support::budget;

#[test]
fn a_pressure_goes_by_the_level_of_a_budget() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 100).unwrap();
    let level = host.listed().unwrap();
    let pressure = Pressure::builder(&registry).when(level.at(Level::Elevated)).build().unwrap();
    let same = Pressure::builder(&registry).when(&host).build().unwrap();
    let lease = host.try_reserve(80).unwrap();
    assert!(pressure.is_on() && same.is_on());
    // The watermarks move with the capacity.
    assert_eq!(level.room(), None);
    host.resize(1_000).unwrap();
    assert!(!pressure.is_on());
    assert_eq!(level.room(), Some(720));
    host.resize(90).unwrap();
    assert!(pressure.is_on());
    drop(lease);
    assert!(!pressure.is_on());
}

#[test]
fn a_budget_without_a_registry_drives_none() {
    let (registry, alone) = (Registry::new(), budget(100));
    assert!(alone.listed().is_none());
    let error = Pressure::builder(&registry).when(&alone).build().unwrap_err();
    assert_eq!(error, PressureError::NotListed { limit: "memory host_bytes".to_owned() });
    assert!(error.to_string().contains("a method of `Registry`"), "{error}");
    let child = alone.child("inner", 10).unwrap();
    assert!(Pressure::builder(&registry).when(&child).build().is_err());
}
