//! Builds and retirements that begin and end.

use plimsoll_core::pool::{Building, Condemned, Moment, SlotId};

use super::action::Action;
use super::state::{Decision, Scheduler};
use crate::pool::error::CheckoutError;
use crate::pool::waiter::Outcome;

/// How long no warm instance is built after a build that failed: doubled by each further one.
const HOLD_OFF_MIN_MS: u64 = 10;
const HOLD_OFF_DOUBLINGS_MAX: u32 = 10;

impl Scheduler {
    /// The pool begins: its warm instances are built.
    pub(in crate::pool) fn on_start(&mut self, decision: &mut Decision<'_>) {
        self.replenish(decision);
    }

    /// A checkout wants to build an instance itself.
    ///
    /// # Returns
    /// A slot for it. None in a pool that is closed, or while others wait: what becomes vacant is
    /// theirs.
    pub(in crate::pool) fn on_inline_build(
        &mut self,
        decision: &mut Decision<'_>,
    ) -> Option<Building> {
        if self.is_closed || self.fair.in_ring() > 0 {
            return None;
        }
        self.reserve(decision.stock)
    }

    /// A checkout that builds an instance itself would have to wait for that.
    pub(in crate::pool) fn on_inline_pending(
        &mut self,
        building: Building,
        decision: &mut Decision<'_>,
    ) {
        self.fair.assign(building.slot().index(), None);
        decision.push(Action::Build(building));
    }

    /// An instance that was made elsewhere is handed in.
    ///
    /// # Returns
    /// A slot for it, not assigned to any waiter yet; else how many instances there may be.
    pub(in crate::pool) fn on_insert(
        &mut self,
        decision: &mut Decision<'_>,
    ) -> Result<Building, usize> {
        let building = self.reserve(decision.stock).ok_or(self.room.max)?;
        self.fair.assign(building.slot().index(), None);
        Ok(building)
    }

    /// A build has ended, and its instance is in its cell.
    ///
    /// # Returns
    /// Whether it is idle: not if the build was abandoned.
    #[must_use = "what a late build has made is destroyed"]
    pub(in crate::pool) fn on_built(
        &mut self,
        building: Building,
        since: Moment,
        decision: &mut Decision<'_>,
    ) -> bool {
        let slot = building.slot().index();
        if decision.stock.words().slots.finish(building, since).is_err() {
            return false;
        }
        self.fair.arrived(slot);
        (self.failures, self.hold_off_ms) = (0, 0);
        self.dispatch(decision);
        true
    }

    /// A build has failed: the waiter that it is assigned to gets the error.
    pub(in crate::pool) fn on_build_failed(
        &mut self,
        building: Building,
        error: CheckoutError,
        decision: &mut Decision<'_>,
    ) {
        let ticket = self.fair.arrived(building.slot().index());
        self.fail(decision.stock, building);
        let hold_off_ms = HOLD_OFF_MIN_MS << self.failures.min(HOLD_OFF_DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        self.hold_off_ms = decision.now_ms.saturating_add(hold_off_ms);
        let queued = ticket.and_then(|ticket| Some((ticket, self.fair.remove(ticket)?)));
        match queued {
            Some((ticket, queued)) => {
                self.settle(ticket, queued, Outcome::Refused(error), decision);
            }
            None => decision.push(Action::Forget(error)),
        }
        self.dispatch(decision);
    }

    /// A build has ended without an instance, and no waiter gets an error: it was cancelled, or a
    /// checkout's own.
    pub(in crate::pool) fn on_no_build(&mut self, building: Building, decision: &mut Decision<'_>) {
        self.fair.arrived(building.slot().index());
        self.fail(decision.stock, building);
        self.conclude(decision);
    }

    /// The instance of a condemned slot is destroyed.
    pub(in crate::pool) fn on_retired(
        &mut self,
        condemned: Condemned,
        decision: &mut Decision<'_>,
    ) {
        self.fair.arrived(condemned.slot().index());
        self.vacate(decision.stock, condemned);
        self.dispatch(decision);
        self.replenish(decision);
    }

    /// A call has come back after it was abandoned: a waiter that its slot was assigned to needs
    /// another.
    ///
    /// # Returns
    /// The token that its holder has lost.
    pub(in crate::pool) fn on_late_return(
        &mut self,
        slot: SlotId,
        decision: &mut Decision<'_>,
    ) -> Option<Condemned> {
        let condemned = self.take_lost(slot);
        self.fair.arrived(slot.index());
        self.dispatch(decision);
        condemned
    }
}
