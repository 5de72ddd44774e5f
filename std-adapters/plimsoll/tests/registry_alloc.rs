//! No hot path of a registered gauge allocates, not even one that makes an event.

mod counting;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use counting::allocations;
use plimsoll::{Delivery, Limit, PressureRule, Registry, Watermarks};

#[test]
fn no_hot_path_allocates() {
    let inline = Registry::new();
    let delivery = Delivery::Deferred { capacity: 4 };
    let deferred = Registry::builder().delivery(delivery).build().unwrap();
    for registry in [inline, deferred] {
        let told = Arc::new(AtomicU64::new(0));
        let sink = told.clone();
        let _subscription = registry.subscribe(move |event| {
            sink.fetch_add(event.as_pressure().map_or(0, |event| event.depth), Ordering::Relaxed);
        });
        let watermarks = Watermarks::counts(10, 8, 5);
        let immediate = Limit::queue("immediate").pressure(PressureRule::IMMEDIATE);
        let immediate = registry.gauge(immediate, watermarks).unwrap();
        let limited = registry.gauge("limited", watermarks).unwrap();
        let held = PressureRule::TINY;
        let held = registry.gauge(Limit::queue("held").pressure(held), watermarks).unwrap();
        let recorded = registry.recorded_gauge("recorded", watermarks).unwrap();
        let work = || {
            for gauge in [&immediate, &limited, &held] {
                for amount in [1, 9] {
                    gauge.add(amount);
                    gauge.sub(amount);
                    drop(gauge.permit(amount));
                }
            }
            [1, 9, 1].iter().for_each(|depth| recorded.record(*depth));
        };
        // What each thread and each call site sets up once.
        work();
        let delivered = told.load(Ordering::Relaxed);
        // The first time that a thread has to wait for a lock, it sets up a place to wait at: on a busy
        // machine that may be now. What a path allocates itself shows in every lap.
        let laps = [(); 4].map(|()| allocations(|| (0..100).for_each(|_| work())));
        assert!(laps.contains(&(0, 0)), "{laps:?}");
        let inline = registry.stats().dropped == 0;
        assert_eq!(told.load(Ordering::Relaxed) > delivered, inline);
    }
}
