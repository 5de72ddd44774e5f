//! The hold of a host on one run that is watched.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use plimsoll_core::{Pulse, SlotKey, Tick};

use super::silence::Silence;
use super::step::Awaited;
use super::watcher::Shared;

/// One run of a guest that is watched, for as long as this lives.
///
/// Any number of threads may [`notify`](Self::notify) through a shared reference or an `Arc`.
/// Dropping it ends the run cleanly: it is not told of again.
#[must_use = "dropping it ends the watch"]
pub struct KeepAlive {
    shared: Arc<Shared>,
    key: SlotKey,
}

impl KeepAlive {
    pub(super) fn new(shared: Arc<Shared>, key: SlotKey) -> Self {
        Self { shared, key }
    }

    /// The guest has given a sign of life: to be called on every frame. It has no effect during a
    /// [pause](Self::pause), nor on a one-shot run that was told silent.
    ///
    /// # Progress
    /// Wait-free: two loads, and one read-modify-write at most per tick. No lock, no clock. The
    /// beat that ends a silence leaves a notice to the watcher in a lock-free ring.
    #[inline]
    pub fn notify(&self) {
        let now = Tick::new(self.shared.tick());
        if self.shared.trackers[self.key.index()].notify(now).is_some() {
            self.shared.on_recovery(self.key);
        }
    }

    /// No beats are to be expected until [`resume`](Self::resume): the guest waits for its host, or
    /// has said that it is idle. Pauses do not add up.
    pub fn pause(&self) {
        // It is closed by its drop alone.
        let _ = self.shared.trackers[self.key.index()].pause();
    }

    /// Watching goes on, and the window begins anew. Of a run that was silent before its pause this
    /// is the recovery.
    pub fn resume(&self) {
        let now = Tick::new(self.shared.tick());
        if self.shared.trackers[self.key.index()].resume(now).is_some() {
            self.shared.on_recovery(self.key);
        }
    }

    /// Whether a silence was told and lasts: until the next beat of a rearming run, for ever of a
    /// one-shot run. During a pause it is not said.
    pub fn is_silent(&self) -> bool {
        let pulse = self.shared.trackers[self.key.index()].pulse();
        matches!(pulse, Pulse::Silent { .. } | Pulse::Spent)
    }

    /// Resolves with the silence that lasts, or else with the next one. It is told to the registry
    /// as well.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn silence(&self) -> Silence {
        let awaited = Arc::new(Awaited::default());
        let tracker = &self.shared.trackers[self.key.index()];
        let known = self.shared.table.lock().wait(self.key, tracker, &awaited);
        let silence = match known {
            Some(silence) => silence,
            None => {
                poll_fn(|context| {
                    let mut waker = Some(context.waker().clone());
                    let mut slot = awaited.0.lock();
                    match slot.0.take() {
                        Some(silence) => Poll::Ready(silence),
                        None => {
                            // The old one is dropped after the lock.
                            std::mem::swap(&mut slot.1, &mut waker);
                            Poll::Pending
                        }
                    }
                })
                .await
            }
        };
        (*silence).clone()
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        self.shared.trackers[self.key.index()].close();
        self.shared.leave(self.key);
    }
}

impl fmt::Debug for KeepAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pulse = self.shared.trackers[self.key.index()].pulse();
        f.debug_struct("KeepAlive").field("slot", &self.key).field("pulse", &pulse).finish()
    }
}
