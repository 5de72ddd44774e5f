//! The watcher: notifications, pauses and drops that meet its check, and wake-ups.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use plimsoll::keepalive::{Clock, FakeClock, KeepAlive, Latch, Watch, Watcher};
use plimsoll::{EventKind, Registry, Subscription};
use plimsoll_core::stepped::Flaw;
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

use crate::common::{DEADLOCK, Model, run_alone};

const TICK: Duration = Duration::from_millis(10);
const WINDOW: Duration = Duration::from_millis(30);

/// A watcher whose time its drivers put forward, and what it has told.
#[derive(Clone)]
struct Stand {
    watcher: Watcher,
    clock: FakeClock,
    told: Arc<Mutex<BTreeMap<String, Vec<EventKind>>>>,
    _subscription: Arc<Subscription>,
}

impl Stand {
    fn new() -> Self {
        let (registry, clock) = (Registry::new(), FakeClock::default());
        let told = Arc::<Mutex<BTreeMap<String, Vec<EventKind>>>>::default();
        let sink = told.clone();
        let subscription = registry.subscribe(move |event| {
            let Some(guest) = event.as_guest() else { return };
            let run = guest.silence.run.to_string();
            sink.lock().unwrap().entry(run).or_default().push(event.kind());
        });
        let builder = Watcher::builder().tick(TICK).capacity(2).clock(clock.clone());
        let watcher = builder.build(&registry).unwrap();
        Self { watcher, clock, told, _subscription: Arc::new(subscription) }
    }

    fn watch(&self, run: &'static str) -> KeepAlive {
        self.watcher.watch(Watch::new("guest", run).window(WINDOW).rearming()).unwrap()
    }

    /// Drives the watch for so many ticks.
    fn drive(&self, ticks: u32) {
        for _ in 0..ticks {
            self.clock.advance(TICK);
            self.watcher.step();
        }
    }

    fn spawn_driver(&self, ticks: u32) -> JoinHandle<()> {
        let driver = self.clone();
        thread::spawn(move || driver.drive(ticks))
    }

    fn told(&self, run: &str, kind: EventKind) -> usize {
        let told = self.told.lock().unwrap();
        told.get(run).map_or(0, |told| told.iter().filter(|told| **told == kind).count())
    }

    /// Each silence that was told is over, and that is told as well.
    fn assert_ended(&self, run: &str) {
        let ends = self.told(run, EventKind::Recovered) + self.told(run, EventKind::Cleared);
        assert_eq!(self.told(run, EventKind::Silent), ends, "LIVE-4, REG-8: {run}");
    }

    /// Silences and their ends take turns.
    fn assert_in_turns(&self, run: &str) {
        let told = self.told.lock().unwrap();
        for (at, kind) in told.get(run).into_iter().flatten().enumerate() {
            let is_silence = *kind == EventKind::Silent;
            assert_eq!(is_silence, at % 2 == 0, "LIVE-3, LIVE-4: {told:?}");
        }
    }
}

/// The tick at which a guest falls silent that has not notified.
const DUE: u32 = 5;

#[test]
fn live_8_a_guest_without_notification_is_silent_when_it_is_due() {
    run_alone(|| {
        let stand = Stand::new();
        let guest = stand.watch("run");
        stand.drive(DUE - 1);
        assert!(!guest.is_silent(), "LIVE-2");
        stand.drive(1);
        assert!(guest.is_silent(), "LIVE-8");
    });
}

const NOTIFY: Model = Model::new(500, notify);

fn notify() {
    let stand = Stand::new();
    let guest = stand.watch("run");
    let driver = stand.spawn_driver(DUE + 1);
    while stand.clock.now() < TICK * DUE {
        thread::yield_now();
    }
    let began = stand.clock.now();
    guest.notify();
    thread::yield_now();
    let is_silent = guest.is_silent();
    let passed = stand.clock.now() - began;
    assert!(!is_silent || passed >= WINDOW, "LIVE-2: silent after {passed:?}");
    driver.join().unwrap();
    stand.assert_in_turns("run");
    stand.drive(6);
    assert!(guest.is_silent(), "LIVE-8");
    stand.assert_in_turns("run");
    drop(guest);
    stand.drive(1);
    stand.assert_in_turns("run");
    stand.assert_ended("run");
}

#[test]
fn live_2_a_guest_that_has_just_notified_is_not_silent() {
    NOTIFY.check();
}

#[test]
fn a_check_that_overwrites_a_notification_is_found() {
    NOTIFY.check_finds(Flaw::Torn("keepalive/mod.rs"), "LIVE-2");
}

const PAUSE: Model = Model::new(500, pause);

fn pause() {
    let stand = Stand::new();
    let guest = stand.watch("run");
    let driver = stand.spawn_driver(6);
    let pauses: Vec<_> = (0..2)
        .map(|_| {
            let guest = guest.clone();
            thread::spawn(move || {
                let pause = guest.pause_guard();
                assert!(guest.is_paused() && !guest.is_silent(), "LIVE-10");
                thread::yield_now();
                assert!(guest.is_paused() && !guest.is_silent(), "LIVE-10");
                drop(pause);
            })
        })
        .collect();
    pauses.into_iter().for_each(|pause| pause.join().unwrap());
    assert!(!guest.is_paused(), "LIVE-10");
    driver.join().unwrap();
    stand.drive(6);
    assert!(guest.is_silent(), "LIVE-8, LIVE-10");
    stand.assert_in_turns("run");
}

