//! A handle that does not keep a registry alive.

use std::sync::Weak;

use super::{Registry, Shared};

/// A handle to a [`Registry`] that does not keep it alive, for what is called back for as long as a
/// process runs, such as an exporter.
///
/// ```
/// use plimsoll::Registry;
///
/// let registry = Registry::new();
/// let weak = registry.downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(registry);
/// assert!(weak.upgrade().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct WeakRegistry(Weak<Shared>);

impl Registry {
    /// A handle that does not keep the registry alive.
    pub fn downgrade(&self) -> WeakRegistry {
        WeakRegistry(std::sync::Arc::downgrade(&self.0))
    }
}

impl WeakRegistry {
    /// The registry, if a handle to it, or anything that is registered in it, is left.
    pub fn upgrade(&self) -> Option<Registry> {
        self.0.upgrade().map(Registry)
    }

    /// Whether both are handles to one registry.
    pub fn is_same(&self, other: &WeakRegistry) -> bool {
        self.0.ptr_eq(&other.0)
    }
}
