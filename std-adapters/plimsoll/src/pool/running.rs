//! A job in hand.

use std::sync::Arc;

use plimsoll_core::pool::SlotId;

use super::hands::Holding;
use super::live::Built;
use super::manager::Manager;
use super::shared::Shared;
use super::work::Job;

/// A job in hand. Dropped undone, as by a runtime that goes, it gives back what it holds.
pub(super) struct Running<M: Manager> {
    pub(super) shared: Arc<Shared<M>>,
    job: Option<Job<M>>,
    slot: SlotId,
    is_ended: bool,
}

impl<M: Manager> Running<M> {
    pub(super) fn new(shared: Arc<Shared<M>>, job: Job<M>) -> Self {
        let slot = job.slot();
        Self { shared, job: Some(job), slot, is_ended: false }
    }

    /// Does it, if it is a retirement.
    ///
    /// # Returns
    /// What a build is in the name of: the caller does it, and [`finish`](Self::finish) ends it.
    pub(super) fn begin(&mut self) -> Option<Holding> {
        match self.job.take()? {
            Job::Retire(doomed) => {
                self.shared.retire(doomed);
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
    /// Whether whoever did it is to do the next: not if it was given up, and replaced.
    pub(super) fn end(mut self) -> bool {
        self.is_ended = true;
        self.shared.work.on_end(self.slot)
    }
}

impl<M: Manager> Drop for Running<M> {
    fn drop(&mut self) {
        if self.is_ended {
            return;
        }
        // Nobody else is left to do what is still in line.
        let mut next = self.job.take();
        if next.is_none() {
            self.shared.work.on_end(self.slot);
        }
        while let Some(job) = next {
            let slot = job.slot();
            match job {
                Job::Build(building) => self.shared.on_cancelled(building),
                Job::Retire(doomed) => self.shared.retire(doomed),
            }
            self.shared.work.on_end(slot);
            next = self.shared.work.start();
        }
    }
}
