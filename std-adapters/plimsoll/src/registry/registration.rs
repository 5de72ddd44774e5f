//! Registrations: how each tool takes part in a registry.
//!
//! A ledger, a pool, a watcher: its inside, which its handles share, holds its
//! [`Registration`] and is its [`Source`]:
//!
//! ```text
//! let registration = registry.reserve(limit, watermarks)?;      // takes the place in the order
//! let shared = Arc::new(Shared { gauge: SampledGauge::new(watermarks), registration });
//! shared.registration.attach(&shared);                          // snapshots show it from here on
//! ...
//! shared.registration.emit(shared.gauge.observe_with(|| shared.depth()));
//! ```
//!
//! The registry holds such a source weakly: it is dropped with its last user, and its registration
//! with it. A snapshot that reads it just then may be the one that drops it, outside every lock.
//!
//! What there are thousands of, gauges and channels, is [`Registered`](super::Registered): the registry
//! holds it strongly.

use std::fmt;
use std::sync::{Arc, Weak};

use plimsoll_core::{Edge, Watermarks};

use super::entry::Entry;
use super::handles::Handles;
use super::{Registry, Shared};
use crate::telemetry::{Limit, PressureRule, RegisterError, Source, Tag};

/// A place in a registry; dropping it leaves the registry.
pub(crate) struct Registration {
    registry: Arc<Shared>,
    entry: Arc<Entry>,
}

impl Registration {
    pub(crate) fn new(registry: Arc<Shared>, entry: Arc<Entry>) -> Self {
        Self { registry, entry }
    }

    #[cfg(feature = "pressure")]
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.registry
    }

    #[cfg(feature = "pressure")]
    pub(super) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// Says what is to be read: once, when it exists. Later calls change nothing.
    pub(crate) fn attach<S: Source + 'static>(&self, source: &Arc<S>) {
        let (weak, handles): (Weak<S>, _) = (Arc::downgrade(source), Handles::of(source));
        self.entry.attach(Arc::new(weak), handles);
    }

    /// As [`attach`](Self::attach), for a source that the registry keeps until this is dropped.
    pub(super) fn attach_kept(&self, source: Arc<dyn Source>, handles: Handles) {
        self.entry.attach(source, handles);
    }

    /// Hands an edge, if there is one, on to the subscribers by the rule of the limit. No lock may
    /// be held.
    #[inline(always)]
    pub(crate) fn emit(&self, edge: Option<Edge>) {
        if let Some(edge) = edge {
            self.hand_on(edge);
        }
    }

    /// Tells the pressures that go by this of a change that makes no edge. No lock may be held.
    #[cfg(all(feature = "keepalive", feature = "pressure"))]
    pub(crate) fn changed(&self) {
        self.entry.watchers.on_change();
    }

    /// The registry that it is in.
    #[cfg(feature = "budget")]
    pub(crate) fn home(&self) -> Registry {
        Registry(self.registry.clone())
    }

    /// Runs code of the user's; a panic is contained and counted.
    pub(crate) fn contain<R>(&self, code: impl FnOnce() -> R) -> Option<R> {
        self.registry.subscribers.contain(code)
    }

    #[cold]
    fn hand_on(&self, edge: Edge) {
        self.registry.emit(&self.entry, &edge);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.leave(&self.entry);
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registration").field(&self.entry.tag()).finish()
    }
}

impl Registry {
    /// Takes a place for a limit. It is shown once its [`Registration`] is attached to a source.
    pub(crate) fn reserve(
        &self,
        limit: impl Into<Limit>,
        watermarks: Watermarks,
    ) -> Result<Registration, RegisterError> {
        let limit = limit.into();
        limit.check()?;
        let rule = limit.pressure_rule().or(self.0.pressure);
        let rule = rule.unwrap_or_else(|| PressureRule::default_for(&watermarks));
        if let Some(flaw) = rule.flaw() {
            return Err(flaw.into());
        }
        let entry = self.0.entries.join(Tag::new(limit, watermarks), rule)?;
        Ok(Registration::new(self.0.clone(), entry))
    }
}
