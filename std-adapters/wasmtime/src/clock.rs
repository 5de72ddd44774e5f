//! The clock of an engine: ticks, epochs, and alarms for calls that wait.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wasmtime::Engine;

/// A moment that never comes, in nanoseconds.
pub(crate) const NEVER: u64 = u64::MAX;

/// Counts the ticks of an engine, and wakes who waits for a moment.
pub(crate) struct Clock {
    tick: Duration,
    began: Instant,
    ticks: AtomicU64,
    /// The first alarm's nanosecond, so that a tick without one takes no lock.
    first_alarm: AtomicU64,
    alarms: Mutex<Alarms>,
}

#[derive(Default)]
struct Alarms {
    /// By nanosecond, then by number.
    wakers: BTreeMap<(u64, u64), Waker>,
    set: u64,
}

/// A waker that is called at a moment, unless this is dropped first.
pub(crate) struct Alarm<'c> {
    clock: &'c Clock,
    key: (u64, u64),
}

pub(crate) fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER)
}

impl Clock {
    pub(crate) fn new(tick: Duration) -> Self {
        Self {
            tick,
            began: Instant::now(),
            ticks: AtomicU64::new(0),
            first_alarm: AtomicU64::new(NEVER),
            alarms: Mutex::new(Alarms::default()),
        }
    }

    /// How often the ticker has come by.
    #[inline]
    pub(crate) fn ticks(&self) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.ticks.load(Ordering::Relaxed)
    }

    pub(crate) fn tick_ns(&self) -> u64 {
        ns(self.tick)
    }

    /// Nanoseconds since the clock was made, by the wall clock.
    pub(crate) fn wall_ns(&self) -> u64 {
        ns(self.began.elapsed())
    }

    /// Calls a waker at the first tick after that nanosecond.
    pub(crate) fn alarm(&self, at_ns: u64, waker: &Waker) -> Alarm<'_> {
        let waker = waker.clone();
        let mut alarms = self.alarms.lock();
        alarms.set += 1;
        let key = (at_ns, alarms.set);
        alarms.wakers.insert(key, waker);
        self.note_first(&alarms);
        Alarm { clock: self, key }
    }

    fn note_first(&self, alarms: &Alarms) {
        let first = alarms.wakers.first_key_value().map_or(NEVER, |((at, _), _)| *at);
        // Relaxed: written under the lock; a tick that does not see it yet sees it at the next one.
        self.first_alarm.store(first, Ordering::Relaxed);
    }

    fn advance(&self, engine: &Engine, now_ns: u64) {
        // Relaxed: a count, which publishes nothing.
        self.ticks.fetch_add(1, Ordering::Relaxed);
        engine.increment_epoch();
        // Relaxed: see `note_first`.
        while self.first_alarm.load(Ordering::Relaxed) <= now_ns {
            let mut alarms = self.alarms.lock();
            let first = alarms.wakers.first_key_value();
            let is_due = first.is_some_and(|((at, _), _)| *at <= now_ns);
            let due = is_due.then(|| alarms.wakers.pop_first()).flatten();
            self.note_first(&alarms);
            drop(alarms);
            let Some((_, waker)) = due else { return };
            // The waker is the host's: it runs under no lock, and its panic stops no clock. What it
            // panics with is leaked: that may panic once more when it is dropped.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                mem::forget(payload);
            }
        }
    }
}

#[cfg(test)]
impl Clock {
    pub(crate) fn advance_for_test(&self, engine: &Engine) {
        self.advance(engine, self.wall_ns());
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        let mut alarms = self.clock.alarms.lock();
        let waker = alarms.wakers.remove(&self.key);
        self.clock.note_first(&alarms);
        drop(alarms);
        drop(waker);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Clock");
        debug.field("tick", &self.tick).field("ticks", &self.ticks()).finish_non_exhaustive()
    }
}

/// A thread that advances the clock and the epoch of an engine for as long as this lives.
///
/// A tick that comes late is one tick: what a guest uses is measured, not counted in ticks, so that the
/// lateness of a deadline does not grow with its length.
pub(crate) struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// # Errors
    /// What the operating system says against another thread.
    pub(crate) fn start(engine: &Engine, clock: &Arc<Clock>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, clock, stopped) = (engine.clone(), clock.clone(), stop.clone());
        let run = move || {
            let mut next = Instant::now() + clock.tick;
            while rest_until(next, &stopped) {
                clock.advance(&engine, clock.wall_ns());
                next = (next + clock.tick).max(Instant::now());
            }
        };
        let thread = thread::Builder::new().name("plimsoll-epoch".into()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

/// Parks until then, whatever else unparks the thread.
///
/// # Returns
/// Whether the clock goes on.
fn rest_until(then: Instant, stopped: &AtomicBool) -> bool {
    // Relaxed: only to stop.
    while !stopped.load(Ordering::Relaxed) {
        let left = then.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::park_timeout(left);
    }
    false
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Relaxed: only to stop.
        self.stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        // An alarm may have dropped the last handle to this, on that very thread.
        if thread.thread().id() != thread::current().id() {
            // Panics of wakers are contained there.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Bomb;

    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            std::panic::panic_any(Payload);
        }
    }

    /// What panics once more when it is dropped.
    struct Payload;

    impl Drop for Payload {
        fn drop(&mut self) {
            panic!("what a waker has panicked with");
        }
    }

    #[test]
    fn an_alarm_wakes_at_its_time_unless_it_is_dropped_and_a_panic_stops_nobody() {
        let (engine, clock) = (Engine::default(), Clock::new(Duration::from_millis(1)));
        let woken = [(); 4].map(|()| Arc::new(Count::default()));
        let count = |at: usize| woken[at].0.load(Ordering::Relaxed);
        let bomb = clock.alarm(2, &Arc::new(Bomb).into());
        let alarm = |at_ns, number: usize| clock.alarm(at_ns, &woken[number].clone().into());
        let (a, b, c, d) = (alarm(2, 0), alarm(2, 1), alarm(3, 2), alarm(5, 3));
        clock.advance(&engine, 1);
        assert_eq!([0, 1, 2, 3].map(count), [0; 4]);
        drop(b);
        clock.advance(&engine, 3);
        assert_eq!([0, 1, 2, 3].map(count), [1, 0, 1, 0]);
        drop((a, c, d, bomb));
        clock.advance(&engine, 9);
        assert_eq!(([0, 1, 2, 3].map(count), clock.ticks()), ([1, 0, 1, 0], 3));
        assert_eq!(clock.first_alarm.load(Ordering::Relaxed), NEVER);
    }

    #[test]
    fn a_ticker_ticks_while_it_lives() {
        let (engine, clock) = (Engine::default(), Arc::new(Clock::new(Duration::from_millis(1))));
        let ticker = Ticker::start(&engine, &clock).unwrap();
        while clock.ticks() < 3 {
            thread::sleep(Duration::from_millis(1));
        }
        drop(ticker);
        let stopped = clock.ticks();
        thread::sleep(Duration::from_millis(5));
        assert_eq!(clock.ticks(), stopped);
        assert!(clock.wall_ns() >= 3_000_000 && clock.tick_ns() == 1_000_000);
    }
}
