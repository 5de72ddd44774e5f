//! Where a pool keeps its manager.

use std::sync::Arc;

use crate::pool::locks::{LEAF, Mutex};
use crate::pool::manager::Manager;
use crate::pool::store::Shell;

/// The manager, until the pool is drained. Each instance refers to it as well.
pub(in crate::pool) struct Keeper<M>(Mutex<Option<Arc<M>>, LEAF>);

impl<M: Manager> Keeper<M> {
    pub(in crate::pool) fn new(manager: M) -> Self {
        Self(Mutex::new(Some(Arc::new(manager))))
    }

    pub(in crate::pool) fn get(&self) -> Option<Arc<M>> {
        self.0.lock().clone()
    }

    /// An empty shell for an object. The caller holds a slot for it.
    pub(in crate::pool) fn new_shell(&self) -> Shell<M> {
        Shell::New(self.get().expect("the manager stays while a slot is held"))
    }

    pub(in crate::pool) fn take(&self) -> Option<Arc<M>> {
        self.0.lock().take()
    }
}
