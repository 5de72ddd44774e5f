//! The thread of deferred delivery.

use std::fmt;
use std::io;
use std::time::Duration;

use super::Registry;
use crate::sync::thread;
use crate::worker::Worker;

/// A thread that calls [`Registry::deliver`] at an interval for as long as this lives.
///
/// Dropping it lets the thread deliver once more and waits for it, except when the drop happens in
/// a subscriber on that very thread. It keeps the registry alive.
#[must_use = "dropping it stops the delivery"]
pub struct DeliveryThread {
    _worker: Worker,
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
        let worker = Worker::spawn("plimsoll-delivery", move |stop| {
            while !stop.is_set() {
                registry.deliver();
                // A subscriber that parks may have taken the wake-up that comes with it.
                if !stop.is_set() {
                    thread::park_timeout(interval);
                }
            }
            // What was emitted before the guard was dropped.
            registry.deliver();
        })?;
        Ok(Self { _worker: worker })
    }
}

impl fmt::Debug for DeliveryThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryThread").finish_non_exhaustive()
    }
}
