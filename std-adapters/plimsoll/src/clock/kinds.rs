//! Clocks that a watcher can use.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::sync::{AtomicU64, Instant, Ordering};

/// A time that does not go back, from any one origin. A watcher asks once per step, and when a run
/// is watched or asked its age; notifiers never do.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Duration;

    /// Who can wait for this time to pass: a thread, unless said otherwise.
    fn timers(&self) -> Timers {
        Timers::System
    }
}

/// Who can wait for the time of a [`Clock`] to pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timers {
    /// The operating system: a thread that sleeps. So the watch has a thread of its own, and a busy
    /// runtime does not hold it up.
    #[default]
    System,
    /// Tokio's timers: a task of the runtime in which the watcher was built. The time may be put
    /// forward by a test.
    #[cfg(feature = "tokio")]
    Tokio,
}

/// The clock of [`Instant`]: on Linux it stands still while the machine is suspended.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock(Instant);

impl Default for MonotonicClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The time since boot, on Linux and Android: it goes on while the machine is suspended, so that a
/// suspension shows in [`Silence::elapsed_raw`](crate::Silence::elapsed_raw). No silence comes of
/// it either way.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct BootClock;

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Clock for BootClock {
    fn now(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
    }
}

/// The clock of tokio's timers, which a test can pause and advance.
///
/// It is for tests with a paused clock, and the only one that works there. The recipe (LIVE-12):
/// build the watcher in the runtime whose clock is paused, with this clock, and drive it by
/// [`Watcher::run`](crate::keepalive::Watcher::run) in a task. Then every result is exact, to within the two
/// ticks in which a silence is reported, whether the test sleeps, advances in small steps or in
/// one: a clock that is put forward is no stall.
///
/// The watch runs on the runtime's own timers then: on a busy runtime it comes late, which is why
/// other clocks have a thread of their own.
///
/// ```
/// use std::time::Duration;
/// use plimsoll::Registry;
/// use plimsoll::keepalive::{TokioClock, Watch, Watcher};
///
/// # let mut runtime = tokio::runtime::Builder::new_current_thread();
/// # runtime.enable_time().start_paused(true).build()?.block_on(async {
/// // in a `#[tokio::test(start_paused = true)]`
/// let registry = Registry::new();
/// let watcher = Watcher::builder().clock(TokioClock::default()).build(&registry)?;
/// let driver = watcher.clone();
/// tokio::spawn(async move { driver.run().await });
/// let guest = watcher.watch(Watch::new("guest-7", "run-1").window(Duration::from_secs(10)))?;
/// guest.notify();
/// tokio::time::sleep(Duration::from_secs(10)).await;
/// assert!(!guest.is_silent());
/// tokio::time::advance(Duration::from_millis(20)).await;
/// assert!(guest.is_silent());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug)]
pub struct TokioClock(tokio::time::Instant);

#[cfg(feature = "tokio")]
impl Default for TokioClock {
    fn default() -> Self {
        Self(tokio::time::Instant::now())
    }
}

#[cfg(feature = "tokio")]
impl Clock for TokioClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn timers(&self) -> Timers {
        Timers::Tokio
    }
}

/// A clock that a test turns by hand. Clones are handles to the same one.
///
/// Advance it as a driver would wait, by what [`Watcher::step`](crate::keepalive::Watcher::step) returns or
/// less: to a watcher, more is a delay, and more than half of the shortest window a stall of the
/// host.
///
/// ```
/// use std::time::Duration;
/// use plimsoll::keepalive::{Clock, FakeClock};
///
/// let clock = FakeClock::default();
/// clock.advance(Duration::from_millis(5));
/// assert_eq!(clock.now(), Duration::from_millis(5));
/// ```
#[derive(Clone, Default)]
pub struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    /// Lets time pass, to the nanosecond.
    pub fn advance(&self, by: Duration) {
        // Relaxed: the number carries no other data.
        self.0.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        // Relaxed: as above.
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for FakeClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FakeClock").field(&self.now()).finish()
    }
}
