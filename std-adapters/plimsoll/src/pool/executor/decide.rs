//! Decisions: the one place where the scheduler is locked, and where its actions are carried out.

use plimsoll_core::pool::{Condemned, Leased, Tenant};

use super::contain::{contain, wake_all};
use crate::pool::manager::Manager;
use crate::pool::scheduler::{Action, Actions, Decision, Scheduler, Stock};
use crate::pool::shared::Shared;
use crate::pool::store::{Hands, Retirement, Words};

impl<M: Manager> Shared<M> {
    /// Passes one input to the scheduler, and carries out its actions once the lock is free.
    pub(in crate::pool) fn decide<R>(
        &self,
        input: impl FnOnce(&mut Scheduler, &mut Decision<'_>) -> R,
    ) -> R {
        let mut actions = Actions::new();
        let mut scheduler = self.scheduler.lock();
        let (stock, stats, now_ms) = (self, &self.stats, self.store.moments.now_ms());
        let mut decision = Decision { stock, stats, now_ms, actions: &mut actions };
        let answer = input(&mut scheduler, &mut decision);
        // Under the lock: a waiter that is not in the queue any more has its outcome.
        let actions: Actions = actions.into_iter().map(Action::settle).collect();
        drop(scheduler);
        for action in actions {
            self.carry_out(action);
        }
        answer
    }

    fn carry_out(&self, action: Action) {
        match action {
            Action::Settle(..) => self.carry_out(action.settle()),
            Action::Wake(waker, _queued) => wake_all(waker),
            Action::Build(building) => self.work.push_build(self, building),
            Action::Retire(condemned, reason) => self.on_condemned(condemned, reason),
            Action::GiveUp { slot, or_oldest } => self.work.give_up(self, slot, or_oldest),
            Action::Forget(error) => drop(contain(|| drop(error))),
            Action::Hurry => self.work.hurry(self),
            Action::Nudge => self.work.nudge(),
            Action::Warm(warm) => self.work.set_batch(self.config.batch(warm)),
            Action::Drained => self.on_drained(),
        }
    }
}

impl<M: Manager> Stock for Shared<M> {
    fn words(&self) -> &Words {
        &self.store.words
    }

    fn hands(&self, slot: usize) -> Option<&Hands> {
        self.store.cells.get(slot).map(|cell| &cell.hands)
    }

    fn grow(&self) {
        self.store.grow();
    }

    fn take_idle(&self, tenant: Tenant) -> Option<Leased> {
        self.store.take_idle(tenant, self.config.isolation.owner(tenant))
    }

    /// The instance that is to be retired waits in its slot's cell.
    fn take_room(&self) -> Option<Condemned> {
        if !self.inline.is_quick() {
            return None;
        }
        let Retirement { condemned, instance } = self.work.take_retirement()?;
        if let Some(instance) = instance {
            self.store.cell(condemned.slot()).put(instance);
        }
        Some(condemned)
    }
}
