//! Tests of hosts, with tokio's clock paused and put forward: LIVE-12.

use std::time::Duration;

use plimsoll::EventKind::{Lagging, Recovered, Silent};
use plimsoll::Registry;
use plimsoll::keepalive::{KeepAlive, TokioClock, Watch, Watcher};
use tokio::time::{Instant, advance, sleep, timeout};

use crate::{Log, ms};

const WINDOW: Duration = ms(200);

/// The recipe.
fn watcher(registry: &Registry) -> Watcher {
    let watcher = Watcher::builder().clock(TokioClock::default()).build(registry).unwrap();
    let driver = watcher.clone();
    tokio::spawn(async move { driver.run().await });
    watcher
}

fn guest(watcher: &Watcher) -> KeepAlive {
    watcher.watch(Watch::new("guest", "run").window(WINDOW).rearming()).unwrap()
}

/// LIVE-12: whatever the steps in which a test puts the clock forward.
#[tokio::test(start_paused = true)]
async fn live_12_a_clock_that_is_put_forward_gives_exact_results() {
    for by in [1, 5, 7, 50, 100, 199, 220, 1_000, 3_600_000] {
        let registry = Registry::new();
        let (log, _subscription) = Log::of(&registry);
        let watcher = watcher(&registry);
        tokio::task::yield_now().await;
        let guest = guest(&watcher);
        for _ in 0..3 {
            guest.notify();
            let notified = Instant::now();
            while notified.elapsed() < WINDOW + ms(20) {
                let is_due = notified.elapsed() >= WINDOW;
                assert!(is_due || log.count(Silent) == log.count(Recovered), "early, by {by} ms");
                advance(ms(by)).await;
                tokio::task::yield_now().await;
            }
            assert!(guest.is_silent(), "{:?} passed, by {by} ms", notified.elapsed());
            guest.notify();
            advance(ms(10)).await;
            tokio::task::yield_now().await;
        }
        assert_eq!((log.count(Silent), log.count(Recovered)), (3, 3), "by {by} ms");
        assert_eq!(log.count(Lagging), 0, "by {by} ms");
    }
}

/// LIVE-12: a guest that notifies by tokio's timers lives, though the clock jumps from timer to timer.
#[tokio::test(start_paused = true)]
async fn live_12_who_beats_on_the_same_clock_lives() {
    let registry = Registry::new();
    let (log, _subscription) = Log::of(&registry);
    let watcher = watcher(&registry);
    let live = guest(&watcher);
    let notifications = tokio::spawn(async move {
        loop {
            live.notify();
            sleep(WINDOW - ms(21)).await;
        }
    });
    sleep(100 * WINDOW).await;
    for _ in 0..1_000 {
        advance(ms(20)).await;
    }
    assert_eq!(log.take(), []);
    notifications.abort();
    sleep(ms(1)).await;
}

/// LIVE-12: with the default clock, the paused one is not dragged ahead, and the silence takes as
/// long as it takes in truth.
#[tokio::test(start_paused = true)]
async fn live_12_the_default_clock_does_not_run_the_paused_one_ahead() {
    let registry = Registry::new();
    let watcher = Watcher::builder().build(&registry).unwrap();
    let guest = guest(&watcher);
    let (real, paused) = (std::time::Instant::now(), Instant::now());
    tokio::select! {
        _ = watcher.run() => unreachable!("it runs for ever"),
        silence = guest.silence() => assert!(silence.elapsed >= WINDOW),
    }
    assert!(real.elapsed() >= WINDOW);
    assert_eq!(paused.elapsed(), Duration::ZERO);
}

/// LIVE-12: a driver by the name of a thread goes by the paused clock as well.
#[tokio::test(start_paused = true)]
async fn live_12_a_spawned_driver_knows_the_paused_clock() {
    let registry = Registry::new();
    let watcher = Watcher::builder().clock(TokioClock::default()).build(&registry).unwrap();
    let driver = watcher.spawn_thread().unwrap();
    let guest = guest(&watcher);
    for _ in 0..100 {
        assert!(guest.age() <= ms(10_000));
        advance(ms(100)).await;
    }
    assert!(guest.is_silent());
    let age = std::thread::scope(|scope| scope.spawn(|| guest.age()).join().unwrap());
    assert!(age >= ms(10_000) && age <= ms(10_010), "on another thread: {age:?}");
    drop(driver);
    guest.notify();
    assert!(timeout(10 * WINDOW, guest.silence()).await.is_err(), "nobody drives");
}

/// LIVE-7: the thread behind `run` ends with its future, and another one goes on.
#[tokio::test]
async fn live_7_a_cancelled_run_loses_nothing() {
    let registry = Registry::new();
    let (log, _subscription) = Log::of(&registry);
    let watcher = Watcher::builder().tick(ms(2)).build(&registry).unwrap();
    let _guests = [1, 2, 3].map(|_| guest(&watcher));
    let start = std::time::Instant::now();
    while log.count(Silent) < 3 {
        let _ = timeout(ms(30), watcher.run()).await;
        assert!(start.elapsed() < Duration::from_secs(30));
    }
    let _ = timeout(ms(50), watcher.run()).await;
    assert_eq!(log.count(Silent), 3, "each once");
}

/// A subscriber may spawn tasks, though `run` has a thread of its own.
#[tokio::test]
async fn a_subscriber_of_a_watch_that_is_run_is_within_the_runtime() {
    let registry = Registry::new();
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let _subscription = registry.subscribe(move |event| {
        let (tell, kind) = (tell.clone(), event.kind());
        tokio::spawn(async move { tell.send(kind) });
    });
    let watcher = Watcher::builder().build(&registry).unwrap();
    let _guest = watcher.watch(Watch::new("guest", "run").window(ms(20))).unwrap();
    tokio::select! {
        _ = watcher.run() => unreachable!("it runs for ever"),
        kind = heard.recv() => assert!(matches!(kind, Some(Silent | Lagging))),
    }
    assert_eq!(registry.stats().panicked, 0);
}
