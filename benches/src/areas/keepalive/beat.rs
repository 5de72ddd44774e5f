//! One beat: each thread on a tracker of its own, and two threads on one.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use plimsoll::Registry;
use plimsoll::keepalive::{KeepAlive, Watch, Watcher, WatcherThread};
use plimsoll_core::keepalive::{Tick, Tracker};
use tokio::runtime::Runtime;
use tokio_util::time::{DelayQueue, delay_queue};

use super::{WINDOW, clock, runtime};
use crate::case::Case;
use crate::threads::{Job, together};

const IN_USE: &str = "async Mutex<Instant>";

pub(super) fn cases() -> Vec<Case> {
    let own = "a beat, each thread its own tracker";
    vec![case(own, 1, 1), case(own, 2, 2), case("a beat, both threads the same tracker", 2, 1)]
}

fn case(name: &'static str, threads: usize, trackers: usize) -> Case {
    let with = (threads, trackers);
    let case = Case::new(name, "beat", threads)
        .baseline(IN_USE, repeat(with, Locked::new))
        .subject("store(Instant::now())", IN_USE, repeat(with, Stored::new))
        .subject("tokio-util DelayQueue: reset", IN_USE, repeat(with, Queued::new))
        .subject("plimsoll KeepAlive: published tick", IN_USE, repeat(with, Published::new))
        .subject("plimsoll Tracker: precise clock", IN_USE, repeat(with, Precise::new));
    if clock::coarse().is_none() {
        return case;
    }
    case.subject("plimsoll Tracker: coarse clock", IN_USE, repeat(with, Coarse::new))
}

/// A tracker that threads beat.
trait Beaten: Send + Sync {
    fn beat(&self);
}

/// Each thread beats that many times, the first tracker, the second, and from the first again.
fn repeat<B: Beaten + 'static>(
    (threads, trackers): (usize, usize),
    make: fn(usize) -> Vec<B>,
) -> impl FnMut(u64) -> Duration + use<B> {
    let mut made: Option<Vec<B>> = None;
    move |times| {
        let all = &*made.get_or_insert_with(|| make(trackers));
        let work = |tracker: &B| (0..times).for_each(|_| tracker.beat());
        let of_thread = all.iter().cycle().take(threads);
        let jobs = of_thread.map(|tracker| Box::new(move || work(tracker)) as Job<'_>);
        together(jobs.collect())
    }
}

/// What hosts have today: the last beat behind an async lock.
struct Locked(CachePadded<tokio::sync::Mutex<Instant>>);

impl Locked {
    fn new(trackers: usize) -> Vec<Self> {
        let one = |_| Self(CachePadded::new(tokio::sync::Mutex::new(Instant::now())));
        (0..trackers).map(one).collect()
    }
}

impl Beaten for Locked {
    #[inline]
    fn beat(&self) {
        *wait_for(self.0.lock()) = Instant::now();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    static WAKER: RefCell<Waker> =
        RefCell::new(Waker::from(Arc::new(Unpark(thread::current()))));
}

/// The least that a thread does to wait for a future: no runtime, no allocation.
fn wait_for<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    WAKER.with_borrow(|waker| {
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(waker)) {
                return output;
            }
            thread::park();
        }
    })
}

struct Stored {
    origin: Instant,
    last: CachePadded<AtomicU64>,
}

impl Stored {
    fn new(trackers: usize) -> Vec<Self> {
        let origin = Instant::now();
        (0..trackers).map(|_| Self { origin, last: CachePadded::new(0.into()) }).collect()
    }
}

impl Beaten for Stored {
    #[inline]
    fn beat(&self) {
        // Relaxed: the stamp carries no other data.
        self.last.store(self.origin.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }
}

/// A key in the queue that all trackers share.
struct Queued {
    queue: Arc<Mutex<DelayQueue<usize>>>,
    key: delay_queue::Key,
    _timers: Arc<Runtime>,
}

impl Queued {
    fn new(trackers: usize) -> Vec<Self> {
        let timers = Arc::new(runtime());
        let queue = Arc::new(Mutex::new(DelayQueue::new()));
        let add = |tracker| {
            let _timers = timers.enter();
            let key = queue.lock().expect("nobody panics").insert(tracker, WINDOW);
            Self { queue: queue.clone(), key, _timers: timers.clone() }
        };
        (0..trackers).map(add).collect()
    }
}

impl Beaten for Queued {
    #[inline]
    fn beat(&self) {
        self.queue.lock().expect("nobody panics").reset(&self.key, WINDOW);
    }
}

/// Trackers of one watcher, next to each other in its table, and the tick that it publishes
/// meanwhile.
struct Published {
    guest: KeepAlive,
    _driver: Arc<WatcherThread>,
}

impl Published {
    fn new(trackers: usize) -> Vec<Self> {
        let watcher = Watcher::builder().build(&Registry::new()).expect("good settings");
        let driver = Arc::new(watcher.spawn_thread().expect("a thread"));
        let watch = |_| watcher.watch(Watch::new("guest", "run")).expect("good ids");
        let one = |tracker| Self { guest: watch(tracker), _driver: driver.clone() };
        (0..trackers).map(one).collect()
    }
}

impl Beaten for Published {
    #[inline]
    fn beat(&self) {
        self.guest.notify();
    }
}

/// Ticks of [`Precise`] and [`Coarse`], the same as the watcher's.
const TICK_NS: u64 = 5_000_000;

/// The core's tracker, with a clock that is asked each time.
struct Precise {
    origin: Instant,
    tracker: CachePadded<Tracker>,
}

impl Precise {
    fn new(trackers: usize) -> Vec<Self> {
        let tracker = || CachePadded::new(Tracker::new(Tick::new(0)));
        (0..trackers).map(|_| Self { origin: Instant::now(), tracker: tracker() }).collect()
    }
}

impl Beaten for Precise {
    #[inline]
    fn beat(&self) {
        let now = Tick::new(self.origin.elapsed().as_nanos() as u64 / TICK_NS);
        assert_eq!(self.tracker.notify(now), None, "nobody judges");
    }
}

/// The same with the clock that the kernel sets at each of its timer interrupts.
struct Coarse(CachePadded<Tracker>);

impl Coarse {
    fn new(trackers: usize) -> Vec<Self> {
        (0..trackers).map(|_| Self(CachePadded::new(Tracker::new(Tick::new(0))))).collect()
    }
}

impl Beaten for Coarse {
    #[inline]
    fn beat(&self) {
        let now = clock::coarse().expect("looked for before");
        let now = Tick::new(now.as_nanos() as u64 / TICK_NS);
        assert_eq!(self.0.notify(now), None, "nobody judges");
    }
}
