//! The thread of a watcher.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use super::step::Step;
use super::watcher::Watcher;
use crate::park::thread_waker;
use crate::sync::thread;
#[cfg(feature = "tokio")]
use crate::worker::Stop;
use crate::worker::{StopFlag, Worker};

const NAME: &str = "plimsoll-keepalive";

/// A thread that drives a [`Watcher`] for as long as this lives.
///
/// Dropping it stops the thread and waits for it, except when the drop happens in a subscriber on
/// that very thread. With tokio's clock it is a task, which is aborted and not waited for.
#[must_use = "dropping it stops the watch"]
pub struct WatcherThread {
    _driver: Driver,
}

enum Driver {
    Thread {
        _worker: Worker,
    },
    /// Of the runtime whose clock the watcher goes by.
    #[cfg(feature = "tokio")]
    Task(tokio::task::JoinHandle<std::convert::Infallible>),
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
            return Ok(WatcherThread { _driver: Driver::Task(task) });
        }
        let watcher = self.clone();
        let worker = Worker::spawn(NAME, move |stop| watcher.drive(stop))?;
        Ok(WatcherThread { _driver: Driver::Thread { _worker: worker } })
    }

    /// Starts a thread that drives the watch in the context of `runtime`, where subscribers run too. It
    /// stops when what this returns is dropped, which does not wait for it.
    #[cfg(feature = "tokio")]
    pub(super) fn start_thread(&self, runtime: Option<tokio::runtime::Handle>) -> io::Result<Stop> {
        let watcher = self.clone();
        let (stop, _) = Stop::spawn(NAME, move |stop| {
            let _entered = runtime.as_ref().map(|runtime| runtime.enter());
            watcher.drive(stop);
        })?;
        Ok(stop)
    }

    /// Drives the watch on the calling thread until it is to stop.
    fn drive(&self, stop: &StopFlag) {
        let waker = thread_waker();
        while !stop.is_set() {
            match self.step() {
                // A subscriber that parks may have taken the wake-up that comes with it.
                _ if stop.is_set() => return,
                Step::Wait(time) => thread::park_timeout(time),
                // To yield would cost whole time slices on a busy machine (LIVE-8).
                Step::Again => {}
                Step::Idle => {
                    let mut until_watched = pin!(self.until_watched());
                    let polled = until_watched.as_mut().poll(&mut Context::from_waker(&waker));
                    if polled == Poll::Pending {
                        thread::park();
                    }
                }
            }
        }
    }
}

#[cfg(feature = "tokio")]
impl Drop for Driver {
    fn drop(&mut self) {
        if let Self::Task(task) = self {
            task.abort();
        }
    }
}

impl fmt::Debug for WatcherThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatcherThread").finish_non_exhaustive()
    }
}
