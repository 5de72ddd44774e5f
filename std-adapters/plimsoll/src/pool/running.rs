//! A job in hand.

use std::sync::Arc;

use super::background;
use super::manager::Manager;
use super::shared::Shared;
use super::work::Job;

/// A job in hand. Dropped undone, as by a runtime that goes, it gives back what it holds.
pub(super) struct Running<M: Manager> {
    pub(super) shared: Arc<Shared<M>>,
    job: Option<Job<M>>,
    is_build: bool,
}

impl<M: Manager> Running<M> {
    pub(super) fn new(shared: Arc<Shared<M>>, job: Job<M>) -> Self {
        let is_build = matches!(job, Job::Build(_));
        Self { shared, job: Some(job), is_build }
    }

    /// Does it, if it is a retirement.
    ///
    /// # Returns
    /// Whether it is a build: the caller does it, and [`finish`](Self::finish) ends it.
    pub(super) fn begin(&mut self) -> bool {
        match self.job.take() {
            Some(Job::Retire(doomed)) => {
                self.shared.retire(doomed);
                false
            }
            job => {
                self.job = job;
                self.job.is_some()
            }
        }
    }

    /// A build has ended.
    pub(super) fn finish(&mut self, outcome: background::Built<M>) {
        if let Some(Job::Build(building)) = self.job.take() {
            self.shared.on_built(building, outcome);
        }
    }
}

impl<M: Manager> Drop for Running<M> {
    fn drop(&mut self) {
        let Some(mut job) = self.job.take() else {
            return self.shared.work.on_end(self.is_build);
        };
        // Nobody else is left to do what is still in line.
        loop {
            let is_build = matches!(job, Job::Build(_));
            match job {
                Job::Build(building) => self.shared.on_cancelled(building),
                Job::Retire(doomed) => self.shared.retire(doomed),
            }
            self.shared.work.on_end(is_build);
            match self.shared.work.start() {
                Some(next) => job = next,
                None => return,
            }
        }
    }
}
