//! How a lease is waited for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;

use super::after::After;
use super::config::Isolation;
use super::contain::thread_waker;
use super::dispatch::Queued;
use super::error::{CheckoutError, Quota, Stage};
use super::lease::Lease;
use super::manager::Manager;
use super::principal::{Principal, PrincipalState};
use super::queue::Ticket;
use super::shared::{Attempt, Grant, Shared};
use super::waiter::{Outcome, Waiter};
use crate::clock::ceil_ms;

/// A wait that has begun. Dropped, it gives back whatever it was given.
pub(super) struct Waiting<'a, M: Manager> {
    shared: &'a Shared<M>,
    principal: &'a PrincipalState,
    waiter: Arc<Waiter>,
    ticket: Ticket,
    since: Duration,
    is_over: bool,
}

impl<M: Manager> Shared<M> {
    /// Stands in line. `is_timed`: the pool's background keeps the time.
    fn enqueue<'a>(
        &'a self,
        principal: &'a Principal,
        waker: Waker,
        is_timed: bool,
    ) -> Result<Waiting<'a, M>, CheckoutError> {
        let since = self.refresh();
        let (state, key) = (&principal.0, principal.tenant().get());
        let waiter = Arc::new(Waiter::new(waker));
        let timeout = self.config.wait_timeout.filter(|_| is_timed);
        let deadline_ms = timeout.map(|timeout| ceil_ms(since.saturating_add(timeout)));
        let queued = Queued { waiter: waiter.clone(), principal: state.clone(), deadline_ms };
        let mut after = After::default();
        let mut queue = self.queue.lock();
        self.may_wait(queue.is_closed, queue.fair.len_of(key), state)?;
        let ticket = queue.fair.push(key, queued);
        state.enter();
        if let Some(deadline_ms) = deadline_ms {
            queue.deadlines.insert((deadline_ms, ticket));
        }
        self.dispatch(&mut queue, &mut after);
        self.replenish(&mut queue, &mut after);
        drop(queue);
        self.waiters.enter(since.as_micros() as u64);
        let waiting =
            Waiting { shared: self, principal: state, waiter, ticket, since, is_over: false };
        after.run(self);
        self.work.hurry(self);
        self.observe();
        if timeout.is_some_and(|timeout| timeout < self.config.tick) {
            self.work.nudge();
        }
        Ok(waiting)
    }

    fn may_wait(
        &self,
        is_closed: bool,
        waiting: usize,
        principal: &PrincipalState,
    ) -> Result<(), CheckoutError> {
        if is_closed {
            return Err(CheckoutError::Closed);
        }
        let max = self.config.waiting_max.filter(|max| waiting >= *max);
        let too_many = max.map(|max| Quota::Waiting { max });
        match too_many.or_else(|| principal.refusal(self.now_ms())) {
            None => Ok(()),
            Some(quota) => {
                self.stats.refusals.count();
                Err(CheckoutError::Refused { quota })
            }
        }
    }
}

impl<M: Manager> Waiting<'_, M> {
    /// The wait is over: what it has come to.
    fn end(&mut self, outcome: Outcome) -> Result<Grant<M>, CheckoutError> {
        self.over();
        match outcome {
            Outcome::Granted(token) => Ok(self.shared.open(token)),
            Outcome::Refused(error) => Err(error),
        }
    }

    fn over(&mut self) {
        self.is_over = true;
        let now = self.shared.config.clock.now();
        let waited = now.saturating_sub(self.since).as_nanos();
        self.shared.stats.wait.record(u64::try_from(waited).unwrap_or(u64::MAX));
        self.shared.waiters.exit(self.since.as_micros() as u64, now.as_micros() as u64);
    }

    /// Leaves the line.
    ///
    /// # Errors
    /// The wait has ended already, with this outcome.
    fn leave(&mut self) -> Result<Stage, Option<Outcome>> {
        let mut queue = self.shared.queue.lock();
        let stage = queue.stage(self.ticket);
        let Some(queued) = queue.fair.remove(self.ticket) else {
            drop(queue);
            return Err(self.waiter.take());
        };
        if let Some(deadline_ms) = queued.deadline_ms {
            queue.deadlines.remove(&(deadline_ms, self.ticket));
        }
        self.principal.exit();
        self.shared.conclude(queue);
        drop(queued);
        Ok(stage)
    }
}

impl<M: Manager> Drop for Waiting<'_, M> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Err(Some(Outcome::Granted(token))) = self.leave() {
            // Nobody has had it: as good as it was.
            let Shared { slots, .. } = self.shared;
            slots.give_back(token, self.shared.tick()).expect("the pool's own token");
            self.shared.let_go(self.principal);
            self.shared.on_release(None);
        }
        self.over();
    }
}

/// A checkout that waits as a task: see [`Pool::checkout`](super::Pool::checkout).
#[must_use = "futures do nothing unless polled"]
pub struct Checkout<'a, M: Manager> {
    shared: &'a Arc<Shared<M>>,
    principal: &'a Principal,
    waiting: Option<Waiting<'a, M>>,
}

impl<'a, M: Manager> Checkout<'a, M> {
    pub(super) fn new(shared: &'a Arc<Shared<M>>, principal: &'a Principal) -> Self {
        Self { shared, principal, waiting: None }
    }

