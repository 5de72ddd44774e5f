//! The keep-alive of the guests: one watcher for all, a heartbeat for each run.

use std::time::Duration;

use plimsoll::Registry;
use plimsoll::keepalive::{KeepAlive, Watch, WatchError, Watcher, WatcherError};

use crate::plans::{INSTANCES_MAX, Plan};
use crate::silences::Silences;

/// How finely silence is told. The windows are ten times that, so that a busy machine, which
/// steps late, is not taken for one that stands still.
const TICK: Duration = Duration::from_millis(40);

/// Hands out heartbeats. Clones are handles to the same watcher.
#[derive(Clone)]
pub(crate) struct Heartbeats {
    watcher: Watcher,
    silences: Silences,
}

impl Heartbeats {
    /// A watcher that tells `registry`, from where `silences` learns of it.
    ///
    /// # Errors
    /// A registry that is full.
    pub(crate) fn new(registry: &Registry, silences: Silences) -> Result<Self, WatcherError> {
        let watcher = Watcher::builder().tick(TICK).capacity(INSTANCES_MAX as usize);
        Ok(Self { watcher: watcher.build(registry)?, silences })
    }

    pub(crate) fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    pub(crate) fn silences(&self) -> &Silences {
        &self.silences
    }

    /// Watches the run of that number from now on.
    ///
    /// # Errors
    /// A watcher that watches as many runs as it can.
    pub(crate) fn watch(&self, plan: &Plan, number: u64) -> Result<Heartbeat, WatchError> {
        let run = format!("run-{number}");
        let watch = Watch::new(plan.name, run.clone()).window(plan.window);
        let watch = watch.late_after(plan.late_after).rearming();
        let keep_alive = self.watcher.watch(watch)?;
        self.silences.begin(plan.name, &run);
        Ok(Heartbeat { keep_alive, guest: plan.name, run, silences: self.silences.clone() })
    }
}

/// One run that is watched, for as long as this lives.
pub(crate) struct Heartbeat {
    keep_alive: KeepAlive,
    guest: &'static str,
    run: String,
    silences: Silences,
}

impl Heartbeat {
    /// The guest gives a frame or asks for one. As long as the host keeps it waiting with that, it
    /// cannot beat and need not.
    pub(crate) fn on_frame(&self) -> Waiting<'_> {
        self.keep_alive.notify();
        self.keep_alive.pause();
        Waiting(&self.keep_alive)
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.silences.end(self.guest, &self.run);
    }
}

/// A guest that waits for the host. The window begins anew when this is dropped.
#[must_use = "dropping it ends the wait"]
pub(crate) struct Waiting<'a>(&'a KeepAlive);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.resume();
    }
}
