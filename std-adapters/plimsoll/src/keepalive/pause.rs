//! A guard that pauses the watch of a run.

use std::fmt;

use super::handle::KeepAlive;

/// Holds the watch of one run for as long as it lives: the guest waits for its host, or has said
/// that it is idle.
///
/// Several count: the run is watched again, with a new window, when the last of them is dropped
/// (LIVE-10). A future that is cancelled drops its guard, and so ends its pause. A guard keeps its
/// run watched, as a clone of the [`KeepAlive`] does.
///
/// # Example
/// ```
/// # use plimsoll::{Registry, keepalive::{KeepAlive, Watch, Watcher}};
/// async fn host_call(guest: &KeepAlive) -> u32 {
///     let _pause = guest.pause_guard(); // ends however this call does
///     ask_another_service().await
/// }
/// # async fn ask_another_service() -> u32 { 7 }
/// # let watcher = Watcher::builder().build(&Registry::new())?;
/// # let guest = watcher.watch(Watch::new("guest-7", "run-1"))?;
/// # let call = host_call(&guest);
/// # drop(call);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it ends the pause at once"]
pub struct PauseGuard(KeepAlive);

impl KeepAlive {
    /// Holds the watch for as long as the guard lives: the guest waits for its host, or has said
    /// that it is idle. Pauses count: the run is watched again when the last one has ended.
    pub fn pause_guard(&self) -> PauseGuard {
        PauseGuard::new(self.clone())
    }
}

impl PauseGuard {
    pub(super) fn new(run: KeepAlive) -> Self {
        run.pause();
        Self(run)
    }
}

impl Drop for PauseGuard {
    fn drop(&mut self) {
        self.0.resume();
    }
}

impl fmt::Debug for PauseGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PauseGuard").field(&self.0).finish()
    }
}
