//! The state of a store while its guest has it: own time, bytes, depth of calls, numbers of handles.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::Poll;

use crate::clock::{Clock, NEVER};
use crate::cpu;
use crate::error::TooDeep;

/// The time that a guest has used and when it ends, and what else is asked while a call has the store.
///
/// Own time is the processor time of the calling thread, from the moment that a call is polled to the
/// moment that this poll returns. So neither what the host does between calls counts, nor what it
/// awaits, nor that others have the processor (METER-5). What a host function computes does count, unless
/// it holds a [`HostTime`].
///
/// To ask the system for that time costs more than many a call. So it is not asked before a tick comes by
/// within a call of the lease, or the call is polled again: only from then on is the lease's time
/// *measured*. Before, a guest has some time for nothing, a tick on average; only a call that several
/// ticks have come by in one operation is charged for it, as far as these ticks and the thread's time
/// show. So a deadline ends no guest too soon.
///
/// All its words are written by the one thread that has the store; the accesses are `Relaxed`, since
/// the one who hands the store to another thread orders them.
pub(crate) struct Running {
    clock: Arc<Clock>,
    /// Nanoseconds that were used up to `since`.
    used_ns: AtomicU64,
    /// Up to when time was counted: ticks while it is sampled, processor time while it is measured.
    since: AtomicU64,
    /// Whether the present poll is measured.
    is_measured: AtomicBool,
    /// Whether all polls of the lease are, from now on.
    measures: AtomicBool,
    /// Whether the time from `since` on is the host's, until its guest goes on.
    is_hosts: AtomicBool,
    /// Nanoseconds that may be used.
    limit_ns: AtomicU64,
    /// When the lease ends by the wall clock, whatever was used.
    wall_ns: AtomicU64,
    /// The tick in which that was seen to be still to come. Within it the clock is not asked again.
    wall_tick: AtomicU64,
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
        let [used_ns, since] = [0, clock.ticks()].map(AtomicU64::new);
        let [limit_ns, wall_ns, wall_tick] = [NEVER, NEVER, 0].map(AtomicU64::new);
        let [bytes, inherited, charged] = [0, 0, 0].map(AtomicU64::new);
        let [depth, next_handle] = [0, 0].map(AtomicU32::new);
        Self {
            clock,
            used_ns,
            since,
            is_measured: AtomicBool::new(false),
            measures: AtomicBool::new(false),
            is_hosts: AtomicBool::new(false),
            limit_ns,
            wall_ns,
            wall_tick,
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
    pub(crate) fn begin(&self, limit_ns: u64, wall_limit_ns: u64) {
        self.used_ns.store(0, Ordering::Relaxed);
        self.limit_ns.store(limit_ns, Ordering::Relaxed);
        let wall_ns = match wall_limit_ns {
            NEVER => NEVER,
            limit => self.begin_wall(limit),
        };
        self.wall_ns.store(wall_ns, Ordering::Relaxed);
        self.measures.store(false, Ordering::Relaxed);
        self.enter_unmeasured();
        self.depth.store(0, Ordering::Relaxed);
        self.inherit();
    }

    /// # Returns
    /// The nanosecond at which the limit will have come.
    #[cold]
    fn begin_wall(&self, limit_ns: u64) -> u64 {
        self.wall_tick.store(self.clock.ticks(), Ordering::Relaxed);
        self.clock.wall_ns().saturating_add(limit_ns)
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

    /// Another principal pays from now on: what there is was there before (METER-2).
    pub(crate) fn inherit(&self) {
        self.inherited.store(self.bytes(), Ordering::Relaxed);
        self.charged.store(0, Ordering::Relaxed);
    }

    /// Whether the bytes have changed since they were last charged in the lease; from now on they count as
    /// charged (METER-10).
    #[inline]
    pub(crate) fn take_growth(&self) -> bool {
        let bytes = self.bytes();
        let is_new = bytes != self.charged.load(Ordering::Relaxed);
        if is_new {
            self.charged.store(bytes, Ordering::Relaxed);
        }
        is_new
    }

    /// A call begins.
    #[inline]
    pub(crate) fn enter(&self) {
        if self.measures.load(Ordering::Relaxed) {
            return self.enter_again();
        }
        self.enter_unmeasured();
    }

    #[inline]
    fn enter_unmeasured(&self) {
        self.since.store(self.clock.ticks(), Ordering::Relaxed);
        self.is_measured.store(false, Ordering::Relaxed);
        self.is_hosts.store(false, Ordering::Relaxed);
    }

    /// The guest goes on: its time is measured.
    #[cold]
    pub(crate) fn enter_again(&self) {
        self.is_hosts.store(false, Ordering::Relaxed);
        self.since.store(cpu::thread_ns().0, Ordering::Relaxed);
        self.is_measured.store(true, Ordering::Relaxed);
    }

    /// The guest has run up to now.
    #[inline]
    pub(crate) fn leave(&self) {
        let since = self.since.load(Ordering::Relaxed);
        if self.is_measured.load(Ordering::Relaxed) || self.clock.ticks() != since {
            // A tick comes by at once; each further one takes its time.
            let ticks = self.clock.ticks().saturating_sub(since).saturating_sub(1);
            self.count(since, ticks);
        }
    }

    /// A tick has come by while the guest runs: it is measured from here on.
    pub(crate) fn look(&self) {
        self.count(self.since.load(Ordering::Relaxed), 0);
    }

    /// Counts the time since `since`; `ticks` of it at the most, unless it was measured.
    #[cold]
    fn count(&self, since: u64, ticks: u64) {
        self.measures.store(true, Ordering::Relaxed);
        if self.is_hosts.load(Ordering::Relaxed) {
            // The guest was called back meanwhile, and ticks.
            return self.enter_again();
        }
        let (now, since_asked) = cpu::thread_ns();
        let used = match self.is_measured.swap(true, Ordering::Relaxed) {
            true => now.saturating_sub(since),
            false => since_asked.min(ticks.saturating_mul(self.clock.tick_ns())),
        };
        self.since.store(now, Ordering::Relaxed);
        let used = self.used_ns.load(Ordering::Relaxed).saturating_add(used);
        self.used_ns.store(used, Ordering::Relaxed);
    }

    /// Whether the guest, whose time was just counted, has had its time.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.used_ns.load(Ordering::Relaxed) >= self.limit_ns.load(Ordering::Relaxed)
    }

    /// Whether the lease has reached its wall-clock limit: to within a tick.
    #[inline]
    pub(crate) fn is_wall_over(&self) -> bool {
        let wall_ns = self.wall_ns.load(Ordering::Relaxed);
        wall_ns != NEVER
            && self.wall_tick.load(Ordering::Relaxed) != self.clock.ticks()
            && self.look_at_wall(wall_ns)
    }

    /// Whether that nanosecond has come.
    #[cold]
    fn look_at_wall(&self, wall_ns: u64) -> bool {
        // Before the look at the time: of a tick that comes meanwhile the time is asked once more.
        let tick = self.clock.ticks();
        let is_over = self.clock.wall_ns() >= wall_ns;
        if !is_over {
            self.wall_tick.store(tick, Ordering::Relaxed);
        }
        is_over
    }

    /// Counts the time that a call on the caller's stack takes.
    ///
    /// # Returns
    /// `None` if the wall-clock limit had come before: then nothing was called.
    #[inline]
    pub(crate) fn time_in_place<R>(&self, call: impl FnOnce() -> R) -> Option<R> {
        if self.is_wall_over() {
            return None;
        }
        self.enter();
        let result = call();
        self.leave();
        Some(result)
    }

    /// Counts the time in which a future is polled, and drops it at the wall-clock limit.
    ///
    /// # Returns
    /// `None` if that limit has come.
    pub(crate) async fn time<F: Future>(
        &self,
        future: F,
        mut on_pending: impl FnMut(),
    ) -> Option<F::Output> {
        if self.is_wall_over() {
            return None;
        }
        let mut future = pin!(future);
        let (mut alarm, mut is_first) = (None, true);
        poll_fn(|context| {
            match mem::take(&mut is_first) {
                true => self.enter(),
                false => self.enter_again(),
            }
            let polled = future.as_mut().poll(context);
            self.leave();
            if let Poll::Ready(output) = polled {
                return Poll::Ready(Some(output));
            }
            on_pending();
            let wall_ns = self.wall_ns.load(Ordering::Relaxed);
            if wall_ns != NEVER {
                // Before the look at the time: an alarm whose time comes meanwhile rings.
                alarm = Some(self.clock.alarm(wall_ns, context.waker()));
                if self.look_at_wall(wall_ns) {
                    return Poll::Ready(None);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The guest does not run: what comes is the host's.
    pub(crate) fn enter_as_host(&self) {
        self.is_measured.store(true, Ordering::Relaxed);
        self.is_hosts.store(true, Ordering::Relaxed);
    }

    /// The guest is called back.
    ///
    /// # Returns
    /// Whether that began in the host's time.
    pub(crate) fn begin_call_back(&self) -> Result<bool, TooDeep> {
        let depth = self.depth.load(Ordering::Relaxed);
        if depth >= self.depth_max {
            return Err(TooDeep { allowed: self.depth_max });
        }
        self.depth.store(depth + 1, Ordering::Relaxed);
        let was_hosts = self.is_hosts.load(Ordering::Relaxed);
        if was_hosts {
            self.enter_again();
        }
        Ok(was_hosts)
    }

    /// The call back has ended; `was_hosts` if the host's time goes on.
    pub(crate) fn end_call_back(&self, was_hosts: bool) {
        let depth = self.depth.load(Ordering::Relaxed);
        self.depth.store(depth.saturating_sub(1), Ordering::Relaxed);
        if was_hosts {
            self.leave();
            self.enter_as_host();
        }
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
        debug.field("used_ns", &self.used_ns).field("limit_ns", &self.limit_ns);
        debug.field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wasmtime::Engine;

    use super::*;
    use crate::guards::{CalledBack, HostTime};

    const MS: u64 = 1_000_000;

    fn running() -> (Arc<Running>, impl Fn()) {
        let clock = Arc::new(Clock::new(Duration::from_nanos(MS)));
        let running = Arc::new(Running::new(clock.clone(), 1));
        let engine = Engine::default();
        (running, move || clock.advance_for_test(&engine))
    }

    fn work(ms: u64) {
        let began = cpu::read();
        while cpu::read() - began < ms * MS {
            std::hint::spin_loop();
        }
    }

    fn used(running: &Running) -> u64 {
        running.used_ns.load(Ordering::Relaxed)
    }

    #[test]
    fn meter_5_only_the_time_within_calls_counts() {
        let (running, tick) = running();
        running.begin(10 * MS, NEVER);
        work(30); // The host reads a request.
        tick();
        running.enter();
        running.leave();
        assert_eq!(used(&running), 0);
        running.enter();
        tick();
        running.look(); // Measured from here on.
        assert_eq!(used(&running), 0);
        work(3);
        std::thread::sleep(Duration::from_millis(30)); // Others have the processor.
        running.leave();
        assert!((3 * MS..5 * MS).contains(&used(&running)), "{running:?}");
        let host = HostTime::begin(&running);
        work(30); // A host function computes.
        drop(host);
        running.leave();
        assert!(!running.is_over(), "{running:?}");
        running.enter_again();
        work(8);
        running.leave();
        assert!(running.is_over(), "{running:?}");
        running.begin(10 * MS, NEVER);
        assert!(!running.is_over(), "METER-3");
    }

    #[test]
    fn meter_8_one_long_operation_is_charged_as_far_as_its_ticks_show() {
        let (running, tick) = running();
        running.begin(NEVER, NEVER);
        work(20); // The host's.
        running.enter();
        tick();
        running.leave();
        assert_eq!(used(&running), 0, "one tick shows nothing");
        running.begin(NEVER, NEVER);
        work(20);
        running.enter();
        (0..4).for_each(|_| tick());
        running.leave();
        assert_eq!(used(&running), 3 * MS);
        // From then on calls are measured.
        running.enter();
        work(2);
        running.leave();
        assert!((5 * MS..7 * MS).contains(&used(&running)), "{running:?}");
    }

    #[test]
    fn meter_5_a_guest_called_back_in_the_hosts_time_has_its_own() {
        let (running, _tick) = running();
        running.begin(NEVER, NEVER);
        let host = HostTime::begin(&running);
        work(20);
        running.leave(); // A tick of a guest that is called back unannounced.
        drop(host);
        let host = HostTime::begin(&running);
        work(20);
        let back = CalledBack::begin(&running).unwrap();
        work(3);
        drop(back);
        work(20);
        drop(host);
        running.leave();
        assert!((3 * MS..6 * MS).contains(&used(&running)), "{running:?}");
    }

    #[test]
    fn meter_6_a_guest_is_called_back_as_deep_as_declared() {
        let (running, _tick) = running();
        let first = CalledBack::begin(&running).unwrap();
        assert_eq!(CalledBack::begin(&running).unwrap_err(), TooDeep { allowed: 1 });
        drop(first);
        assert!(CalledBack::begin(&running).is_ok());
    }

    #[test]
    fn meter_5_the_wall_ends_a_call_that_waits() {
        let (running, _tick) = running();
        running.begin(NEVER, 5 * MS);
        let mut waits = pin!(running.time(std::future::pending::<()>(), || ()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        std::thread::sleep(Duration::from_millis(6));
        assert_eq!(waits.as_mut().poll(&mut context), Poll::Ready(None));
        assert!(!running.is_over());
    }
}
