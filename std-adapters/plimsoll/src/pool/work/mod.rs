//! What is done in the background: builds and retirements, with a bound on both.

mod hand_out;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use plimsoll_core::pool::{Building, Condemned, SlotId};

use crate::pool::config::Background;
use crate::pool::live::Live;
use crate::pool::manager::Manager;
use crate::pool::pace::Pace;

/// A slot whose object is to be retired.
pub(super) struct Doomed<M: Manager> {
    pub(super) condemned: Condemned,
    pub(super) live: Option<Box<Live<M>>>,
}

/// One thing to do.
pub(super) enum Job<M: Manager> {
    Build(Building),
    Retire(Doomed<M>),
}

impl<M: Manager> Job<M> {
    pub(super) fn slot(&self) -> SlotId {
        match self {
            Job::Build(building) => building.slot(),
            Job::Retire(doomed) => doomed.condemned.slot(),
        }
    }
}

/// A job that is being done.
struct Run {
    slot: SlotId,
    is_build: bool,
    /// Whether it is one of the so many that there may be at one time: not if it hangs (POOL-12).
    is_counted: bool,
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
    batch: AtomicUsize,
    pub(super) background: Background,
    #[cfg(feature = "tokio")]
    pub(super) nudge: tokio::sync::Notify,
}

struct Jobs<M: Manager> {
    builds: VecDeque<Building>,
    retirements: VecDeque<Doomed<M>>,
    /// Workers that sleep, and that nobody has woken yet.
    idlers: usize,
    /// Jobs that are being done, the oldest first.
    running: Vec<Run>,
    pace: Pace,
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

    /// Something that may be done now. What is to be built comes first: somebody may wait for it, and
    /// it holds up no retirement for long, for it needs the room that one has made.
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

    /// How many builds or retirements are being done, without those that hang.
    fn running_now(&self, builds: bool) -> usize {
        let is_such = |run: &&Run| run.is_counted && run.is_build == builds;
        self.running.iter().filter(is_such).count()
    }

    /// The job to be given up: the one of that slot, or else the oldest one of those that others wait
    /// for.
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
    pub(super) fn new(builders: usize, drops: usize, batch: usize, background: Background) -> Self {
        let jobs = Jobs {
            builds: VecDeque::new(),
            retirements: VecDeque::new(),
            idlers: 0,
            running: Vec::new(),
            pace: Pace::default(),
            to_replace: 0,
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
            batch: AtomicUsize::new(batch),
            background,
            #[cfg(feature = "tokio")]
            nudge: tokio::sync::Notify::new(),
        }
    }

    pub(super) fn set_batch(&self, batch: usize) {
        // Relaxed, as every access: the number carries no other data.
        self.batch.store(batch, Ordering::Relaxed);
    }

    fn batch(&self) -> usize {
        self.batch.load(Ordering::Relaxed)
    }

    /// Somebody builds who takes the place of a worker.
    pub(super) fn on_reserve(&self) {
        let is_asleep = self.jobs.lock().on_build();
        if is_asleep {
            self.nudge();
        }
    }

    /// The retirement that came last, for who does it itself: it is in the processor's cache.
    pub(super) fn take_retirement(&self) -> Option<Doomed<M>> {
        self.jobs.lock().retirements.pop_back()
    }

    /// A retirement that was taken, and that nobody has done.
    pub(super) fn put_back(&self, doomed: Doomed<M>) {
        self.jobs.lock().retirements.push_back(doomed);
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

    /// A job has ended.
    ///
    /// # Returns
    /// Whether it was one of the so many that there may be at one time.
    pub(super) fn on_end(&self, slot: SlotId) -> bool {
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
