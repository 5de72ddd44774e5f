//! Wakers, clocks and subscribers that panic: LIVE-11.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::EventKind::Silent;
use plimsoll::Registry;
use plimsoll::keepalive::{Clock, FakeClock, Latch, Silence, Step, Watch, Watcher};

use crate::{Bench, Log, ms};

/// Panics when it wakes, and when it is dropped.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a waker");
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("a waker's drop");
        }
    }
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: Waker) -> bool {
    let polled =
        catch_unwind(AssertUnwindSafe(|| future.poll(&mut Context::from_waker(&waker)).is_ready()));
    // The test's own waker is dropped here, and may panic.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    polled.unwrap_or(false)
}

/// LIVE-11, LIVE-3: all others are reported, in that step and later, by the same driver.
#[test]
fn live_11_a_panicking_waker_ends_nothing() {
    let bench = Bench::new();
    let watch = |n: usize, window| {
        bench.watcher.watch(Watch::new(format!("guest-{n}"), "run").window(window)).unwrap()
    };
    let guests: Vec<_> = (0..20).map(|n| watch(n, ms(40))).collect();
    let later = watch(20, ms(300));
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let mut bombs: Vec<Pin<Box<dyn Future<Output = Silence>>>> = Vec::new();
    for guest in &guests {
        bombs.push(Box::pin(guest.silence()));
        assert!(!poll(bombs.last_mut().unwrap().as_mut(), Arc::new(Bomb).into()));
        bombs.push(Box::pin(guest.silence()));
        assert!(!poll(bombs.last_mut().unwrap().as_mut(), count.clone().into()));
    }
    bench.pass(ms(100));
    assert_eq!((bench.log.count(Silent), count.0.load(Relaxed)), (20, 20));
    bench.pass(ms(300));
    assert_eq!(bench.log.count(Silent), 21);
    assert!(
        later.is_silent() && bombs.iter_mut().all(|it| poll(it.as_mut(), count.clone().into()))
    );
}

/// LIVE-11: the thread lives on.
#[test]
fn live_11_a_driver_survives_wakers_and_subscribers_that_panic() {
    let registry = Registry::new();
    let _bad = registry.subscribe(|_| panic!("a subscriber"));
    let (log, _subscription) = Log::of(&registry);
    let watcher = Watcher::builder().tick(ms(2)).build(&registry).unwrap();
    let _driver = watcher.spawn_thread().unwrap();
    let watch = |n: usize, window| {
        watcher.watch(Watch::new(format!("guest-{n}"), "run").window(window)).unwrap()
    };
    let guests: Vec<_> = (0..22).map(|n| watch(n, ms(if n == 21 { 300 } else { 40 }))).collect();
    let mut silence = Box::pin(guests[0].silence());
    poll(silence.as_mut(), Arc::new(Bomb).into());
    let start = Instant::now();
    while log.count(Silent) < 22 {
        assert!(start.elapsed() < Duration::from_secs(20), "{} of 22", log.count(Silent));
        thread::sleep(ms(5));
    }
}

/// LIVE-11: nor does who begins to watch pay for the waker of a driver.
#[cfg(feature = "tokio")]
#[test]
fn live_11_the_waker_of_a_parked_driver_does_not_hinder_who_watches() {
    let watcher = Watcher::builder().build(&Registry::new()).unwrap();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let (mut bad, mut good) = (Box::pin(watcher.run()), Box::pin(watcher.run()));
    assert!(!poll(bad.as_mut(), Arc::new(Bomb).into()));
    assert!(!poll(good.as_mut(), count.clone().into()));
    let guest = watcher.watch(Watch::new("guest", "run")).expect("it is watched");
    assert_eq!((watcher.watched(), count.0.load(Relaxed)), (1, 1));
    drop(guest);
    let _ = catch_unwind(AssertUnwindSafe(|| drop(bad)));
}

/// A clock that panics now and then.
#[derive(Clone, Default)]
struct Flaky(FakeClock, Arc<AtomicUsize>);

impl Clock for Flaky {
    fn now(&self) -> Duration {
        assert!(self.1.fetch_add(1, Relaxed) % 3 != 1, "a clock");
        self.0.now()
    }
}

/// LIVE-11: a clock that panics costs the readings that it does not give.
#[test]
fn live_11_a_panicking_clock_ends_nothing() {
    let (registry, clock) = (Registry::new(), Flaky::default());
    let (log, _subscription) = Log::of(&registry);
    let watcher = Watcher::builder().clock(clock.clone()).build(&registry).unwrap();
    let guest = watcher.watch(Watch::new("guest", "run").window(ms(100))).unwrap();
    for _ in 0..150 {
        assert_ne!(watcher.step(), Step::Idle);
        clock.0.advance(ms(1));
        let _ = (guest.age(), watcher.lag(), registry.snapshot());
    }
    assert_eq!(log.count(Silent), 1);
}

/// LIVE-11: a waiter for a latch that panics keeps no other from being woken.
#[test]
fn live_11_a_latch_wakes_everybody() {
    let latch = Latch::new();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let mut waits: Vec<_> = (0..10).map(|_| Box::pin(latch.wait())).collect();
    for (n, wait) in waits.iter_mut().enumerate() {
        let waker = if n % 2 == 0 { Arc::new(Bomb).into() } else { count.clone().into() };
        assert!(!poll(wait.as_mut(), waker));
    }
    let mut cancelled = Box::pin(latch.wait());
    assert!(!poll(cancelled.as_mut(), Arc::new(Bomb).into()));
    drop(cancelled);
    assert!(latch.fire());
    assert_eq!(count.0.load(Relaxed), 5);
    assert!(poll(pin!(latch.wait()), count.clone().into()));
}
