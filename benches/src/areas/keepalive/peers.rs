//! Other ways to watch guests.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep;
use tokio_util::time::{DelayQueue, delay_queue};

use super::watched::{Told, Watched, ids, since_turn};

/// How often those look that look again and again.
pub(super) const PERIOD: Duration = Duration::from_millis(10);

/// What every design keeps for its report, as plimsoll does.
fn text(guest: usize) -> Box<str> {
    let (guest, run) = ids(guest);
    [&guest, run].join("\0").into()
}

/// What hosts have today: for each guest the time of its last beat behind an async lock, and a task
/// that looks there again and again.
pub(super) struct Polled {
    beats: Vec<Arc<tokio::sync::Mutex<Instant>>>,
    window: Duration,
    looks: Arc<AtomicU64>,
}

impl Watched for Polled {
    const NAME: &'static str = "polling: a task per guest, every 10 ms";

    fn new(runtime: &Runtime, guests: usize, window: Duration, told: &Told) -> Self {
        let looks = Arc::new(AtomicU64::new(0));
        let watch = |guest| {
            let last = Arc::new(tokio::sync::Mutex::new(Instant::now()));
            let (watched, looks, told) = (last.clone(), looks.clone(), told.clone());
            let text = text(guest);
            runtime.spawn(async move {
                while watched.lock().await.elapsed() < window {
                    // Relaxed: a count.
                    looks.fetch_add(1, Ordering::Relaxed);
                    sleep(PERIOD).await;
                }
                assert!(!text.is_empty());
                told(guest);
            });
            last
        };
        Self { beats: (0..guests).map(watch).collect(), window, looks }
    }

    fn beat(&self, guest: usize) {
        *self.beats[guest].blocking_lock() = Instant::now();
    }

    fn settle(&self, next: usize) {
        let (now, guests) = (Instant::now(), self.beats.len());
        for (guest, last) in self.beats.iter().enumerate() {
            *last.blocking_lock() = now - since_turn(guest, next, guests, self.window / 2);
        }
    }

    fn looks(&self) -> Option<u64> {
        // Relaxed: a count.
        Some(self.looks.load(Ordering::Relaxed))
    }
}

/// One task that takes from a queue who has expired; a beat puts its guest back.
pub(super) struct Queue {
    queue: Arc<Mutex<DelayQueue<(usize, Box<str>)>>>,
    keys: Vec<delay_queue::Key>,
    window: Duration,
}

impl Watched for Queue {
    const NAME: &'static str = "tokio-util DelayQueue: one task";

    fn new(runtime: &Runtime, guests: usize, window: Duration, told: &Told) -> Self {
        let _timers = runtime.enter();
        let mut queue = DelayQueue::with_capacity(guests);
        let keys = (0..guests).map(|guest| queue.insert((guest, text(guest)), window)).collect();
        let queue = Arc::new(Mutex::new(queue));
        let (watched, told) = (queue.clone(), told.clone());
        runtime.spawn(async move {
            loop {
                let expired =
                    poll_fn(|context| watched.lock().expect("nobody panics").poll_expired(context));
                match expired.await {
                    Some(expired) => told(expired.get_ref().0),
                    None => return,
                }
            }
        });
        Self { queue, keys, window }
    }

    fn beat(&self, guest: usize) {
        self.queue.lock().expect("nobody panics").reset(&self.keys[guest], self.window);
    }

    fn settle(&self, next: usize) {
        let mut queue = self.queue.lock().expect("nobody panics");
        for (guest, key) in self.keys.iter().enumerate() {
            let since = since_turn(guest, next, self.keys.len(), self.window / 2);
            queue.reset(key, self.window - since);
        }
    }

    fn looks(&self) -> Option<u64> {
        None
    }
}

/// A stamp for each guest, and one task that passes over all of them again and again.
pub(super) struct Stamps {
    stamps: Arc<[Stamp]>,
    origin: Instant,
    window: Duration,
    looks: Arc<AtomicU64>,
}

struct Stamp {
    /// When the last beat was, in ns; [`TOLD`] when the guest has fallen silent.
    last_ns: AtomicU64,
    text: Box<str>,
}

const TOLD: u64 = u64::MAX;

impl Stamp {
    fn new(guest: usize) -> Self {
        Self { last_ns: AtomicU64::new(0), text: text(guest) }
    }
}

impl Watched for Stamps {
    const NAME: &'static str = "a pass over all stamps, every 10 ms";

    fn new(runtime: &Runtime, guests: usize, window: Duration, told: &Told) -> Self {
        let stamps: Arc<[Stamp]> = (0..guests).map(Stamp::new).collect();
        let (looks, origin) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let (watched, passed, told) = (stamps.clone(), looks.clone(), told.clone());
        runtime.spawn(async move {
            loop {
                let now = origin.elapsed();
                let silent = now.saturating_sub(window).as_nanos() as u64;
                for (guest, stamp) in watched.iter().enumerate() {
                    // Relaxed: the stamp is its own message. A beat between the load and the store
                    // is lost: a design that is used would exchange.
                    if stamp.last_ns.load(Ordering::Relaxed) < silent {
                        stamp.last_ns.store(TOLD, Ordering::Relaxed);
                        assert!(!stamp.text.is_empty());
                        told(guest);
                    }
                }
                // Relaxed: a count.
                passed.fetch_add(watched.len() as u64, Ordering::Relaxed);
                sleep(PERIOD).await;
            }
        });
        Self { stamps, origin, window, looks }
    }

    fn beat(&self, guest: usize) {
        let now = self.origin.elapsed().as_nanos() as u64;
        // Relaxed: as above.
        self.stamps[guest].last_ns.store(now, Ordering::Relaxed);
    }

    fn settle(&self, next: usize) {
        let (now, guests) = (self.origin.elapsed(), self.stamps.len());
        for (guest, stamp) in self.stamps.iter().enumerate() {
            let since = since_turn(guest, next, guests, self.window / 2);
            // Relaxed: as above.
            stamp.last_ns.store(now.saturating_sub(since).as_nanos() as u64, Ordering::Relaxed);
        }
    }

    fn looks(&self) -> Option<u64> {
        // Relaxed: a count.
        Some(self.looks.load(Ordering::Relaxed))
    }
}
