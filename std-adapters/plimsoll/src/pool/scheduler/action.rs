//! The actions that a decision of the scheduler asks for.

use std::sync::Arc;
use std::task::Waker;

use plimsoll_core::pool::{Building, Condemned};

use crate::pool::error::CheckoutError;
use crate::pool::principal::PrincipalState;
use crate::pool::stats::DiscardReason;
use crate::pool::waiter::{Outcome, Waiter};

/// A waiter in the queue.
pub(in crate::pool) struct Queued {
    pub(in crate::pool) waiter: Arc<Waiter>,
    pub(in crate::pool) principal: Arc<PrincipalState>,
    /// When its time is up, if the pool's background keeps it.
    pub(in crate::pool) deadline_ms: Option<u64>,
    /// How many are asked for at once, if it is one of several that are gathered.
    pub(in crate::pool) gathered: Option<usize>,
}

/// One thing that the executor does after a decision.
pub(in crate::pool) enum Action {
    /// The wait has ended: its waiter gets the outcome before the lock is free.
    Settle(Queued, Outcome),
    /// What is left of it then: the waiter is woken, if it waits, and what was queued is dropped.
    Wake(Option<Waker>, Queued),
    /// An instance is built in the slot.
    Build(Building),
    /// An idle instance is retired.
    Retire(Condemned, DiscardReason),
    /// The job of the slot is given up; if the slot has none and `or_oldest` is set, the oldest one
    /// that others wait for.
    GiveUp { slot: Option<usize>, or_oldest: bool },
    /// An error that no waiter gets is dropped.
    Forget(CheckoutError),
    /// Jobs wait no longer: for a batch, or for a worker that is busy.
    Hurry,
    /// The timekeeper checks again when to wake.
    Nudge,
    /// So many instances are kept warm from here on.
    Warm(usize),
    /// A closed pool has nothing left that is live.
    Drained,
}

impl Action {
    /// Gives a waiter its outcome, if the action says so. Done under the lock: a waiter that has
    /// left the queue has its outcome.
    pub(in crate::pool) fn settle(self) -> Self {
        match self {
            Action::Settle(queued, outcome) => Action::Wake(queued.waiter.settle(outcome), queued),
            other => other,
        }
    }
}

/// What follows from one decision, in its order. Empty, as most are, it takes no allocation.
pub(in crate::pool) type Actions = Vec<Action>;
