//! A wait, from the moment it is queued to its end.

use std::sync::Arc;
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use plimsoll_core::pool::{Building, SlotId};

use super::after::After;
use super::dispatch::{Queue, Queued};
use super::error::{CheckoutError, Quota, Stage};
use super::manager::Manager;
use super::principal::{Principal, PrincipalState};
use super::queue::Ticket;
use super::shared::{Attempt, Shared, forget_near};
use super::waiter::{Outcome, Waiter};
use crate::clock::ceil_ms;
use crate::park::thread_waker;

/// Whoever gives up sooner says nothing about the build that it has waited for.
const PATIENCE: Duration = Duration::from_millis(10);

/// A wait that has begun. Dropped, it gives back whatever it was given.
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

impl<M: Manager> Shared<M> {
    /// Stands in line, for as long as the `timeout` says if the pool's background is to keep it.
    pub(super) fn enqueue<'a>(
        &'a self,
        principal: &'a Principal,
        waker: Waker,
        timeout: Option<Duration>,
        gathered: Option<usize>,
    ) -> Result<Waiting<'a, M>, CheckoutError> {
        let since = self.refresh();
        let (state, key) = (&principal.0, principal.tenant().get());
        let waiter = Arc::new(Waiter::new(waker));
        let deadline_ms = timeout.map(|timeout| ceil_ms(since.saturating_add(timeout)));
        let queued =
            Queued { waiter: waiter.clone(), principal: state.clone(), deadline_ms, gathered };
        let mut after = After::default();
        let mut queue = self.queue.lock();
        self.may_wait(&queue, state, gathered)?;
        let ticket = queue.fair.push(key, queued);
        queue.enter(ticket, state, deadline_ms);
        self.dispatch(&mut queue, &mut after);
        self.replenish(&mut queue, &mut after);
        drop(queue);
        self.waiters.enter(since.as_micros() as u64);
        let (shared, principal, is_over) = (self, state, false);
        let waiting =
            Waiting { shared, principal, waiter, ticket, deadline_ms, gathered, since, is_over };
        after.run(self);
        self.on_wait(deadline_ms);
        self.observe();
        Ok(waiting)
    }

    /// Somebody is in line.
    fn on_wait(&self, deadline_ms: Option<u64>) {
        self.work.hurry(self);
        let next_tick_ms = self.now_ms().saturating_add(ceil_ms(self.config.tick));
        if deadline_ms.is_some_and(|deadline_ms| deadline_ms < next_tick_ms) {
            self.work.nudge();
        }
    }

    fn may_wait(
        &self,
        queue: &Queue,
        principal: &PrincipalState,
        gathered: Option<usize>,
    ) -> Result<(), CheckoutError> {
        if queue.is_closed {
            return Err(CheckoutError::Closed);
        }
        let waiting = queue.fair.len_of(principal.tenant.get());
        let max = self.config.waiting_max.filter(|max| waiting >= *max);
        let too_many = max.map(|max| Quota::Waiting { max });
        match too_many.or_else(|| principal.refusal(self.now_ms())) {
            None => {}
            Some(quota) => return Err(self.refused(quota)),
        }
        let waiting = queue.fair.len();
        if let Some(max) = self.config.line_max.filter(|max| waiting >= *max) {
            self.stats.refusals.count();
            return Err(CheckoutError::LineFull { waiting, max });
        }
        // One of many was looked at with the others, before the first of them was lent.
        let error = match gathered {
            Some(asked) => queue.room.too_many(asked),
            None => self.would_wait_for_itself(queue, principal, 1),
        };
        error.map_or(Ok(()), |error| {
            self.stats.refusals.count();
            Err(error)
        })
    }
}

