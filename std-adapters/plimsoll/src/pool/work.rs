//! What is done in the background: builds and retirements, with a bound on both.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use plimsoll_core::pool::{Building, Condemned};

use super::config::Background;
use super::live::Live;
use super::manager::Manager;
use super::pace::Pace;
use super::shared::Shared;

/// A slot whose object is to be retired.
pub(super) struct Doomed<M: Manager> {
    pub(super) condemned: Condemned,
    pub(super) live: Option<Box<Live<M::Object>>>,
}

/// One thing to do.
pub(super) enum Job<M: Manager> {
    Build(Building),
    Retire(Doomed<M>),
}

/// What is to be done, and by whom.
pub(super) struct Work<M: Manager> {
    jobs: Mutex<Jobs<M>>,
    /// For threads: there is something to do, or nothing any more.
    ready: Condvar,
    /// For the timekeeper, if it is a thread.
    timer: Condvar,
    builders: usize,
    drops: usize,
    /// So many retirements are worth waking somebody for.
    batch: usize,
    pub(super) background: Background,
    #[cfg(feature = "tokio")]
    pub(super) nudge: tokio::sync::Notify,
}

struct Jobs<M: Manager> {
    builds: VecDeque<Building>,
    retirements: VecDeque<Doomed<M>>,
    /// Workers that sleep, and that nobody has woken yet.
    idlers: usize,
    building: usize,
    retiring: usize,
    pace: Pace,
    is_nudged: bool,
    /// The timekeeper sleeps until something is built.
    is_asleep: bool,
    /// A build was begun since the timekeeper fell asleep last.
    has_built: bool,
    is_stopped: bool,
}

impl<M: Manager> Jobs<M> {
    fn len(&self) -> usize {
        self.builds.len() + self.retirements.len()
    }

    /// A build has begun.
    ///
    /// # Returns
    /// Whether the timekeeper has to be woken.
    fn on_build(&mut self) -> bool {
        self.has_built = true;
        std::mem::take(&mut self.is_asleep)
    }

    /// Something that may be done now. What is to be built comes first: somebody may wait for it, and
    /// it holds up no retirement for long, for it needs the room that one has made.
    fn start(&mut self, builders: usize, drops: usize) -> Option<Job<M>> {
        if self.building < builders {
            if let Some(building) = self.builds.pop_front() {
                self.building += 1;
                return Some(Job::Build(building));
            }
        }
        if self.retiring < drops {
            if let Some(doomed) = self.retirements.pop_front() {
                self.retiring += 1;
                return Some(Job::Retire(doomed));
            }
        }
        None
    }
}

impl<M: Manager> Work<M> {
    pub(super) fn new(builders: usize, drops: usize, batch: usize, background: Background) -> Self {
        let jobs = Jobs {
            builds: VecDeque::new(),
            retirements: VecDeque::new(),
            idlers: 0,
            building: 0,
            retiring: 0,
            pace: Pace::default(),
            is_nudged: false,
            is_asleep: false,
            has_built: false,
            is_stopped: false,
        };
        Self {
            jobs: Mutex::new(jobs),
            ready: Condvar::new(),
            timer: Condvar::new(),
            builders,
            drops,
            batch,
            background,
            #[cfg(feature = "tokio")]
            nudge: tokio::sync::Notify::new(),
        }
    }

    pub(super) fn push_build(&self, shared: &Shared<M>, building: Building) {
        let mut jobs = self.jobs.lock();
        jobs.builds.push_back(building);
        let is_asleep = jobs.on_build();
        self.call(shared, jobs, false);
        if is_asleep {
            self.nudge();
        }
    }

    /// Somebody builds who takes the place of a worker.
    pub(super) fn on_reserve(&self) {
        let is_asleep = self.jobs.lock().on_build();
        if is_asleep {
            self.nudge();
        }
    }

    /// To wake a thread takes longer than a short lease: it is done for a whole batch, or if somebody
    /// waits for the slot, or when the pool closes. Else it is left to the next tick.
    pub(super) fn push_retirement(&self, shared: &Shared<M>, doomed: Doomed<M>) {
        let mut jobs = self.jobs.lock();
        jobs.retirements.push_back(doomed);
        // Whoever waits from here on finds it in `hurry`, which comes after its arrival.
        let demand = shared.demand.look();
        if jobs.retirements.len() >= self.batch || !demand.is_quiet() {
            // Who is awake may be at something long, and who waits can not wait for a tick.
            self.call(shared, jobs, demand.waiting() > 0);
        }
    }

