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
use std::time::Duration;

use plimsoll_core::{Edge, Level, Reading};

use crate::ledger::LedgerSource;
use crate::registry::{Attached, Entry, Shared};
use crate::snapshot::SnapshotEntry;

/// What the registry asks of a thing that it lists. No method panics, and none blocks.
pub(crate) trait Source: Send + Sync {
    /// Looks afresh. An edge that this look makes, the source emits itself: no lock of the registry
    /// is held.
    fn read(&self) -> SourceReading;

    /// Reads into a snapshot. The numbers go from registers to where they stay: a reading that is
    /// handed out and copied costs as much as all the rest of a read.
    fn read_into(&self, entry: &mut SnapshotEntry) {
        entry.set(self.read());
    }

    /// The high-water mark since the last call.
    fn take_high_water(&self) -> u64;

    /// How many parties are blocked on it, for the events of its edges.
    fn waiting(&self) -> u64 {
        0
    }

    /// What it has to tell as a pool, if it is one.
    #[cfg(feature = "pool")]
    fn pool(&self) -> Option<crate::pool::PoolStats> {
        None
    }
}

/// One answer of a [`Source`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceReading {
    /// The depth.
    pub(crate) depth: u64,
    /// The high-water mark.
    pub(crate) high_water: u64,
    /// The level that agrees with the depth.
    pub(crate) level: Level,
    /// How many parties are blocked on it now.
    pub(crate) waiting: u64,
    /// How long parties have been blocked on it in all.
    pub(crate) blocked: Duration,
}

impl SourceReading {
    #[inline(always)]
    pub(crate) fn new(reading: Reading, waiting: u64, blocked: Duration) -> Self {
        let Reading { depth, high_water, level, .. } = reading;
        Self { depth, high_water, level, waiting, blocked }
    }
}

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
