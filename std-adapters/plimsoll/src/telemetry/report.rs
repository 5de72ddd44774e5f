//! The report of a level change, from the reporter to the event.

use plimsoll_core::Notice;

/// An event of a limit without its tag: plain data, which fits into a record of the ring and is
/// made under the lock of a limit without touching a reference count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) notice: Notice,
    /// Changes that were not reported before this one.
    pub(crate) suppressed: u64,
    /// The level is cleared since the limit is gone.
    pub(crate) is_gone: bool,
}

/// What an event tells of its limit besides, at the moment of its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many waiters are blocked on it.
    pub(crate) waiting: u64,
    /// The capacity, if there is a bound.
    pub(crate) capacity: Option<u64>,
}
