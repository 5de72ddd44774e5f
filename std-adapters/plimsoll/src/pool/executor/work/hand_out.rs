//! How jobs are queued, and when a worker is woken for them.

use plimsoll_core::pool::Building;

use super::{Jobs, Work};
use crate::pool::config::Background;
use crate::pool::executor::background::replace_worker;
use crate::pool::locks::Guard;
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;
use crate::pool::store::Retirement;

impl<M: Manager> Work<M> {
    pub(in crate::pool) fn push_build(&self, shared: &Shared<M>, building: Building) {
        let mut jobs = self.jobs.lock();
        jobs.builds.push_back(building);
        let is_asleep = jobs.on_build();
        self.call(shared, jobs, false);
        if is_asleep {
            self.nudge();
        }
    }

    /// Queues a retirement. Waking a thread takes longer than a short lease, so one is woken only
    /// for a whole batch, if a checkout waits for the slot, or when the pool closes. Else the next
    /// tick does it.
    pub(in crate::pool) fn push_retirement(&self, shared: &Shared<M>, retirement: Retirement<M>) {
        let mut jobs = self.jobs.lock();
        jobs.retirements.push_back(retirement);
        // A checkout that waits from here on finds it in `hurry`, which comes after its arrival.
        let demand = shared.store.words.demand.look();
        if jobs.retirements.len() >= self.batch() || !demand.is_quiet() {
            // A worker that is awake may be busy for long, and a waiter cannot wait for a tick.
            self.call(shared, jobs, demand.waiting() > 0);
        }
    }

    /// Queues the retirement at the end of a lease.
    ///
    /// # Returns
    /// Whether it is left to a waiter, which is then to be given the slot: where checkouts build
    /// themselves, no worker is woken for that.
    #[must_use = "the slot is to be given to a waiter"]
    pub(in crate::pool) fn push_ended(
        &self,
        shared: &Shared<M>,
        retirement: Retirement<M>,
    ) -> bool {
        if !shared.inline.is_quick() {
            self.push_retirement(shared, retirement);
            return false;
        }
        let mut jobs = self.jobs.lock();
        jobs.retirements.push_back(retirement);
        // A checkout that waits from here on finds it in `take_retirement`, which comes after its
        // arrival.
        let demand = shared.store.words.demand.look();
        if demand.waiting() > 0 && !demand.is_closed() {
            return true;
        }
        if demand.is_closed() {
            self.call(shared, jobs, false);
        } else if jobs.retirements.len() >= self.batch() {
            // The clock is the user's code, and is not asked under the lock.
            drop(jobs);
            let now = shared.config.clock.now();
            let mut jobs = self.jobs.lock();
            if jobs.is_batch_due(now) {
                self.call(shared, jobs, false);
            }
        }
        false
    }

    /// Wakes a worker for what is queued, rather than wait for a batch or for a busy worker.
    pub(in crate::pool) fn hurry(&self, shared: &Shared<M>) {
        let jobs = self.jobs.lock();
        if jobs.len() > 0 {
            self.call(shared, jobs, true);
        }
    }

    /// Wakes a worker if one is needed. A worker that is awake takes the job as soon as a woken one
    /// would, unless it is busy for longer: that is what `is_urgent` is for.
    fn call(&self, shared: &Shared<M>, mut jobs: Guard<'_, Jobs<M>>, is_urgent: bool) {
        match &self.background {
            Background::Threads => {
                let asleep = jobs.idlers + usize::from(jobs.lingerer.is_some());
                let awake = self.builders + self.drops - asleep;
                if !is_urgent && jobs.len() <= awake {
                    return;
                }
                if jobs.idlers > 0 {
                    jobs.idlers -= 1;
                    drop(jobs);
                    self.ready.notify_one();
                } else if jobs.lingerer.take().is_some() {
                    drop(jobs);
                    self.lingering.notify_one();
                }
            }
            #[cfg(feature = "tokio")]
            Background::Tokio(handle) => {
                drop(jobs);
                crate::pool::executor::background::spawn_worker(handle, shared);
            }
            Background::Manual => {}
        }
        let _ = shared;
    }

    /// Gives up the job of a slot, which hangs; if the slot has none and `or_oldest` is set, the
    /// oldest job that others wait for. It blocks no other job any more, and its thread is
    /// replaced.
    pub(in crate::pool) fn give_up(
        &self,
        shared: &Shared<M>,
        slot: Option<usize>,
        or_oldest: bool,
    ) {
        let mut jobs = self.jobs.lock();
        let Some(run) = jobs.hung(slot, or_oldest) else { return };
        run.is_counted = false;
        if matches!(self.background, Background::Threads) {
            jobs.to_replace += 1;
        }
        let is_work_left = jobs.len() > 0;
        drop(jobs);
        self.replace_workers(shared);
        if is_work_left {
            self.hurry(shared);
        }
    }

    /// Starts threads in the place of those that hang; what fails is tried again by the next tick.
    pub(in crate::pool) fn replace_workers(&self, shared: &Shared<M>) {
        while self.take_replacement() {
            let replaced = shared.me.upgrade().is_some_and(|shared| replace_worker(&shared));
            if !replaced {
                self.jobs.lock().to_replace += 1;
                return;
            }
        }
    }
}