#[test]
fn live_10_a_guest_that_is_paused_is_not_silent_until_the_last_pause_ends() {
    PAUSE.check();
}

#[test]
fn a_check_that_overwrites_a_pause_is_found() {
    PAUSE.check_finds(Flaw::Torn("keepalive/mod.rs"), "LIVE-10");
}

const LEAVE: Model = Model::new(500, leave);

/// A run ends while it is checked, and the next one takes its place.
fn leave() {
    let stand = Stand::new();
    let guest = stand.watch("run");
    stand.drive(1);
    let drivers = [stand.spawn_driver(3), stand.spawn_driver(2)];
    let handle = guest.clone();
    let dropper = thread::spawn(move || drop(handle));
    drop(guest);
    dropper.join().unwrap();
    let before = stand.clock.now();
    let next = stand.watch("next");
    let is_silent = next.is_silent();
    let passed = stand.clock.now() - before;
    assert!(!is_silent || passed >= WINDOW, "LIVE-7: silent after {passed:?}");
    drivers.into_iter().for_each(|driver| driver.join().unwrap());
    drop(next);
    stand.drive(6);
    for run in ["run", "next"] {
        stand.assert_in_turns(run);
        assert!(stand.told(run, EventKind::Silent) <= 1, "LIVE-3, LIVE-7: {run}");
        stand.assert_ended(run);
    }
    assert_eq!(stand.watcher.watched(), 0);
}

#[test]
fn live_7_a_run_that_has_left_is_silent_no_more_and_its_place_is_free() {
    LEAVE.check();
}

#[test]
fn handles_that_are_miscounted_are_found() {
    LEAVE.check_finds(Flaw::Torn("keepalive/handles.rs"), "REG-8");
}

const SILENCE: Model = Model::new(500, silence);

/// A silence is awaited by one, given up by another, and found by one of two drivers.
fn silence() {
    let stand = Stand::new();
    let guest = stand.watch("run");
    let waiting = guest.clone();
    let waiter = thread::spawn(move || block_on(waiting.silence()));
    let leaving = guest.clone();
    let leaver = thread::spawn(move || {
        let mut silence = pin!(leaving.silence());
        let polled = silence.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(silence) = polled {
            assert!(silence.elapsed >= WINDOW, "LIVE-2: {silence:?}");
        }
    });
    let drivers = [stand.spawn_driver(3), stand.spawn_driver(3)];
    drivers.into_iter().for_each(|driver| driver.join().unwrap());
    stand.drive(3);
    let silence = waiter.join().unwrap();
    assert!(silence.elapsed >= WINDOW, "LIVE-2: {silence:?}");
    leaver.join().unwrap();
    assert_eq!(stand.told("run", EventKind::Silent), 1, "LIVE-3");
}

#[test]
fn live_3_a_silence_is_reported_once_and_wakes_those_who_await_it() {
    SILENCE.check();
}

const LATCH: Model = Model::new(1_000, latch);

fn latch() {
    let latch = Latch::new();
    let waiters = [(); 2].map(|()| {
        let latch = latch.clone();
        thread::spawn(move || latch.wait_blocking())
    });
    let leaving = latch.clone();
    let leaver = thread::spawn(move || {
        let has_fired = leaving.wait_timeout(TICK);
        assert!(!has_fired || leaving.is_fired());
    });
    let firing = latch.clone();
    let firer = thread::spawn(move || firing.fire());
    let fired = usize::from(latch.fire()) + usize::from(firer.join().unwrap());
    assert_eq!(fired, 1, "LIVE-3");
    waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    leaver.join().unwrap();
}

#[test]
fn live_3_a_latch_fires_once_and_wakes_all_who_wait() {
    LATCH.check();
}

const SMALL_LATCH: Model = Model::new(10_000, small_latch);

/// Two fire while one is asked; a thread that parks would have no end of schedules.
fn small_latch() {
    let latch = Latch::new();
    let firing = latch.clone();
    let firer = thread::spawn(move || firing.fire());
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut wait = pin!(latch.wait());
    let is_ready = wait.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
    let has_fired = latch.fire();
    assert_ne!(has_fired, firer.join().unwrap(), "LIVE-3");
    assert!(is_ready || woken.0.load(SeqCst), "the waiter is woken");
}

/// Whether a waiter was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn live_3_a_latch_wakes_all_waiters_under_every_schedule() {
    SMALL_LATCH.check_all();
}

#[test]
fn a_latch_whose_unpark_is_forgotten_is_found() {
    LATCH.check_finds(Flaw::UnparkForgotten, DEADLOCK);
}

const THREAD: Model = Model::new(300, thread_that_watches);

/// The thread of a watcher sleeps until a run is watched, and ends when it is to.
fn thread_that_watches() {
    let watcher = Watcher::builder().tick(TICK).capacity(2).build(&Registry::new()).unwrap();
    let driver = watcher.spawn_thread().unwrap();
    let guest = watcher.watch(Watch::new("guest", "run").window(WINDOW)).unwrap();
    let silence = block_on(guest.silence());
    assert!(silence.elapsed >= WINDOW, "LIVE-2: {silence:?}");
    drop(guest);
    drop(driver);
}

#[test]
fn live_8_a_watcher_that_sleeps_is_woken_by_the_first_run() {
    THREAD.check();
}

#[test]
fn a_watcher_that_nobody_wakes_is_found() {
    THREAD.check_finds(Flaw::UnparkForgotten, DEADLOCK);
}
