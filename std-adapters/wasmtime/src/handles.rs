//! What guests name by number.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::mem;

use wasmtime::component::Resource;

/// A table of host objects that a guest names by number.
///
/// A number is never given twice, so a guest that has kept one from an earlier lease names nothing
/// with it. (wasmtime's `ResourceTable` gives the lowest free number, and a fresh one starts from
/// 0: there, a kept handle names the next lease's object.)
///
/// Each lease begins with an empty one in its [`HostState`](super::HostState), which goes on
/// counting where the last lease stopped. A host that keeps objects for as long as the instance
/// lives puts a table of its own into [`Host::Instance`](super::Host::Instance).
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
    next: u32,
    capacity: usize,
}

impl Handles {
    /// A table for so many objects at one time.
    pub fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), next: 0, capacity }
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
        let handle = self.next;
        self.next = handle.checked_add(1).ok_or(HandleError::Exhausted)?;
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

    /// Takes an object in, and gives a component's guest the ownership of it.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert).
    pub fn push<T: Any + Send>(&mut self, object: T) -> Result<Resource<T>, HandleError> {
        Ok(Resource::new_own(self.insert(object)?))
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes all objects out, to be dropped by the caller. No number comes again.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = impl Sized + use<>> + use<> {
        mem::take(&mut self.entries).into_values()
    }
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Handles");
        debug.field("len", &self.len()).field("next", &self.next).finish_non_exhaustive()
    }
}

/// Why a number names no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleError {
    /// There are as many objects as there may be.
    Full {
        /// How many that is.
        capacity: usize,
    },
    /// All 2^32 numbers of the instance were given: it is to be discarded.
    Exhausted,
    /// The number was not given in this lease, or its object is gone.
    Unknown {
        /// The number.
        handle: u32,
    },
    /// The number names an object of another type.
    WrongType {
        /// The number.
        handle: u32,
    },
}

impl fmt::Display for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { capacity } => write!(f, "a guest has {capacity} handles at most"),
            Self::Exhausted => f.write_str("the instance has used up its 2^32 handles"),
            Self::Unknown { handle } => write!(f, "handle {handle} names nothing in this lease"),
            Self::WrongType { handle } => write!(f, "handle {handle} is of another type"),
        }
    }
}

impl std::error::Error for HandleError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_10_a_number_from_before_names_nothing_afterwards() {
        let mut handles = Handles::new(2);
        let first = handles.insert(1_u8).unwrap();
        assert_eq!(handles.take_all().count(), 1);
        let second = handles.insert(2_u8).unwrap();
        assert_eq!(handles.get::<u8>(first), Err(HandleError::Unknown { handle: first }));
        assert_eq!((handles.get::<u8>(second), second), (Ok(&2), first + 1));
    }

    #[test]
    fn a_table_has_a_capacity_and_an_end() {
        let mut handles = Handles::new(1);
        handles.next = u32::MAX - 1;
        let last = handles.insert(()).unwrap();
        assert_eq!(handles.insert(()), Err(HandleError::Full { capacity: 1 }));
        assert_eq!(handles.remove::<u8>(last), Err(HandleError::WrongType { handle: last }));
        assert_eq!((handles.len(), handles.remove::<()>(last)), (1, Ok(())));
        assert_eq!(handles.insert(()), Err(HandleError::Exhausted));
        assert!(handles.is_empty());
    }
}
