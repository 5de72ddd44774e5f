//! The jobs of the background: builds and retirements, with a bound on both.

mod hand_out;
mod rest;

use std::collections::VecDeque;
use std::time::Duration;

use plimsoll_core::pool::{Building, SlotId};

use crate::pool::config::Background;
use crate::pool::locks::{JOBS, Mutex};
use crate::pool::manager::Manager;
use crate::pool::store::Retirement;
use crate::sync::{AtomicUsize, Condvar, Instant, Ordering};

/// The least time between two wake-ups for a batch where checkouts build themselves. Leases that
/// end faster than that keep the instances on their own processor.
const BATCH_INTERVAL: Duration = Duration::from_micros(500);

/// A build or a retirement.
pub(in crate::pool) enum Job<M: Manager> {
    Build(Building),
    Retire(Retirement<M>),
}

impl<M: Manager> Job<M> {
    pub(in crate::pool) fn slot(&self) -> SlotId {
        match self {
            Job::Build(building) => building.slot(),
            Job::Retire(retirement) => retirement.condemned.slot(),
        }
    }
}

/// A job that is being done.
struct Run {
    slot: SlotId,
    is_build: bool,
    /// Whether it counts against the bound on jobs: not if it hangs (POOL-12).
    is_counted: bool,
}

/// The queued jobs, and the workers that take them.
pub(in crate::pool) struct Work<M: Manager> {
    jobs: Mutex<Jobs<M>, JOBS>,
    /// Wakes worker threads: there is a job, or there will be none any more.
    ready: Condvar,
    /// Wakes the worker that lingers.
    lingering: Condvar,
    /// For the timekeeper, if it is a thread.
    timer: Condvar,
    builders: usize,
    drops: usize,
    /// How many retirements are worth waking a worker for.
    batch: AtomicUsize,
    pub(in crate::pool) background: Background,
    #[cfg(feature = "tokio")]
    pub(in crate::pool) nudge: tokio::sync::Notify,
}

struct Jobs<M: Manager> {
    builds: VecDeque<Building>,
    retirements: VecDeque<Retirement<M>>,
    /// Workers that sleep, and that nobody has woken yet.
    idlers: usize,
    /// The worker that lingers, by the number of lingerings so far.
    lingerer: Option<u64>,
    lingerings: u64,
    /// Jobs that are being done, the oldest first.
    running: Vec<Run>,
    /// When a worker was woken last for a batch, where checkouts build themselves.
    woken_at: Option<Duration>,
    /// Threads that hang, and are not replaced yet.
    to_replace: usize,
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

    /// Takes a job that may be done now. Builds come first: a checkout may wait for one, and it
    /// delays retirements only briefly, because it needs the room that one of them has made.
    fn start(&mut self, builders: usize, drops: usize) -> Option<Job<M>> {
        let build = match self.running_now(true) < builders {
            true => self.builds.pop_front().map(Job::Build),
            false => None,
        };
        let job = match build {
            None if self.running_now(false) < drops => {
                self.retirements.pop_front().map(Job::Retire)
            }
            build => build,
        }?;
        let (slot, is_build) = (job.slot(), matches!(job, Job::Build(_)));
        self.running.push(Run { slot, is_build, is_counted: true });
        Some(job)
    }

    /// Whether a worker is woken now for a batch: once per [`BATCH_INTERVAL`] at most.
    fn is_batch_due(&mut self, now: Duration) -> bool {
        let is_due = self.woken_at.is_none_or(|at| now.saturating_sub(at) >= BATCH_INTERVAL);
        if is_due {
            self.woken_at = Some(now);
        }
        is_due
    }

    /// How many builds or retirements are being done, without those that hang.
    fn running_now(&self, builds: bool) -> usize {
        let is_such = |run: &&Run| run.is_counted && run.is_build == builds;
        self.running.iter().filter(is_such).count()
    }

    /// The job to be given up: the one of that slot, or else the oldest one of those that others
    /// wait for.
    fn hung(&mut self, slot: Option<usize>, or_oldest: bool) -> Option<&mut Run> {
        let (builds, retirements) = (self.builds.len(), self.retirements.len());
        let is_slots = |run: &Run| Some(run.slot.index()) == slot;
        let holds_up = |run: &Run| if run.is_build { builds > 0 } else { retirements > 0 };
        let counted = |run: &Run| run.is_counted;
        let found = self.running.iter().position(|run| counted(run) && is_slots(run));
        let oldest = || self.running.iter().position(|run| counted(run) && holds_up(run));
        let found = found.or_else(|| oldest().filter(|_| or_oldest))?;
        self.running.get_mut(found)
    }
}

