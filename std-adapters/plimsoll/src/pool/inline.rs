//! Work done by whoever would have to wait for it.
//!
//! What one processor makes and another uses, or uses and another takes down, costs the way of its
//! memory between them and a wake-up besides: some 20 us, where a small guest is made and taken down
//! in 2. So once there is no instance left that was made ahead, a checkout does both itself, if the
//! manager [allows it](Manager::may_run_inline).

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use plimsoll_core::pool::{Building, Condemned, Tenant};

use super::config::{Config, Isolation};
use super::contain::poll_once;
use super::dispatch::Queue;
use super::live::Shell;
use super::manager::Manager;
use super::principal::PrincipalState;
use super::shared::{Attempt, Grant, Shared};
use super::work::Doomed;

/// What takes longer is left to the background.
const BRIEF: Duration = Duration::from_millis(2);

/// How long it takes at least until another thread has replaced an instance that was given up, with
/// some room.
const HAND_OVER: Duration = Duration::from_micros(40);

/// Whether checkouts may do the work of the background.
pub(super) struct Inline {
    is_allowed: bool,
    /// How long the last timed build took, and the retirement before it; `u64::MAX` before the first.
    took_ns: AtomicU64,
}

impl Inline {
    pub(super) fn new<M: Manager>(manager: &M, config: &Config) -> Self {
        // Those that are used again are made once, and kept.
        let is_allowed = manager.may_run_inline() && config.isolation == Isolation::Fresh;
        Self { is_allowed, took_ns: AtomicU64::new(u64::MAX) }
    }

    fn took(&self) -> Duration {
        // Relaxed: a hint.
        Duration::from_nanos(self.took_ns.load(Ordering::Relaxed))
    }

    /// Whether a checkout may build and retire itself, and has it done in no time.
    pub(super) fn is_quick(&self) -> bool {
        self.is_allowed && self.took() <= BRIEF
    }

    /// How long the background takes to replace an instance: what a thread has in its cache another
    /// makes and does away with at less than half the speed.
    pub(super) fn hand_over(&self) -> Duration {
        HAND_OVER.max(self.took().min(BRIEF) * 2)
    }

    fn note(&self, took: Duration) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: a hint.
        self.took_ns.store(took_ns, Ordering::Relaxed);
    }
}

/// Room for an instance.
struct Vacancy<M: Manager> {
    building: Building,
    shell: Shell<M>,
}

impl<M: Manager> Shared<M> {
    /// A lease of what is idle, or of an instance that is made here and now.
    pub(super) fn attempt(&self, principal: &PrincipalState) -> Attempt<M> {
        if let Some(grant) = self.lease_idle(principal) {
            return Attempt::Leased(grant);
        }
        match self.objection(principal) {
            Some(error) => Attempt::Refused(error),
            None => self.lease_inline(principal),
        }
    }

    /// A lease of an instance that is made here and now, in the place of one that is over, if nobody
    /// is in line.
    #[cold]
    #[inline(never)]
    pub(super) fn lease_inline(&self, principal: &PrincipalState) -> Attempt<M> {
        if !self.inline.is_quick() || !self.demand.look().is_quiet() {
            return Attempt::Busy;
        }
        if self.config.cap.is_some_and(|cap| !principal.admit_first(cap)) {
            return Attempt::Busy;
        }
        let began = self.time_this_one();
        let vacancy = match self.work.take_retirement() {
            Some(doomed) => self.replace(doomed),
            None => self.vacancy(),
        };
        let attempt =
            match vacancy.map(|vacancy| self.build_inline(vacancy, began, principal.tenant)) {
                Some(Ok(attempt)) => attempt,
                Some(Err(building)) => {
                    self.queue.lock().fair.assign(building.slot().index(), None);
                    self.work.push_build(self, building);
                    Attempt::Busy
                }
                None => Attempt::Busy,
            };
        if !matches!(attempt, Attempt::Leased(_)) {
            self.let_go(principal);
        }
        attempt
    }

