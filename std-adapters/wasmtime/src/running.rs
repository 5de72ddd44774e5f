//! What is known of a store while its guest has it: own time, bytes, depth of calls, numbers of
//! handles.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::Poll;

use crate::clock::{Clock, NEVER};
use crate::error::TooDeep;

/// The time that a guest has used and when it ends, and what else is asked while a call has the store.
///
/// Own time is counted in ticks, from the moment that a call is polled to the moment that this poll
/// returns. So neither what the host does between calls nor what it awaits counts (METER-5). What
/// does count is that the processor is taken away within a poll, and a host function that blocks,
/// unless it holds a [`HostTime`].
///
/// All its words are written by the one thread that has the store; the accesses are `Relaxed`, since
/// whoever hands the store to another thread orders them.
pub(crate) struct Running {
    clock: Arc<Clock>,
    /// Ticks that were used up to `since`.
    used: AtomicU64,
    /// The tick when the present poll began.
    since: AtomicU64,
    /// Ticks that may be used.
    limit: AtomicU64,
    /// The tick at which the lease ends, whatever was used.
    wall: AtomicU64,
    /// Bytes of all memories, tables and GC heaps.
    bytes: AtomicU64,
    /// Those that were there when the lease began.
    inherited: AtomicU64,
    /// Those that are in the ledgers.
    charged: AtomicU64,
    depth: AtomicU32,
    depth_max: u32,
    next_handle: AtomicU32,
}

impl Running {
    pub(crate) fn new(clock: Arc<Clock>, depth_max: u32) -> Self {
        let [used, since] = [0, clock.now()].map(AtomicU64::new);
        let [limit, wall] = [NEVER, NEVER].map(AtomicU64::new);
        let [bytes, inherited, charged] = [0, 0, 0].map(AtomicU64::new);
        let [depth, next_handle] = [0, 0].map(AtomicU32::new);
        Self {
            clock,
            used,
            since,
            limit,
            wall,
            bytes,
            inherited,
            charged,
            depth,
            depth_max,
            next_handle,
        }
    }

    /// Begins a lease, or the start of an instance.
    #[inline]
    pub(crate) fn begin(&self, limit: u64, wall: u64) {
        let now = self.clock.now();
        self.used.store(0, Ordering::Relaxed);
        self.since.store(now, Ordering::Relaxed);
        self.limit.store(limit, Ordering::Relaxed);
        self.wall.store(now.saturating_add(wall), Ordering::Relaxed);
        self.depth.store(0, Ordering::Relaxed);
        self.inherited.store(self.bytes(), Ordering::Relaxed);
        self.charged.store(0, Ordering::Relaxed);
    }

    /// Bytes of all memories, tables and GC heaps.
    #[inline]
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Bytes by which they grew in the lease.
    #[inline]
    pub(crate) fn grown_bytes(&self) -> u64 {
        self.bytes().saturating_sub(self.inherited.load(Ordering::Relaxed))
    }

    /// Whether they are other than when this was last asked in the lease, and so to be charged
    /// (METER-10).
    #[inline]
    pub(crate) fn take_growth(&self) -> bool {
        let bytes = self.bytes();
        let is_new = bytes != self.charged.load(Ordering::Relaxed);
        if is_new {
            self.charged.store(bytes, Ordering::Relaxed);
        }
        is_new
    }

    /// The guest runs from now on.
    #[inline]
    pub(crate) fn enter(&self) {
        self.since.store(self.clock.now(), Ordering::Relaxed);
    }

    /// The guest has run up to now.
    #[inline]
    pub(crate) fn leave(&self) {
        let now = self.clock.now();
        let ran = now.saturating_sub(self.since.load(Ordering::Relaxed));
        if ran > 0 {
            self.used.store(self.used.load(Ordering::Relaxed) + ran, Ordering::Relaxed);
            self.since.store(now, Ordering::Relaxed);
        }
    }

