//! Decisions about who gets what.

use parking_lot::MutexGuard;
use plimsoll_core::pool::Tenant;

use super::{Queue, Queued};
use crate::pool::after::After;
use crate::pool::config::Isolation;
use crate::pool::error::CheckoutError;
use crate::pool::manager::Manager;
use crate::pool::principal::{Load, PrincipalState};
use crate::pool::queue::Ticket;
use crate::pool::room::usable;
use crate::pool::shared::Shared;
use crate::pool::stats::DiscardReason;
use crate::pool::waiter::Outcome;

impl Queue {
    /// Ends a wait that has left the line.
    pub(in crate::pool) fn settle(
        &mut self,
        ticket: Ticket,
        queued: Queued,
        outcome: Outcome,
        after: &mut After,
    ) {
        if let Some(deadline_ms) = queued.deadline_ms {
            self.deadlines.remove(&(deadline_ms, ticket));
        }
        after.settle(queued, outcome);
    }
}

impl<M: Manager> Shared<M> {
    /// A slot is idle, or a principal that was at its cap has room, and a waiter may be served.
    #[cold]
    pub(in crate::pool) fn on_release(&self, principal: Option<&PrincipalState>) {
        let mut queue = self.queue.lock();
        if let Some(principal) = principal {
            queue.fair.rejoin(principal.tenant.get());
        }
        self.conclude(queue);
    }

    /// Serves the waiters that can be served, and releases the lock.
    pub(in crate::pool) fn conclude(&self, mut queue: MutexGuard<'_, Queue>) {
        let mut after = After::default();
        self.dispatch(&mut queue, &mut after);
        let is_short = queue.fair.in_ring() > 0;
        drop(queue);
        after.run(self);
        // Earlier retirements woke no worker.
        if is_short {
            self.work.hurry(self);
        }
    }

    /// Serves the waiters that can be served; begins what is to be built for the others.
    pub(in crate::pool) fn dispatch(&self, queue: &mut Queue, after: &mut After) {
        if queue.is_closed {
            return self.sweep(queue, after);
        }
        self.announce(queue);
        self.shed(queue, after);
        // Instances are all alike, unless they are tagged: then what one cannot have, another can.
        let tagged = self.config.isolation == Isolation::PerPrincipal;
        let (mut turn, mut may_be_idle) = (0, true);
        while let Some((this_turn, key)) = queue.fair.turn_from(turn) {
            turn = this_turn + 1;
            let Some(first) = queue.fair.first(key) else { continue };
            let principal = first.principal.clone();
            if self.refuse(queue, &principal, after) {
                continue;
            }
            if may_be_idle {
                if self.config.cap.is_some_and(|cap| !principal.admit(cap)) {
                    queue.fair.park(key);
                    continue;
                }
                let idle = self.take_idle(principal.tenant).map(Outcome::Granted);
                if let Some(outcome) = idle.or_else(|| self.take_room(queue).map(Outcome::Room)) {
                    self.grant(queue, &principal, outcome, after);
                    continue;
                }
                // The waiters for it are checked here anyway.
                self.release(&principal);
                may_be_idle = tagged && self.counts().idle > 0;
            }
            if !self.supply(queue, &principal, after) {
                break;
            }
        }
        self.announce(queue);
    }

    /// Shows the fast paths how many wait; before the slots are checked, so that a thread that makes one
    /// idle from here on calls [`on_release`](Self::on_release). While there are more instances than there may be, the pool itself
    /// waits for those that come back.
    fn announce(&self, queue: &mut Queue) {
        let waiting = queue.fair.in_ring() + usize::from(queue.room.is_over());
        while queue.announced < waiting {
            // Refused only by a pool that is closed, under the same lock, with nobody in the ring.
            if self.demand.arrive().is_err() {
                return;
            }
            queue.announced += 1;
        }
        while queue.announced > waiting {
            self.demand.leave();
            queue.announced -= 1;
        }
    }

    /// Sends everybody of a principal away that has to keep off.
    fn refuse(&self, queue: &mut Queue, principal: &PrincipalState, after: &mut After) -> bool {
        let Some(quota) = principal.refusal(self.now_ms()) else { return false };
        while let Some((ticket, queued)) = queue.fair.pop(principal.tenant.get()) {
            let outcome = Outcome::Refused(self.refused(quota));
            queue.settle(ticket, queued, outcome, after);
        }
        true
    }

