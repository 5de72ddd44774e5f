//! What is to be an event of a limit.

use plimsoll_core::Announcement;

/// What is to be an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) announcement: Announcement,
    /// Changes that were not reported before this one.
    pub(crate) suppressed: u64,
    /// The level is cleared since the limit is gone.
    pub(crate) is_gone: bool,
}
