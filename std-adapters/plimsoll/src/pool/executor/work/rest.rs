//! How a worker waits for jobs.

use std::time::Duration;

use super::{Job, Jobs, Work};
use crate::pool::locks::Guard;
use crate::pool::manager::Manager;

/// How long a worker waits before it looks again by itself.
const LINGER: Duration = Duration::from_micros(100);

impl<M: Manager> Work<M> {
    /// Waits for a job.
    ///
    /// `lingers` is set where checkouts build themselves. Then one of the workers that run out of jobs
    /// looks again after a moment, and sleeps only if there is nothing, or a whole batch: callers that
    /// use up the instances as fast as that keep them on their own processor. The others find instances
    /// ready, and need not wake anybody, which takes them longer than a lease.
    ///
    /// # Returns
    /// `None` once there will be nothing any more.
    pub(in crate::pool) fn wait(&self, lingers: bool) -> Option<Job<M>> {
        let mut jobs = self.jobs.lock();
        let mut may_linger = lingers;
        loop {
            if let Some(job) = jobs.start(self.builders, self.drops) {
                return Some(job);
            }
            if jobs.is_stopped {
                return None;
            }
            let is_awake = may_linger && jobs.lingerer.is_none() && self.linger(&mut jobs);
            may_linger = false;
            if !is_awake {
                // The thread that wakes it counts it out.
                jobs.idlers += 1;
                self.ready.wait(jobs.inner());
            }
        }
    }

    /// Waits for a moment.
    ///
    /// # Returns
    /// Whether the queue is to be looked at now.
    fn linger(&self, jobs: &mut Guard<'_, Jobs<M>>) -> bool {
        jobs.lingerings += 1;
        let this = Some(jobs.lingerings);
        jobs.lingerer = this;
        self.lingering.wait_for(jobs.inner(), LINGER);
        if jobs.lingerer != this {
            // It was woken. Another one may linger by now.
            return true;
        }
        jobs.lingerer = None;
        jobs.is_stopped || !jobs.builds.is_empty() || jobs.retirements.len() < self.batch()
    }
}
