//! Changes of a pool's numbers while it runs (POOL-17).

use super::builder::check_max;
use super::error::PoolError;
use super::handle::Pool;
use super::manager::Manager;
use super::shrink::Shrink;
use crate::pressure::Pressure;

impl<M: Manager> Pool<M> {
    /// Changes how many instances there are at most (POOL-17). If there are more, the idle ones are
    /// retired at once, the coldest first, and leased ones when they come back; until then none is
    /// built. If it is raised, waiters are served at once. A checkout that waits for
    /// [more at once](Self::checkout_many) than the new maximum gets `TooMany`.
    ///
    /// The [warm](super::PoolBuilder::warm) ones and the [least](super::PoolBuilder::min) stay as
    /// they were asked for, as far as the maximum allows; the default of the warm ones goes with
    /// it. In a [registry](super::PoolBuilder::registry) the pool is registered anew, with its new
    /// capacity: it comes last there, its high-water mark begins again, and a level that was raised
    /// is cleared, and raised again if it is still due. A registry that has no place for that goes
    /// on to show the capacity that it knows. Without effect on a pool that is closed.
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
        check_max(max)?;
        self.shared().decide(|scheduler, decision| scheduler.on_resize(max, decision));
        if let Some(board) = &self.shared().board {
            board.follow(self.shared());
        }
        Ok(())
    }

    /// Changes how many idle instances are kept [warm](super::PoolBuilder::warm) (POOL-17). What is
    /// missing is begun at once; what is too much is evicted once it has been idle for long enough.
    ///
    /// # Errors
    /// [`PoolError::WarmAboveMax`].
    pub fn set_warm(&self, idle: usize) -> Result<(), PoolError> {
        self.shared().decide(|scheduler, decision| scheduler.on_set_warm(idle, decision))
    }

    /// Changes how many instances there are at [least](super::PoolBuilder::min) (POOL-17), as
    /// [`set_warm`](Self::set_warm) does.
    ///
    /// # Errors
    /// [`PoolError::MinAboveMax`].
    pub fn set_min(&self, instances: usize) -> Result<(), PoolError> {
        self.shared().decide(|scheduler, decision| scheduler.on_set_min(instances, decision))
    }

    /// Keeps fewer idle instances for as long as `pressure` is on (POOL-17): those above the warm
    /// ones of `shrink` are evicted once they have been idle for its age, the coldest first, so
    /// many [per tick](super::PoolBuilder::evictions_per_tick). When it is off the pool is as it
    /// was, and what is missing of the warm ones is built. The [least that there
    /// are](super::PoolBuilder::min) stay.
    ///
    /// The pool reads the pressure at each [tick](super::PoolBuilder::tick), without a thread of
    /// its own for that, and keeps it until it is drained, [`shrink_never`](Self::shrink_never) is
    /// called, or another one is given, which replaces it.
    ///
    /// # Errors
    /// [`PoolError::Zero`]: an idle age of zero.
    ///
    /// # Example
    /// ```
    /// # use std::convert::Infallible;
    /// # use plimsoll::pool::{Manager, Pool};
    /// # struct Buffers;
    /// # impl Manager for Buffers {
    /// #     type Object = Vec<u8>;
    /// #     type Error = Infallible;
    /// #     async fn create(&self) -> Result<Vec<u8>, Infallible> {
    /// #         Ok(Vec::new())
    /// #     }
    /// # }
    /// use plimsoll::pool::Shrink;
    /// use plimsoll::pressure::Pressure;
    ///
    /// let pool = Pool::builder(Buffers).max(16).warm(8).build()?;
    /// let (memory_is_short, pressure) = Pressure::manual();
    /// pool.shrink_under(&pressure, Shrink::new().warm(2))?;
    /// memory_is_short.set(true); // from the next ticks on, 2 are kept
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shrink_under(&self, pressure: &Pressure, shrink: Shrink) -> Result<(), PoolError> {
        shrink.check()?;
        self.shared().shrinking.set(Some((pressure.clone(), shrink)));
        self.shared().shrink();
        Ok(())
    }

    /// Ends [`shrink_under`](Self::shrink_under): the pool keeps what it keeps without pressure.
    pub fn shrink_never(&self) {
        self.shared().shrinking.set(None);
        self.shared().shrink();
    }
}
