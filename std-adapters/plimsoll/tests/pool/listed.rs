//! A pool in its registry.

use std::time::Duration;

use plimsoll::pool::{DiscardReason, Isolation};
use plimsoll::{EventKind, Level, Limit, Registry};

use super::support::{is_waiting, stand};
use crate::common::AsPressure;

#[test]
fn a_registry_shows_who_holds_and_who_waits() {
    let registry = Registry::new();
    let stand = stand(|builder| {
        let builder = builder.max(2).isolation(Isolation::Shared);
        builder.registry(&registry, Limit::resource("wasm_instances").scope("eu"))
    });
    stand.fill(2);
    let acme = stand.pool.principal("acme").unwrap();
    let held: Vec<_> = (0..2).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
    let mut waits = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut waits));
    stand.clock.advance(Duration::from_secs(3));
    let snapshot = registry.snapshot();
    let entry = snapshot.find("wasm_instances", Some("eu")).unwrap();
    assert_eq!((entry.depth, entry.capacity(), entry.waiting), (2, Some(2), 1));
    assert_eq!(entry.level, Level::Elevated);
    assert!(entry.blocked.abs_diff(Duration::from_secs(3)) < Duration::from_millis(3));
    drop(waits);
    held.into_iter().for_each(|lease| lease.complete());
    assert_eq!(registry.snapshot().entries()[0].depth, 0);
    drop(stand.pool);
    assert_eq!(registry.snapshot().entries().len(), 0, "it leaves with its last handle");
}

#[test]
fn exhaustion_is_told() {
    let registry = Registry::new();
    let kinds = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = kinds.clone();
    let _subscription = registry.subscribe(move |event| {
        sink.lock().unwrap().push((event.name().to_owned(), event.kind(), event.pressure().depth));
    });
    let stand = stand(|builder| {
        let builder = builder.max(10).isolation(Isolation::Shared);
        builder.registry(&registry, Limit::resource("instances"))
    });
    stand.fill(10);
    let acme = stand.pool.principal("acme").unwrap();
    let held: Vec<_> = (0..10).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
    let mut waits = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut waits));
    assert_eq!(*kinds.lock().unwrap(), [("instances".to_owned(), EventKind::Raised, 10)]);
    drop(waits);
    held.into_iter().for_each(|lease| lease.complete());
    stand.pool.step();
    assert_eq!(kinds.lock().unwrap()[1..], [("instances".to_owned(), EventKind::Cleared, 0)]);
}

#[test]
fn pool_17_a_registry_shows_the_maximum_of_now() {
    let registry = Registry::new();
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = told.clone();
    let _subscription = registry.subscribe(move |event| {
        sink.lock().unwrap().push((
            event.kind(),
            event.pressure().depth,
            event.pressure().capacity,
        ));
    });
    let stand = stand(|builder| {
        let builder = builder.max(10).isolation(Isolation::Shared);
        builder.registry(&registry, Limit::resource("instances"))
    });
    stand.fill(8);
    let acme = stand.pool.principal("acme").unwrap();
    let held: Vec<_> = (0..8).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
    stand.pool.step();
    assert_eq!(*told.lock().unwrap(), [(EventKind::Raised, 8, Some(10))]);
    let seen = || {
        let snapshot = registry.snapshot();
        let [entry] = snapshot.entries() else { panic!("one pool, one entry: {snapshot}") };
        assert_eq!(entry.depth, 8);
        (entry.capacity(), entry.level)
    };
    stand.pool.resize(20).unwrap();
    assert_eq!(seen(), (Some(20), Level::Normal));
    assert_eq!(told.lock().unwrap()[1].0, EventKind::Cleared, "by the new number");
    stand.pool.resize(20).unwrap();
    stand.pool.resize(9).unwrap();
    assert_eq!(seen(), (Some(9), Level::Elevated));
    assert_eq!(told.lock().unwrap()[2..], [(EventKind::Raised, 8, Some(9))]);
    held.into_iter().for_each(|lease| lease.complete());
    drop(stand);
    assert_eq!(registry.snapshot().entries().len(), 0, "it leaves with its last handle");
}

#[test]
fn pool_17_a_registry_without_a_place_keeps_the_number_that_it_knows() {
    let registry = Registry::builder().max_entries(1).build().unwrap();
    let stand = stand(|builder| builder.max(2).registry(&registry, Limit::resource("instances")));
    stand.pool.resize(5).unwrap();
    assert_eq!(registry.snapshot().entries()[0].capacity(), Some(2));
}

#[test]
fn a_snapshot_has_a_section_of_pools() {
    let registry = Registry::new();
    let stand = stand(|builder| {
        let builder = builder.max(3).isolation(Isolation::Shared);
        builder.registry(&registry, Limit::resource("wasm_instances").scope("eu"))
    });
    let _gauge = registry.gauge("no_pool", plimsoll::Watermarks::new(1)).unwrap();
    stand.fill(3);
    let acme = stand.pool.principal("acme").unwrap();
    let held = stand.pool.try_checkout(&acme).unwrap();
    stand.clock.advance(Duration::from_millis(5));
    stand.pool.try_checkout(&acme).unwrap().fault();
    held.complete();
    let snapshot = registry.snapshot();
    let [pool] = snapshot.pools() else { panic!("{} pools", snapshot.pools().len()) };
    assert_eq!((pool.name(), pool.scope()), ("wasm_instances", Some("eu")));
    assert_eq!((pool.stats.counts.idle, pool.stats.counts.condemned), (2, 1));
    assert_eq!((pool.stats.built, pool.stats.discards(DiscardReason::Faulted)), (3, 1));
    let held = &pool.stats.hold;
    assert_eq!(held.count(), 2, "the first lease of an instance is timed");
    assert!(held.quantile(1.0).unwrap() >= Duration::from_millis(5));

    let text = snapshot.to_string();
    let line = text.lines().find(|line| line.starts_with("POOL")).unwrap();
    assert!(line.contains("HOLD-P99") && line.contains("DISCARDED"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("wasm_instances[eu]")).count(), 2);
}

#[cfg(feature = "serde")]
#[test]
fn a_snapshot_tells_machines_of_pools() {
    let registry = Registry::new();
    let stand = stand(|builder| builder.max(3).registry(&registry, Limit::resource("instances")));
    stand.fill(3);
    let acme = stand.pool.principal("acme").unwrap();
    let mut leases: Vec<_> = (0..3).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
    // The first one that is built is timed.
    leases.retain(|lease| lease.id > 0);
    let json = serde_json::to_value(registry.snapshot()).unwrap();
    let pool = &json["pools"][0];
    assert_eq!(pool.as_object().unwrap().len(), 23, "{pool}");
    let numbers = ["max", "idle", "condemned", "leased", "building", "waiting", "built"];
    assert_eq!(numbers.map(|name| pool[name].as_u64().unwrap()), [3, 0, 1, 2, 0, 0, 3]);
    assert_eq!((&pool["name"], &pool["category"]), (&"instances".into(), &"resource".into()));
    assert!(pool["scope"].is_null());
    assert_eq!((&pool["discards"]["dropped"], &pool["discards"]["idle"]), (&1.into(), &0.into()));
    assert_eq!(pool["hold"]["count"], 1);
    assert!(pool["hold"]["p99_ns"].is_u64() && pool["wait"]["p50_ns"].is_u64());
}
