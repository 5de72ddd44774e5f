//! A beat, as a guest's host pays for it, and one step of watching many guests.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use plimsoll::Registry;
use plimsoll::keepalive::{FakeClock, KeepAlive, Step, Watch, Watcher, WatcherThread};
use plimsoll_core::{Rule, Tick, Tracker};
use tokio::runtime::{Builder, Runtime};
use tokio_util::time::{DelayQueue, delay_queue};

use crate::case::Case;
use crate::threads::{Job, together};

const IN_USE: &str = "async Mutex<Instant>";
const WINDOW: Duration = Watch::WINDOW_DEFAULT;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [1, 2].map(beat).into();
    cases.extend([10_000, 100_000, 1_000_000].map(watching));
    cases
}

/// Each thread pokes a tracker of its own.
fn beat(threads: usize) -> Case {
    Case::new("a beat, each thread its own tracker", "beat", threads)
        .baseline(IN_USE, repeat(threads, Locked::new))
        .subject("store(Instant::now())", IN_USE, repeat(threads, Stored::new))
        .subject("tokio-util DelayQueue: reset", IN_USE, repeat(threads, Queued::new))
        .subject("plimsoll KeepAlive: notify", IN_USE, repeat(threads, Published::new))
        .subject("plimsoll Tracker: precise clock", IN_USE, repeat(threads, Precise::new))
}

/// Something that is poked by one thread.
trait Poked: Send + Sync {
    fn poke(&self) -> u64;
}

/// What hosts have today: the last beat behind an async lock.
struct Locked(tokio::sync::Mutex<Instant>);

impl Locked {
    fn new() -> Self {
        Self(tokio::sync::Mutex::new(Instant::now()))
    }
}

impl Poked for Locked {
    fn poke(&self) -> u64 {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(self.0.lock()).poll(&mut context) {
            Poll::Ready(mut last) => *last = Instant::now(),
            Poll::Pending => unreachable!("its thread is alone with it"),
        }
        0
    }
}

struct Stored {
    origin: Instant,
    last: CachePadded<AtomicU64>,
}

impl Stored {
    fn new() -> Self {
        Self { origin: Instant::now(), last: CachePadded::new(AtomicU64::new(0)) }
    }
}

impl Poked for Stored {
    fn poke(&self) -> u64 {
        self.last.store(self.origin.elapsed().as_nanos() as u64, Ordering::Release);
        0
    }
}

struct Queued {
    queue: Mutex<(DelayQueue<u64>, delay_queue::Key)>,
    _runtime: Runtime,
}

impl Queued {
    fn new() -> Self {
        let runtime = runtime();
        let queue = {
            let _timers = runtime.enter();
            let mut queue = DelayQueue::new();
            let key = queue.insert(0, WINDOW);
            Mutex::new((queue, key))
        };
        Self { queue, _runtime: runtime }
    }
}

impl Poked for Queued {
    fn poke(&self) -> u64 {
        let (queue, key) = &mut *self.queue.lock().expect("nobody panics");
        queue.reset(key, WINDOW);
        0
    }
}

/// The tick that a watcher publishes meanwhile.
struct Published {
    guest: KeepAlive,
    _driver: WatcherThread,
}

impl Published {
    fn new() -> Self {
        let watcher = Watcher::builder().build(&Registry::new()).expect("good settings");
        let driver = watcher.spawn_thread().expect("a thread");
        let guest = watcher.watch(Watch::new("guest", "run")).expect("good ids");
        Self { guest, _driver: driver }
    }
}

impl Poked for Published {
    fn poke(&self) -> u64 {
        self.guest.notify();
        0
    }
}

/// The core's tracker, with a clock that is asked each time and ticks of 10 ms.
struct Precise {
    origin: Instant,
    tracker: CachePadded<Tracker>,
}

impl Precise {
    fn new() -> Self {
        Self { origin: Instant::now(), tracker: CachePadded::new(Tracker::new(Tick::new(0))) }
    }
}

impl Poked for Precise {
    fn poke(&self) -> u64 {
        let now = Tick::new(self.origin.elapsed().as_millis() as u64 / 10);
        u64::from(self.tracker.notify(now).is_some())
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn repeat<P: Poked + 'static>(
    threads: usize,
    make: fn() -> P,
) -> impl FnMut(u64) -> Duration + use<P> {
    let mut poked: Option<Vec<P>> = None;
    move |times| {
        let poked = &*poked.get_or_insert_with(|| (0..threads).map(|_| make()).collect());
        let work = |poked: &P| {
            black_box((0..times).fold(0, |sum: u64, _| sum.wrapping_add(poked.poke())));
        };
        let jobs = poked.iter().map(|poked| Box::new(move || work(poked)) as Job<'_>);
        together(jobs.collect())
    }
}

const SWEEP: &str = "a pass over all stamps";

/// What one of 200 steps per second costs while all guests beat once per half window.
fn watching(guests: usize) -> Case {
    let name = match guests {
        10_000 => "watching 10,000 with a window of 10 s",
        100_000 => "watching 100,000 with a window of 10 s",
        _ => "watching 1,000,000 with a window of 10 s",
    };
    Case::new(name, "step of 5 ms", 1).baseline(SWEEP, stamps(guests)).subject(
        "plimsoll Watcher: step",
        SWEEP,
        steps(guests),
    )
}

const STEP: Duration = Duration::from_millis(5);
const STEPS_PER_WINDOW: usize = WINDOW.as_millis() as usize / STEP.as_millis() as usize;

fn stamps(guests: usize) -> impl FnMut(u64) -> Duration {
    let rule = Rule::new(STEPS_PER_WINDOW as u64).expect("a sound window");
    let mut all: Option<Vec<Tracker>> = None;
    let mut now = 0;
    move |times| {
        let make = || (0..guests).map(|_| Tracker::new(Tick::new(0))).collect();
        let all = &*all.get_or_insert_with(make);
        (0..times)
            .map(|_| {
                now += 1;
                each_in_turn(all, now, |guest| {
                    let _ = guest.notify(Tick::new(now as u64));
                });
                let start = Instant::now();
                let due = all.iter().filter(|guest| guest.is_due(Tick::new(now as u64), rule));
                assert_eq!(black_box(due.count()), 0);
                start.elapsed()
            })
            .sum()
    }
}

fn steps(guests: usize) -> impl FnMut(u64) -> Duration {
    let mut watched: Option<(FakeClock, Watcher, Vec<KeepAlive>)> = None;
    let mut now = 0;
    move |times| {
        let make = || {
            let clock = FakeClock::default();
            let watcher = Watcher::builder().capacity(guests).clock(clock.clone());
            let watcher = watcher.build(&Registry::new()).expect("good settings");
            let watch = |n| watcher.watch(Watch::new(format!("{n}"), "1")).expect("room");
            let all: Vec<_> = (0..guests).map(watch).collect();
            let _ = watcher.step();
            (clock, watcher, all)
        };
        let (clock, watcher, all) = watched.get_or_insert_with(make);
        (0..times)
            .map(|_| {
                now += 1;
                each_in_turn(all, now, KeepAlive::notify);
                clock.advance(STEP);
                let start = Instant::now();
                while watcher.step() == Step::Again {}
                start.elapsed()
            })
            .sum()
    }
}

/// All guests within half a window of steps.
fn each_in_turn<T>(all: &[T], now: usize, poke: impl Fn(&T)) {
    let turns = STEPS_PER_WINDOW / 2;
    all.iter().skip(now % turns).step_by(turns).for_each(poke);
}
