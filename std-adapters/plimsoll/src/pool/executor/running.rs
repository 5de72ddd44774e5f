//! A build or retirement while it is being done.

use std::sync::Arc;

use plimsoll_core::pool::{Building, SlotId};

use super::build::Built;
use super::contain::Contained;
use super::work::Job;
use crate::park::block_on;
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;
use crate::pool::store::{Holding, Retirement};

/// A job that is being done. Dropped undone, as by a runtime that goes, it gives back what it
/// holds.
pub(in crate::pool) struct Running<M: Manager> {
    pub(super) shared: Arc<Shared<M>>,
    job: Option<Job<M>>,
    slot: SlotId,
    is_ended: bool,
}

impl<M: Manager> Running<M> {
    pub(in crate::pool) fn new(shared: Arc<Shared<M>>, job: Job<M>) -> Self {
        let slot = job.slot();
        Self { shared, job: Some(job), slot, is_ended: false }
    }

    /// Does it, on the calling thread.
    ///
    /// # Returns
    /// Whether the thread is still one of those that work for the pool.
    pub(in crate::pool) fn run_blocking(mut self) -> bool {
        if let Some(holding) = self.begin() {
            let began = self.shared.config.clock.now();
            let outcome = self.build_blocking(holding);
            self.shared.on_end_of_build(began);
            self.finish(outcome);
        }
        self.end()
    }

    fn build_blocking(&self, holding: Holding) -> Built<M> {
        let shared = &*self.shared;
        let shell = shared.manager.new_shell();
        let create = || match Contained::new(|| shell.manager().create()) {
            Ok(future) => block_on(future, shared.config.build_timeout),
            Err(panicked) => Some(Err(panicked)),
        };
        let created = shared.store.call_in(holding, create);
        shared.built(created, shell)
    }

    #[cfg(feature = "tokio")]
    pub(super) async fn build_async(shared: &Shared<M>, holding: Holding) -> Built<M> {
        let shell = shared.manager.new_shell();
        let hands = &shared.store.cell(holding.slot).hands;
        hands.call(holding);
        let calling = Calling(hands);
        let created = match Contained::new(|| shell.manager().create()) {
            Ok(future) => match shared.config.build_timeout {
                Some(timeout) => tokio::time::timeout(timeout, future).await.ok(),
                None => Some(future.await),
            },
            Err(panicked) => Some(Err(panicked)),
        };
        drop(calling);
        shared.built(created, shell)
    }

    /// Does it, if it is a retirement.
    ///
    /// # Returns
    /// The slot of a build: the caller builds there, and [`finish`](Self::finish) ends it.
    pub(super) fn begin(&mut self) -> Option<Holding> {
        match self.job.take()? {
            Job::Retire(retirement) => {
                self.retire(retirement);
                None
            }
            Job::Build(building) => {
                let holding = Holding::from(&building);
                self.job = Some(Job::Build(building));
                Some(holding)
            }
        }
    }

    /// A build has ended.
    pub(super) fn finish(&mut self, outcome: Built<M>) {
        if let Some(Job::Build(building)) = self.job.take() {
            self.shared.on_built(building, outcome);
        }
    }

    /// It is done.
    ///
    /// # Returns
    /// Whether the same thread or task does the next job: not if it was given up, and replaced.
    pub(super) fn end(mut self) -> bool {
        self.is_ended = true;
        self.shared.work.on_end(self.slot)
    }

    /// Destroys an object; its slot is vacant.
    fn retire(&self, retirement: Retirement<M>) {
        let (condemned, instance) = retirement.destroy(&self.shared);
        // With the allocation goes its hold on the manager, before the slot is vacant.
        drop(instance);
        self.shared.decide(|scheduler, decision| scheduler.on_retired(condemned, decision));
    }

    /// A build was dropped by the runtime that drove it: there will be no further ones.
    fn cancel(&self, building: Building) {
        self.shared.close();
        self.shared.stats.failed.count();
        self.shared.decide(|scheduler, decision| scheduler.on_no_build(building, decision));
    }
}

impl<M: Manager> Drop for Running<M> {
    fn drop(&mut self) {
        if self.is_ended {
            return;
        }
        // Nobody else is left to do what is still queued.
        let mut next = self.job.take();
        if next.is_none() {
            self.shared.work.on_end(self.slot);
        }
        while let Some(job) = next {
            let slot = job.slot();
            match job {
                Job::Build(building) => self.cancel(building),
                Job::Retire(retirement) => self.retire(retirement),
            }
            self.shared.work.on_end(slot);
            next = self.shared.work.start();
        }
    }
}

/// A call of the manager that a task waits for. It ends when this is dropped.
#[cfg(feature = "tokio")]
struct Calling<'a>(&'a crate::pool::store::Hands);

#[cfg(feature = "tokio")]
impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.0.end_call();
    }
}