    /// Whether the guest, which has just [left](Self::leave) or runs, has had its time.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.limit.load(Ordering::Relaxed)
    }

    /// Whether the lease has come to its end by the clock on the wall.
    pub(crate) fn is_wall_over(&self) -> bool {
        self.clock.now() >= self.wall.load(Ordering::Relaxed)
    }

    /// Counts the time in which a future is polled, and drops it at the end by the clock on the wall.
    ///
    /// # Returns
    /// `None` if that end has come.
    pub(crate) async fn time<F: Future>(
        &self,
        future: F,
        mut on_pending: impl FnMut(),
    ) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut alarm = None;
        poll_fn(|context| {
            self.enter();
            let polled = future.as_mut().poll(context);
            self.leave();
            if let Poll::Ready(output) = polled {
                return Poll::Ready(Some(output));
            }
            on_pending();
            let wall = self.wall.load(Ordering::Relaxed);
            if wall != NEVER {
                // Before the look at the time: an alarm of a tick that passes meanwhile rings.
                alarm = Some(self.clock.alarm(wall, context.waker()));
                if self.is_wall_over() {
                    return Poll::Ready(None);
                }
            }
            Poll::Pending
        })
        .await
    }

    pub(crate) fn host_time(self: &Arc<Self>) -> HostTime {
        self.leave();
        HostTime { running: self.clone(), _not_send: PhantomData }
    }

    pub(crate) fn call_back(self: &Arc<Self>) -> Result<CalledBack, TooDeep> {
        let depth = self.depth.load(Ordering::Relaxed);
        if depth >= self.depth_max {
            return Err(TooDeep { allowed: self.depth_max });
        }
        self.depth.store(depth + 1, Ordering::Relaxed);
        Ok(CalledBack { running: self.clone() })
    }

    /// A number that no handle of this instance has had.
    pub(crate) fn next_handle(&self) -> Option<u32> {
        let next = self.next_handle.load(Ordering::Relaxed);
        self.next_handle.store(next.checked_add(1)?, Ordering::Relaxed);
        Some(next)
    }

    #[cfg(test)]
    pub(crate) fn set_next_handle(&self, next: u32) {
        self.next_handle.store(next, Ordering::Relaxed);
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Running");
        debug.field("used", &self.used).field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Time that is the host's: it does not count against the guest's deadline while this lives.
///
/// A host function that blocks its thread holds one; what it awaits does not count anyway. It stays on
/// its thread, so it cannot be held across an `await`. Of [`Meter::host_time`](crate::Meter::host_time).
#[must_use = "the host's time ends when this is dropped"]
#[derive(Debug)]
pub struct HostTime {
    running: Arc<Running>,
    _not_send: PhantomData<*const ()>,
}

impl Drop for HostTime {
    fn drop(&mut self) {
        self.running.enter();
    }
}

/// A call of a host function back into its guest. Of [`Meter::call_back`](crate::Meter::call_back).
#[must_use = "the call back ends when this is dropped"]
#[derive(Debug)]
pub struct CalledBack {
    running: Arc<Running>,
}

impl Drop for CalledBack {
    fn drop(&mut self) {
        let depth = self.running.depth.load(Ordering::Relaxed);
        self.running.depth.store(depth.saturating_sub(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wasmtime::Engine;

    use super::*;

    fn running() -> (Arc<Clock>, Arc<Running>, impl Fn(u64)) {
        let clock = Arc::new(Clock::new(Duration::from_millis(1)));
        let running = Arc::new(Running::new(clock.clone(), 1));
        let (engine, ticking) = (Engine::default(), clock.clone());
        (clock, running, move |ticks| ticking.advance_for_test(&engine, ticks))
    }

    #[test]
    fn meter_5_only_the_time_within_polls_counts() {
        let (_clock, running, pass) = running();
        running.begin(10, NEVER);
        pass(100); // The host reads a request.
        running.enter();
        pass(4);
        running.leave();
        pass(100); // Others run.
        running.enter();
        pass(2);
        let host = running.host_time();
        pass(100); // A host function blocks.
        drop(host);
        pass(3);
        running.leave();
        assert!(!running.is_over(), "{running:?}");
        running.enter();
        pass(1);
        running.leave();
        assert!(running.is_over(), "{running:?}");
        running.begin(10, NEVER);
        assert!(!running.is_over(), "METER-3");
    }

    #[test]
    fn meter_6_a_guest_is_called_back_as_deep_as_declared() {
        let (_clock, running, _pass) = running();
        let first = running.call_back().unwrap();
        assert_eq!(running.call_back().unwrap_err(), TooDeep { allowed: 1 });
        drop(first);
        assert!(running.call_back().is_ok());
    }

    #[test]
    fn meter_5_the_wall_ends_a_call_that_waits() {
        let (_clock, running, pass) = running();
        running.begin(NEVER, 5);
        let mut waits = pin!(running.time(std::future::pending::<()>(), || ()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        pass(5);
        assert_eq!(waits.as_mut().poll(&mut context), Poll::Ready(None));
        assert!(!running.is_over());
    }
}