impl<M: Manager> Waiting<'_, M> {
    /// What the wait has come to. `Busy`, if what was to be made at once could not: then it goes on.
    pub(super) fn end(&mut self, outcome: Outcome) -> Attempt<M> {
        let attempt = match outcome {
            Outcome::Granted(token) => match self.shared.open(token, self.principal.tenant) {
                Some(grant) => Attempt::Leased(grant),
                None => {
                    self.resume(None);
                    return Attempt::Busy;
                }
            },
            Outcome::Room(condemned) => {
                let shared = self.shared;
                // There may be fewer by now than when it was granted (POOL-17).
                if shared.queue.lock().room.is_over() {
                    shared.work.put_back(shared.doomed(condemned));
                    self.resume(None);
                    return Attempt::Busy;
                }
                match shared.lease_in_room(condemned, self.principal) {
                    Ok(attempt) => attempt,
                    Err(building) => {
                        self.resume(building);
                        return Attempt::Busy;
                    }
                }
            }
            Outcome::Refused(error) => Attempt::Refused(error),
        };
        self.over();
        attempt
    }

    /// Goes back to where it stood: what it is to have is built in the background, if there is room.
    fn resume(&self, building: Option<Building>) {
        let Self { shared, principal, ticket, deadline_ms, gathered, .. } = *self;
        let (waiter, principal) = (self.waiter.clone(), principal.clone());
        let queued = Queued { waiter, principal, deadline_ms, gathered };
        let mut after = After::default();
        let mut queue = shared.queue.lock();
        // Whoever waits for its place under the cap is looked at below.
        shared.release(self.principal);
        queue.fair.restore(ticket, queued);
        queue.enter(ticket, self.principal, deadline_ms);
        if let Some(building) = building {
            queue.fair.assign(building.slot().index(), Some(ticket.principal));
            after.builds.push(building);
        }
        if queue.is_closed {
            shared.send_away(&mut queue, &mut after);
        }
        shared.refuse_too_many(&mut queue, &mut after);
        shared.dispatch(&mut queue, &mut after);
        drop(queue);
        after.run(shared);
        shared.on_wait(deadline_ms);
    }

    pub(super) fn over(&mut self) {
        self.is_over = true;
        let now = self.shared.config.clock.now();
        let waited = now.saturating_sub(self.since).as_nanos();
        self.shared.stats.wait.record(u64::try_from(waited).unwrap_or(u64::MAX));
        self.shared.waiters.exit(self.since.as_micros() as u64, now.as_micros() as u64);
    }

    /// Blocks the thread, whose waker was left.
    ///
    /// # Errors
    /// The time is up: what the wait was at.
    pub(super) fn block(&self, deadline: Option<Instant>) -> Result<Outcome, Stage> {
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

    /// Leaves the line.
    ///
    /// # Returns
    /// What the wait was at; `None` if it has ended, and the waiter has the outcome.
    fn leave(&self) -> Option<Stage> {
        let waited = self.shared.config.clock.now().saturating_sub(self.since);
        let mut after = After::default();
        let mut queue = self.shared.queue.lock();
        let (stage, queued) = self.shared.give_up(self.ticket, waited, &mut queue, &mut after)?;
        if let Some(deadline_ms) = queued.deadline_ms {
            queue.deadlines.remove(&(deadline_ms, self.ticket));
        }
        self.principal.exit();
        self.shared.conclude(queue);
        after.run(self.shared);
        drop(queued);
        Some(stage)
    }
}

impl<M: Manager> Shared<M> {
    /// A wait is given up. If its build has begun, and it has waited for a while, that build may hang:
    /// nobody else is to wait for it, and it holds up no other (POOL-12).
    ///
    /// # Returns
    /// What it was at; `None` if it has ended.
    pub(super) fn give_up(
        &self,
        ticket: Ticket,
        waited: Duration,
        queue: &mut Queue,
        after: &mut After,
    ) -> Option<(Stage, Queued)> {
        let (stage, slot) = (queue.stage(ticket), queue.fair.supply_of(ticket));
        let queued = queue.fair.remove(ticket)?;
        if waited < PATIENCE || stage == Stage::Cap {
            return Some((stage, queued));
        }
        let is_begun = |slot: &usize| {
            let observed = self.slots.observe(SlotId::new(*slot as u32));
            let place = self.places.get(*slot);
            observed.zip(place).is_some_and(|(seen, place)| place.hands.is_calling(seen))
        };
        let begun = slot.filter(is_begun);
        if let Some(slot) = begun {
            queue.fair.arrived(slot);
        }
        after.given_up.push(begun);
        Some((stage, queued))
    }
}

impl<M: Manager> Drop for Waiting<'_, M> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if self.leave().is_none() {
            if let Some(outcome) = self.waiter.take() {
                self.shared.put_back(outcome, self.principal);
            }
        }
        self.over();
    }
}

impl<M: Manager> Shared<M> {
    /// Nobody has had what was granted: it is as good, and as cold, as it was.
    fn put_back(&self, outcome: Outcome, principal: &PrincipalState) {
        match outcome {
            Outcome::Granted(token) => {
                let place = self.place(token.slot());
                let live = place.take().expect("a granted slot has its object in place");
                let since = live.idle_since;
                place.put(live);
                forget_near();
                self.slots.give_back(token, since).expect("the pool's own token");
            }
            Outcome::Room(condemned) => self.work.put_back(self.doomed(condemned)),
            Outcome::Refused(_) => return,
        }
        self.let_go(principal);
        self.on_release(None);
        self.work.hurry(self);
    }
}
