//! A reader on a thread of its own.

use std::fmt;

use super::heard::{Connection, Heard};
use super::live::LiveView;
use super::read::FleetReader;
use crate::error::FleetError;
use crate::thread::RuntimeThread;

/// A reader that feeds a [`LiveView`] on a thread of its own, until this is dropped.
#[must_use = "dropping it stops the reader"]
pub struct ReaderThread {
    _thread: RuntimeThread,
}

impl LiveView {
    /// Feeds the view from a reader on a thread of its own: for programs without a runtime. What ends
    /// the reader is what the [`connection`](Self::connection) says from then on.
    ///
    /// # Errors
    /// [`FleetError::Start`] if no thread could be started.
    pub fn spawn_thread(&self, reader: FleetReader) -> Result<ReaderThread, FleetError> {
        let view = self.clone();
        let thread = RuntimeThread::spawn("plimsoll-reader", move |runtime, stopped| {
            let mut ended = Ended { view: &view, why: FleetError::Stopped };
            runtime.block_on(async {
                tokio::select! {
                    error = ended.view.follow(reader) => match error {
                        Ok(never) => match never {},
                        Err(error) => ended.why = error,
                    },
                    // An error is a guard that was dropped, too.
                    _ = stopped => {}
                }
            });
            drop(ended);
            // No task of it blocks: those that are left are dropped.
            runtime.shutdown_background();
        })?;
        Ok(ReaderThread { _thread: thread })
    }
}

/// Says in the view that its reader has ended, also if that panics.
struct Ended<'v> {
    view: &'v LiveView,
    why: FleetError,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let lost = Connection::Lost { why: self.why.clone(), again_in: None };
        self.view.on_heard(Heard::Connection(lost));
    }
}

impl fmt::Debug for ReaderThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderThread").finish_non_exhaustive()
    }
}
