//! Which waiter is served next, and what is built for the others.

use plimsoll_core::keepalive::Tick;
use plimsoll_core::pool::Tenant;

use super::action::Action;
use super::state::{Decision, Scheduler};
use crate::pool::config::Isolation;
use crate::pool::error::CheckoutError;
use crate::pool::principal::{Load, PrincipalState};
use crate::pool::stats::DiscardReason;
use crate::pool::store::usable;
use crate::pool::waiter::Outcome;

impl Scheduler {
    /// An instance is idle, or a principal that was at its cap has room: a waiter may be served.
    pub(in crate::pool) fn on_release(
        &mut self,
        has_room: Option<Tenant>,
        decision: &mut Decision<'_>,
    ) {
        if let Some(tenant) = has_room {
            self.fair.rejoin(tenant.get());
        }
        self.conclude(decision);
    }

    /// Serves the waiters that can be served, and hurries the jobs for the others.
    pub(super) fn conclude(&mut self, decision: &mut Decision<'_>) {
        self.dispatch(decision);
        // Earlier retirements woke no worker.
        if self.fair.in_ring() > 0 {
            decision.push(Action::Hurry);
        }
    }

    /// Serves the waiters that can be served; begins what is to be built for the others.
    pub(super) fn dispatch(&mut self, decision: &mut Decision<'_>) {
        if self.is_closed {
            return self.sweep(decision);
        }
        self.announce(decision);
        self.shed(decision);
        // Instances are all alike, unless they are tagged: then what one cannot have, another can.
        let tagged = self.rules.isolation == Isolation::PerPrincipal;
        let (mut turn, mut may_be_idle) = (0, true);
        while let Some((this_turn, key)) = self.fair.turn_from(turn) {
            turn = this_turn + 1;
            let Some(first) = self.fair.first(key) else { continue };
            let principal = first.principal.clone();
            if self.refuse(&principal, decision) {
                continue;
            }
            if may_be_idle {
                if self.rules.cap.is_some_and(|cap| !principal.admit(cap)) {
                    self.fair.park(key);
                    continue;
                }
                if let Some(outcome) = self.take(principal.tenant, decision) {
                    self.grant(key, outcome, decision);
                    continue;
                }
                if self.rules.cap.is_some() {
                    // The waiters for it are checked here anyway.
                    principal.release();
                }
                may_be_idle = tagged && decision.stock.words().counts().idle > 0;
            }
            if !self.supply(&principal, decision) {
                break;
            }
        }
        self.announce(decision);
    }

    /// Shows the fast paths how many wait; before the slots are checked, so that a thread that
    /// makes one idle from here on calls [`on_release`](Self::on_release). While there are more
    /// instances than there may be, the pool itself waits for those that come back.
    fn announce(&mut self, decision: &Decision<'_>) {
        let demand = &decision.stock.words().demand;
        let waiting = self.fair.in_ring() + usize::from(self.room.is_over());
        while self.announced < waiting {
            // Refused only by a pool that is closed, under the same lock, with an empty ring.
            if demand.arrive().is_err() {
                return;
            }
            self.announced += 1;
        }
        while self.announced > waiting {
            demand.leave();
            self.announced -= 1;
        }
    }

    /// Retires idle instances, as long as there are more than the maximum.
    fn shed(&self, decision: &mut Decision<'_>) {
        if !self.room.is_over() {
            return;
        }
        let words = decision.stock.words();
        for _ in self.room.max..usable(words.counts()) {
            let Some(condemned) = words.slots.evict(Tick::MAX) else { return };
            decision.push(Action::Retire(condemned, DiscardReason::Surplus));
        }
    }

    /// Refuses all waiters of a principal that is in its back-off.
    fn refuse(&mut self, principal: &PrincipalState, decision: &mut Decision<'_>) -> bool {
        let Some(quota) = principal.refusal(decision.now_ms) else { return false };
        while let Some((ticket, queued)) = self.fair.pop(principal.tenant.get()) {
            let error = CheckoutError::Refused { quota };
            decision.stats.refuse(&error);
            let outcome = Outcome::Refused(error);
            self.settle(ticket, queued, outcome, decision);
        }
        true
    }

