//! The handle of one watched run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::keepalive::{Pulse, SlotKey, Tick, Tracker};

use super::shared::Shared;
use super::watch::split;
use crate::sync::OnceLock;
use crate::telemetry::Silence;

/// One run of a guest that is watched, for as long as this or a clone of it lives.
///
/// Clones are handles to the same run, at the cost of two counts. Any number of threads may
/// [`notify`](Self::notify) through one of them or through clones. Dropping the last one ends the
/// run cleanly: it is not reported again.
///
/// # Invariants
/// - LIVE-10: pauses count. A run is watched again when the last of several ends, by whichever way
///   its [guard](Self::pause_guard) is dropped.
/// - LIVE-12: its [age](Self::age), window and ids can be asked at any time, without a driver.
#[must_use = "dropping it ends the watch"]
pub struct KeepAlive {
    shared: Arc<Shared>,
    key: SlotKey,
    window: Duration,
    /// Both ids, fetched when asked for: a million handles need no copies.
    ids: OnceLock<Arc<str>>,
}

impl KeepAlive {
    /// The first handle of a run.
    pub(super) fn new(shared: Arc<Shared>, key: SlotKey, window: Duration) -> Self {
        shared.handles.begin(key.index());
        Self { shared, key, window, ids: OnceLock::new() }
    }

    #[inline]
    fn tracker(&self) -> &Tracker {
        &self.shared.trackers[self.key.index()]
    }

    /// The guest has given a sign of life: to be called on every frame. It has no effect during a
    /// [pause](Self::pause), nor on a one-shot run that was reported silent.
    ///
    /// # Progress
    /// Wait-free: two loads, and one read-modify-write at most per tick. No lock, no clock. The
    /// notification that ends a silence leaves a record for the watcher in a lock-free ring.
    #[inline]
    pub fn notify(&self) {
        let now = Tick::new(self.shared.tick());
        if self.tracker().notify(now).is_some() {
            self.shared.on_recovery(self.key);
        }
    }

    /// No notifications are to be expected until [`resume`](Self::resume), once for each pause. A
    /// [guard](Self::pause_guard) does that by itself, also when a future is cancelled.
    ///
    /// A count of 65,534 stays there, and the run is watched no more.
    ///
    /// # Progress
    /// Lock-free.
    pub fn pause(&self) {
        // It is closed by its drop alone.
        let _ = self.tracker().pause();
    }

    /// Ends one pause. With the last one watching goes on, and the window begins anew; of a run
    /// that was silent before its pauses this is the recovery. Without a pause it has no effect.
    ///
    /// # Progress
    /// Lock-free.
    pub fn resume(&self) {
        let now = Tick::new(self.shared.tick());
        if self.tracker().resume(now).is_some() {
            self.shared.on_recovery(self.key);
        }
    }

    /// Whether a pause holds.
    pub fn is_paused(&self) -> bool {
        matches!(self.tracker().pulse(), Pulse::Paused { .. })
    }

    /// Whether a silence was reported and lasts: until the next notification of a rearming run, for
    /// ever of a one-shot run. During a pause it is not said.
    pub fn is_silent(&self) -> bool {
        matches!(self.tracker().pulse(), Pulse::Silent { .. } | Pulse::Spent)
    }

    /// The guest's id.
    pub fn guest_id(&self) -> &str {
        self.ids().0
    }

    /// The run's id.
    pub fn run_id(&self) -> &str {
        self.ids().1
    }

    /// How long the guest may be without a notification.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// The time since the last notification, the end of the last pause or the beginning, by the
    /// watcher's clock as it is now: no driver is needed. It is too long by a tick at most, or by
    /// as much as the driver is late: a notification is not older than it says. Stalls of the host
    /// are in it.
    ///
    /// Of a one-shot run that was reported silent it is the time since the last notification before
    /// that.
    ///
    /// # Progress
    /// It asks the clock, and takes the watcher's lock for a few steps.
    pub fn age(&self) -> Duration {
        self.shared.age(self.key)
    }

    fn ids(&self) -> (&str, &str) {
        split(self.ids.get_or_init(|| self.shared.ids(self.key)))
    }

    /// Resolves with the silence that lasts, or else with the next one. It is reported to the
    /// registry as well.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn silence(&self) -> Silence {
        let known = self.shared.table.lock().wait(self.key, self.tracker());
        let silence = match known {
            Ok(silence) => silence,
            Err(awaited) => awaited.wait().await,
        };
        (*silence).clone()
    }
}

impl Clone for KeepAlive {
    fn clone(&self) -> Self {
        self.shared.handles.add(self.key.index());
        let Self { shared, key, window, ids } = self;
        Self { shared: shared.clone(), key: *key, window: *window, ids: ids.clone() }
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        if self.shared.handles.remove(self.key.index()) {
            self.tracker().close();
            self.shared.leave(self.key);
        }
    }
}

impl fmt::Debug for KeepAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pulse = self.tracker().pulse();
        f.debug_struct("KeepAlive").field("slot", &self.key).field("pulse", &pulse).finish()
    }
}
