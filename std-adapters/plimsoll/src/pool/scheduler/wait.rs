//! Waits, from the arrival to the end.

use std::time::Duration;

use plimsoll_core::pool::{Building, SlotId};

use super::action::{Action, Queued};
use super::queue::Ticket;
use super::state::{Decision, Scheduler};
use crate::clock::ceil_ms;
use crate::pool::error::{CheckoutError, Quota, Stage};
use crate::pool::principal::{Load, PrincipalState};
use crate::pool::waiter::Outcome;

/// A waiter that gives up sooner says nothing about the build that it has waited for.
const PATIENCE: Duration = Duration::from_millis(10);

impl Scheduler {
    /// A checkout is to wait.
    ///
    /// # Errors
    /// It may not.
    pub(in crate::pool) fn on_arrival(
        &mut self,
        queued: Queued,
        decision: &mut Decision<'_>,
    ) -> Result<Ticket, CheckoutError> {
        self.may_wait(&queued, decision)?;
        let deadline_ms = queued.deadline_ms;
        let ticket = self.fair.push(queued.principal.tenant.get(), queued);
        self.enter(ticket, deadline_ms);
        self.dispatch(decision);
        self.replenish(decision);
        self.on_waiting(deadline_ms, decision);
        Ok(ticket)
    }

    /// A waiter could not use what it was given: it goes back to its place in the queue. Its
    /// instance is built in the background, in the slot of `building` or wherever there is room.
    pub(in crate::pool) fn on_return(
        &mut self,
        ticket: Ticket,
        queued: Queued,
        building: Option<Building>,
        decision: &mut Decision<'_>,
    ) {
        let deadline_ms = queued.deadline_ms;
        if self.rules.cap.is_some() {
            // Waiters that were parked at the cap are checked below.
            queued.principal.release();
        }
        self.fair.restore(ticket, queued);
        self.enter(ticket, deadline_ms);
        if let Some(building) = building {
            self.fair.assign(building.slot().index(), Some(ticket.principal));
            decision.push(Action::Build(building));
        }
        if self.is_closed {
            self.send_away(decision);
        }
        self.refuse_too_many(decision);
        self.dispatch(decision);
        self.on_waiting(deadline_ms, decision);
    }

    /// A checkout waits: queued jobs wait no longer, and the timekeeper knows of a near deadline.
    fn on_waiting(&self, deadline_ms: Option<u64>, decision: &mut Decision<'_>) {
        decision.push(Action::Hurry);
        let next_tick_ms = decision.now_ms.saturating_add(ceil_ms(self.rules.tick));
        if deadline_ms.is_some_and(|deadline_ms| deadline_ms < next_tick_ms) {
            decision.push(Action::Nudge);
        }
    }

    fn may_wait(&self, queued: &Queued, decision: &Decision<'_>) -> Result<(), CheckoutError> {
        if self.is_closed {
            return Err(CheckoutError::Closed);
        }
        match self.objection(queued, decision) {
            None => Ok(()),
            Some(error) => {
                decision.stats.refuse(&error);
                Err(error)
            }
        }
    }

    fn objection(&self, queued: &Queued, decision: &Decision<'_>) -> Option<CheckoutError> {
        let principal = &queued.principal;
        let waiting = self.fair.len_of(principal.tenant.get());
        let max = self.rules.waiting_max.filter(|max| waiting >= *max);
        let too_many = max.map(|max| Quota::Waiting { max });
        if let Some(quota) = too_many.or_else(|| principal.refusal(decision.now_ms)) {
            return Some(CheckoutError::Refused { quota });
        }
        let waiting = self.fair.len();
        if let Some(max) = self.rules.line_max.filter(|max| waiting >= *max) {
            return Some(CheckoutError::LineFull { waiting, max });
        }
        // One of many was checked with the others, before the first of them was leased.
        match queued.gathered {
            Some(asked) => self.room.too_many(asked),
            None => self.would_wait_for_itself(decision.stock, principal, 1),
        }
    }

