//! A watcher on a thread of its own, and real time.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::EventKind::{Recovered, Silent};
use plimsoll::Registry;
#[cfg(any(target_os = "linux", target_os = "android"))]
use plimsoll::keepalive::BootClock;
use plimsoll::keepalive::{Watch, Watcher, WatcherBuilder};

use crate::{Log, ms};

fn eventually(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} does not happen");
        thread::sleep(ms(2));
    }
}

/// With the clock that goes on while the machine is suspended, where there is one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn builder() -> WatcherBuilder {
    Watcher::builder().clock(BootClock)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn builder() -> WatcherBuilder {
    Watcher::builder()
}

#[test]
fn live_3_live_4_silence_and_recovery_come_once_with_two_drivers() {
    let registry = Registry::new();
    let (log, _subscription) = Log::of(&registry);
    let watcher = builder().build(&registry).unwrap();
    let _drivers = [watcher.spawn_thread().unwrap(), watcher.spawn_thread().unwrap()];
    let watch = Watch::new("guest", "run").window(ms(100)).rearming();
    let guest = Arc::new(watcher.watch(watch).unwrap());
    for round in 1..=3 {
        eventually("silence", || guest.is_silent());
        eventually("its event", || log.count(Silent) >= round);
        let notifiers = [1, 2].map(|_| {
            let guest = guest.clone();
            thread::spawn(move || guest.notify())
        });
        notifiers.into_iter().for_each(|notifier| notifier.join().unwrap());
        eventually("recovery", || log.count(Recovered) >= round);
    }
    // On a busy machine there may be more of both.
    let heard = log.take_of_guests();
    for (n, (kind, _)) in heard.iter().enumerate() {
        assert_eq!(*kind, [Silent, Recovered][n % 2], "{heard:?}");
    }
}

/// Without a watched run the thread sleeps, and it wakes with the first.
#[test]
fn a_thread_that_was_parked_wakes() {
    let registry = Registry::new();
    let (log, _subscription) = Log::of(&registry);
    let watcher = Watcher::builder().build(&registry).unwrap();
    let _driver = watcher.spawn_thread().unwrap();
    for round in 1..=2 {
        thread::sleep(ms(60));
        let guest = watcher.watch(Watch::new("guest", "run").window(ms(50))).unwrap();
        let start = Instant::now();
        eventually("silence", || log.count(Silent) == round);
        assert!(start.elapsed() >= ms(50));
        drop(guest);
    }
}

/// LIVE-7: runs come and go while others notify and the watcher sweeps.
#[test]
fn live_7_coming_and_going_loses_nobody() {
    let registry = Registry::new();
    let (log, _subscription) = Log::of(&registry);
    let watcher = Watcher::builder().capacity(64).build(&registry).unwrap();
    let _driver = watcher.spawn_thread().unwrap();
    thread::scope(|scope| {
        for thread in 0..3 {
            let watcher = &watcher;
            scope.spawn(move || {
                for n in 0..2_000 {
                    let watch = Watch::new(format!("guest-{thread}-{n}"), "run");
                    let guest = watcher.watch(watch).unwrap();
                    guest.notify();
                }
            });
        }
    });
    assert_eq!((watcher.watched(), log.count(Silent)), (0, 0));
    let _guest = watcher.watch(Watch::new("last", "run").window(ms(30))).unwrap();
    eventually("silence", || log.count(Silent) == 1);
}
