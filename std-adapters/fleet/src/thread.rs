//! A thread with a runtime of its own, which ends with its handle.

use std::io;
use std::thread::{Builder, JoinHandle};

use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

use crate::error::FleetError;

/// The handle of the thread. Dropping it asks the thread to stop, and waits for it.
pub(crate) struct RuntimeThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Ready once the handle is dropped, with an error.
pub(crate) type Stopped = oneshot::Receiver<()>;

impl RuntimeThread {
    /// Starts a thread that runs `run`, which ends soon after it is stopped.
    ///
    /// # Errors
    /// [`FleetError::Start`].
    pub(crate) fn spawn(
        name: &str,
        run: impl FnOnce(Runtime, Stopped) + Send + 'static,
    ) -> Result<Self, FleetError> {
        let start = |why: io::Error| FleetError::Start { why: why.to_string() };
        let (stop, stopped) = oneshot::channel();
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(start)?;
        let thread = Builder::new().name(name.into()).spawn(move || run(runtime, stopped));
        Ok(Self { stop: Some(stop), thread: Some(thread.map_err(start)?) })
    }
}

impl Drop for RuntimeThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}