    #[cold]
    fn wait(&mut self, waker: &Waker) -> Poll<Result<Grant<M>, CheckoutError>> {
        if self.waiting.is_none() {
            if let Some(made) = self.shared.lease_inline(&self.principal.0) {
                return Poll::Ready(made);
            }
            self.waiting = Some(self.shared.enqueue(self.principal, waker.clone(), true)?);
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Pending };
        let Some(outcome) = waiting.waiter.poll(waker) else { return Poll::Pending };
        let ended = waiting.end(outcome);
        self.waiting = None;
        Poll::Ready(ended)
    }
}

impl<'a, M: Manager> Future for Checkout<'a, M> {
    type Output = Result<Lease<'a, M>, CheckoutError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (shared, principal) = (self.shared, self.principal);
        let lease = |grant| Lease::new(shared, principal, grant);
        if self.waiting.is_none() {
            match shared.try_lease(&principal.0) {
                Attempt::Leased(grant) => return Poll::Ready(Ok(lease(grant))),
                Attempt::Refused(error) => return Poll::Ready(Err(shared.on_refusal(error))),
                Attempt::Busy => {}
            }
        }
        self.wait(context.waker()).map_ok(lease)
    }
}

impl<M: Manager> fmt::Debug for Checkout<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Checkout");
        debug.field("principal", self.principal).field("is_waiting", &self.waiting.is_some());
        debug.finish_non_exhaustive()
    }
}

impl<M: Manager> Shared<M> {
    #[cold]
    pub(super) fn on_refusal(&self, error: CheckoutError) -> CheckoutError {
        if matches!(error, CheckoutError::Refused { .. }) {
            self.stats.refusals.count();
        }
        error
    }

    /// Waits on the calling thread. What is held for a few instructions is worth a moment's spin,
    /// as long as nobody stands in line.
    #[cold]
    pub(super) fn lease_blocking(
        &self,
        principal: &Principal,
        timeout: Option<Duration>,
    ) -> Result<Grant<M>, CheckoutError> {
        if let Some(made) = self.lease_inline(&principal.0) {
            return made;
        }
        self.work.hurry(self);
        let backoff = Backoff::new();
        while !backoff.is_completed() && self.is_worth_a_spin() {
            backoff.snooze();
            match self.try_lease(&principal.0) {
                Attempt::Leased(grant) => return Ok(grant),
                Attempt::Refused(error) => return Err(self.on_refusal(error)),
                Attempt::Busy => {}
            }
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let waker = thread_waker();
        let mut waiting = self.enqueue(principal, waker.clone(), false)?;
        backoff.reset();
        loop {
            if let Some(outcome) = waiting.waiter.poll(&waker) {
                return waiting.end(outcome);
            }
            if !backoff.is_completed() {
                backoff.snooze();
                continue;
            }
            let Some(deadline) = deadline else {
                thread::park();
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                thread::park_timeout(left);
                continue;
            }
            return match waiting.leave() {
                Err(outcome) => waiting.end(outcome.unwrap_or(CLOSED)),
                Ok(stage) => {
                    waiting.over();
                    self.stats.timeouts.count();
                    Err(CheckoutError::TimedOut { stage, after: timeout.unwrap_or_default() })
                }
            };
        }
    }

    /// Whether an instance may come any moment, and nobody is in line: of those that are used again
    /// one comes back, of those for a single use one is being made.
    fn is_worth_a_spin(&self) -> bool {
        let counts = self.slots.counts();
        let is_coming = match self.config.isolation {
            Isolation::Fresh => counts.building + counts.condemned > 0,
            _ => counts.leased > 0 && counts.vacant == 0,
        };
        is_coming && self.demand.look().is_quiet()
    }

    /// For who does not wait.
    #[cold]
    pub(super) fn try_harder(&self, principal: &Principal) -> Result<Grant<M>, CheckoutError> {
        if let Some(made) = self.lease_inline(&principal.0) {
            return made;
        }
        self.work.hurry(self);
        Err(self.on_refusal(self.on_busy(principal)))
    }

    /// Why there is nothing for who does not wait; and begins something for the next time.
    #[cold]
    pub(super) fn on_busy(&self, principal: &Principal) -> CheckoutError {
        let mut after = After::default();
        let mut queue = self.queue.lock();
        if queue.is_closed {
            return CheckoutError::Closed;
        }
        let at_cap = self.config.cap.filter(|cap| principal.in_use() >= *cap);
        if let Some(max) = at_cap {
            return CheckoutError::Refused { quota: Quota::InUse { max } };
        }
        if let Some(quota) = principal.0.refusal(self.now_ms()) {
            return CheckoutError::Refused { quota };
        }
        if queue.fair.unassigned() == 0 && !self.begin(None, &mut queue, &mut after) {
            self.displace(principal.tenant(), None, &mut queue, &mut after);
        }
        drop(queue);
        after.run(self);
        CheckoutError::Exhausted { max: self.config.max }
    }
}

/// A wait that is not in line has an outcome; this one is never told.
const CLOSED: Outcome = Outcome::Refused(CheckoutError::Closed);
