//! Handles of a running publisher, which ends when they are dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll::Subscription;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::outbox::Outbox;
use super::publisher::Publisher;
use super::shared::Shared;
use super::states;
use super::stats::{Board, PublisherStats};
use super::worker;
use crate::error::FleetError;
use crate::thread::RuntimeThread;

/// How long dropping a [`PublishingThread`] waits for the server.
const FAREWELL: Duration = Duration::from_secs(1);

/// A publisher that runs as a task, until this is dropped.
///
/// Dropping it sends nothing more; [`close`](Self::close) sends what there is first.
#[must_use = "dropping it stops the publisher"]
pub struct Publishing {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    _subscription: Subscription,
}

/// A publisher on a thread of its own, until this is dropped.
///
/// Dropping it sends what there is for up to a second.
#[must_use = "dropping it stops the publisher"]
pub struct PublishingThread {
    shared: Arc<Shared>,
    _thread: RuntimeThread,
}

impl Publisher {
    /// Publishes as a task of this runtime of tokio, which needs its timers and its I/O.
    ///
    /// It returns at once: the server is connected in the background, as often as it takes.
    ///
    /// # Errors
    /// Settings out of range, no random bytes, or [`FleetError::Start`] outside of a runtime.
    pub fn spawn(self) -> Result<Publishing, FleetError> {
        let handle = Handle::try_current();
        let handle = handle.map_err(|why| FleetError::Start { why: why.to_string() })?;
        let (shared, subscription, run) = self.parts()?;
        Ok(Publishing { shared, task: handle.spawn(run), _subscription: subscription })
    }

    /// Publishes on a thread of its own: for hosts without a runtime.
    ///
    /// # Errors
    /// As for [`spawn`](Self::spawn), and [`FleetError::Start`] if no thread could be started.
    pub fn spawn_thread(self) -> Result<PublishingThread, FleetError> {
        let (shared, subscription, run) = self.parts()?;
        let its = shared.clone();
        let thread = RuntimeThread::spawn("plimsoll-fleet", move |runtime, stopped| {
            let task = runtime.spawn(run);
            let until = async {
                // An error is a guard that was dropped, too.
                _ = stopped.await;
                let publishing = Publishing { shared: its, task, _subscription: subscription };
                publishing.close(FAREWELL).await;
            };
            runtime.block_on(until);
            // A function of the host that a snapshot asked may never return.
            runtime.shutdown_timeout(FAREWELL);
        })?;
        Ok(PublishingThread { shared, _thread: thread })
    }

    fn parts(
        self,
    ) -> Result<(Arc<Shared>, Subscription, impl Future<Output = ()> + Send), FleetError> {
        self.check()?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| FleetError::Random)?;
        let shared =
            Shared { outbox: Outbox::new(self.buffer), board: Board::new(), asked: Notify::new() };
        let shared = Arc::new(shared);
        let its = shared.clone();
        // It is told first what is raised and silent now.
        let subscription =
            self.registry.subscribe_with_current(move |event| its.outbox.push(event));
        let run = worker::run(self, u64::from_le_bytes(random), shared.clone());
        Ok((shared, subscription, run))
    }
}

impl Shared {
    fn stats(&self) -> PublisherStats {
        let now = self.board.now();
        PublisherStats {
            counts: states::counts(self),
            waiting: self.outbox.counts().0,
            is_open: now.is_open(),
            problem: now.problem(),
        }
    }

    /// Waits until all events up to now are acknowledged, and a state that is made from now on.
    async fn flush(&self) {
        let mut changed = self.board.watch();
        let before = self.board.now().counts.states;
        // One that is being made may have been made before the call.
        while self.board.now().counts.states < before + 2 || !self.outbox.is_empty() {
            self.asked.notify_one();
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Publishing {
    /// How the publisher is doing.
    pub fn stats(&self) -> PublisherStats {
        self.shared.stats()
    }

    /// Waits until the server has acknowledged all events that there are, and a state of now.
    ///
    /// It waits for as long as the server is away: give it a time-out.
    ///
    /// # Cancellation
    /// A cancelled call loses nothing.
    pub async fn flush(&self) {
        self.shared.flush().await;
    }

    /// Sends what there is, for up to `patience`, and ends.
    ///
    /// # Returns
    /// How it was doing at the end.
    pub async fn close(self, patience: Duration) -> PublisherStats {
        _ = tokio::time::timeout(patience, self.flush()).await;
        self.stats()
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl PublishingThread {
    /// How the publisher is doing.
    pub fn stats(&self) -> PublisherStats {
        self.shared.stats()
    }
}

impl fmt::Debug for Publishing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Publishing").field(&self.stats()).finish()
    }
}

impl fmt::Debug for PublishingThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublishingThread").field(&self.stats()).finish()
    }
}
