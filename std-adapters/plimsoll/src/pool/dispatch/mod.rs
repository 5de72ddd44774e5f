//! Who gets what: everything that is decided under the queue's lock.
//!
//! Nothing of anybody else's runs there. What a decision entails (a waker to wake, an object to drop, a
//! build to begin) is gathered in an [`After`], and done when the lock is free (POOL-7).

mod serve;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::pool::calls::Calls;
use crate::pool::principal::PrincipalState;
use crate::pool::queue::{FairQueue, Ticket};
use crate::pool::room::Room;
use crate::pool::waiter::Waiter;

/// A waiter in the queue.
pub(super) struct Queued {
    pub(super) waiter: Arc<Waiter>,
    pub(super) principal: Arc<PrincipalState>,
    /// When its time is up, if the pool's background keeps it.
    pub(super) deadline_ms: Option<u64>,
    /// How many are asked for at once, if it is one of several that are gathered.
    pub(super) gathered: Option<usize>,
}

/// Who waits, and what is on its way.
pub(super) struct Queue {
    pub(super) fair: FairQueue<Queued>,
    pub(super) deadlines: BTreeSet<(u64, Ticket)>,
    pub(super) is_closed: bool,
    /// Principals in the ring that the demand knows of, and the pool if it is over its maximum.
    announced: usize,
    /// No warm instance is built before that moment, after builds that failed.
    pub(super) hold_off_ms: u64,
    pub(super) failures: u32,
    pub(super) room: Room,
    pub(super) calls: Calls,
}

impl Queue {
    pub(super) fn new(room: Room) -> Self {
        Self {
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

    /// Queues a wait.
    pub(super) fn enter(
        &mut self,
        ticket: Ticket,
        principal: &PrincipalState,
        deadline_ms: Option<u64>,
    ) {
        principal.enter();
        if let Some(deadline_ms) = deadline_ms {
            self.deadlines.insert((deadline_ms, ticket));
        }
    }
}
