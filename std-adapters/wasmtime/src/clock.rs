//! The clock of an engine: ticks, epochs, and alarms for calls that wait.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wasmtime::Engine;

/// A moment that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

/// A delay up to this long is a busy machine: its ticks are caught up. A longer one is a host that
/// was stopped, which uses up nobody's time.
const CATCH_UP_MAX: Duration = Duration::from_millis(100);

/// Counts the ticks of an engine, and wakes who waits for one.
pub(crate) struct Clock {
    tick: Duration,
    now: AtomicU64,
    /// The tick of the first alarm, so that a tick without one takes no lock.
    first_alarm: AtomicU64,
    alarms: Mutex<Alarms>,
}

#[derive(Default)]
struct Alarms {
    /// By tick, then by number.
    wakers: BTreeMap<(u64, u64), Waker>,
    set: u64,
}

/// A waker that is called at a tick, unless this is dropped first.
pub(crate) struct Alarm<'c> {
    clock: &'c Clock,
    key: (u64, u64),
}

impl Clock {
    pub(crate) fn new(tick: Duration) -> Self {
        let (now, first_alarm) = (AtomicU64::new(0), AtomicU64::new(NEVER));
        Self { tick, now, first_alarm, alarms: Mutex::new(Alarms::default()) }
    }

    /// The ticks that have passed while the clock ran.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.now.load(Ordering::Relaxed)
    }

    /// As many ticks as are sure to take so long: the current one may end at once.
    pub(crate) fn ticks_in(&self, time: Duration) -> u64 {
        let ticks = time.as_nanos().div_ceil(self.tick.as_nanos());
        u64::try_from(ticks).unwrap_or(NEVER).saturating_add(1)
    }

    /// Calls a waker once that tick has come.
    pub(crate) fn alarm(&self, tick: u64, waker: &Waker) -> Alarm<'_> {
        let waker = waker.clone();
        let mut alarms = self.alarms.lock();
        alarms.set += 1;
        let key = (tick, alarms.set);
        alarms.wakers.insert(key, waker);
        self.note_first(&alarms);
        Alarm { clock: self, key }
    }

    fn note_first(&self, alarms: &Alarms) {
        let first = alarms.wakers.first_key_value().map_or(NEVER, |((tick, _), _)| *tick);
        // Relaxed: written under the lock; a tick that does not see it yet sees it at the next one.
        self.first_alarm.store(first, Ordering::Relaxed);
    }

    fn advance(&self, engine: &Engine, ticks: u64) {
        // Relaxed: a count, which publishes nothing.
        let now = self.now.fetch_add(ticks, Ordering::Relaxed) + ticks;
        for _ in 0..ticks {
            engine.increment_epoch();
        }
        // Relaxed: see `note_first`.
        while self.first_alarm.load(Ordering::Relaxed) <= now {
            let mut alarms = self.alarms.lock();
            let is_due = alarms.wakers.first_key_value().is_some_and(|((tick, _), _)| *tick <= now);
            let due = is_due.then(|| alarms.wakers.pop_first()).flatten();
            self.note_first(&alarms);
            drop(alarms);
            let Some((_, waker)) = due else { return };
            // The waker is the host's: it runs under no lock, and its panic stops no clock.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

#[cfg(test)]
impl Clock {
    pub(crate) fn advance_for_test(&self, engine: &Engine, ticks: u64) {
        self.advance(engine, ticks);
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
        debug.field("tick", &self.tick).field("now", &self.now()).finish_non_exhaustive()
    }
}

/// A thread that advances the clock and the epoch of an engine for as long as this lives.
///
/// It keeps an absolute schedule: a tick that comes late does not delay the next one, so that the
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
            let mut schedule = Schedule::new(clock.tick, Instant::now());
            while rest_until(schedule.next, &stopped) {
                clock.advance(&engine, schedule.due(Instant::now()));
            }
        };
        let thread = thread::Builder::new().name("plimsoll-epoch".into()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

/// When ticks are due.
struct Schedule {
    tick: Duration,
    next: Instant,
}

impl Schedule {
    fn new(tick: Duration, now: Instant) -> Self {
        Self { tick, next: now + tick }
    }

    /// How many ticks have come by `now`, which is not before `next`.
    fn due(&mut self, now: Instant) -> u64 {
        let late = now.saturating_duration_since(self.next);
        if late > CATCH_UP_MAX.max(self.tick) {
            self.next = now + self.tick;
            return 1;
        }
        let missed = late.as_nanos() / self.tick.as_nanos();
        // At most what `CATCH_UP_MAX` has of the shortest tick.
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        self.next += self.tick * (missed + 1);
        u64::from(missed) + 1
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

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn meter_8_the_schedule_is_absolute_and_catches_up() {
        let began = Instant::now();
        let mut schedule = Schedule::new(MS, began);
        let mut ticks = 0;
        // Each wake-up is 0.4 ms late.
        for _ in 0..1_000 {
            ticks += schedule.due(schedule.next + MS * 2 / 5);
        }
        assert_eq!((ticks, schedule.next), (1_000, began + MS * 1_001));
        assert_eq!(schedule.due(schedule.next + MS * 7), 8);
        assert_eq!(schedule.next, began + MS * 1_009);
    }

    #[test]
    fn meter_5_a_host_that_was_stopped_uses_up_one_tick() {
        let mut schedule = Schedule::new(MS, Instant::now());
        let now = schedule.next + Duration::from_secs(30);
        assert_eq!((schedule.due(now), schedule.next), (1, now + MS));
        // A long tick that is a little late is late, and no stop.
        let mut schedule = Schedule::new(Duration::from_secs(1), Instant::now());
        let due = schedule.next;
        assert_eq!(schedule.due(due + MS * 900), 1);
        assert_eq!(schedule.next, due + Duration::from_secs(1));
    }

    #[test]
    fn ticks_are_rounded_up_and_never_overflow() {
        let clock = Clock::new(MS * 10);
        assert_eq!([1, 10, 25].map(|ms| clock.ticks_in(MS * ms)), [2, 2, 4]);
        assert_eq!(Clock::new(Duration::from_nanos(1)).ticks_in(Duration::MAX), NEVER);
    }

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
            panic!("a waker of the host");
        }
    }

    #[test]
    fn an_alarm_wakes_at_its_tick_unless_it_is_dropped_and_a_panic_stops_nobody() {
        let (engine, clock) = (Engine::default(), Clock::new(MS));
        let woken = [(); 4].map(|()| Arc::new(Count::default()));
        let count = |at: usize| woken[at].0.load(Ordering::Relaxed);
        let bomb = clock.alarm(2, &Arc::new(Bomb).into());
        let [a, b, c, d] = [2, 2, 3, 5].map(|tick| (tick, ()));
        let a = clock.alarm(a.0, &woken[0].clone().into());
        let b = clock.alarm(b.0, &woken[1].clone().into());
        let c = clock.alarm(c.0, &woken[2].clone().into());
        let d = clock.alarm(d.0, &woken[3].clone().into());
        clock.advance(&engine, 1);
        assert_eq!([0, 1, 2, 3].map(count), [0; 4]);
        drop(b);
        clock.advance(&engine, 2);
        assert_eq!([0, 1, 2, 3].map(count), [1, 0, 1, 0]);
        drop((a, c, d, bomb));
        clock.advance(&engine, 9);
        assert_eq!(([0, 1, 2, 3].map(count), clock.now()), ([1, 0, 1, 0], 12));
        assert_eq!(clock.first_alarm.load(Ordering::Relaxed), NEVER);
    }
}
