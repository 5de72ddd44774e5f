//! Budgets that are resized.

use plimsoll::budget::{Bounds, PercentWatermarks, RefusedReason};
use plimsoll::{Level, Limit, Registry};

use super::common::{AsPressure, Events, entry};
use super::support::{Wait, budget, tree};

#[test]
fn budget_4_a_resize_below_the_usage_refuses_until_it_fits() {
    let host = budget(100);
    let mut held = host.try_reserve(90).unwrap();
    host.resize(50).unwrap();
    assert_eq!((host.usage(), host.capacity(), host.available()), (90, 50, 0));
    for left in [80, 50] {
        held.shrink(held.amount() - left).unwrap();
        let refused = host.try_reserve(1).unwrap_err();
        assert_eq!((refused.reason(), refused.usage()), (RefusedReason::Full, left));
    }
    held.shrink(1).unwrap();
    assert!(host.try_reserve(1).is_ok());
}

#[test]
fn budget_4_a_resize_serves_who_fits_now() {
    let (host, [guest]) = tree(100, [50]);
    let _held = guest.try_reserve(50).unwrap();
    let [first, second, mut third] =
        [Wait::begin(&guest, 10), Wait::begin(&guest, 10), Wait::begin(&guest, 50)];
    guest.resize(70).unwrap();
    let leases = [first.served(), second.served()];
    assert!(third.poll().is_none());
    assert_eq!(guest.usage(), 70);
    guest.resize(100).unwrap();
    assert!(third.poll().is_none(), "50 beside 70 of 100");
    host.resize(120).unwrap();
    guest.resize(120).unwrap();
    assert_eq!(third.served().amount(), 50);
    drop(leases);
}

#[test]
fn budget_4_a_resize_refuses_who_never_fits_and_lets_the_others_by() {
    let (host, [one, two]) = tree(100, [100, 100]);
    let held = host.try_reserve(100).unwrap();
    let [large, small] = [Wait::begin(&one, 80), Wait::begin(&two, 10)];
    host.resize(60).unwrap();
    let refused = large.refused();
    assert_eq!((refused.reason(), refused.name()), (RefusedReason::NeverFits, "host_bytes"));
    assert_eq!((refused.capacity(), refused.capacity_needed()), (60, Some(80)));
    drop(held);
    assert_eq!(small.served().amount(), 10);
    assert_eq!((host.usage(), host.waiting()), (0, 0));
}

#[test]
fn budget_4_watermarks_move_with_the_capacity() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let bounds = Bounds::new(100).watermarks(PercentWatermarks::pair(90, 50).with_level(100, 80));
    let host = registry.budget(Limit::memory("host_bytes"), bounds).unwrap();
    let _held = host.try_reserve(50).unwrap();
    assert_eq!(host.level(), Level::Normal);
    host.resize(50).unwrap();
    assert_eq!(host.level(), Level::Critical);
    host.resize(200).unwrap();
    assert_eq!(host.level(), Level::Normal);
    let seen: Vec<_> = events.all();
    let seen: Vec<_> = seen.iter().map(AsPressure::pressure).collect();
    let seen: Vec<_> = seen.iter().map(|event| (event.level, event.capacity)).collect();
    assert_eq!(seen, [(Level::Critical, Some(50)), (Level::Normal, Some(200))]);
    let entry = entry(&registry, "host_bytes");
    assert_eq!(entry.capacity(), Some(200));
    assert_eq!(entry.watermarks().high(Level::Elevated), Some(180));
    assert_eq!(entry.percent(), Some(25));
}
