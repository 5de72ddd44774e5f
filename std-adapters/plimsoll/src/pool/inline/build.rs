//! Builds and retirements by a checkout itself.

use std::task::Poll;
use std::time::Duration;

use plimsoll_core::pool::{Building, Condemned, Tenant};

use super::{BRIEF, HAND_OVER};
use crate::pool::contain::poll_once;
use crate::pool::dispatch::Queue;
use crate::pool::live::Shell;
use crate::pool::manager::Manager;
use crate::pool::principal::PrincipalState;
use crate::pool::shared::{Attempt, Grant, Shared};
use crate::pool::work::Doomed;

/// Room for an instance.
struct Vacancy<M: Manager> {
    building: Building,
    shell: Shell<M>,
}

impl<M: Manager> Shared<M> {
    /// A lease of what is idle, or of an instance that is made here and now.
    pub(in crate::pool) fn attempt(&self, principal: &PrincipalState) -> Attempt<M> {
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
    pub(in crate::pool) fn lease_inline(&self, principal: &PrincipalState) -> Attempt<M> {
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
    pub(in crate::pool) fn lease_in_room(
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
    pub(in crate::pool) fn take_room(&self, queue: &Queue) -> Option<Condemned> {
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
    pub(in crate::pool) fn on_end_of_build(&self, began: Duration) {
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
