//! Other ways to watch guests.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep;
use tokio_util::time::{DelayQueue, delay_queue};

use super::watched::{Told, Turns, Watched, ids};

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
    const NAME: &'static str = "polling: a task per guest";

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

    fn settle(&self, turns: Turns) {
        let now = Instant::now();
        for (guest, since) in turns.past(self.window) {
            *self.beats[guest].blocking_lock() = now - since;
        }
    }

    fn looks(&self) -> Option<u64> {
        // Relaxed: a count.
        Some(self.looks.load(Ordering::Relaxed))
    }
}

/// Its number and the text of its ids.
type Guest = (usize, Box<str>);

/// One task that takes from a queue who has expired; a beat puts its guest back.
pub(super) struct Queue {
    queue: Arc<Mutex<Expiring>>,
    keys: Vec<delay_queue::Key>,
    window: Duration,
}

struct Expiring {
    queue: DelayQueue<Guest>,
    /// Who is in the queue: another's key must not be used.
    is_in: Vec<bool>,
}

impl Expiring {
    fn reset(&mut self, guest: usize, key: &delay_queue::Key, after: Duration) {
        if self.is_in[guest] {
            self.queue.reset(key, after);
        }
    }

    fn poll_expired(&mut self, context: &mut Context<'_>) -> Poll<Option<usize>> {
        let expired = std::task::ready!(self.queue.poll_expired(context));
        Poll::Ready(expired.map(|expired| {
            let (guest, text) = expired.into_inner();
            assert!(!text.is_empty());
            self.is_in[guest] = false;
            guest
        }))
    }
}

impl Watched for Queue {
    const NAME: &'static str = "tokio-util DelayQueue: one task";

    fn new(runtime: &Runtime, guests: usize, window: Duration, told: &Told) -> Self {
        let _timers = runtime.enter();
        let mut queue = DelayQueue::with_capacity(guests);
        let keys = (0..guests).map(|guest| queue.insert((guest, text(guest)), window)).collect();
        let expiring = Expiring { queue, is_in: vec![true; guests] };
        let queue = Arc::new(Mutex::new(expiring));
        let (watched, told) = (queue.clone(), told.clone());
        runtime.spawn(async move {
            let next = |context: &mut Context<'_>| {
                watched.lock().expect("nobody panics").poll_expired(context)
            };
            while let Some(guest) = poll_fn(next).await {
                told(guest);
            }
        });
        Self { queue, keys, window }
    }

    fn beat(&self, guest: usize) {
        let mut queue = self.queue.lock().expect("nobody panics");
        queue.reset(guest, &self.keys[guest], self.window);
    }

    fn settle(&self, turns: Turns) {
        let mut queue = self.queue.lock().expect("nobody panics");
        for (guest, since) in turns.past(self.window) {
            queue.reset(guest, &self.keys[guest], self.window - since);
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
    const NAME: &'static str = "a pass over all stamps";

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

    fn settle(&self, turns: Turns) {
        let now = self.origin.elapsed();
        for (guest, since) in turns.past(self.window) {
            let last = now.saturating_sub(since).as_nanos() as u64;
            // Relaxed: as above.
            self.stamps[guest].last_ns.store(last, Ordering::Relaxed);
        }
    }

    fn looks(&self) -> Option<u64> {
        // Relaxed: a count.
        Some(self.looks.load(Ordering::Relaxed))
    }
}
