//! How a gauge, or a ledger, takes part in a registry.
//!
//! What shares a gauge (the inside of a channel, of a [`TrackedGauge`](crate::TrackedGauge)) holds
//! its [`Registration`] and is its [`Source`]:
//!
//! ```text
//! let registration = registry.reserve(limit, watermarks)?;      // takes the place in the order
//! let shared = Arc::new(Shared { gauge: Gauge::new(watermarks), registration });
//! shared.registration.attach(&shared);                          // snapshots show it from here on
//! ...
//! shared.registration.emit(shared.gauge.add(1));
//! ```
//!
//! The registry holds the source weakly: it goes when its last user lets go, and its registration
//! with it. A snapshot that reads it just then may be the one that drops it, outside every lock.

use std::fmt;
use std::sync::{Arc, Weak};

use plimsoll_core::{Edge, Watermarks};

use super::entry::{Attached, Entry};
use super::{Registry, Shared};
use crate::error::RegisterError;
use crate::ledger::LedgerSource;
use crate::limit::Limit;
use crate::pressure::PressureRule;
use crate::source::Source;
use crate::tag::Tag;

/// A place in a registry; dropping it leaves the registry.
pub(crate) struct Registration {
    registry: Arc<Shared>,
    entry: Arc<Entry>,
}

impl Registration {
    pub(crate) fn new(registry: Arc<Shared>, entry: Arc<Entry>) -> Self {
        Self { registry, entry }
    }

    /// Says what is to be read: once, when it exists. Later calls change nothing.
    pub(crate) fn attach<S: Source + 'static>(&self, source: &Arc<S>) {
        let source: Weak<S> = Arc::downgrade(source);
        self.entry.attach(Attached::Gauge(source));
    }

    /// The same for a ledger.
    pub(crate) fn attach_ledger<S: LedgerSource + 'static>(&self, source: &Arc<S>) {
        let source: Weak<S> = Arc::downgrade(source);
        self.entry.attach(Attached::Ledger(source));
    }

    /// Hands an edge, if there is one, on to the subscribers by the rule of the limit. No lock may be
    /// held.
    #[inline(always)]
    pub(crate) fn emit(&self, edge: Option<Edge>) {
        if let Some(edge) = edge {
            self.hand_on(edge);
        }
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
