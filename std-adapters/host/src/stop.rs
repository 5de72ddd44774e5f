//! The switch that ends the run: by the clock, a key, a signal or a failure.

use tokio::sync::watch;

/// A switch that goes from "run" to "stop", once, and keeps the reason. Clones are handles to it.
#[derive(Clone)]
pub(crate) struct Stop(watch::Sender<Option<&'static str>>);

impl Stop {
    /// A switch that says "run".
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Says "stop". Returns whether this was the first time, whose reason counts.
    pub(crate) fn request(&self, reason: &'static str) -> bool {
        self.0.send_if_modified(|kept| kept.replace(kept.unwrap_or(reason)).is_none())
    }

    /// Why "stop" was said, if it was.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        *self.0.borrow()
    }

    /// Resolves once "stop" was said.
    pub(crate) async fn requested(&self) {
        // An error would mean that every sender is gone, and this very value is one.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }
}
