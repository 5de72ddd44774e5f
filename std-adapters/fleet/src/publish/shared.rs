//! What the parts of a publisher share.

use tokio::sync::Notify;

use super::outbox::Outbox;
use super::stats::Board;

/// What the task shares with its handle and with the subscriber.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) outbox: Outbox,
    pub(super) board: Board,
    /// A state is asked for before the interval is over.
    pub(super) asked: Notify,
}
