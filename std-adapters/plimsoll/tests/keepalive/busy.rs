//! A watcher that comes late, because its host is busy: LIVE-8.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::EventKind::{Lagging, Silent};
use plimsoll::keepalive::{Clock, KeepAlive, Step, Watch, Watcher};
use plimsoll::{Event, Registry};

use crate::{Bench, Log, ms};

const WINDOW: Duration = ms(1_000);

/// LIVE-8: whatever the distance of the steps, the dead guest is reported at the first step that comes
/// when its window and the slack have passed since its last notification may have come, and who notifies is not
/// reported at all.
#[test]
fn live_8_a_late_watcher_tells_in_time_and_nobody_falsely() {
    for distance in [1, 5, 8, 23, 30, 50, 77, 100, 130, 300, 499, 700, 1_500] {
        for began in [0, 2, 17, 40] {
            let bench = Bench::new();
            let watch = |id| bench.watcher.watch(Watch::new(id, "run").window(WINDOW)).unwrap();
            bench.pass(ms(began));
            let (dead, live) = (watch("dead"), watch("live"));
            let dead_since = bench.clock.now();
            let mut told_after = None;
            for passed in 1..6_000_u64 {
                bench.clock.advance(ms(1));
                if passed % 20 == 0 {
                    live.notify();
                }
                if passed % distance == 0 {
                    while bench.watcher.step() == Step::Again {}
                }
                if told_after.is_none() && bench.log.count(Silent) == 1 {
                    told_after = Some(bench.clock.now() - dead_since);
                }
            }
            let heard = bench.log.take_of_guests();
            assert_eq!(heard, [(Silent, "dead".to_owned())], "steps of {distance} ms");
            let told_after = told_after.unwrap();
            // It may have notified just before the first step; and a step comes when it comes.
            let at_most = WINDOW + ms(20) + 2 * ms(distance);
            assert!(told_after >= WINDOW, "{told_after:?}, steps of {distance} ms");
            assert!(told_after <= at_most, "{told_after:?}, steps of {distance} ms");
            drop((dead, live));
        }
    }
}

/// LIVE-8: steps that come at odd times, late ones among them; the notifications of a live guest come just
/// inside the window.
#[test]
fn live_8_no_false_silence_however_the_steps_come() {
    let mut state = 11_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..40 {
        let bench = Bench::new();
        let watch = Watch::new("guest", "run").window(ms(200)).late_after(ms(180));
        let guest = bench.watcher.watch(watch.rearming()).unwrap();
        let (mut notified, mut now) = (0, 0);
        for _ in 0..2_000 {
            let pause = [random(4), random(9), random(40), random(90)][random(4) as usize];
            for _ in 0..pause {
                (now, notified) =
                    if now + 1 - notified > 170 { (now + 1, now + 1) } else { (now + 1, notified) };
                bench.clock.advance(ms(1));
                if notified == now {
                    guest.notify();
                }
            }
            let _ = bench.watcher.step();
        }
        assert_eq!(bench.log.take_of_guests(), []);
    }
}

/// LIVE-8: the lag is a gauge and a method, and one that is beyond the slack of the shortest window
/// is an event, once per window.
#[test]
fn live_8_the_lag_is_a_gauge_and_beyond_the_slack_an_event() {
    let bench = Bench::new();
    let lag_of = |bench: &Bench| {
        bench.registry.snapshot().find("guest_keepalive_lag_ms", None).map(|lag| lag.depth)
    };
    let _long = bench.watcher.watch(Watch::new("long", "run").window(ms(60_000))).unwrap();
    let watch = Watch::new("short", "run").window(WINDOW);
    let short = bench.watcher.watch(watch.rearming()).unwrap();
    bench.pass(ms(100));
    assert_eq!((bench.watcher.lag(), lag_of(&bench)), (Duration::ZERO, Some(0)));
    // It is due, and nobody steps.
    bench.clock.advance(ms(45));
    assert!((ms(40)..=ms(45)).contains(&bench.watcher.lag()), "{:?}", bench.watcher.lag());
    assert!((40..=45).contains(&lag_of(&bench).unwrap()));
    let _ = bench.watcher.step();
    bench.pass(ms(100));
    assert_eq!(bench.log.count(Lagging), 0, "50 ms are the slack");
    bench.clock.advance(ms(80));
    let _ = bench.watcher.step();
    {
        let events = bench.log.0.lock();
        let lagging = events.iter().find_map(|event| match event {
            Event::Lagging(lagging) => Some((event, lagging)),
            _ => None,
        });
        let (event, lagging) = lagging.expect("a lag of 75 ms");
        assert_eq!((event.name(), event.kind()), ("guest_keepalive", Lagging));
        assert_eq!((lagging.slack, event.percent() >= Some(150)), (ms(50), true), "{event}");
        assert!((ms(75)..=ms(80)).contains(&lagging.lag), "{event}");
        assert!(event.to_string().starts_with("resource guest_keepalive lagging by"), "{event}");
    }
    let high_water =
        bench.registry.snapshot().find("guest_keepalive_lag_ms", None).unwrap().high_water;
    assert!((75..=80).contains(&high_water), "{high_water}");
    for _ in 0..9 {
        bench.clock.advance(ms(80));
        let _ = bench.watcher.step();
    }
    assert_eq!(bench.log.count(Lagging), 1, "once per window");
    for _ in 0..9 {
        bench.clock.advance(ms(80));
        let _ = bench.watcher.step();
    }
    assert_eq!(bench.log.count(Lagging), 2);
    drop(short);
    bench.pass(ms(50));
    bench.clock.advance(ms(2_900));
    let _ = bench.watcher.step();
    assert_eq!(bench.log.count(Lagging), 2, "the slack of a window of 60 s is 3 s");
}

