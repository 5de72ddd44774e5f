//! The expiration of workers.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use plimsoll::pressure::{Pressure, UntilState};
use tokio::time::{Sleep, sleep_until};
use wasmtime_wasi_http::handler::{WorkerExpiration, WorkerStatus};

/// How long a worker may be in each of its states. By default for ever.
///
/// What ends in its state `Idle` is a worker that has nothing to do. What ends in the others is a guest:
/// requests that it has not answered fail, and its work after the answers is cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerTimes {
    idle: Option<Duration>,
    requests: Option<Duration>,
    post_return: Option<Duration>,
}

impl WorkerTimes {
    /// No bounds.
    pub const fn new() -> Self {
        Self { idle: None, requests: None, post_return: None }
    }

    /// Bounds the time without a request. With zero an instance is never used for a second request,
    /// unless that is there before the first has ended.
    #[must_use = "the times are returned, not changed"]
    pub const fn idle(mut self, time: Duration) -> Self {
        self.idle = Some(time);
        self
    }

    /// Bounds the time since the latest request was accepted, while any has no answer.
    #[must_use = "the times are returned, not changed"]
    pub const fn requests(mut self, time: Duration) -> Self {
        self.requests = Some(time);
        self
    }

    /// Bounds the time in which a guest works on after its answers.
    #[must_use = "the times are returned, not changed"]
    pub const fn post_return(mut self, time: Duration) -> Self {
        self.post_return = Some(time);
        self
    }

    fn of(self, status: WorkerStatus) -> Option<Duration> {
        match status {
            WorkerStatus::Idle => self.idle,
            WorkerStatus::Requests => self.requests,
            WorkerStatus::PostReturn => self.post_return,
        }
    }
}

/// Ends workers of a `ProxyHandler` after some times, and after others while a [`Pressure`] is on.
///
/// For each worker `HandlerState::instantiate` returns one, best a clone of one that the host keeps.
/// Under pressure of *memory*, idle workers end at once, for example. Under pressure of the processor
/// they had better stay: it takes more of it to make a new instance than to keep one.
///
/// The change of the pressure is what wakes a worker, so that it ends then and not with its next
/// request. Times are those of tokio's timer, and begin with the state of the worker, also if the
/// pressure came on later.
///
/// # Example
/// ```
/// use std::time::Duration;
///
/// use plimsoll::pressure::Pressure;
/// use plimsoll_wasmtime::wasi_http::{PressureExpiration, WorkerTimes};
///
/// let times = WorkerTimes::new()
///     .idle(Duration::from_secs(60))
///     .requests(Duration::from_secs(30))
///     .post_return(Duration::from_secs(10));
/// let (_switch, memory) = Pressure::manual(); // or one of a gauge of the host's memory
/// let expiration = PressureExpiration::new(&memory, times, times.idle(Duration::ZERO));
/// let _one_for_each_worker = expiration.clone();
/// ```
#[must_use = "it ends the workers that it is given to"]
pub struct PressureExpiration {
    pressure: Pressure,
    off: WorkerTimes,
    on: WorkerTimes,
    waits: Option<Waits>,
}

/// What a worker waits for.
struct Waits {
    /// Whether the pressure was on when they were made.
    is_on: bool,
    /// Resolves when that has changed.
    change: UntilState,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl PressureExpiration {
    /// Ends a worker after the times `off` while `pressure` is off, and after those of `on` while it is
    /// on.
    pub fn new(pressure: &Pressure, off: WorkerTimes, on: WorkerTimes) -> Self {
        Self { pressure: pressure.clone(), off, on, waits: None }
    }

    /// When a worker in this state since `start` ends; `None` for never.
    fn end(&self, is_on: bool, status: WorkerStatus, start: Instant) -> Option<Instant> {
        let times = if is_on { self.on } else { self.off };
        start.checked_add(times.of(status)?)
    }
}

impl Waits {
    fn new(pressure: &Pressure, is_on: bool) -> Self {
        let change = if is_on { pressure.off() } else { pressure.on() };
        Self { is_on, change, sleep: None }
    }

    /// Resolves when the pressure has changed.
    fn poll_change(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.change).poll(context)
    }

    /// Resolves at `end`.
    fn poll_end(&mut self, context: &mut Context<'_>, end: Option<Instant>) -> Poll<()> {
        let Some(end) = end.map(tokio::time::Instant::from_std) else {
            self.sleep = None;
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if sleep.deadline() != end {
            sleep.as_mut().reset(end);
        }
        sleep.as_mut().poll(context)
    }
}

impl WorkerExpiration for PressureExpiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        loop {
            let is_on = self.pressure.is_on();
            let end = self.end(is_on, status, start);
            if end.is_some_and(|end| end <= Instant::now()) {
                return Poll::Ready(());
            }
            let waits = self.waits.take().filter(|waits| waits.is_on == is_on);
            let mut waits = waits.unwrap_or_else(|| Waits::new(&self.pressure, is_on));
            if waits.poll_change(context).is_ready() {
                continue;
            }
            let ended = waits.poll_end(context, end);
            self.waits = Some(waits);
            return ended;
        }
    }
}

/// A clone is for another worker.
impl Clone for PressureExpiration {
    fn clone(&self) -> Self {
        Self::new(&self.pressure, self.off, self.on)
    }
}

impl fmt::Debug for PressureExpiration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("PressureExpiration");
        debug.field("pressure", &self.pressure).field("off", &self.off);
        debug.field("on", &self.on).finish_non_exhaustive()
    }
}
