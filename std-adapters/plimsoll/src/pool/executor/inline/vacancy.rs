//! Builds and retirements by a checkout itself.

use std::task::Poll;
use std::time::Duration;

use plimsoll_core::pool::{Building, Condemned, Tenant};

use crate::pool::executor::contain::poll_once;
use crate::pool::manager::Manager;
use crate::pool::principal::PrincipalState;
use crate::pool::scheduler::out_of_time;
use crate::pool::shared::{Attempt, Shared};
use crate::pool::stats::Counter;
use crate::pool::store::{Grant, Retirement, Shell};

/// Room for an instance that a checkout builds itself.
pub(in crate::pool) struct Vacancy<'a, M: Manager> {
    shared: &'a Shared<M>,
    building: Building,
    shell: Shell<M>,
    /// When the work for it has begun, if it is timed.
    began: Option<Duration>,
}

impl<'a, M: Manager> Vacancy<'a, M> {
    /// A lease of an instance that is built on this thread, if nobody waits: in the slot of a
    /// retirement if one is queued, else in a vacant slot. Or why the principal may not even wait.
    #[cold]
    #[inline(never)]
    pub(in crate::pool) fn lease(shared: &'a Shared<M>, principal: &PrincipalState) -> Attempt<M> {
        if let Some(error) = shared.objection(principal) {
            return Attempt::Refused(error);
        }
        if !shared.inline.is_quick() || !shared.store.words.demand.look().is_quiet() {
            return Attempt::Busy;
        }
        if shared.config.cap.is_some_and(|cap| !principal.admit_first(cap)) {
            return Attempt::Busy;
        }
        let vacancy = match shared.work.take_retirement() {
            Some(retirement) => Self::in_place_of(shared, retirement),
            None => Self::new(shared),
        };
        let build = |vacancy: Self| vacancy.build(principal.tenant, &shared.stats.cold);
        let attempt = match vacancy.map(build) {
            Some(Ok(attempt)) => attempt,
            Some(Err(building)) => {
                shared
                    .decide(|scheduler, decision| scheduler.on_inline_pending(building, decision));
                Attempt::Busy
            }
            None => Attempt::Busy,
        };
        if !matches!(attempt, Attempt::Leased(_)) {
            shared.release_and_serve(principal);
        }
        attempt
    }

    /// In a slot that is vacant.
    fn new(shared: &'a Shared<M>) -> Option<Self> {
        let began = time_this_one(shared);
        let building = shared.decide(|scheduler, decision| scheduler.on_inline_build(decision))?;
        shared.refresh();
        shared.work.on_reserve();
        Some(Self { shared, building, shell: shared.manager.new_shell(), began })
    }

    /// In the slot of an instance that is over, which is retired. The slot is never vacant, so it
    /// has no owner meanwhile, and a pool that closes is not drained.
    ///
    /// # Returns
    /// `None` if that took longer than it may: the slot was revoked.
    fn in_place_of(shared: &'a Shared<M>, retirement: Retirement<M>) -> Option<Self> {
        let began = time_this_one(shared);
        let (condemned, spare) = retirement.destroy(shared);
        match shared.store.words.slots.rebuild(condemned, Tenant::NONE) {
            Ok(building) => {
                let shell = spare.map_or_else(|| shared.manager.new_shell(), Shell::Spare);
                Some(Self { shared, building, shell, began })
            }
            Err(late) => {
                drop(spare);
                shared.decide(|scheduler, decision| scheduler.on_retired(late.token, decision));
                shared.work.hurry(shared);
                None
            }
        }
    }

    /// In the room that was granted to a waiter.
    pub(in crate::pool) fn granted(shared: &'a Shared<M>, condemned: Condemned) -> Option<Self> {
        Self::in_place_of(shared, shared.store.retirement(condemned))
    }

    /// Builds an instance there, on the calling thread, and leases it to a checkout that counts as
    /// `served` so.
    ///
    /// # Errors
    /// It would have to be waited for: the background has to build it.
    pub(in crate::pool) fn build(
        self,
        tenant: Tenant,
        served: &Counter,
    ) -> Result<Attempt<M>, Building> {
        let Self { shared, building, shell, began } = self;
        let slot = building.slot();
        let create = || poll_once(|| shell.manager().create());
        let Poll::Ready(created) = shared.store.call_in((&building).into(), create) else {
            shared.inline.note(Duration::MAX);
            return Err(building);
        };
        let mut instance = match shared.built(Some(created), shell) {
            Ok(instance) => instance,
            Err(error) => {
                // The checkout itself gets the error, so warm builds are not held off.
                shared.decide(|scheduler, decision| scheduler.on_no_build(building, decision));
                return Ok(Attempt::Refused(error));
            }
        };
        let Ok(token) = shared.store.words.slots.finish_leased(building) else {
            shared.on_late_return(slot, Some(instance));
            return Ok(Attempt::Refused(out_of_time(shared.config.build_timeout)));
        };
        let cell = shared.store.cell(slot);
        cell.hands.lend(&token, tenant);
        instance.begin_in(cell);
        served.count();
        cell.uses.count();
        instance.began = began.map(|began| {
            let now = shared.config.clock.now();
            let took = now.saturating_sub(began);
            shared.inline.note(took);
            shared.stats.create.record_time(took);
            now
        });
        Ok(Attempt::Leased(Grant { token, instance }))
    }
}

/// The moment, if the next one is timed.
fn time_this_one<M: Manager>(shared: &Shared<M>) -> Option<Duration> {
    shared.stats.is_next_build_timed().then(|| shared.config.clock.now())
}
