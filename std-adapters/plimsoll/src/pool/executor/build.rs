//! How instances are built and destroyed.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::pool::{Building, Condemned, SlotId};

use super::contain::{Panicked, contain};
use crate::pool::config::Isolation;
use crate::pool::error::{BuildFailure, CheckoutError};
use crate::pool::manager::Manager;
use crate::pool::scheduler::out_of_time;
use crate::pool::shared::Shared;
use crate::pool::store::{Bounds, Instance, Retirement, Shell};
use crate::sync::Ordering;

/// How a call of the manager has ended; `None` if it was out of time.
pub(super) type Created<M> =
    Option<Result<Result<<M as Manager>::Object, <M as Manager>::Error>, Panicked>>;

/// The result of a build: an instance, or the error of the waiter that it was built for.
pub(super) type Built<M> = Result<Box<Instance<M>>, CheckoutError>;

impl<M: Manager> Shared<M> {
    /// The result of a call of the manager, as that of a build.
    pub(super) fn built(&self, created: Created<M>, shell: Shell<M>) -> Built<M> {
        let cause = match created {
            Some(Ok(Ok(object))) => return Ok(self.instance_of(object, shell)),
            Some(Ok(Err(error))) => Some(BuildFailure::Manager(Arc::new(error))),
            Some(Err(Panicked(message))) => {
                self.stats.panics.count();
                Some(BuildFailure::Panicked(message))
            }
            None => None,
        };
        self.stats.failed.count();
        Err(match cause {
            Some(cause) => CheckoutError::BuildFailed { cause },
            None => out_of_time(self.config.build_timeout),
        })
    }

    /// The background has called `create`, which began then.
    pub(super) fn on_end_of_build(&self, began: Duration) {
        let took = self.config.clock.now().saturating_sub(began);
        self.stats.create.record_time(took);
        self.inline.on_end_of_build(took);
    }

    /// Puts an object that was built among those that the pool has, with bounds of its own.
    pub(in crate::pool) fn instance_of(
        &self,
        object: M::Object,
        shell: Shell<M>,
    ) -> Box<Instance<M>> {
        let now_ms = || self.refresh().as_millis() as u64;
        let bounds = Bounds::new(&self.config.retirement, &self.random, now_ms);
        let is_timed =
            self.config.isolation != Isolation::Fresh || self.stats.is_next_build_timed();
        self.stats.built.count();
        shell.fill(object, bounds, is_timed)
    }

    /// A build has ended: its instance is idle, or its waiter gets the error.
    pub(in crate::pool) fn on_built(&self, building: Building, outcome: Built<M>) {
        self.refresh();
        let mut instance = match outcome {
            Ok(instance) => instance,
            Err(error) => {
                return self.decide(|scheduler, decision| {
                    scheduler.on_build_failed(building, error, decision);
                });
            }
        };
        let slot = building.slot();
        instance.idle_since = self.store.moments.next(instance.idle_since);
        let since = instance.idle_since;
        let cell = self.store.cell(slot);
        instance.begin_in(cell);
        // Relaxed: a hint.
        cell.expires.store(instance.expires().to_word(), Ordering::Relaxed);
        cell.put(instance);
        if !self.decide(|scheduler, decision| scheduler.on_built(building, since, decision)) {
            self.on_late_return(slot, None);
        }
    }

    /// A call has come back after it was abandoned, with an instance or without one.
    #[cold]
    pub(in crate::pool) fn on_late_return(&self, slot: SlotId, instance: Option<Box<Instance<M>>>) {
        let instance = instance.or_else(|| self.store.cell(slot).take());
        let lost = self.decide(|scheduler, decision| scheduler.on_late_return(slot, decision));
        let Some(condemned) = lost else { return };
        self.work.push_retirement(self, Retirement { condemned, instance });
        self.work.hurry(self);
    }
}

impl<M: Manager> Retirement<M> {
    /// Destroys the object.
    ///
    /// # Returns
    /// The slot, and the allocation that the object was in.
    pub(in crate::pool) fn destroy(
        self,
        shared: &Shared<M>,
    ) -> (Condemned, Option<Box<Instance<M>>>) {
        let Self { condemned, mut instance } = self;
        if let Some(instance) = &mut instance {
            let retire = || contain(|| instance.retire());
            if shared.store.call_in((&condemned).into(), retire).is_err() {
                shared.stats.panics.count();
            }
        }
        (condemned, instance)
    }
}
