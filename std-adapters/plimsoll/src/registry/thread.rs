//! A thread that delivers.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Registry;

/// A thread that calls [`Registry::deliver`] at an interval for as long as this lives.
///
/// Dropping it lets the thread deliver once more and waits for it, except when the drop happens in
/// a subscriber on that very thread. It keeps the registry alive.
#[must_use = "dropping it stops the delivery"]
pub struct DeliveryThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Registry {
    /// Starts a thread that delivers at an interval, for as long as the returned guard lives.
    ///
    /// # Errors
    /// An interval of zero, or what the operating system says against another thread.
    pub fn spawn_delivery(&self, interval: Duration) -> io::Result<DeliveryThread> {
        DeliveryThread::spawn(self.clone(), interval)
    }
}

impl DeliveryThread {
    fn spawn(registry: Registry, interval: Duration) -> io::Result<Self> {
        if interval.is_zero() {
            let message = "the interval of delivery is above zero";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let run = move || {
            // Acquire: what was emitted before the guard was dropped is delivered below.
            while !stopped.load(Ordering::Acquire) {
                registry.deliver();
                thread::park_timeout(interval);
            }
            registry.deliver();
        };
        let thread = thread::Builder::new().name("plimsoll-delivery".into()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for DeliveryThread {
    fn drop(&mut self) {
        // Release: pairs with the load of the thread.
        self.stop.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        if thread.thread().id() != thread::current().id() {
            // It cannot have panicked: `deliver` contains what subscribers do.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for DeliveryThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryThread").finish_non_exhaustive()
    }
}
