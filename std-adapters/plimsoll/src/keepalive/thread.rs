//! A thread that watches.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use super::step::Step;
use super::watcher::Watcher;
use crate::park::thread_waker;

/// A thread that drives a [`Watcher`] for as long as this lives.
///
/// Dropping it stops the thread and waits for it, except when the drop happens in a subscriber on
/// that very thread.
#[must_use = "dropping it stops the watch"]
pub struct WatcherThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts a thread that drives the watch, for a host without tokio.
    ///
    /// # Errors
    /// What the operating system says against another thread.
    pub fn spawn_thread(&self) -> io::Result<WatcherThread> {
        let stop = Arc::new(AtomicBool::new(false));
        let (watcher, stopped) = (self.clone(), stop.clone());
        let run = move || drive(&watcher, &stopped);
        let thread = thread::Builder::new().name("plimsoll-keepalive".into()).spawn(run)?;
        Ok(WatcherThread { stop, thread: Some(thread) })
    }
}

fn drive(watcher: &Watcher, stopped: &AtomicBool) {
    let waker = thread_waker();
    // Relaxed: only to stop.
    while !stopped.load(Ordering::Relaxed) {
        match watcher.step() {
            // A subscriber that parks may have taken the wake-up that comes with it.
            _ if stopped.load(Ordering::Relaxed) => return,
            Step::Wait(time) => thread::park_timeout(time),
            Step::Again => thread::yield_now(),
            Step::Idle => {
                let mut somebody = pin!(watcher.somebody());
                let polled = somebody.as_mut().poll(&mut Context::from_waker(&waker));
                if polled == Poll::Pending {
                    thread::park();
                }
            }
        }
    }
}

impl Drop for WatcherThread {
    fn drop(&mut self) {
        // Relaxed: only to stop.
        self.stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        if thread.thread().id() != thread::current().id() {
            // It can not have panicked: the registry contains what subscribers do.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for WatcherThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatcherThread").finish_non_exhaustive()
    }
}