    /// What can be given to a tenant right now.
    fn take(&self, tenant: Tenant, decision: &Decision<'_>) -> Option<Outcome> {
        let room = || match self.room.is_over() {
            true => None,
            false => decision.stock.take_room().map(Outcome::Room),
        };
        decision.stock.take_idle(tenant).map(Outcome::Granted).or_else(room)
    }

    fn grant(&mut self, key: u64, outcome: Outcome, decision: &mut Decision<'_>) {
        let first = self.fair.pop(key);
        let (ticket, queued) = first.expect("a principal in the ring has a waiter");
        self.settle(ticket, queued, outcome, decision);
    }

    /// Begins builds until every waiter of a principal that can be served has one on its way.
    ///
    /// # Returns
    /// Whether anything can be on its way to those whose turn comes later.
    fn supply(&mut self, principal: &PrincipalState, decision: &mut Decision<'_>) -> bool {
        let key = principal.tenant.get();
        let in_use = Load::of(principal).in_use as usize;
        let room = self.rules.cap.map_or(usize::MAX, |cap| cap.saturating_sub(in_use));
        while self.fair.lacks_supply(key, room) {
            if let Some(slot) = self.fair.take_unassigned() {
                self.fair.assign(slot, Some(key));
            } else if !self.begin(Some(key), decision)
                && !self.displace(principal.tenant, Some(key), decision)
            {
                return false;
            }
        }
        true
    }

    /// Makes room for a tenant where another's instance is idle, if there is one. What is then
    /// built is on its way to `key`.
    pub(super) fn displace(
        &mut self,
        tenant: Tenant,
        key: Option<u64>,
        decision: &mut Decision<'_>,
    ) -> bool {
        if self.rules.isolation != Isolation::PerPrincipal {
            return false;
        }
        let evicted = decision.stock.words().slots.evict_other(tenant);
        let Some(condemned) = evicted else { return false };
        self.fair.assign(condemned.slot().index(), key);
        decision.push(Action::Retire(condemned, DiscardReason::Displaced));
        true
    }

    /// Begins instances, as many as are missing of the warm ones and of the least that there are to
    /// be.
    pub(super) fn replenish(&mut self, decision: &mut Decision<'_>) {
        let (warm, min) = (self.room.warm(), self.room.min);
        if self.is_closed || (warm, min) == (0, 0) || decision.now_ms < self.hold_off_ms {
            return;
        }
        let counts = decision.stock.words().counts();
        let cold = warm.saturating_sub(counts.idle + self.fair.unassigned());
        for _ in 0..cold.max(min.saturating_sub(usable(counts))) {
            if !self.begin(None, decision) {
                return;
            }
        }
    }

    /// Begins an instance for `key`, or for no waiter, if there is room for one.
    pub(super) fn begin(&mut self, key: Option<u64>, decision: &mut Decision<'_>) -> bool {
        let Some(building) = self.reserve(decision.stock) else { return false };
        self.fair.assign(building.slot().index(), key);
        decision.push(Action::Build(building));
        true
    }

    /// Closes the pool.
    ///
    /// # Returns
    /// Whether it was open.
    pub(in crate::pool) fn on_close(&mut self, decision: &mut Decision<'_>) -> bool {
        if !decision.stock.words().demand.close() {
            return false;
        }
        self.is_closed = true;
        self.send_away(decision);
        self.announce(decision);
        self.dispatch(decision);
        decision.push(Action::Hurry);
        true
    }

    /// Tells all waiters that the pool is closed.
    pub(super) fn send_away(&mut self, decision: &mut Decision<'_>) {
        for (ticket, queued) in self.fair.drain() {
            self.settle(ticket, queued, Outcome::Refused(CheckoutError::Closed), decision);
        }
    }

    /// Retires everything idle in a pool that is closed, and checks whether anything is left.
    fn sweep(&self, decision: &mut Decision<'_>) {
        while let Some(condemned) = decision.stock.words().slots.evict(Tick::MAX) {
            decision.push(Action::Retire(condemned, DiscardReason::Closed));
        }
        // Every slot that becomes vacant does so by a decision: the last one finds all of them so.
        if self.room.is_empty() {
            decision.push(Action::Drained);
        }
    }
}
