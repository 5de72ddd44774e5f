//! A watcher on tokio's timers, in paused time.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use plimsoll::EventKind::Silent;
use plimsoll::Registry;
use plimsoll::keepalive::{KeepAlive, TokioClock, Watch, Watcher};
use tokio::time::{Instant, sleep, timeout};

use crate::{Log, ms};

const WINDOW: Duration = Watch::WINDOW_DEFAULT;

fn watcher(registry: &Registry) -> Watcher {
    Watcher::builder().clock(TokioClock::default()).build(registry).unwrap()
}

fn guest(watcher: &Watcher) -> KeepAlive {
    watcher.watch(Watch::new("guest", "run").rearming()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn live_2_silence_is_awaited() {
    let registry = Registry::new();
    let watcher = watcher(&registry);
    let driver = tokio::spawn({
        let watcher = watcher.clone();
        async move { watcher.run().await }
    });
    let guest = guest(&watcher);
    for notifications in 0..20 {
        for _ in 0..notifications {
            sleep(ms(777)).await;
            guest.notify();
        }
        let notified = Instant::now();
        guest.notify();
        let silence = guest.silence().await;
        let passed = notified.elapsed();
        assert!(passed >= WINDOW && passed <= WINDOW + ms(20), "{passed:?}");
        assert!(silence.elapsed >= WINDOW && silence.elapsed <= passed);
        assert_eq!((&*silence.guest, &*silence.run, silence.window), ("guest", "run", WINDOW));
        assert_eq!(guest.silence().await, silence, "it lasts");
        guest.notify();
        sleep(ms(20)).await;
        assert!(timeout(ms(100), guest.silence()).await.is_err(), "it is over");
    }
    driver.abort();
}

/// LIVE-7: a driver that is cancelled again and again loses nothing.
#[tokio::test(start_paused = true)]
async fn live_7_a_cancelled_driver_loses_nothing() {
    let registry = Registry::new();
    let (log, _subscription) = Log::of(&registry);
    let watcher = watcher(&registry);
    let guests = [1, 2, 3].map(|_| guest(&watcher));
    let start = Instant::now();
    while log.count(Silent) < guests.len() {
        let _ = timeout(ms(1 + start.elapsed().as_millis() as u64 % 40), watcher.run()).await;
        assert!(start.elapsed() < 3 * WINDOW);
    }
    let _ = timeout(WINDOW, watcher.run()).await;
    assert_eq!(log.count(Silent), guests.len(), "each once");
}

/// Without anybody to watch there is no timer: paused time would run ahead with one.
#[tokio::test(start_paused = true)]
async fn a_driver_without_anybody_to_watch_is_parked() {
    let registry = Registry::new();
    let watcher = watcher(&registry);
    let mut run = Box::pin(watcher.run());
    assert!(timeout(10 * WINDOW, run.as_mut()).await.is_err());
    let guest = guest(&watcher);
    let start = Instant::now();
    tokio::select! {
        _ = run.as_mut() => unreachable!("it runs for ever"),
        silence = guest.silence() => assert!(silence.elapsed >= WINDOW),
    }
    assert!(start.elapsed() >= WINDOW && start.elapsed() <= WINDOW + ms(30));
}

/// A future that is dropped while it waits leaves nothing behind that hinders the next.
#[tokio::test(start_paused = true)]
async fn a_wait_that_is_cancelled_leaves_nothing_behind() {
    let registry = Registry::new();
    let watcher = watcher(&registry);
    let guest = guest(&watcher);
    for _ in 0..100 {
        assert!(timeout(ms(1), guest.silence()).await.is_err());
    }
    let both = async { tokio::join!(guest.silence(), guest.silence()) };
    tokio::select! {
        _ = watcher.run() => unreachable!("it runs for ever"),
        (first, second) = both => assert_eq!(first, second),
    }
}

/// LIVE-2: a silence that is over is not awaited, though nobody has stepped since the notification.
#[tokio::test(start_paused = true)]
async fn live_2_a_silence_that_a_beat_has_ended_is_not_awaited() {
    let registry = Registry::new();
    let watcher = watcher(&registry);
    let guest = guest(&watcher);
    let first = tokio::select! {
        _ = watcher.run() => unreachable!("it runs for ever"),
        silence = guest.silence() => silence,
    };
    guest.notify();
    assert!(timeout(ms(1), guest.silence()).await.is_err(), "it is over");
    let start = Instant::now();
    let next = tokio::select! {
        _ = watcher.run() => unreachable!("it runs for ever"),
        silence = guest.silence() => silence,
    };
    assert!(start.elapsed() >= WINDOW && next.sequence > first.sequence);
}

/// Drivers that are dropped while they are parked leave nothing behind.
#[test]
fn live_7_a_parked_driver_that_is_cancelled_leaves_no_waker() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let watcher = Watcher::builder().build(&Registry::new()).unwrap();
    let counts: Vec<_> = (0..100).map(|_| Arc::new(Count(AtomicUsize::new(0)))).collect();
    let poll = |run: Pin<&mut dyn Future<Output = _>>, count: &Arc<Count>| {
        let waker = Waker::from(count.clone());
        assert!(run.poll(&mut Context::from_waker(&waker)).is_pending());
    };
    for count in &counts {
        poll(pin!(watcher.run()), count);
        assert_eq!(Arc::strong_count(count), 1, "its waker is kept");
    }
    let mut moved = pin!(watcher.run());
    let mut other = pin!(watcher.run());
    poll(moved.as_mut(), &counts[0]);
    poll(moved.as_mut(), &counts[1]);
    poll(other.as_mut(), &counts[2]);
    assert_eq!(Arc::strong_count(&counts[0]), 1, "it has moved to another task");
    let _guest = guest(&watcher);
    let woken = counts.iter().take(4).map(|count| count.0.load(Relaxed));
    assert_eq!(woken.collect::<Vec<_>>(), [0, 1, 1, 0]);
}
