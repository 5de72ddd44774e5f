//! What a registry shows of budgets.

use plimsoll::budget::{Bounds, MAX_AMOUNT};
use plimsoll::{Category, Delivery, EventKind, Level, Limit, Registry};

use super::common::{AsPressure, Events, entry};
use super::support::Wait;

#[test]
fn each_level_is_an_entry_and_leaves_with_its_last_user() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 1_000).unwrap();
    let guest = host.child(Limit::memory("guest_bytes").scope("guest-7"), 100).unwrap();
    let lease = guest.try_reserve(90).unwrap();
    let waiting = Wait::begin(&guest, 20);
    let snapshot = registry.snapshot();
    let seen: Vec<_> = snapshot.entries().iter().map(ToString::to_string).collect();
    assert_eq!(
        seen,
        [
            "memory host_bytes is normal: 90 of 1000, 9 %, 0 waiting",
            "memory guest_bytes[guest-7] is elevated: 90 of 100, 90 %, 1 waiting",
        ]
    );
    drop((host, guest));
    assert_eq!(registry.snapshot().entries().len(), 2, "kept by a lease and a wait");
    drop(waiting);
    drop(lease);
    assert!(registry.snapshot().entries().is_empty());
}

#[test]
fn levels_become_events() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let host = registry.budget(Limit::memory("host_bytes"), 1_000).unwrap();
    let guest = host.child(Limit::memory("guest_bytes"), 100).unwrap();
    drop(guest.try_reserve(90).unwrap());
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
    let raised = &events.all()[0];
    assert_eq!((raised.name(), raised.pressure().depth), ("guest_bytes", 90));
    assert_eq!((raised.pressure().capacity, raised.category()), (Some(100), Category::Memory));
}

#[test]
fn the_grant_to_a_waiter_raises_as_any() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 100).unwrap();
    let held = host.try_reserve(30).unwrap();
    let events = Events::of(&registry);
    let waiting = Wait::begin(&host, 80);
    drop(held);
    assert_eq!(events.kinds(), [EventKind::Raised]);
    drop(waiting.served());
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
}

#[test]
fn a_subscriber_may_use_the_budget_that_it_hears_of() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 100).unwrap();
    let asked = host.clone();
    let _subscription = registry.subscribe(move |event| {
        if event.kind() == EventKind::Raised {
            // Under no lock: each of these would wait for ever otherwise.
            assert!(asked.try_reserve(50).is_err());
            assert!(asked.reserve_timeout(50, std::time::Duration::ZERO).is_err());
            asked.resize(200).unwrap();
        }
    });
    let _held = host.try_reserve(90).unwrap();
    assert_eq!((host.capacity(), registry.stats().panicked), (200, 0));
}

#[test]
fn high_water_marks_are_for_life_and_for_a_window() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 100).unwrap();
    drop(host.try_reserve(70).unwrap());
    assert_eq!(registry.snapshot_window().entries()[0].high_water, 70);
    let _held = host.try_reserve(20).unwrap();
    assert_eq!(registry.snapshot_window().entries()[0].high_water, 20);
    assert_eq!((entry(&registry, "host_bytes").high_water, host.high_water()), (70, 70));
}

#[test]
fn blocked_time_is_told() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 100).unwrap();
    let held = host.try_reserve(100).unwrap();
    let waiting = Wait::begin(&host, 10);
    std::thread::sleep(std::time::Duration::from_millis(5));
    let blocked = entry(&registry, "host_bytes").blocked;
    assert!(blocked.as_millis() >= 3, "{blocked:?}");
    drop(held);
    drop(waiting.served());
    let after = entry(&registry, "host_bytes");
    // Of a wait that goes on, the time is known to a unit of about a millisecond.
    let unit = std::time::Duration::from_millis(2);
    assert!(after.blocked + unit >= blocked && after.waiting == 0, "{after}");
}

#[test]
fn budget_5_events_and_snapshots_carry_the_largest_amounts() {
    let registry =
        Registry::builder().delivery(Delivery::Deferred { capacity: 8 }).build().unwrap();
    let events = Events::of(&registry);
    let bounds = Bounds::new(MAX_AMOUNT);
    let archive = registry.budget(Limit::memory("archive_bytes"), bounds).unwrap();
    let _lease = archive.try_reserve(MAX_AMOUNT - 1).unwrap();
    registry.deliver();
    let seen = events.all();
    let raised = seen[0].pressure();
    assert_eq!((raised.depth, raised.capacity), (MAX_AMOUNT - 1, Some(MAX_AMOUNT)));
    let entry = entry(&registry, "archive_bytes");
    assert_eq!((entry.depth, entry.capacity()), (MAX_AMOUNT - 1, Some(MAX_AMOUNT)));
    assert_eq!((entry.level, entry.percent()), (Level::Elevated, Some(99)));
    assert_eq!(entry.watermarks().judge(Level::Normal, entry.depth), Level::Elevated);
}

#[cfg(feature = "serde")]
#[test]
fn budget_5_a_snapshot_of_the_largest_amounts_is_read_back() {
    let registry = Registry::new();
    let archive = registry.budget(Limit::memory("archive_bytes"), MAX_AMOUNT).unwrap();
    let _lease = archive.try_reserve(MAX_AMOUNT).unwrap();
    let snapshot = registry.snapshot();
    let json = serde_json::to_string(&snapshot).unwrap();
    let read: plimsoll::Snapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(read.entries(), snapshot.entries());
}
