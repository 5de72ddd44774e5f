//! Calls of the manager that do not come back (POOL-12).
//!
//! Whoever calls the manager in the name of a slot says so in the slot's place. Maintenance looks at
//! those slots now and then, and remembers since when each is as it is. Past the bound the call is
//! *abandoned*: the slot is [revoked](plimsoll_core::PoolSlots::revoke) from its holder and counts no
//! more, and a thread of the pool that is caught in the call is replaced. When the call comes back after
//! all, its holder finds its token refused, and what it has in hand is destroyed.
//!
//! The slot itself, and with it the manager and whatever that has reserved, stays until then: a pool
//! with a call that hangs is not drained (POOL-16).

mod watch;

use std::collections::HashMap;

use plimsoll_core::pool::Observed;

#[cfg(feature = "tokio")]
use crate::pool::hands::Hands;

/// Slots in whose name the manager is called, as they were seen first, and when. Under the queue's
/// lock.
#[derive(Default)]
pub(super) struct Calls {
    seen: HashMap<usize, (Observed, u64)>,
    /// When they are looked at next.
    next_ms: u64,
}

/// So many times within the bound the slots are looked at.
const LOOKS: u64 = 16;

/// A call that a task waits for. It ends when this is dropped.
#[cfg(feature = "tokio")]
pub(super) struct Calling<'a>(&'a Hands);

#[cfg(feature = "tokio")]
impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.0.end_call();
    }
}