    fn grant(
        &self,
        queue: &mut Queue,
        principal: &PrincipalState,
        outcome: Outcome,
        after: &mut After,
    ) {
        let first = queue.fair.pop(principal.tenant.get());
        let (ticket, queued) = first.expect("a principal in the ring has a waiter");
        queue.settle(ticket, queued, outcome, after);
    }

    /// Sees to it that as much is on its way to a principal as it waits for.
    ///
    /// # Returns
    /// Whether anything can be on its way to those whose turn comes later.
    fn supply(&self, queue: &mut Queue, principal: &PrincipalState, after: &mut After) -> bool {
        let key = principal.tenant.get();
        let in_use = Load::of(principal).in_use as usize;
        let room = self.config.cap.map_or(usize::MAX, |cap| cap.saturating_sub(in_use));
        while queue.fair.lacks_supply(key, room) {
            if let Some(slot) = queue.fair.take_unassigned() {
                queue.fair.assign(slot, Some(key));
            } else if !self.begin(Some(key), queue, after)
                && !self.displace(principal.tenant, Some(key), queue, after)
            {
                return false;
            }
        }
        true
    }

    /// Makes room for a tenant where another's instance is idle, if there is one. What is then built
    /// is on its way to `key`.
    pub(in crate::pool) fn displace(
        &self,
        tenant: Tenant,
        key: Option<u64>,
        queue: &mut Queue,
        after: &mut After,
    ) -> bool {
        if self.config.isolation != Isolation::PerPrincipal {
            return false;
        }
        let Some(condemned) = self.slots.evict_other(tenant) else { return false };
        queue.fair.assign(condemned.slot().index(), key);
        after.doomed.push((condemned, DiscardReason::Displaced));
        true
    }

    /// Begins instances, as many as are missing of the warm ones and of the least that there are to be.
    pub(in crate::pool) fn replenish(&self, queue: &mut Queue, after: &mut After) {
        let (warm, min) = (queue.room.warm(), queue.room.min);
        if queue.is_closed || (warm, min) == (0, 0) || self.now_ms() < queue.hold_off_ms {
            return;
        }
        let counts = self.counts();
        let cold = warm.saturating_sub(counts.idle + queue.fair.unassigned());
        for _ in 0..cold.max(min.saturating_sub(usable(counts))) {
            if !self.begin(None, queue, after) {
                return;
            }
        }
    }

    /// Begins an instance for `key`, or for no waiter, if there is room for one.
    pub(in crate::pool) fn begin(
        &self,
        key: Option<u64>,
        queue: &mut Queue,
        after: &mut After,
    ) -> bool {
        let Some(building) = self.reserve(queue) else { return false };
        queue.fair.assign(building.slot().index(), key);
        after.builds.push(building);
        true
    }

    /// Condemns everything idle, of a pool that is closed, and sees whether anything is left.
    fn sweep(&self, queue: &Queue, after: &mut After) {
        while let Some(condemned) = self.slots.evict(plimsoll_core::Tick::MAX) {
            after.doomed.push((condemned, DiscardReason::Closed));
        }
        // Every slot that becomes vacant does so under this lock: the last one finds all of them so.
        after.is_drained = queue.room.is_empty();
    }

    /// Tells everybody in line that the pool is closed.
    pub(in crate::pool) fn send_away(&self, queue: &mut Queue, after: &mut After) {
        for queued in queue.fair.drain() {
            after.settle(queued, Outcome::Refused(CheckoutError::Closed));
        }
        queue.deadlines.clear();
    }

    /// Closes the pool.
    pub(in crate::pool) fn close(&self) -> bool {
        let mut after = After::default();
        let mut queue = self.queue.lock();
        if !self.demand.close() {
            return false;
        }
        queue.is_closed = true;
        self.send_away(&mut queue, &mut after);
        self.announce(&mut queue);
        self.dispatch(&mut queue, &mut after);
        drop(queue);
        after.run(self);
        self.work.hurry(self);
        true
    }
}
