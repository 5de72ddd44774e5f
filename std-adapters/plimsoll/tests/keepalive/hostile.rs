//! Clocks, drivers and subscribers that behave badly.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll::EventKind::{Late, Recovered, Silent, Suspect};
use plimsoll::Registry;
use plimsoll::keepalive::{Clock, KeepAlive, Step, Watch, Watcher};

use crate::{Bench, Log, ms};

fn watch(n: usize) -> Watch {
    Watch::new(format!("guest-{n}"), "run")
}

/// LIVE-6: who is spared gets the whole of another window, wherever in the wheel it comes to lie.
#[test]
fn live_6_a_suspicion_gives_another_window_to_everybody() {
    for begun in (0..64 * 5).step_by(35).chain([20_480 - 10_030]) {
        let bench = Bench::with(|builder| builder.suspect_above(3));
        let window = if begun < 1_000 { ms(200) } else { ms(10_000) };
        let _keeper = bench.watcher.watch(watch(99).window(ms(500_000))).unwrap();
        bench.pass(ms(begun));
        let _guests = [0, 1, 2, 3].map(|n| bench.watcher.watch(watch(n).window(window)).unwrap());
        bench.pass(window + ms(20));
        assert_eq!((bench.log.count(Suspect), bench.log.count(Silent)), (1, 0), "{begun} ms");
        bench.pass(window - ms(30));
        assert_eq!(bench.log.count(Silent), 0, "spared for less than a window, {begun} ms");
        bench.pass(ms(40));
        assert_eq!((bench.log.count(Suspect), bench.log.count(Silent)), (1, 4), "{begun} ms");
    }
}

/// A run that was spared and is back is reported in time when it is late.
#[test]
fn live_6_who_was_spared_is_late_in_time() {
    let bench = Bench::with(|builder| builder.suspect_above(1));
    let late = |n| watch(n).window(ms(1_000)).late_after(ms(100));
    let guests = [0, 1].map(|n| bench.watcher.watch(late(n)).unwrap());
    bench.pass(ms(1_020));
    assert_eq!((bench.log.count(Suspect), bench.log.count(Late)), (1, 2));
    guests.iter().for_each(KeepAlive::notify);
    bench.pass(ms(120));
    assert_eq!((bench.log.count(Late), bench.log.count(Silent)), (4, 0));
    bench.pass(ms(1_000));
    assert_eq!(bench.log.count(Suspect), 2, "another crowd is another suspicion");
}

#[derive(Clone, Default)]
struct Wild(Arc<AtomicU64>);

impl Wild {
    const FAR: u64 = u64::MAX;

    fn set(&self, ms: u64) {
        self.0.store(ms, Relaxed);
    }
}

impl Clock for Wild {
    fn now(&self) -> Duration {
        match self.0.load(Relaxed) {
            Wild::FAR => Duration::MAX,
            now => ms(now),
        }
    }
}

/// A clock that goes back delays a silence by a tick, and one that comes to its end stands still.
#[test]
fn live_6_a_clock_that_jumps_kills_nobody_and_stops_nothing() {
    let (registry, clock) = (Registry::new(), Wild::default());
    let (log, _subscription) = Log::of(&registry);
    clock.set(3_600_000);
    let watcher = Watcher::builder().clock(clock.clone()).build(&registry).unwrap();
    let _guest = watcher.watch(watch(0).window(ms(100))).unwrap();
    let mut passed = 0;
    for round in 0..9 {
        let began = [3_600_000, 0, 7_200_000, 5, u64::MAX / 2][round % 5];
        for now in began..began + 8 {
            assert_eq!(log.count(Silent), 0, "early, after {passed} ms");
            clock.set(now);
            assert!(matches!(watcher.step(), Step::Wait(time) if time <= ms(5)));
            passed += 1;
        }
    }
    let began = 1_000_000;
    for now in began..began + 130 {
        clock.set(now);
        let _ = watcher.step();
    }
    assert_eq!(log.count(Silent), 1);
    let _guest = watcher.watch(watch(1).window(ms(100))).unwrap();
    for round in 0..1_000 {
        clock.set(if round % 2 == 0 { Wild::FAR } else { 0 });
        let _ = watcher.step();
    }
    for _ in 0..1_000 {
        clock.set(Wild::FAR);
        assert!(matches!(watcher.step(), Step::Wait(time) if time == ms(5)));
    }
    assert_eq!(log.count(Silent), 1);
}

