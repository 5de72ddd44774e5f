//! The thread of a watcher.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::step::Step;
use super::watcher::Watcher;
use crate::park::thread_waker;
use crate::sync::{
    AtomicBool, Ordering,
    thread::{self, JoinHandle, Thread},
};

/// A thread that drives a [`Watcher`] for as long as this lives.
///
/// Dropping it stops the thread and waits for it, except when the drop happens in a subscriber on
/// that very thread. With tokio's clock it is a task, which is aborted and not waited for.
#[must_use = "dropping it stops the watch"]
pub struct WatcherThread(Driver);

enum Driver {
    Thread {
        /// `None` only while this is being dropped.
        stop: Option<Stop>,
        thread: Option<JoinHandle<()>>,
    },
    /// Of the runtime whose clock the watcher goes by.
    #[cfg(feature = "tokio")]
    Task(tokio::task::JoinHandle<std::convert::Infallible>),
}

/// Stops a thread when it is dropped, and does not wait for it.
pub(super) struct Stop {
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl Drop for Stop {
    fn drop(&mut self) {
        // Relaxed: only to stop.
        self.stop.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

impl Watcher {
    /// Starts a thread that drives the watch: the driver for most hosts, since nothing else that
    /// they do can hold it up.
    ///
    /// If the watcher's clock can only be waited for by a tokio runtime, as
    /// [`TokioClock`](super::TokioClock), it is a task of the runtime in which the watcher was
    /// built.
    ///
    /// # Errors
    /// What the operating system says against another thread.
    pub fn spawn_thread(&self) -> io::Result<WatcherThread> {
        #[cfg(feature = "tokio")]
        if let Some(runtime) = self.0.runtime() {
            let watcher = self.clone();
            let task = runtime.spawn(async move { watcher.run_on_timers().await });
            return Ok(WatcherThread(Driver::Task(task)));
        }
        let (stop, thread) = self.start_thread(|drive| drive())?;
        Ok(WatcherThread(Driver::Thread { stop: Some(stop), thread: Some(thread) }))
    }

    /// Starts a thread that calls what it is given from `within`, where subscribers run too.
    pub(super) fn start_thread(
        &self,
        within: impl FnOnce(&dyn Fn()) + Send + 'static,
    ) -> io::Result<(Stop, JoinHandle<()>)> {
        let stop = Arc::new(AtomicBool::new(false));
        let (watcher, stopped) = (self.clone(), stop.clone());
        let run = move || within(&|| drive(&watcher, &stopped));
        let thread = thread::Builder::new().name("plimsoll-keepalive".into()).spawn(run)?;
        Ok((Stop { stop, thread: thread.thread().clone() }, thread))
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
            // To yield would cost whole time slices on a busy machine (LIVE-8).
            Step::Again => {}
            Step::Idle => {
                let mut until_watched = pin!(watcher.until_watched());
                let polled = until_watched.as_mut().poll(&mut Context::from_waker(&waker));
                if polled == Poll::Pending {
                    thread::park();
                }
            }
        }
    }
}

impl Drop for WatcherThread {
    fn drop(&mut self) {
        match &mut self.0 {
            Driver::Thread { stop, thread } => {
                *stop = None;
                let thread = thread.take().filter(|of| of.thread().id() != thread::current().id());
                // It cannot have panicked: what users' code does is contained.
                let _ = thread.map(JoinHandle::join);
            }
            #[cfg(feature = "tokio")]
            Driver::Task(task) => task.abort(),
        }
    }
}

impl fmt::Debug for WatcherThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatcherThread").finish_non_exhaustive()
    }
}
