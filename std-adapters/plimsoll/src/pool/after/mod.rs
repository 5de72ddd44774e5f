//! What a decision under the queue's lock entails, done when the lock is free (POOL-7).

mod run;

use std::task::Waker;

use plimsoll_core::pool::{Building, Condemned};

use crate::pool::dispatch::Queued;
use crate::pool::error::CheckoutError;
use crate::pool::stats::DiscardReason;
use crate::pool::waiter::Outcome;

/// What is to be done once the lock is free.
#[derive(Default)]
pub(super) struct After {
    wakers: Vec<Waker>,
    pub(super) builds: Vec<Building>,
    pub(super) doomed: Vec<(Condemned, DiscardReason)>,
    /// Held only to be dropped: they hold wakers.
    left: Vec<Queued>,
    /// Errors that nobody waits for; the same.
    untold: Vec<CheckoutError>,
    /// Slots in whose name a call of the manager hangs.
    pub(super) hung: Vec<usize>,
    /// What waits that were given up have waited for: the build of a slot, or anything.
    pub(super) given_up: Vec<Option<usize>>,
    pub(super) is_drained: bool,
}

impl After {
    /// A wait has ended.
    pub(super) fn settle(&mut self, queued: Queued, outcome: Outcome) {
        queued.principal.exit();
        self.wakers.extend(queued.waiter.settle(outcome));
        self.left.push(queued);
    }

    /// No waiter gets an error.
    pub(super) fn leave_untold(&mut self, error: CheckoutError) {
        self.untold.push(error);
    }
}
