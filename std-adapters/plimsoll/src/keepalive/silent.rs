//! How many guests of a watcher are silent.

use std::sync::Arc;

use plimsoll_core::{Gauge, Watermarks};

use crate::gauge::TrackedGauge;
use crate::registry::Registry;
use crate::telemetry::{Limit, RegisterError};

/// The number of silent guests: as a limit, and by itself for pressures, which keep no limit listed.
pub(super) struct Silent {
    pub(super) listed: TrackedGauge,
    pub(super) count: Arc<Gauge>,
}

impl Silent {
    pub(super) fn register(registry: &Registry, limit: Limit) -> Result<Self, RegisterError> {
        // Each silence is an event of its own: there is no level to add to that.
        let none = Watermarks::unbounded();
        Ok(Self { listed: registry.gauge(limit, none)?, count: Arc::new(Gauge::new(none)) })
    }

    /// One is silent. No lock may be held.
    pub(super) fn enter(&self) {
        // No edge: it has no watermarks.
        let _ = self.count.add(1);
        self.listed.add(1);
        self.listed.changed();
    }

    /// One is not any more. No lock may be held.
    pub(super) fn leave(&self) {
        // No edge: as above.
        let _ = self.count.sub(1);
        self.listed.sub(1);
        self.listed.changed();
    }
}
