//! What is done in the background: builds and retirements, with a bound on both.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use plimsoll_core::pool::{Building, Condemned};

use super::background;
use super::config::Background;
use super::contain::contain;
use super::live::Live;
use super::manager::Manager;
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

/// After that time without a lease that ended, there is a pause.
const PAUSE: Duration = Duration::from_millis(4);

struct Jobs<M: Manager> {
    builds: VecDeque<Building>,
    retirements: VecDeque<Doomed<M>>,
    /// Workers that sleep, and that nobody has woken yet.
    idlers: usize,
    building: usize,
    retiring: usize,
    /// When a lease ended last that was timed, and how many have since.
    timed: Duration,
    ended: u32,
    /// At what distance they end: a moving average of the last eight times or so, in which a long
    /// pause weighs no more than a short one.
    distance: Duration,
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

    /// A lease has ended; at `now`, if it was timed.
    fn on_end_of_lease(&mut self, now: Option<Duration>, longest: Duration) {
        self.ended = self.ended.saturating_add(1);
        let Some(now) = now else { return };
        let since = now.saturating_sub(self.timed) / self.ended;
        self.distance = (self.distance * 7 + since.min(longest)) / 8;
        (self.timed, self.ended) = (now, 0);
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
            timed: Duration::ZERO,
            ended: 0,
            distance: Duration::ZERO,
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
    ///
    /// # Returns
    /// Whether the slot is to be given to somebody who waits.
    pub(super) fn push_drop(
        &self,
        shared: &Shared<M>,
        doomed: Doomed<M>,
        now: Option<Duration>,
    ) -> bool {
        let mut jobs = self.jobs.lock();
        jobs.retirements.push_back(doomed);
        jobs.on_end_of_lease(now, shared.inline.hand_over() * 2);
        // Whoever waits from here on finds it in `hurry` or `take_retirement`, which come after its
        // arrival.
        let demand = shared.demand.look();
        let is_for_waiter = demand.waiting() > 0 && !demand.is_closed() && shared.inline.is_on();
        let is_batch = jobs.retirements.len() >= self.batch;
        if !is_for_waiter
            && (is_batch && shared.inline.keeps_up(jobs.distance) || !demand.is_quiet())
        {
            // Who is awake may be at something long, and who waits can not wait for a tick.
            self.call(shared, jobs, demand.waiting() > 0);
        }
        is_for_waiter
    }

    /// The retirement that came last, for who does it itself: it is in the processor's cache.
    pub(super) fn take_retirement(&self) -> Option<Doomed<M>> {
        self.jobs.lock().retirements.pop_back()
    }

    /// A tick has come: what is to be done waits no longer, unless checkouts do it all the time.
    pub(super) fn on_tick(&self, shared: &Shared<M>, now: Duration) {
        let jobs = self.jobs.lock();
        // A clock that has gone back tells as little of what is going on.
        let is_pause = now.abs_diff(jobs.timed) >= PAUSE;
        let distance = jobs.distance;
        drop(jobs);
        if is_pause || shared.inline.keeps_up(distance) {
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
                background::spawn_worker(handle, shared);
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

/// Without anybody to do them: leases that ended when there was no handle to the pool any more.
impl<M: Manager> Drop for Work<M> {
    fn drop(&mut self) {
        for doomed in self.jobs.get_mut().retirements.drain(..) {
            let _ = contain(|| drop(doomed.live));
        }
    }
}
