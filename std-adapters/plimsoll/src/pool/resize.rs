//! Numbers that change while the pool runs (POOL-17).
//!
//! A pool that has more instances than it may have by now sheds those that are idle, the coldest first,
//! and builds none. While it does it waits as a checkout does: whoever gives an instance back finds that
//! somebody waits, and comes by. So the way that meets nobody knows nothing of it.

use parking_lot::MutexGuard;
use plimsoll_core::Tick;

use super::after::After;
use super::builder::check_max;
use super::dispatch::Queue;
use super::error::PoolError;
use super::handle::Pool;
use super::manager::Manager;
use super::room::usable;
use super::shared::Shared;
use super::stats::DiscardReason;
use super::waiter::Outcome;

impl<M: Manager> Pool<M> {
    /// Changes how many instances there are at most (POOL-17). Where there are more, those that are idle
    /// are retired at once, the coldest first, and those that are lent when they come back; until then
    /// none is built. Where there may be more, who waits is served at once. Whoever waits for
    /// [more at once](Self::checkout_many) than there may be then gets `TooMany`.
    ///
    /// The [warm](super::PoolBuilder::warm) ones and the [least](super::PoolBuilder::min) stay as they
    /// were asked for, as far as the maximum allows; the default of the warm ones goes with it. In a
    /// [registry](super::PoolBuilder::registry) the pool is registered anew, with its new capacity: it comes
    /// last there, its high-water mark begins again, and a level that was raised is cleared, and raised again
    /// if it is still due. A registry that has no place for that goes on to show the capacity that it knows.
    /// Without effect on a pool that is closed.
    ///
    /// # Errors
    /// [`PoolError::Max`]: a pool has 1 to 65,536 instances.
    ///
    /// # Example
    /// ```
    /// # use std::convert::Infallible;
    /// # use plimsoll::pool::{Isolation, Manager, Pool};
    /// # struct Buffers;
    /// # impl Manager for Buffers {
    /// #     type Object = Vec<u8>;
    /// #     type Error = Infallible;
    /// #     async fn create(&self) -> Result<Vec<u8>, Infallible> {
    /// #         Ok(Vec::new())
    /// #     }
    /// # }
    /// let pool = Pool::builder(Buffers).max(1).isolation(Isolation::Shared).build()?;
    /// let [acme, other] = [pool.principal("acme")?, pool.principal("other")?];
    /// let held = pool.checkout_blocking(&acme)?;
    /// pool.resize(2)?;
    /// pool.checkout_blocking(&other)?.complete();
    /// held.complete();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resize(&self, max: usize) -> Result<(), PoolError> {
        self.shared().resize(max)
    }

    /// Changes how many idle instances are kept [warm](super::PoolBuilder::warm) (POOL-17). What is
    /// missing is begun at once; what is too much is evicted once it has been idle for long enough.
    ///
    /// # Errors
    /// [`PoolError::WarmAboveMax`].
    pub fn set_warm(&self, idle: usize) -> Result<(), PoolError> {
        self.shared().set_warm(idle)
    }

    /// Changes how many instances there are at [least](super::PoolBuilder::min) (POOL-17), as
    /// [`set_warm`](Self::set_warm) does.
    ///
    /// # Errors
    /// [`PoolError::MinAboveMax`].
    pub fn set_min(&self, instances: usize) -> Result<(), PoolError> {
        self.shared().set_min(instances)
    }
}

impl<M: Manager> Shared<M> {
    fn resize(&self, max: usize) -> Result<(), PoolError> {
        check_max(max)?;
        let mut queue = self.queue.lock();
        queue.room.max = max;
        self.apply(queue);
        self.resize_board();
        Ok(())
    }

    fn set_warm(&self, warm: usize) -> Result<(), PoolError> {
        let mut queue = self.queue.lock();
        let max = queue.room.max;
        if warm > max {
            return Err(PoolError::WarmAboveMax { warm, max });
        }
        queue.room.warm = Some(warm);
        self.apply(queue);
        Ok(())
    }

    fn set_min(&self, min: usize) -> Result<(), PoolError> {
        let mut queue = self.queue.lock();
        let max = queue.room.max;
        if min > max {
            return Err(PoolError::MinAboveMax { min, max });
        }
        queue.room.min = min;
        self.apply(queue);
        Ok(())
    }

    /// Does what other numbers entail.
    fn apply(&self, mut queue: MutexGuard<'_, Queue>) {
        let mut after = After::default();
        self.room.note(&queue.room);
        self.work.set_batch(self.config.batch(queue.room.warm()));
        self.refuse_too_many(&mut queue, &mut after);
        self.dispatch(&mut queue, &mut after);
        self.replenish(&mut queue, &mut after);
        drop(queue);
        after.run(self);
        self.work.hurry(self);
        // There may be something to look after where there was nothing.
        self.work.nudge();
    }

    /// Sends those away who gather more than there may be by now.
    pub(super) fn refuse_too_many(&self, queue: &mut Queue, after: &mut After) {
        let max = queue.room.max;
        let tickets = queue.fair.find_all(|queued| queued.gathered.is_some_and(|all| all > max));
        for ticket in tickets {
            let Some(queued) = queue.fair.remove(ticket) else { continue };
            let Some(error) = queue.room.too_many(queued.gathered.unwrap_or(0)) else { continue };
            queue.settle(ticket, queued, Outcome::Refused(error), after);
        }
    }

    /// Condemns what is idle of those that are too many.
    pub(super) fn shed(&self, queue: &Queue, after: &mut After) {
        if !queue.room.is_over() {
            return;
        }
        for _ in queue.room.max..usable(self.counts()) {
            let Some(condemned) = self.slots.evict(Tick::MAX) else { return };
            after.doomed.push((condemned, DiscardReason::Surplus));
        }
    }
}
