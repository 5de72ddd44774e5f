//! Conditions over limits of every kind, joined by any and all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use plimsoll::pressure::{HasLevel, Pressure};
use plimsoll::{Delivery, EventKind, Level, Limit, PressureRule, Registry, Watermarks};

use crate::PATIENCE;

/// Elevated from 5 to 2 of 10, critical from 8 to 6, full from 10 to 9.
fn marks() -> Watermarks {
    Watermarks::counts(10, 5, 2).with_level(8, 6).with_level(10, 9)
}

#[test]
fn press_1_it_follows_the_edges_of_a_gauge_and_nothing_else() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let pressure = Pressure::builder(&registry).when(&gauge).build().unwrap();
    let mut changes = Vec::new();
    for depth in [4, 5, 10, 3, 2, 4, 5, 0] {
        gauge.set(depth);
        changes.push(pressure.is_on());
    }
    assert_eq!(changes, [false, true, true, true, false, false, true, false]);
    assert_eq!(pressure.state().sequence, 4);
}

#[test]
fn a_condition_at_a_level_begins_and_ends_with_it() {
    let registry = Registry::new();
    let gauge = registry.recorded_gauge("heap", marks()).unwrap();
    let at = |level| Pressure::builder(&registry).when(gauge.at(level)).build().unwrap();
    let [elevated, critical, full] = [Level::Elevated, Level::Critical, Level::Full].map(at);
    let states = |depth| {
        gauge.record(depth);
        [&elevated, &critical, &full].map(Pressure::is_on)
    };
    assert_eq!(states(10), [true; 3]);
    assert_eq!(states(9), [true, true, false]);
    assert_eq!(states(7), [true, true, false]);
    assert_eq!(states(6), [true, false, false]);
    assert_eq!(states(2), [false; 3]);
}

#[test]
fn it_is_on_at_once_if_its_condition_holds_when_it_is_built() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    gauge.add(9);
    assert!(Pressure::builder(&registry).when(&gauge).build().unwrap().is_on());
}

#[test]
fn any_and_all_join_conditions() {
    let registry = Registry::new();
    let [one, two] = ["one", "two"].map(|name| registry.gauge(name, marks()).unwrap());
    let builder = || Pressure::builder(&registry).when(&one).when(&two);
    let (any, all) = (builder().any().build().unwrap(), builder().all().build().unwrap());
    for (depths, states) in [
        ((0, 0), (false, false)),
        ((9, 0), (true, false)),
        ((9, 9), (true, true)),
        ((0, 9), (true, false)),
        ((0, 0), (false, false)),
    ] {
        one.set(depths.0);
        two.set(depths.1);
        assert_eq!((any.is_on(), all.is_on()), states, "{depths:?}");
    }
}

#[test]
fn a_pressure_is_a_condition_of_others() {
    let registry = Registry::new();
    let [one, two] = ["one", "two"].map(|name| registry.gauge(name, marks()).unwrap());
    let (switch, manual) = Pressure::manual();
    let both = Pressure::builder(&registry).when(&one).when(&two).all().build().unwrap();
    let pressure = Pressure::builder(&registry).when(&both).when(&manual).build().unwrap();
    drop(both);
    one.add(9);
    assert!(!pressure.is_on());
    two.add(9);
    assert!(pressure.is_on());
    two.sub(9);
    assert!(!pressure.is_on());
    assert!(switch.set(true) && pressure.is_on());
    switch.set_scaled(0.75);
    assert_eq!(pressure.scaled(), 0.75);
}

#[test]
fn press_4_scaled_goes_from_the_low_watermark_to_the_high_one() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", Watermarks::counts(10, 8, 4)).unwrap();
    let other = registry.gauge("others", Watermarks::counts(100, 80, 50)).unwrap();
    let of = |condition| Pressure::builder(&registry).when(condition).build().unwrap();
    let plain = of(gauge.at(Level::Elevated));
    let wide = of(gauge.at(Level::Elevated).scaled_between(0, 10));
    let builder = || Pressure::builder(&registry).when(&gauge).when(&other);
    let (any, all) = (builder().build().unwrap(), builder().all().build().unwrap());
    for (depth, scaled) in [(0, (0.0, 0.0)), (5, (0.25, 0.5)), (6, (0.5, 0.6)), (10, (1.0, 1.0))] {
        gauge.set(depth);
        assert_eq!((plain.scaled(), wide.scaled()), scaled);
        assert_eq!((any.scaled(), all.scaled()), (scaled.0, 0.0));
    }
    gauge.set(6);
    other.set(80);
    assert_eq!((any.scaled(), all.scaled()), (1.0, 0.5));
}