impl<M: Manager> Work<M> {
    pub(in crate::pool) fn new(
        builders: usize,
        drops: usize,
        batch: usize,
        background: Background,
    ) -> Self {
        let jobs = Jobs {
            builds: VecDeque::new(),
            retirements: VecDeque::new(),
            idlers: 0,
            lingerer: None,
            lingerings: 0,
            running: Vec::new(),
            woken_at: None,
            to_replace: 0,
            is_nudged: false,
            is_asleep: false,
            has_built: false,
            is_stopped: false,
        };
        Self {
            jobs: Mutex::new(jobs),
            ready: Condvar::new(),
            lingering: Condvar::new(),
            timer: Condvar::new(),
            builders,
            drops,
            batch: AtomicUsize::new(batch),
            background,
            #[cfg(feature = "tokio")]
            nudge: tokio::sync::Notify::new(),
        }
    }

    pub(in crate::pool) fn set_batch(&self, batch: usize) {
        // Relaxed, as every access: the number carries no other data.
        self.batch.store(batch, Ordering::Relaxed);
    }

    fn batch(&self) -> usize {
        self.batch.load(Ordering::Relaxed)
    }

    /// A checkout builds in place of a worker.
    pub(in crate::pool) fn on_reserve(&self) {
        let is_asleep = self.jobs.lock().on_build();
        if is_asleep {
            self.nudge();
        }
    }

    /// Takes the retirement that came last, to do it on this thread: it is in the processor's
    /// cache.
    pub(in crate::pool) fn take_retirement(&self) -> Option<Retirement<M>> {
        self.jobs.lock().retirements.pop_back()
    }

    /// Returns a retirement that was taken and not done.
    pub(in crate::pool) fn put_back(&self, retirement: Retirement<M>) {
        self.jobs.lock().retirements.push_back(retirement);
    }

    /// Takes a job that may be done now.
    pub(in crate::pool) fn start(&self) -> Option<Job<M>> {
        self.jobs.lock().start(self.builders, self.drops)
    }

    /// How much there is to do.
    pub(in crate::pool) fn len(&self) -> usize {
        self.jobs.lock().len()
    }

    /// A job has ended.
    ///
    /// # Returns
    /// Whether it counted against the bound on jobs.
    pub(in crate::pool) fn on_end(&self, slot: SlotId) -> bool {
        let mut jobs = self.jobs.lock();
        let found = jobs.running.iter().position(|run| run.slot == slot);
        found.is_none_or(|found| jobs.running.remove(found).is_counted)
    }

    fn take_replacement(&self) -> bool {
        let mut jobs = self.jobs.lock();
        let is_due = jobs.to_replace > 0 && !jobs.is_stopped;
        jobs.to_replace -= usize::from(is_due);
        is_due
    }

    /// Nothing is live, and nothing will be.
    pub(in crate::pool) fn stop(&self) {
        self.jobs.lock().is_stopped = true;
        self.ready.notify_all();
        self.lingering.notify_all();
        self.nudge();
    }

    pub(in crate::pool) fn is_stopped(&self) -> bool {
        self.jobs.lock().is_stopped
    }

    /// Has the timekeeper look again when to wake.
    pub(in crate::pool) fn nudge(&self) {
        self.jobs.lock().is_nudged = true;
        self.timer.notify_one();
        #[cfg(feature = "tokio")]
        self.nudge.notify_one();
    }

    /// How long the timekeeper may sleep that has nothing to do for `next`, or until something is
    /// built.
    pub(in crate::pool) fn bedtime(&self, next: Option<Duration>) -> Duration {
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
    pub(in crate::pool) fn sleep(&self, time: Duration) {
        let mut jobs = self.jobs.lock();
        if !jobs.is_nudged {
            match Instant::now().checked_add(time) {
                Some(until) => drop(self.timer.wait_until(jobs.inner(), until)),
                None => self.timer.wait(jobs.inner()),
            }
        }
        jobs.is_nudged = false;
    }
}