    /// The same at the end of a lease, at `now` if it was timed. Nobody is woken where checkouts do
    /// the work, unless it would be done before the next one.
    ///
    /// # Returns
    /// Whether nobody was called though somebody waits, who is to be given the slot.
    #[must_use = "the slot is to be given to a waiter"]
    pub(super) fn push_ended(
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
        if demand.is_closed() || keeps_up && jobs.retirements.len() >= self.batch {
            self.call(shared, jobs, false);
        }
        false
    }

    /// The retirement that came last, for who does it itself: it is in the processor's cache.
    pub(super) fn take_retirement(&self) -> Option<Doomed<M>> {
        self.jobs.lock().retirements.pop_back()
    }

    /// A tick has come: what is to be done waits no longer, unless checkouts do it all the time.
    pub(super) fn on_tick(&self, shared: &Shared<M>, now: Duration) {
        let is_outpaced = {
            let pace = &self.jobs.lock().pace;
            !pace.is_pause(now) && pace.interval() < shared.inline.hand_over()
        };
        if !is_outpaced || !shared.inline.is_quick() {
            self.hurry(shared);
        }
    }

    /// A retirement that was taken, and that nobody has done.
    pub(super) fn put_back(&self, doomed: Doomed<M>) {
        self.jobs.lock().retirements.push_back(doomed);
    }

    /// What is to be done waits no longer: for a batch, or for a worker that is busy.
    pub(super) fn hurry(&self, shared: &Shared<M>) {
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
                super::background::spawn_worker(handle, shared);
            }
            Background::Manual => {}
        }
        let _ = shared;
    }

    /// Something that may be done now.
    pub(super) fn start(&self) -> Option<Job<M>> {
        self.jobs.lock().start(self.builders, self.drops)
    }

    /// How much there is to do.
    pub(super) fn len(&self) -> usize {
        self.jobs.lock().len()
    }

    /// Waits for something to do.
    ///
    /// # Returns
    /// `None` once there will be nothing any more.
    pub(super) fn wait(&self) -> Option<Job<M>> {
        let mut jobs = self.jobs.lock();
        loop {
            if let Some(job) = jobs.start(self.builders, self.drops) {
                return Some(job);
            }
            if jobs.is_stopped {
                return None;
            }
            // Counted out by whoever wakes it.
            jobs.idlers += 1;
            self.ready.wait(&mut jobs);
        }
    }

    pub(super) fn on_end(&self, is_build: bool) {
        let mut jobs = self.jobs.lock();
        if is_build {
            jobs.building -= 1;
        } else {
            jobs.retiring -= 1;
        }
    }

    /// Nothing is live, and nothing will be.
    pub(super) fn stop(&self) {
        self.jobs.lock().is_stopped = true;
        self.ready.notify_all();
        self.nudge();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.jobs.lock().is_stopped
    }

    /// Has the timekeeper look again when to wake.
    pub(super) fn nudge(&self) {
        self.jobs.lock().is_nudged = true;
        self.timer.notify_one();
        #[cfg(feature = "tokio")]
        self.nudge.notify_one();
    }

    /// How long the timekeeper may sleep that has nothing to do for `next`, or until something is
    /// built.
    pub(super) fn bedtime(&self, next: Option<Duration>) -> Duration {
        let mut jobs = self.jobs.lock();
        let has_built = std::mem::take(&mut jobs.has_built);
        match next {
            Some(next) => next,
            None if has_built => Duration::ZERO,
            None => {
                jobs.is_asleep = true;
                Duration::MAX
            }
        }
    }

    /// The timekeeper sleeps, until it is nudged or the time has passed.
    pub(super) fn sleep(&self, time: Duration) {
        let mut jobs = self.jobs.lock();
        if !jobs.is_nudged {
            match Instant::now().checked_add(time) {
                Some(until) => drop(self.timer.wait_until(&mut jobs, until)),
                None => self.timer.wait(&mut jobs),
            }
        }
        jobs.is_nudged = false;
    }
}