#[test]
fn press_1_a_limit_that_has_left_holds_no_more() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let other = registry.gauge("others", marks()).unwrap();
    let pressure = Pressure::builder(&registry).when(&gauge).build().unwrap();
    let all = Pressure::builder(&registry).when(&gauge).when(&other).all().build().unwrap();
    gauge.add(9);
    other.add(9);
    assert!(pressure.is_on() && all.is_on());
    drop(gauge);
    assert!(!pressure.is_on() && !all.is_on() && pressure.scaled() == 0.0);
    assert_eq!(registry.snapshot().entries().len(), 1, "a pressure keeps no limit listed");
}

#[test]
fn it_outlives_its_registry() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let pressure = Pressure::builder(&registry).when(&gauge).build().unwrap();
    drop(registry);
    gauge.add(9);
    assert!(pressure.is_on());
    drop(gauge);
    assert!(!pressure.is_on());
}

#[test]
fn press_1_edges_drive_it_whichever_thread_delivers() {
    let deferred = Delivery::Deferred { capacity: 2 };
    let registry = Registry::builder().delivery(deferred).build().unwrap();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let pressure = Pressure::builder(&registry).when(&gauge).build().unwrap();
    for _ in 0..10 {
        gauge.add(9);
        assert!(pressure.is_on());
        gauge.sub(9);
        assert!(!pressure.is_on());
    }
    assert_eq!(registry.stats().delivered, 0);
}

#[test]
fn a_wait_that_outlives_its_pressure_still_ends() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let on = Pressure::builder(&registry).when(&gauge).build().unwrap().on();
    gauge.add(9);
    let waiter = thread::spawn(move || futures_block_on(on));
    assert!(waiter.join().is_ok());
}

fn futures_block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
}

#[test]
fn an_observed_gauge_drives_it_when_it_is_read() {
    let registry = Registry::new();
    let depth = Arc::new(AtomicU64::new(0));
    let asked = depth.clone();
    let observe = move || asked.load(Ordering::SeqCst);
    let gauge = registry.observe("jobs", marks(), observe).unwrap();
    let read = Pressure::builder(&registry).when(&gauge).build().unwrap();
    let looks = Pressure::builder(&registry).when(&gauge).look_every(Duration::from_millis(1));
    depth.store(9, Ordering::SeqCst);
    assert!(!read.is_on(), "nobody has looked");
    gauge.observe();
    assert!(read.is_on());
    let looks = looks.build().unwrap();
    depth.store(0, Ordering::SeqCst);
    assert!(looks.off_timeout(PATIENCE), "it looks by itself");
    assert!(!read.is_on(), "and so the others know");
}

#[test]
fn a_listed_pressure_is_a_limit_with_events() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let _subscription = registry.subscribe(move |event| {
        if event.name() == "overload" {
            let _ = tell.send(event.kind());
        }
    });
    let overload = Limit::resource("overload");
    let pressure = Pressure::builder(&registry).when(&gauge).listed(overload).build().unwrap();
    let listed = |registry: &Registry| {
        let snapshot = registry.snapshot();
        let entry = snapshot.entries().iter().find(|entry| entry.name() == "overload");
        entry.map(|entry| (entry.depth, entry.level))
    };
    assert_eq!(listed(&registry), Some((0, Level::Normal)));
    gauge.add(9);
    assert_eq!(listed(&registry), Some((1, Level::Elevated)));
    gauge.sub(9);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [EventKind::Raised, EventKind::Cleared]);
    drop(pressure);
    assert_eq!(listed(&registry), None);
}

#[test]
fn a_listed_pressure_goes_by_the_rule_of_its_limit_or_registry() {
    let lasting = PressureRule::hold(Duration::from_secs(3_600));
    for (own, of_registry, raises) in [
        (None, None, 1),
        (Some(lasting), None, 0),
        (None, Some(lasting), 0),
        (Some(PressureRule::IMMEDIATE), Some(lasting), 3),
    ] {
        let builder =
            of_registry.map_or(Registry::builder(), |rule| Registry::builder().pressure(rule));
        let registry = builder.build().unwrap();
        let limit = Limit::resource("overload");
        let limit = own.map_or(limit.clone(), |rule| limit.pressure(rule));
        let (switch, manual) = Pressure::manual();
        let _listed = Pressure::builder(&registry).when(&manual).listed(limit).build().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let _subscription = registry.subscribe(move |event| {
            let _ = tell.send(event.kind());
        });
        for _ in 0..3 {
            assert!(switch.set(true) && switch.set(false));
        }
        let raised = told.try_iter().filter(|kind| *kind == EventKind::Raised).count();
        assert_eq!(raised, raises, "{own:?}, {of_registry:?}");
    }
}

