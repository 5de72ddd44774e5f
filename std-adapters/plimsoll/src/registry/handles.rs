//! Whether a limit has handles left.

use std::any::Any;
use std::sync::{Arc, Weak};

/// What the handles of a limit share, whose drop takes the limit out of the registry; this does not keep it.
pub(crate) struct Handles(Weak<dyn Any + Send + Sync>);

impl Handles {
    pub(super) fn of<T: Send + Sync + 'static>(shared: &Arc<T>) -> Self {
        let shared: Weak<T> = Arc::downgrade(shared);
        Self(shared)
    }

    #[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
    pub(crate) fn are_left(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Keeps the limit from leaving; `None` if it has left, or does so now. No lock may be held when this is
    /// dropped.
    pub(super) fn hold(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.0.upgrade()
    }
}