    /// Whether `asked` instances at once may be waited for.
    pub(in crate::pool) fn on_gathering(
        &self,
        principal: &PrincipalState,
        asked: usize,
        decision: &Decision<'_>,
    ) -> Result<(), CheckoutError> {
        let max = self.rules.cap.unwrap_or(usize::MAX).min(self.room.max);
        if asked > max {
            return Err(CheckoutError::TooMany { asked, max });
        }
        self.would_wait_for_itself(decision.stock, principal, asked).map_or(Ok(()), Err)
    }

    /// A checkout that does not wait has found nothing: an instance is begun for the next one,
    /// unless some are on their way.
    ///
    /// # Returns
    /// The error of the checkout.
    pub(in crate::pool) fn on_try(
        &mut self,
        principal: &PrincipalState,
        decision: &mut Decision<'_>,
    ) -> CheckoutError {
        if self.is_closed {
            return CheckoutError::Closed;
        }
        let in_use = Load::of(principal).in_use as usize;
        let at_cap = self.rules.cap.filter(|cap| in_use >= *cap);
        let at_cap = at_cap.map(|max| Quota::InUse { max });
        if let Some(quota) = at_cap.or_else(|| principal.refusal(decision.now_ms)) {
            let error = CheckoutError::Refused { quota };
            decision.stats.refuse(&error);
            return error;
        }
        if self.fair.unassigned() == 0 && !self.begin(None, decision) {
            self.displace(principal.tenant, None, decision);
        }
        CheckoutError::Exhausted { max: self.room.max }
    }

    /// A waiter leaves after it has `waited` for so long.
    ///
    /// # Returns
    /// What it was at, and itself; `None` if its wait has ended, and it has the outcome.
    pub(in crate::pool) fn on_leave(
        &mut self,
        ticket: Ticket,
        waited: Duration,
        decision: &mut Decision<'_>,
    ) -> Option<(Stage, Queued)> {
        let (stage, queued) = self.give_up(ticket, waited, decision)?;
        self.exit(ticket, &queued);
        self.conclude(decision);
        Some((stage, queued))
    }

    /// Ends the waits whose time is up.
    pub(super) fn expire(&mut self, decision: &mut Decision<'_>) {
        while let Some((deadline_ms, ticket)) = self.deadlines.first().copied() {
            if deadline_ms > decision.now_ms {
                return;
            }
            self.deadlines.remove(&(deadline_ms, ticket));
            let after = self.rules.wait_timeout.unwrap_or_default();
            let Some((stage, queued)) = self.give_up(ticket, after, decision) else { continue };
            decision.stats.time_out(stage);
            let error = CheckoutError::TimedOut { stage, after };
            self.settle(ticket, queued, Outcome::Refused(error), decision);
        }
    }

    /// A wait is given up. If its build has begun, and it has waited for a while, that build may
    /// hang: nobody else is to wait for it, and it holds up no other (POOL-12).
    ///
    /// # Returns
    /// What it was at; `None` if it has ended.
    fn give_up(
        &mut self,
        ticket: Ticket,
        waited: Duration,
        decision: &mut Decision<'_>,
    ) -> Option<(Stage, Queued)> {
        let (stage, slot) = (self.stage(ticket), self.fair.supply_of(ticket));
        let queued = self.fair.remove(ticket)?;
        if waited < PATIENCE || stage == Stage::Cap {
            return Some((stage, queued));
        }
        let is_begun = |slot: &usize| {
            let observed = decision.stock.words().slots.observe(SlotId::new(*slot as u32));
            let hands = decision.stock.hands(*slot);
            observed.zip(hands).is_some_and(|(seen, hands)| hands.is_calling(seen))
        };
        let begun = slot.filter(is_begun);
        if let Some(slot) = begun {
            self.fair.arrived(slot);
        }
        decision.push(Action::GiveUp { slot: begun, or_oldest: true });
        Some((stage, queued))
    }

    /// Sends those away who gather more than there may be by now.
    pub(super) fn refuse_too_many(&mut self, decision: &mut Decision<'_>) {
        let max = self.room.max;
        let tickets = self.fair.find_all(|queued| queued.gathered.is_some_and(|all| all > max));
        for ticket in tickets {
            let Some(queued) = self.fair.remove(ticket) else { continue };
            let Some(error) = self.room.too_many(queued.gathered.unwrap_or(0)) else { continue };
            self.settle(ticket, queued, Outcome::Refused(error), decision);
        }
    }
}