    /// What was waited for, made in the room that was granted for it.
    ///
    /// # Errors
    /// The room, if there still is some and the background has to build in it. The principal is still
    /// counted in then.
    pub(super) fn lease_in_room(
        &self,
        condemned: Condemned,
        principal: &PrincipalState,
    ) -> Result<Attempt<M>, Option<Building>> {
        let began = self.time_this_one();
        let vacancy = self.replace(self.doomed(condemned)).ok_or(None)?;
        let attempt = self.build_inline(vacancy, began, principal.tenant).map_err(Some)?;
        if !matches!(attempt, Attempt::Leased(_)) {
            self.let_go(principal);
        }
        Ok(attempt)
    }

    /// Room for somebody in line. The object that is to be retired waits in its slot's place.
    pub(super) fn take_room(&self, queue: &Queue) -> Option<Condemned> {
        if !self.inline.is_quick() || queue.room.is_over() {
            return None;
        }
        let Doomed { condemned, live } = self.work.take_retirement()?;
        if let Some(live) = live {
            self.place(condemned.slot()).put(live);
        }
        Some(condemned)
    }

    /// The background has called `create`.
    pub(super) fn on_end_of_build(&self, began: Duration) {
        let took = self.config.clock.now().saturating_sub(began);
        // A build alone says little of what a checkout would have to do.
        if took > BRIEF || !self.inline.is_quick() {
            self.inline.note(took);
        }
    }

    /// The moment, if the next one is timed. What takes long is not made longer by that.
    fn time_this_one(&self) -> Option<Duration> {
        let is_timed = self.stats.is_next_build_timed() || self.inline.took() > HAND_OVER;
        is_timed.then(|| self.config.clock.now())
    }

    /// # Errors
    /// It would have to be waited for: the background has to build it.
    fn build_inline(
        &self,
        vacancy: Vacancy<M>,
        began: Option<Duration>,
        tenant: Tenant,
    ) -> Result<Attempt<M>, Building> {
        let Vacancy { building, shell } = vacancy;
        let slot = building.slot();
        let polled = self.call_in((&building).into(), || poll_once(|| shell.manager().create()));
        let Poll::Ready(created) = polled else {
            self.inline.note(Duration::MAX);
            return Err(building);
        };
        match self.built(Some(created), shell) {
            Ok(live) => {
                let Ok(token) = self.slots.finish_leased(building) else {
                    self.on_late_return(slot, Some(live));
                    return Ok(Attempt::Refused(self.out_of_time()));
                };
                self.place(slot).hands.lend(&token, tenant);
                let now = began.map(|began| {
                    let now = self.config.clock.now();
                    self.inline.note(now.saturating_sub(began));
                    now
                });
                Ok(Attempt::Leased(Grant::new(token, live, now)))
            }
            Err(error) => {
                // Told to who has made it, so it holds no warm builds off.
                let mut queue = self.queue.lock();
                self.fail(&mut queue, building);
                self.conclude(queue);
                Ok(Attempt::Refused(error))
            }
        }
    }

    /// Retires an object that is over. Its slot is never vacant, so it has no owner meanwhile, and a pool
    /// that closes is not drained.
    ///
    /// # Returns
    /// `None` if that took longer than it may: the room is another's by now.
    fn replace(&self, doomed: Doomed<M>) -> Option<Vacancy<M>> {
        let Doomed { condemned, live } = doomed;
        let spare = self.destroy(&condemned, live);
        match (self.slots.rebuild(condemned, Tenant::NONE), spare) {
            (Ok(building), Some(spare)) => Some(Vacancy { building, shell: Shell::Spare(spare) }),
            (Ok(building), None) => Some(Vacancy { building, shell: self.new_shell() }),
            (Err(late), spare) => {
                drop(spare);
                let mut queue = self.queue.lock();
                self.vacate(&mut queue, late.token);
                self.conclude(queue);
                None
            }
        }
    }

    fn vacancy(&self) -> Option<Vacancy<M>> {
        let mut queue = self.queue.lock();
        // Under the lock: what is vacant in a pool that is closed stays so, and what becomes so while
        // somebody waits is theirs.
        if queue.is_closed || queue.fair.in_ring() > 0 {
            return None;
        }
        let building = self.reserve(&mut queue)?;
        drop(queue);
        self.refresh();
        self.work.on_reserve();
        Some(Vacancy { building, shell: self.new_shell() })
    }
}
