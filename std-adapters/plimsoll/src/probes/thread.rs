//! The thread that samples.

use std::fmt;
use std::io;

use super::Probes;
use crate::contain::contain;
use crate::sync::thread;
use crate::worker::Worker;

/// A thread that calls [`Probes::sample`] once a period, for as long as this lives.
///
/// Dropping it stops the thread and waits for the sample that it is at, except when the drop
/// happens in a subscriber on that very thread. It keeps the probes listed.
#[must_use = "dropping it stops the samples"]
pub struct SamplerThread {
    _worker: Worker,
}

impl Probes {
    /// Starts the thread, which samples at once and then once a
    /// [period](super::ProbesBuilder::period).
    ///
    /// # Errors
    /// What the operating system says against another thread.
    pub fn spawn_thread(&self) -> io::Result<SamplerThread> {
        let probes = self.clone();
        let worker = Worker::spawn("plimsoll-probes", move |stop| {
            while !stop.is_set() {
                // A collector of `tracing` may panic at an error.
                contain(|| probes.sample());
                // A subscriber may have dropped the handle, and taken the wake-up that comes with
                // it.
                if stop.is_set() {
                    return;
                }
                thread::park_timeout(probes.period());
            }
        })?;
        Ok(SamplerThread { _worker: worker })
    }
}

impl fmt::Debug for SamplerThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SamplerThread").finish_non_exhaustive()
    }
}
