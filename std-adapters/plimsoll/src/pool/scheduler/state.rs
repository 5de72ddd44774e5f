//! The state of the scheduler.

use std::collections::BTreeSet;

use super::action::{Action, Actions, Queued};
use super::calls::Calls;
use super::queue::{FairQueue, Ticket};
use super::room::Room;
use super::rules::Rules;
use super::stock::Stock;
use crate::pool::error::Stage;
use crate::pool::stats::Stats;
use crate::pool::waiter::Outcome;

/// Who waits, and what is on its way.
pub(in crate::pool) struct Scheduler {
    pub(super) rules: Rules,
    pub(super) fair: FairQueue<Queued>,
    pub(super) deadlines: BTreeSet<(u64, Ticket)>,
    pub(super) is_closed: bool,
    /// Principals in the ring that the demand knows of, and the pool if it is over its maximum.
    pub(super) announced: usize,
    /// No warm instance is built before that moment, after builds that failed.
    pub(super) hold_off_ms: u64,
    pub(super) failures: u32,
    pub(super) room: Room,
    pub(super) calls: Calls,
}

/// One decision: what it is made by, and what follows from it.
pub(in crate::pool) struct Decision<'a> {
    pub(in crate::pool) stock: &'a dyn Stock,
    pub(in crate::pool) stats: &'a Stats,
    pub(in crate::pool) now_ms: u64,
    pub(in crate::pool) actions: &'a mut Actions,
}

impl Decision<'_> {
    pub(super) fn push(&mut self, action: Action) {
        self.actions.push(action);
    }
}

impl Scheduler {
    pub(in crate::pool) fn new(rules: Rules, room: Room) -> Self {
        Self {
            rules,
            fair: FairQueue::new(),
            deadlines: BTreeSet::new(),
            is_closed: false,
            announced: 0,
            hold_off_ms: 0,
            failures: 0,
            room,
            calls: Calls::default(),
        }
    }

    pub(in crate::pool) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// How many deadlines are kept.
    #[cfg(test)]
    pub(in crate::pool) fn deadlines(&self) -> usize {
        self.deadlines.len()
    }

    /// What a waiter is at.
    pub(super) fn stage(&self, ticket: Ticket) -> Stage {
        match self.fair.is_supplied(ticket) {
            true => Stage::Build,
            false if self.fair.is_parked(ticket) => Stage::Cap,
            false => Stage::Wait,
        }
    }

    /// A wait begins.
    pub(super) fn enter(&mut self, ticket: Ticket, deadline_ms: Option<u64>) {
        if let Some(deadline_ms) = deadline_ms {
            self.deadlines.insert((deadline_ms, ticket));
        }
        if let Some(queued) = self.fair.get(ticket) {
            queued.principal.enter();
        }
    }

    /// A wait is over that has left the queue.
    pub(super) fn exit(&mut self, ticket: Ticket, queued: &Queued) {
        if let Some(deadline_ms) = queued.deadline_ms {
            self.deadlines.remove(&(deadline_ms, ticket));
        }
        queued.principal.exit();
    }

    /// Ends a wait that has left the queue.
    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        queued: Queued,
        outcome: Outcome,
        decision: &mut Decision<'_>,
    ) {
        self.exit(ticket, &queued);
        decision.push(Action::Settle(queued, outcome));
    }
}