/// What a live guest is held against: the longest time between two notifies that have returned.
struct Notifications {
    origin: Instant,
    last_us: AtomicU64,
    longest_us: AtomicU64,
}

impl Notifications {
    fn notify(&self, guest: &KeepAlive) {
        guest.notify();
        let now = self.origin.elapsed().as_micros() as u64;
        let gap = now - self.last_us.swap(now, Relaxed);
        self.longest_us.fetch_max(gap, Relaxed);
    }
}

fn burn(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Watches a dead guest and a live one with threads that spin beside; answers when the dead one was
/// reported, and fails if the live one was while it notified in time.
fn on_a_busy_host(spinners: usize, drive: impl FnOnce(&Watcher) -> Box<dyn Send>) -> Duration {
    let registry = Registry::new();
    let watcher = Watcher::builder().build(&registry).unwrap();
    let (origin, heard) = (Instant::now(), Arc::new(Mutex::new(None)));
    let seen = heard.clone();
    let _told = registry.subscribe(move |event| {
        if event.kind() == Silent && event.scope() == Some("dead") {
            seen.lock().unwrap().get_or_insert(origin.elapsed());
        }
    });
    let (log, _subscription) = Log::of(&registry);
    let (stop, last_us) = (AtomicBool::new(false), AtomicU64::new(0));
    let notifications = Notifications { origin, last_us, longest_us: AtomicU64::new(0) };
    let driver = drive(&watcher);
    let _dead = watcher.watch(Watch::new("dead", "run").window(WINDOW)).unwrap();
    let live = watcher.watch(Watch::new("live", "run").window(WINDOW)).unwrap();
    thread::scope(|scope| {
        for _ in 0..spinners {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    burn(ms(1));
                }
            });
        }
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                notifications.notify(&live);
                thread::sleep(ms(20));
            }
        });
        while heard.lock().unwrap().is_none() && origin.elapsed() < Duration::from_secs(20) {
            thread::sleep(ms(5));
        }
        stop.store(true, Relaxed);
    });
    drop(driver);
    let is_live = notifications.longest_us.load(Relaxed) < WINDOW.as_micros() as u64;
    let falsely = log.take().iter().any(|(kind, name)| *kind == Silent && name == "live");
    assert!(
        !(is_live && falsely),
        "the live one notified at least every {:?}",
        notifications.longest_us
    );
    let heard = heard.lock().unwrap().expect("the dead one is reported");
    assert!(heard >= WINDOW, "{heard:?}");
    println!("reported after {heard:?}");
    heard
}

/// Before, the time of a late watcher stood still, and this took 6 to 12 s. The bound leaves room
/// for other programs on the machine.
const IN_TIME: Duration = ms(3_500);

#[test]
fn live_8_a_thread_tells_in_time_beside_threads_that_spin() {
    let heard = on_a_busy_host(8, |watcher| Box::new(watcher.spawn_thread().unwrap()));
    assert!(heard <= IN_TIME, "{heard:?}");
}

/// A runtime whose workers are busy in polls of 30 ms looks at its timers once in seconds.
#[cfg(feature = "tokio")]
#[test]
fn live_8_a_task_tells_in_time_on_a_runtime_that_is_busy() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let heard = on_a_busy_host(0, |watcher| {
        let watcher = watcher.clone();
        runtime.spawn(async move { watcher.run().await });
        // The driver is polled once before; from here on the only worker is taken.
        runtime.spawn(async {
            loop {
                burn(ms(30));
                tokio::task::yield_now().await;
            }
        });
        Box::new(())
    });
    runtime.shutdown_background();
    assert!(heard <= IN_TIME, "{heard:?}");
}
