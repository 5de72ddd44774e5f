//! Calls of the manager that are watched.

use std::collections::HashMap;

use plimsoll_core::pool::Observed;

/// Slots whose holder is in a call of the manager, as they were seen first, and when.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) seen: HashMap<usize, (Observed, u64)>,
    /// When they are checked next.
    pub(super) next_ms: u64,
}
