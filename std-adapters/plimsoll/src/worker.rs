//! A thread that ends with its handle.

use std::io;
use std::sync::Arc;

use crate::sync::{
    AtomicBool, Ordering,
    thread::{self, JoinHandle, Thread},
};

/// The handle of a thread. Dropping it asks the thread to stop and waits for it, except when the drop
/// happens on that very thread: in a subscriber, for instance.
pub(crate) struct Worker {
    /// `None` only while this is being dropped.
    stop: Option<Stop>,
    thread: Option<JoinHandle<()>>,
}

/// Asks a thread to stop when it is dropped, unparks it, and does not wait for it.
pub(crate) struct Stop {
    flag: Arc<AtomicBool>,
    thread: Thread,
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
    /// As [`Stop::spawn`].
    pub(crate) fn spawn(
        name: &str,
        run: impl FnOnce(&StopFlag) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, thread) = Stop::spawn(name, run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Stop {
    /// Starts a thread that runs `run` until it finds the flag set. `run` contains the panics of the
    /// user's code.
    pub(crate) fn spawn(
        name: &str,
        run: impl FnOnce(&StopFlag) + Send + 'static,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let flag = Arc::new(AtomicBool::new(false));
        let seen = StopFlag(flag.clone());
        let thread = thread::Builder::new().name(name.into()).spawn(move || run(&seen))?;
        Ok((Self { flag, thread: thread.thread().clone() }, thread))
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        // Release: pairs with the load of the thread.
        self.flag.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop = None;
        let other = |thread: &JoinHandle<()>| thread.thread().id() != thread::current().id();
        if let Some(thread) = self.thread.take().filter(other) {
            // It cannot have panicked: what users' code does is contained.
            let _ = thread.join();
        }
    }
}
