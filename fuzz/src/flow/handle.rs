//! One end of the channel.

use plimsoll_core::Credit;

use crate::Seen;

/// A sending or a receiving handle.
pub(super) struct Handle {
    pub(super) credit: Credit,
    /// Who moved with it last, and whether without a look.
    thread: Option<u8>,
    pub(super) on_credit: bool,
}

impl Handle {
    pub(super) fn new(credit: Credit) -> Self {
        Handle { credit, thread: None, on_credit: false }
    }

    pub(super) fn on_move(&mut self, thread: u8, on_credit: bool, seen: &mut Seen) {
        let other = self.thread.is_some_and(|last| last != thread);
        seen.note_if(other, "handle of another thread");
        (self.thread, self.on_credit) = (Some(thread), on_credit);
    }
}
