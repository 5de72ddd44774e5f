//! A pool in its registry.

use std::time::Duration;

use plimsoll::pool::Isolation;
use plimsoll::{EventKind, Level, Limit, Registry};

use super::support::{is_waiting, stand};

#[test]
fn a_registry_shows_who_holds_and_who_waits() {
    let registry = Registry::new();
    let stand = stand(|builder| {
        let builder = builder.max(2).isolation(Isolation::Shared);
        builder.registry(&registry, Limit::resource("wasm_instances").instance("eu"))
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
        sink.lock().unwrap().push((event.name().to_owned(), event.kind, event.depth));
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
