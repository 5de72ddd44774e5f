//! Objects of the host that a guest names by number.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::running::Running;

/// A table of host objects that a guest names by number.
///
/// A number of [`NewLease::handles`](crate::NewLease::handles) never comes twice as long as the instance
/// lives, so a guest that has kept one from an
/// earlier lease names nothing with it. (wasmtime's `ResourceTable` gives the number that was freed
/// last, and a new one starts from 0: there, a kept number names the next lease's object.)
///
/// [`NewLease::handles`](crate::NewLease::handles) makes one that goes on counting where the last
/// lease stopped. Keep it in the part that belongs to a lease, so that it goes with it.
///
/// ```
/// use plimsoll_wasmtime::{HandleError, Handles};
///
/// let mut handles = Handles::new(100);
/// let file = handles.insert(String::from("a file"))?;
/// assert_eq!(handles.get::<String>(file)?, "a file");
/// assert_eq!(handles.get::<u64>(file), Err(HandleError::WrongType { handle: file }));
/// handles.remove::<String>(file)?;
/// assert!(handles.insert(7_u64)? > file);
/// # Ok::<(), HandleError>(())
/// ```
pub struct Handles {
    entries: BTreeMap<u32, Box<dyn Any + Send>>,
    next: Next,
    capacity: usize,
}

/// Where the next number comes from.
enum Next {
    /// A table of its own.
    Own(u32),
    /// One of an instance's tables.
    OfInstance(Arc<Running>),
}

impl Next {
    fn take(&mut self) -> Option<u32> {
        match self {
            Self::Own(next) => {
                let handle = *next;
                *next = handle.checked_add(1)?;
                Some(handle)
            }
            Self::OfInstance(running) => running.next_handle(),
        }
    }
}

impl Handles {
    /// A table for so many objects at one time, whose numbers begin at 0: for a table outside leases. In
    /// [`Host::lease`](crate::Host::lease) use [`NewLease::handles`](crate::NewLease::handles): the numbers
    /// of this one would come again in the next lease (POOL-10).
    pub fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), next: Next::Own(0), capacity }
    }

    pub(crate) fn of_instance(capacity: usize, running: Arc<Running>) -> Self {
        Self { entries: BTreeMap::new(), next: Next::OfInstance(running), capacity }
    }

    /// Takes an object in.
    ///
    /// # Returns
    /// Its number, above all that were given before.
    ///
    /// # Errors
    /// [`HandleError::Full`], [`HandleError::Exhausted`]. The object is dropped.
    pub fn insert<T: Any + Send>(&mut self, object: T) -> Result<u32, HandleError> {
        if self.entries.len() >= self.capacity {
            return Err(HandleError::Full { capacity: self.capacity });
        }
        let handle = self.next.take().ok_or(HandleError::Exhausted)?;
        self.entries.insert(handle, Box::new(object));
        Ok(handle)
    }

    /// The object of this number.
    ///
    /// # Errors
    /// [`HandleError::Unknown`], [`HandleError::WrongType`].
    pub fn get<T: Any>(&self, handle: u32) -> Result<&T, HandleError> {
        let object = self.entries.get(&handle).ok_or(HandleError::Unknown { handle })?;
        object.downcast_ref().ok_or(HandleError::WrongType { handle })
    }

    /// The object of this number.
    ///
    /// # Errors
    /// [`HandleError::Unknown`], [`HandleError::WrongType`].
    pub fn get_mut<T: Any>(&mut self, handle: u32) -> Result<&mut T, HandleError> {
        let object = self.entries.get_mut(&handle).ok_or(HandleError::Unknown { handle })?;
        object.downcast_mut().ok_or(HandleError::WrongType { handle })
    }

    /// Takes the object of this number out.
    ///
    /// # Errors
    /// [`HandleError::Unknown`], [`HandleError::WrongType`]; then it stays.
    pub fn remove<T: Any>(&mut self, handle: u32) -> Result<T, HandleError> {
        self.get::<T>(handle)?;
        let object = self.entries.remove(&handle).ok_or(HandleError::Unknown { handle })?;
        object.downcast().map(|object| *object).map_err(|_| HandleError::WrongType { handle })
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Handles");
        debug.field("len", &self.len()).field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

/// Why a number names no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandleError {
    /// There are as many objects as there may be.
    #[error("a guest has {capacity} handles at most")]
    Full {
        /// How many that is.
        capacity: usize,
    },
    /// All 2^32 - 1 numbers of the instance were given.
    #[error("the instance has used up its 2^32 - 1 numbers of handles")]
    Exhausted,
    /// The number was not given in this lease, or its object is gone.
    #[error("handle {handle} names nothing in this lease")]
    Unknown {
        /// The number.
        handle: u32,
    },
    /// The number names an object of another type.
    #[error("handle {handle} is of another type")]
    WrongType {
        /// The number.
        handle: u32,
    },
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    fn running() -> Arc<Running> {
        Arc::new(Running::new(Arc::new(Clock::new(Duration::from_millis(1))), 1))
    }

    #[test]
    fn pool_10_a_number_of_one_lease_names_nothing_in_the_next() {
        let running = running();
        let mut handles = Handles::of_instance(2, running.clone());
        let first = handles.insert(1_u8).unwrap();
        let mut handles = Handles::of_instance(2, running);
        let second = handles.insert(2_u8).unwrap();
        assert_eq!(handles.get::<u8>(first), Err(HandleError::Unknown { handle: first }));
        assert_eq!((handles.get::<u8>(second), second), (Ok(&2), first + 1));
    }

    #[test]
    fn a_table_has_a_capacity_and_an_end() {
        let running = running();
        running.set_next_handle(u32::MAX - 1);
        let mut handles = Handles::of_instance(1, running);
        let last = handles.insert(()).unwrap();
        assert_eq!(handles.insert(()), Err(HandleError::Full { capacity: 1 }));
        assert_eq!(handles.remove::<u8>(last), Err(HandleError::WrongType { handle: last }));
        assert_eq!((handles.len(), handles.remove::<()>(last)), (1, Ok(())));
        assert_eq!(handles.insert(()), Err(HandleError::Exhausted));
        assert!(handles.is_empty());
    }
}
