//! Changes of the maximum, the warm ones and the least, and of the warm ones under pressure
//! (POOL-17).
//!
//! A pool that has more instances than it may have by now sheds those that are idle, the coldest
//! first, and builds none. Meanwhile the pool itself counts as a waiter: a lease that ends sees one
//! waiter more, and asks for a decision. So leases need no check of their own for it.

use super::action::Action;
use super::state::{Decision, Scheduler};
use crate::pool::error::PoolError;

impl Scheduler {
    /// The maximum changes.
    pub(in crate::pool) fn on_resize(&mut self, max: usize, decision: &mut Decision<'_>) {
        self.room.max = max;
        self.apply(decision);
    }

    /// So many are to be kept warm.
    pub(in crate::pool) fn on_set_warm(
        &mut self,
        warm: usize,
        decision: &mut Decision<'_>,
    ) -> Result<(), PoolError> {
        let max = self.room.max;
        if warm > max {
            return Err(PoolError::WarmAboveMax { warm, max });
        }
        self.room.warm = Some(warm);
        self.apply(decision);
        Ok(())
    }

    /// There are to be so many at least.
    pub(in crate::pool) fn on_set_min(
        &mut self,
        min: usize,
        decision: &mut Decision<'_>,
    ) -> Result<(), PoolError> {
        let max = self.room.max;
        if min > max {
            return Err(PoolError::MinAboveMax { min, max });
        }
        self.room.min = min;
        self.apply(decision);
        Ok(())
    }

    /// So many are kept warm at most from now on, or as many as was asked.
    pub(in crate::pool) fn on_shrink(&mut self, warm: Option<usize>, decision: &mut Decision<'_>) {
        if self.room.shrunk != warm {
            self.room.shrunk = warm;
            self.apply(decision);
        }
    }

    /// Does what other numbers entail.
    fn apply(&mut self, decision: &mut Decision<'_>) {
        self.room.publish(decision.stock.words());
        decision.push(Action::Warm(self.room.warm()));
        self.refuse_too_many(decision);
        self.dispatch(decision);
        self.replenish(decision);
        decision.push(Action::Hurry);
        // There may be something to maintain where there was nothing.
        decision.push(Action::Nudge);
    }

    /// There are more instances than there may be by now.
    pub(in crate::pool) fn is_over(&self) -> bool {
        self.room.is_over()
    }
}
