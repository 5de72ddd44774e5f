//! Work that is handed out.

use std::time::Duration;

use parking_lot::MutexGuard;
use plimsoll_core::pool::Building;

use super::{Doomed, Jobs, Work};
use crate::pool::background::replace_worker;
use crate::pool::config::Background;
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;

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

    /// To wake a thread takes longer than a short lease: it is done for a whole batch, or if somebody
    /// waits for the slot, or when the pool closes. Else it is left to the next tick.
    pub(in crate::pool) fn push_retirement(&self, shared: &Shared<M>, doomed: Doomed<M>) {
        let mut jobs = self.jobs.lock();
        jobs.retirements.push_back(doomed);
        // Whoever waits from here on finds it in `hurry`, which comes after its arrival.
        let demand = shared.demand.look();
        if jobs.retirements.len() >= self.batch() || !demand.is_quiet() {
            // Who is awake may be at something long, and who waits cannot wait for a tick.
            self.call(shared, jobs, demand.waiting() > 0);
        }
    }

    /// The same at the end of a lease, at `now` if it was timed. Nobody is woken where checkouts do
    /// the work, unless it would be done before the next one.
    ///
    /// # Returns
    /// Whether nobody was called though somebody waits, who is to be given the slot.
    #[must_use = "the slot is to be given to a waiter"]
    pub(in crate::pool) fn push_ended(
        &self,
        shared: &Shared<M>,
        doomed: Doomed<M>,
        now: Option<Duration>,
    ) -> bool {
        if !shared.inline.is_quick() {
            self.push_retirement(shared, doomed);
            return false;
        }
        let mut jobs = self.jobs.lock();
        jobs.retirements.push_back(doomed);
        let hand_over = shared.inline.hand_over();
        jobs.pace.on_end(now, hand_over * 2);
        // Whoever waits from here on finds it in `take_retirement`, which comes after its arrival.
        let demand = shared.demand.look();
        if demand.waiting() > 0 && !demand.is_closed() {
            return true;
        }
        let keeps_up = jobs.pace.interval() >= hand_over;
        if demand.is_closed() || keeps_up && jobs.retirements.len() >= self.batch() {
            self.call(shared, jobs, false);
        }
        false
    }

    /// A tick has come: what is to be done waits no longer, unless checkouts do it all the time.
    pub(in crate::pool) fn on_tick(&self, shared: &Shared<M>, now: Duration) {
        self.replace_workers(shared);
        let is_outpaced = {
            let pace = &self.jobs.lock().pace;
            !pace.is_pause(now) && pace.interval() < shared.inline.hand_over()
        };
        if !is_outpaced || !shared.inline.is_quick() {
            self.hurry(shared);
        }
    }

    /// What is to be done waits no longer: for a batch, or for a worker that is busy.
    pub(in crate::pool) fn hurry(&self, shared: &Shared<M>) {
        let jobs = self.jobs.lock();
        if jobs.len() > 0 {
            self.call(shared, jobs, true);
        }
    }

    /// There is something to do. A worker that is awake does it in its turn, and is there as soon as
    /// one that would have to be woken; unless it is busy for longer, which `is_urgent` is for.
    fn call(&self, shared: &Shared<M>, mut jobs: MutexGuard<'_, Jobs<M>>, is_urgent: bool) {
        match &self.background {
            Background::Threads => {
                let awake = self.builders + self.drops - jobs.idlers;
                if jobs.idlers > 0 && (is_urgent || jobs.len() > awake) {
                    jobs.idlers -= 1;
                    drop(jobs);
                    self.ready.notify_one();
                }
            }
            #[cfg(feature = "tokio")]
            Background::Tokio(handle) => {
                drop(jobs);
                crate::pool::background::spawn_worker(handle, shared);
            }
            Background::Manual => {}
        }
        let _ = shared;
    }

    /// The job of a slot hangs, or, if that is none and `or_oldest`, the oldest job that others wait for:
    /// it holds up nobody any more, and whoever does it is replaced.
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
