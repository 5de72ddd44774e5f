//! The summary of a fleet, as a message for readers.

use std::sync::Arc;

use plimsoll_fleet::view::LiveView;

use crate::latest::Latest;
use crate::sse::Message;

/// The summary of a view, made when readers ask.
pub(crate) fn latest(view: LiveView, shows_principals: bool) -> Arc<Latest<Message>> {
    Latest::new(move || {
        let summary = view.summary();
        let summary = if shows_principals { summary } else { summary.without_principals() };
        Message::new("fleet", &summary)
    })
}
