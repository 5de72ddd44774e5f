//! Instances that were made elsewhere.

use std::error::Error;
use std::fmt;

use super::handle::Pool;
use super::manager::Manager;

/// Why an instance was not taken; it is handed back.
#[non_exhaustive]
pub enum InsertError<T> {
    /// The pool is closed.
    Closed {
        /// The instance.
        object: T,
    },
    /// There are as many instances as there may be.
    Full {
        /// The instance.
        object: T,
        /// How many that is.
        max: usize,
    },
}

impl<T> InsertError<T> {
    /// The instance.
    pub fn into_object(self) -> T {
        match self {
            Self::Closed { object } | Self::Full { object, .. } => object,
        }
    }
}

impl<T> fmt::Debug for InsertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { .. } => f.debug_struct("Closed").finish_non_exhaustive(),
            Self::Full { max, .. } => {
                f.debug_struct("Full").field("max", max).finish_non_exhaustive()
            }
        }
    }
}

impl<T> fmt::Display for InsertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { .. } => f.write_str("the pool is closed"),
            Self::Full { max, .. } => write!(f, "the pool has {max} instances, its most"),
        }
    }
}

impl<T> Error for InsertError<T> {}

impl<M: Manager> Pool<M> {
    /// Hands in an instance that was made elsewhere. It counts as one that the manager has made:
    /// unused, and the next waiter gets it at once.
    ///
    /// # Errors
    /// [`InsertError`], with the instance: the pool is closed, or has as many as it may.
    ///
    /// # Example
    /// ```
    /// # use std::convert::Infallible;
    /// # use plimsoll::pool::{Background, Isolation, Manager, Pool};
    /// # struct Buffers;
    /// # impl Manager for Buffers {
    /// #     type Object = Vec<u8>;
    /// #     type Error = Infallible;
    /// #     async fn create(&self) -> Result<Vec<u8>, Infallible> {
    /// #         Ok(Vec::new())
    /// #     }
    /// # }
    /// let builder = Pool::builder(Buffers).max(1).isolation(Isolation::Shared);
    /// let pool = builder.background(Background::Manual).build()?;
    /// pool.insert(vec![7]).map_err(|error| error.to_string())?;
    /// let refused = pool.insert(vec![8]).unwrap_err();
    /// assert_eq!(refused.into_object(), [8]);
    /// assert_eq!(pool.try_checkout(&pool.principal("acme")?)?[..], [7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn insert(&self, object: M::Object) -> Result<(), InsertError<M::Object>> {
        let shared = self.shared();
        let room = shared.decide(|scheduler, decision| match scheduler.is_closed() {
            true => None,
            false => Some(scheduler.on_insert(decision)),
        });
        let building = match room {
            None => return Err(InsertError::Closed { object }),
            Some(Err(max)) => return Err(InsertError::Full { object, max }),
            Some(Ok(building)) => building,
        };
        shared.work.on_reserve();
        let instance = shared.instance_of(object, shared.manager.new_shell());
        shared.on_built(building, Ok(instance));
        Ok(())
    }
}