/// A clock of a host that counts what it watches.
#[derive(Clone, Default)]
struct Curious(Arc<OnceLock<Watcher>>);

impl Clock for Curious {
    fn now(&self) -> Duration {
        self.0.get().map_or(Duration::ZERO, |watcher| ms(watcher.watched() as u64))
    }
}

#[test]
fn a_clock_may_ask_the_watcher() {
    let (registry, clock) = (Registry::new(), Curious::default());
    let watcher = Watcher::builder().clock(clock.clone()).build(&registry).unwrap();
    assert!(clock.0.set(watcher.clone()).is_ok());
    let guest = watcher.watch(watch(0)).unwrap();
    let (tell, heard) = mpsc::channel();
    thread::spawn(move || {
        let step = watcher.step();
        drop(guest);
        tell.send(step)
    });
    assert_eq!(heard.recv_timeout(Duration::from_secs(20)), Ok(Step::Wait(ms(5))));
}

/// A subscriber that parks takes the wake-up that was meant to stop the thread.
#[test]
fn live_7_a_thread_stops_though_a_subscriber_parks() {
    let bench = Bench::with(|builder| builder.tick(Duration::from_secs(3_600)));
    let half = Duration::from_secs(1_800);
    let _guests = [0, 1].map(|n| bench.watcher.watch(watch(n).window(ms(1))).unwrap());
    let ((parking, parked), tester) = (mpsc::channel(), thread::current().id());
    let _parks = bench.registry.subscribe(move |event| {
        let is_driver = thread::current().id() != tester;
        if is_driver && event.kind() == Silent && event.scope() == Some("guest-0") {
            let _ = parking.send(());
            thread::park();
        }
    });
    for _ in 0..3 {
        let _ = bench.watcher.step();
        bench.clock.advance(half);
    }
    assert_eq!(bench.log.count(Silent), 0);
    let driver = bench.watcher.spawn_thread().unwrap();
    parked.recv_timeout(Duration::from_secs(20)).unwrap();
    let (tell, heard) = mpsc::channel();
    thread::spawn(move || {
        drop(driver);
        tell.send(())
    });
    assert_eq!(heard.recv_timeout(Duration::from_secs(20)), Ok(()), "it sleeps for half an hour");
    assert_eq!(bench.log.count(Silent), 2);
}

/// Subscribers that panic, end the runs they hear of, and step the watch.
#[test]
fn live_3_subscribers_may_do_what_they_like() {
    const GUESTS: usize = 40;
    let bench = Bench::new();
    let watcher = bench.watcher.clone();
    let guests: Arc<Mutex<Vec<Option<KeepAlive>>>> = Arc::default();
    for n in 0..GUESTS {
        let watch = watch(n).window(ms(100)).rearming();
        guests.lock().push(Some(watcher.watch(watch).unwrap()));
    }
    let (heard, nested) = (guests.clone(), Arc::new(AtomicU64::new(0)));
    let steps = nested.clone();
    let _hostile = bench.registry.subscribe(move |event| {
        // It would tell of what comes next to some, and not yet of this one to others.
        steps.fetch_add(u64::from(watcher.step() != Step::Wait(ms(1))), Relaxed);
        let Some(name) = event.scope() else { return };
        let n: usize = name["guest-".len()..].parse().unwrap();
        let guest = heard.lock()[n].take();
        match (event.kind(), n % 3) {
            (Silent, 0) => drop(guest),
            (Silent, 1) => {
                guest.iter().for_each(KeepAlive::notify);
                heard.lock()[n] = guest;
            }
            _ => {
                heard.lock()[n] = guest;
                panic!("a bad subscriber");
            }
        }
    });
    bench.pass(ms(400));
    assert_eq!(nested.load(Relaxed), 0, "a step within a step");
    let of = |rest: usize| (0..GUESTS).filter(|n| n % 3 == rest).count();
    assert_eq!(bench.log.count(Silent), of(0) + 3 * of(1) + of(2));
    assert_eq!(bench.log.count(Recovered), 3 * of(1));
    assert_eq!(bench.watcher.watched(), of(1) + of(2));
    guests.lock().clear();
    let snapshot = bench.registry.snapshot();
    let depth = |name| snapshot.find(name, None).map(|entry| entry.depth);
    assert_eq!((depth("guest_keepalive"), depth("guest_keepalive_silent")), (Some(0), Some(0)));
}
