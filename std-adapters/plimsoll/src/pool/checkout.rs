//! How a lease is waited for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;

use super::after::After;
use super::config::Isolation;
use super::error::{CheckoutError, Quota};
use super::lease::Lease;
use super::manager::Manager;
use super::principal::Principal;
use super::shared::{Attempt, Grant, Shared};
use super::waiting::Waiting;
use crate::park::thread_waker;

/// A checkout that waits as a task: see [`Pool::checkout`](super::Pool::checkout).
#[must_use = "futures do nothing unless polled"]
pub struct Checkout<'a, M: Manager> {
    shared: &'a Arc<Shared<M>>,
    principal: &'a Principal,
    waiting: Option<Waiting<'a, M>>,
    /// How many are asked for at once, if it is one of several that are gathered.
    gathered: Option<usize>,
}

impl<'a, M: Manager> Checkout<'a, M> {
    pub(super) fn new(shared: &'a Arc<Shared<M>>, principal: &'a Principal) -> Self {
        Self { shared, principal, waiting: None, gathered: None }
    }

    pub(super) fn of_many(
        shared: &'a Arc<Shared<M>>,
        principal: &'a Principal,
        count: usize,
    ) -> Self {
        Self { shared, principal, waiting: None, gathered: Some(count) }
    }

    #[cold]
    fn wait(&mut self, waker: &Waker) -> Poll<Result<Grant<M>, CheckoutError>> {
        let shared = &**self.shared;
        if self.waiting.is_none() {
            if let Some(error) = shared.objection(&self.principal.0) {
                return Poll::Ready(Err(error));
            }
            match shared.lease_inline(&self.principal.0) {
                Attempt::Leased(grant) => return Poll::Ready(Ok(grant)),
                Attempt::Refused(error) => return Poll::Ready(Err(error)),
                Attempt::Busy => {}
            }
        }
        let waiting = match &mut self.waiting {
            Some(waiting) => waiting,
            none => {
                let timeout = shared.config.wait_timeout;
                let gathered = self.gathered;
                none.insert(shared.enqueue(self.principal, waker.clone(), timeout, gathered)?)
            }
        };
        loop {
            let Some(outcome) = waiting.waiter.poll(waker) else { return Poll::Pending };
            let ended = match waiting.end(outcome) {
                Attempt::Leased(grant) => Ok(grant),
                Attempt::Refused(error) => Err(error),
                Attempt::Busy => continue,
            };
            self.waiting = None;
            return Poll::Ready(ended);
        }
    }
}

impl<'a, M: Manager> Future for Checkout<'a, M> {
    type Output = Result<Lease<'a, M>, CheckoutError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (shared, principal) = (self.shared, self.principal);
        let lease = |grant| Lease::new(shared, principal, grant);
        if self.waiting.is_none() {
            if let Some(grant) = shared.lease_idle(&principal.0) {
                return Poll::Ready(Ok(lease(grant)));
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
    /// Waits on the calling thread. What is held for a few instructions is worth a moment's spin,
    /// as long as nobody waits.
    #[cold]
    #[inline(never)]
    pub(super) fn lease_blocking(
        &self,
        principal: &Principal,
        timeout: Option<Duration>,
    ) -> Result<Grant<M>, CheckoutError> {
        if let Some(error) = self.objection(&principal.0) {
            return Err(error);
        }
        let mut attempt = self.lease_inline(&principal.0);
        if matches!(attempt, Attempt::Busy) {
            self.work.hurry(self);
        }
        let backoff = Backoff::new();
        loop {
            match attempt {
                Attempt::Leased(grant) => return Ok(grant),
                Attempt::Refused(error) => return Err(error),
                Attempt::Busy if backoff.is_completed() || !self.is_worth_a_spin() => break,
                Attempt::Busy => backoff.snooze(),
            }
            attempt = self.attempt(&principal.0);
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut waiting = self.enqueue(principal, thread_waker(), None, None)?;
        loop {
            match waiting.block(deadline).map(|outcome| waiting.end(outcome)) {
                Ok(Attempt::Leased(grant)) => return Ok(grant),
                Ok(Attempt::Refused(error)) => return Err(error),
                Ok(Attempt::Busy) => {}
                Err(stage) => {
                    waiting.over();
                    self.stats.timeouts.count();
                    let after = timeout.unwrap_or_default();
                    return Err(CheckoutError::TimedOut { stage, after });
                }
            }
        }
    }

    /// Whether an instance may come any moment, and nobody is in line: of those that are used again
    /// one comes back, of those for a single use one is being made.
    fn is_worth_a_spin(&self) -> bool {
        let counts = self.counts();
        let is_coming = match self.config.isolation {
            Isolation::Fresh => counts.building + counts.condemned > 0,
            _ => counts.leased > 0 && counts.vacant == 0,
        };
        is_coming && self.demand.look().is_quiet()
    }

    /// For who does not wait: makes an instance, or else begins one for the next time.
    #[cold]
    #[inline(never)]
    pub(super) fn lease_or_begin(&self, principal: &Principal) -> Result<Grant<M>, CheckoutError> {
        if let Some(error) = self.objection(&principal.0) {
            return Err(error);
        }
        match self.lease_inline(&principal.0) {
            Attempt::Leased(grant) => return Ok(grant),
            Attempt::Refused(error) => return Err(error),
            Attempt::Busy => self.work.hurry(self),
        }
        let mut after = After::default();
        let mut queue = self.queue.lock();
        if queue.is_closed {
            return Err(CheckoutError::Closed);
        }
        let at_cap = self.config.cap.filter(|cap| principal.in_use() >= *cap);
        let at_cap = at_cap.map(|max| Quota::InUse { max });
        if let Some(quota) = at_cap.or_else(|| principal.0.refusal(self.now_ms())) {
            return Err(self.refused(quota));
        }
        if queue.fair.unassigned() == 0 && !self.begin(None, &mut queue, &mut after) {
            self.displace(principal.tenant(), None, &mut queue, &mut after);
        }
        drop(queue);
        after.run(self);
        Err(CheckoutError::Exhausted { max: self.room.max() })
    }
}