#[test]
fn press_1_no_change_is_lost_between_threads() {
    let registry = Registry::new();
    let gauges = ["one", "two", "three"].map(|name| registry.gauge(name, marks()).unwrap());
    let builder =
        || gauges.iter().fold(Pressure::builder(&registry), |builder, gauge| builder.when(gauge));
    let (any, all) = (builder().build().unwrap(), builder().all().build().unwrap());
    thread::scope(|scope| {
        for gauge in &gauges {
            scope.spawn(move || {
                for _ in 0..5_000 {
                    gauge.add(9);
                    gauge.sub(9);
                }
                gauge.add(9);
            });
        }
    });
    // A thread that delivers can be the one that has made the last edge.
    assert!(any.on_timeout(PATIENCE) && all.on_timeout(PATIENCE));
    gauges[0].set(0);
    assert!(all.off_timeout(PATIENCE) && any.is_on());
    gauges.iter().for_each(|gauge| gauge.set(0));
    assert!(any.off_timeout(PATIENCE) && !all.is_on());
    assert!(all.state().sequence % 2 == 0 && all.state().sequence >= 2);
}

#[cfg(feature = "keepalive")]
#[test]
fn silent_guests_are_a_condition() {
    use plimsoll::keepalive::{FakeClock, Watch, Watcher};

    let registry = Registry::new();
    let clock = FakeClock::default();
    let watcher = Watcher::builder().clock(clock.clone()).build(&registry).unwrap();
    let window = Duration::from_millis(100);
    let watch = |run: usize| {
        let watch = Watch::new("guest", run.to_string()).window(window).rearming();
        watcher.watch(watch).unwrap()
    };
    let mut guests: Vec<_> = (0..3).map(watch).collect();
    let pressure = Pressure::builder(&registry).when(watcher.silent(2)).build().unwrap();
    let step = || {
        let _ = watcher.step();
        clock.advance(Duration::from_millis(5));
    };
    for _ in 0..40 {
        guests[..2].iter().for_each(|guest| guest.notify());
        step();
    }
    assert!(!pressure.is_on() && pressure.scaled() == 0.5);
    (0..40).for_each(|_| step());
    assert!(pressure.is_on() && pressure.scaled() == 1.0);
    guests.pop();
    assert!(pressure.is_on(), "two are left");
    guests[0].notify();
    (0..2).for_each(|_| step());
    assert!(!pressure.is_on());
}

#[cfg(all(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
#[test]
fn channels_are_conditions_by_either_handle() {
    use plimsoll::channel::{crossbeam, mpsc, tokio};

    fn check(
        registry: &Registry,
        handles: [&dyn HasLevel; 2],
        send: &dyn Fn(),
        receive: &mut dyn FnMut(),
    ) {
        let pressures = handles.map(|handle| {
            let condition = handle.at(Level::Elevated);
            Pressure::builder(registry).when(condition).build().unwrap()
        });
        (0..4).for_each(|_| send());
        assert!(pressures.iter().all(Pressure::is_on));
        assert_eq!(pressures[0].scaled(), 1.0);
        (0..4).for_each(|_| receive());
        assert!(!pressures.iter().any(Pressure::is_on));
        assert_eq!(handles[0].room(), Some(4));
    }

    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded::<u8>(&registry, "crossbeam", 5).unwrap();
    check(&registry, [&tx, &rx], &|| tx.send(1).unwrap(), &mut || assert_eq!(rx.recv(), Ok(1)));
    let (tx, rx) = mpsc::sync_channel::<u8>(&registry, "std", 5).unwrap();
    check(&registry, [&tx, &rx], &|| tx.send(1).unwrap(), &mut || assert_eq!(rx.recv(), Ok(1)));
    let (tx, mut rx) = tokio::channel::<u8>(&registry, "tokio", 5).unwrap();
    let listed = rx.listed();
    check(&registry, [&tx, &listed], &|| tx.try_send(1).unwrap(), &mut || {
        assert_eq!(rx.try_recv(), Ok(1))
    });
}
