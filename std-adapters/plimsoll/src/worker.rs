//! A thread that ends with its handle.

use std::io;
use std::sync::Arc;

use crate::sync::{
    AtomicBool, Ordering,
    thread::{self, JoinHandle},
};

/// The handle of a thread. Dropping it asks the thread to stop, unparks it and waits for it, except
/// when the drop happens on that very thread: in a subscriber, for instance.
pub(crate) struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread sees of its handle.
pub(crate) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Whether the handle is gone. What was done before it was dropped is visible then.
    pub(crate) fn is_set(&self) -> bool {
        // Acquire: pairs with the store of the drop.
        self.0.load(Ordering::Acquire)
    }
}

impl Worker {
    /// Starts a thread that runs `run` until it finds the flag set. `run` contains the panics of the
    /// user's code.
    pub(crate) fn spawn(
        name: &str,
        run: impl FnOnce(StopFlag) + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = StopFlag(stop.clone());
        let thread = thread::Builder::new().name(name.into()).spawn(move || run(flag))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Release: pairs with the load of the thread.
        self.stop.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        if thread.thread().id() != thread::current().id() {
            // It cannot have panicked: what users' code does is contained.
            let _ = thread.join();
        }
    }
}
