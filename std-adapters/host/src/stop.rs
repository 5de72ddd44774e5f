//! The one switch that ends the run: pulled by the clock, a key, a signal or a failure.

use tokio::sync::watch;

/// A clonable switch that goes from "run" to "stop", once, and keeps the reason.
#[derive(Clone)]
pub(crate) struct Stop {
    reason: watch::Sender<Option<&'static str>>,
}

impl Stop {
    /// A switch that says "run".
    pub(crate) fn new() -> Self {
        Self { reason: watch::Sender::new(None) }
    }

    /// Says "stop". Returns whether this was the first time, which is the one whose reason counts.
    pub(crate) fn request(&self, reason: &'static str) -> bool {
        self.reason.send_if_modified(|kept| {
            let first = kept.is_none();
            kept.get_or_insert(reason);
            first
        })
    }

    /// Why "stop" was said, if it was.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        *self.reason.borrow()
    }

    /// Whether "stop" was said.
    pub(crate) fn is_requested(&self) -> bool {
        self.reason().is_some()
    }

    /// Resolves once "stop" was said.
    pub(crate) async fn requested(&self) {
        // An error would mean that every sender is gone, and this very value is one.
        let _ = self.reason.subscribe().wait_for(Option::is_some).await;
    }

    /// A guard for a part without which the host cannot go on: its end, even by a panic, says
    /// "stop". After an ordinary stop that changes nothing.
    #[must_use = "dropping the guard says stop"]
    pub(crate) fn at_end(&self) -> StopAtEnd {
        StopAtEnd(self.clone())
    }
}

/// Says "stop" when dropped.
pub(crate) struct StopAtEnd(Stop);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.request("a failure");
    }
}
