//! Limits that leave while others read them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use plimsoll::{EventKind, Limit, PressureRule, Registry, Watermarks};

/// Raised limits leave beside snapshots, windows and deliveries, whose reads find edges too: who hears of a
/// raise hears of its end once, and nothing is left.
#[test]
fn reg_8_what_leaves_beside_readers_is_cleared_once_and_leaves_nothing_behind() {
    const ROUNDS: usize = 300;
    let registry = Registry::new();
    let heard = Arc::<Mutex<HashMap<String, Vec<EventKind>>>>::default();
    let notes = heard.clone();
    let subscription = registry.subscribe(move |event| {
        let name = event.name().to_owned();
        notes.lock().unwrap().entry(name).or_default().push(event.kind());
    });
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                registry.snapshot();
                registry.deliver();
                registry.snapshot_window();
            }
        });
        let makers: Vec<_> = (0..2)
            .map(|maker| {
                let registry = &registry;
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let limit = |kind: &str| {
                            Limit::queue(format!("{kind}_{maker}_{round}"))
                                .pressure(PressureRule::IMMEDIATE)
                        };
                        let marks = Watermarks::new(10);
                        let gauge = registry.gauge(limit("gauge"), marks).unwrap();
                        let recorded = registry.recorded_gauge(limit("recorded"), marks).unwrap();
                        let again = gauge.clone();
                        gauge.add(9);
                        recorded.record(9);
                        drop((gauge, again, recorded));
                    }
                })
            })
            .collect();
        let made: Vec<_> = makers.into_iter().map(|maker| maker.join()).collect();
        is_over.store(true, Ordering::Relaxed);
        reader.join().unwrap();
        assert!(made.iter().all(Result::is_ok));
    });
    assert_eq!((registry.snapshot().entries().len(), registry.stats().entries), (0, 0));
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    assert_eq!(heard.len(), 4 * ROUNDS);
    for (name, kinds) in heard {
        assert_eq!(kinds, [EventKind::Raised, EventKind::Cleared], "{name}");
    }
    let weak = registry.downgrade();
    drop((subscription, registry));
    assert!(weak.upgrade().is_none(), "a limit that has left keeps the registry");
}
