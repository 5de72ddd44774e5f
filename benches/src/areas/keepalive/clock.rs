//! Clocks that std does not have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use plimsoll::keepalive::{Clock, Timers};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// The time that this thread has been running.
pub(super) fn cpu_time() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// The monotonic time of the last timer interrupt; `None` where there is no such clock.
#[inline]
pub(super) fn coarse() -> Option<Duration> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return Some(duration(clock_gettime(ClockId::MonotonicCoarse)));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    None
}

#[inline]
fn duration(time: Timespec) -> Duration {
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// The monotonic clock, which can be put forward: to have watched for a while without waiting.
#[derive(Clone)]
pub(super) struct Forward {
    origin: Instant,
    ahead_ns: Arc<AtomicU64>,
}

impl Forward {
    pub(super) fn new() -> Self {
        Self { origin: Instant::now(), ahead_ns: Arc::default() }
    }

    pub(super) fn advance(&self, by: Duration) {
        // Relaxed: the number carries no other data.
        self.ahead_ns.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Clock for Forward {
    fn now(&self) -> Duration {
        // Relaxed: as above.
        self.origin.elapsed() + Duration::from_nanos(self.ahead_ns.load(Ordering::Relaxed))
    }

    /// So that the watch is a task, whose CPU time can be told from that of the rest.
    fn timers(&self) -> Timers {
        Timers::Tokio
    }
}
