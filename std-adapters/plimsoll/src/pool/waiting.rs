//! A wait, from the moment it is queued to its end.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use plimsoll_core::pool::Building;

use super::error::{CheckoutError, Stage};
use super::executor::Vacancy;
use super::manager::Manager;
use super::principal::{Principal, PrincipalState};
use super::scheduler::{Queued, Ticket};
use super::shared::{Attempt, Shared};
use super::store::{Grant, forget_near};
use super::waiter::{Outcome, Waiter};
use crate::clock::ceil_ms;
use crate::park::thread_waker;
use crate::sync::{Backoff, Instant, thread};

/// A wait that has begun. If it is dropped, it gives back what it was granted.
pub(super) struct Waiting<'a, M: Manager> {
    shared: &'a Shared<M>,
    principal: &'a Arc<PrincipalState>,
    pub(super) waiter: Arc<Waiter>,
    ticket: Ticket,
    deadline_ms: Option<u64>,
    gathered: Option<usize>,
    since: Duration,
    is_over: bool,
}

impl<'a, M: Manager> Waiting<'a, M> {
    /// Waits for an instance, for as long as the `timeout` says if the pool's background is to keep
    /// it.
    pub(super) fn begin(
        shared: &'a Shared<M>,
        principal: &'a Principal,
        waker: Waker,
        timeout: Option<Duration>,
        gathered: Option<usize>,
    ) -> Result<Self, CheckoutError> {
        let (since, principal) = (shared.refresh(), &principal.0);
        let waiter = Arc::new(Waiter::new(waker));
        let deadline_ms = timeout.map(|timeout| ceil_ms(since.saturating_add(timeout)));
        let queued =
            Queued { waiter: waiter.clone(), principal: principal.clone(), deadline_ms, gathered };
        let ticket = shared.decide(|scheduler, decision| scheduler.on_arrival(queued, decision))?;
        shared.waiters.enter(since.as_micros() as u64);
        shared.observe();
        let is_over = false;
        Ok(Self { shared, principal, waiter, ticket, deadline_ms, gathered, since, is_over })
    }
}

impl<M: Manager> Waiting<'_, M> {
    /// The outcome of the wait. `Busy` if the waiter could not build what it was granted: it goes
    /// on waiting.
    pub(super) fn end(&mut self, outcome: Outcome) -> Attempt<M> {
        let attempt = match outcome {
            Outcome::Granted(token) => {
                let waited = || self.shared.stats.waited.count();
                let grant = Grant::open_after(self.shared, token, self.principal.tenant, waited);
                grant.map(Attempt::Leased).ok_or(None)
            }
            Outcome::Room(condemned) => {
                // There may be fewer by now than when it was granted (POOL-17).
                if self.shared.decide(|scheduler, _| scheduler.is_over()) {
                    self.shared.work.put_back(self.shared.store.retirement(condemned));
                    Err(None)
                } else {
                    let vacancy = Vacancy::granted(self.shared, condemned).ok_or(None);
                    let served = &self.shared.stats.waited;
                    let build = |room: Vacancy<'_, M>| room.build(self.principal.tenant, served);
                    vacancy.and_then(|room| build(room).map_err(Some))
                }
            }
            Outcome::Refused(error) => {
                self.over();
                return Attempt::Refused(error);
            }
        };
        match attempt {
            Ok(attempt) => {
                if !matches!(attempt, Attempt::Leased(_)) {
                    self.shared.release_and_serve(self.principal);
                }
                self.over();
                attempt
            }
            Err(building) => {
                self.resume(building);
                Attempt::Busy
            }
        }
    }

    /// Puts the waiter back in its place: its instance is built in the background, if there is
    /// room.
    fn resume(&self, building: Option<Building>) {
        let Self { ticket, deadline_ms, gathered, .. } = *self;
        let (waiter, principal) = (self.waiter.clone(), self.principal.clone());
        let queued = Queued { waiter, principal, deadline_ms, gathered };
        self.shared.decide(|scheduler, decision| {
            scheduler.on_return(ticket, queued, building, decision);
        });
    }

    fn over(&mut self) {
        self.is_over = true;
        let now = self.shared.config.clock.now();
        let waited = now.saturating_sub(self.since).as_nanos();
        self.shared.stats.wait.record(u64::try_from(waited).unwrap_or(u64::MAX));
        self.shared.waiters.exit(self.since.as_micros() as u64, now.as_micros() as u64);
    }

    /// Blocks the thread, whose waker was left, until the deadline, which is after `timeout`.
    pub(super) fn block(
        mut self,
        deadline: Option<Instant>,
        timeout: Option<Duration>,
    ) -> Result<Grant<M>, CheckoutError> {
        loop {
            match self.outcome(deadline).map(|outcome| self.end(outcome)) {
                Ok(Attempt::Leased(grant)) => return Ok(grant),
                Ok(Attempt::Refused(error)) => return Err(error),
                Ok(Attempt::Busy) => {}
                Err(stage) => {
                    self.over();
                    self.shared.stats.time_out(stage);
                    let after = timeout.unwrap_or_default();
                    return Err(CheckoutError::TimedOut { stage, after });
                }
            }
        }
    }

    /// # Errors
    /// The time is up: what the wait was at.
    fn outcome(&self, deadline: Option<Instant>) -> Result<Outcome, Stage> {
        let (waker, backoff) = (thread_waker(), Backoff::new());
        loop {
            if let Some(outcome) = self.waiter.poll(&waker) {
                return Ok(outcome);
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
            if let Some(stage) = self.leave() {
                return Err(stage);
            }
        }
    }

    /// Leaves the queue.
    ///
    /// # Returns
    /// What the wait was at; `None` if it has ended, and the waiter has the outcome.
    fn leave(&self) -> Option<Stage> {
        let waited = self.shared.config.clock.now().saturating_sub(self.since);
        let left = self
            .shared
            .decide(|scheduler, decision| scheduler.on_leave(self.ticket, waited, decision));
        left.map(|(stage, _)| stage)
    }

    /// Gives back a grant that was not used: the instance stays as cold as it was.
    fn put_back(&self, outcome: Outcome) {
        let Self { shared, principal, .. } = self;
        match outcome {
            Outcome::Granted(token) => {
                let cell = shared.store.cell(token.slot());
                let instance = cell.take().expect("a granted slot has its instance in its cell");
                let since = instance.idle_since;
                cell.put(instance);
                forget_near();
                let slots = &shared.store.words.slots;
                slots.give_back(token, since).expect("the pool's own token");
            }
            Outcome::Room(condemned) => shared.work.put_back(shared.store.retirement(condemned)),
            Outcome::Refused(_) => return,
        }
        shared.release_and_serve(principal);
        shared.on_release(None);
        shared.work.hurry(shared);
    }
}

impl<M: Manager> Drop for Waiting<'_, M> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if self.leave().is_none() {
            if let Some(outcome) = self.waiter.take() {
                self.put_back(outcome);
            }
        }
        self.over();
    }
}
