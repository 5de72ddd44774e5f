//! Instances that were made elsewhere.

use std::error::Error;
use std::fmt;

use super::handle::Pool;
use super::manager::Manager;
use super::shared::Shared;

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
    /// Hands in an instance that was made elsewhere. It is as one that the manager has made: nobody has
    /// used it, and whoever waits gets it at once.
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
        self.shared().insert(object)
    }
}

impl<M: Manager> Shared<M> {
    pub(super) fn insert(&self, object: M::Object) -> Result<(), InsertError<M::Object>> {
        let mut queue = self.queue.lock();
        if queue.is_closed {
            return Err(InsertError::Closed { object });
        }
        let Some(building) = self.reserve(&mut queue) else {
            let max = queue.room.max;
            return Err(InsertError::Full { object, max });
        };
        // On its way to whoever needs it, as one that is built.
        queue.fair.assign(building.slot().index(), None);
        drop(queue);
        self.work.on_reserve();
        let live = self.enliven(object, self.new_shell());
        self.on_built(building, Ok(live));
        Ok(())
    }
}
