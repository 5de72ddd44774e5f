//! Events and snapshots for machines.

use plimsoll_core::Level;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::event::Event;
use crate::limit::Category;
use crate::snapshot::{RegistryStats, Snapshot, SnapshotEntry, SnapshotLedger, SnapshotUser};

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let optional = [
            self.instance().is_some(),
            self.capacity.is_some(),
            self.duration.is_some(),
            self.suppressed > 0,
            self.detail.is_some(),
            self.run.is_some(),
        ];
        let known = optional.into_iter().filter(|known| *known).count();
        let mut fields = serializer.serialize_struct("Event", 9 + known)?;
        fields.serialize_field("name", self.name())?;
        fields.serialize_field("category", &self.category())?;
        if let Some(instance) = self.instance() {
            fields.serialize_field("instance", instance)?;
        }
        fields.serialize_field("kind", self.kind.as_str())?;
        fields.serialize_field("level", self.level.as_str())?;
        fields.serialize_field("depth", &self.depth)?;
        if let Some(capacity) = self.capacity {
            fields.serialize_field("capacity", &capacity)?;
        }
        fields.serialize_field("sequence", &self.sequence)?;
        fields.serialize_field("waiting", &self.waiting)?;
        fields.serialize_field("peak", &self.peak)?;
        if let Some(duration_ms) = self.duration_ms() {
            fields.serialize_field("duration_ms", &duration_ms)?;
        }
        fields.serialize_field("repeat", &self.repeat)?;
        if let Some(suppressed) = self.suppressed_if_any() {
            fields.serialize_field("suppressed", &suppressed)?;
        }
        if let Some(detail) = &self.detail {
            fields.serialize_field("detail", detail)?;
        }
        if let Some(run) = &self.run {
            fields.serialize_field("run", &**run)?;
        }
        fields.end()
    }
}

impl Serialize for SnapshotEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("SnapshotEntry", 11)?;
        fields.serialize_field("name", self.name())?;
        fields.serialize_field("category", &self.category())?;
        fields.serialize_field("instance", &self.instance())?;
        fields.serialize_field("depth", &self.depth)?;
        fields.serialize_field("high_water", &self.high_water)?;
        fields.serialize_field("capacity", &self.capacity())?;
        fields.serialize_field("high", &self.watermarks().high(Level::Elevated))?;
        fields.serialize_field("low", &self.watermarks().low(Level::Elevated))?;
        fields.serialize_field("level", self.level.as_str())?;
        fields.serialize_field("waiting", &self.waiting)?;
        fields.serialize_field("blocked_ms", &(self.blocked.as_millis() as u64))?;
        fields.end()
    }
}

impl Serialize for SnapshotLedger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("SnapshotLedger", 14)?;
        fields.serialize_field("name", self.name())?;
        fields.serialize_field("category", &self.category())?;
        fields.serialize_field("instance", &self.instance())?;
        fields.serialize_field("kind", self.kind.as_str())?;
        fields.serialize_field("window", &self.window)?;
        fields.serialize_field("users", self.users())?;
        fields.serialize_field("total", &self.total)?;
        fields.serialize_field("certified", &self.certified)?;
        fields.serialize_field("bound", &self.bound)?;
        fields.serialize_field("floor", &self.floor)?;
        fields.serialize_field("tracked", &self.tracked)?;
        fields.serialize_field("capacity", &self.capacity)?;
        fields.serialize_field("turned_away", &self.turned_away)?;
        fields.serialize_field("saturated", &self.is_saturated)?;
        fields.end()
    }
}

impl Serialize for SnapshotUser {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("SnapshotUser", 6)?;
        let principal = self.principal();
        match (principal.as_integer(), principal.as_str()) {
            (Some(number), _) => fields.serialize_field("principal", &number)?,
            (None, Some(text)) => fields.serialize_field("principal", text)?,
            // Bytes that were recorded in the core's ledger.
            (None, None) => fields.serialize_field("principal", &format_args!("{principal}"))?,
        }
        fields.serialize_field("value", &self.value())?;
        fields.serialize_field("error", &self.error())?;
        fields.serialize_field("share", &self.share)?;
        fields.serialize_field("certified", &self.is_certified)?;
        fields.serialize_field("saturated", &self.is_saturated)?;
        fields.end()
    }
}

impl Serialize for RegistryStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("RegistryStats", 3)?;
        fields.serialize_field("delivered", &self.delivered)?;
        fields.serialize_field("dropped", &self.dropped)?;
        fields.serialize_field("panicked", &self.panicked)?;
        fields.end()
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = if cfg!(feature = "pool") { 4 } else { 3 };
        let mut fields = serializer.serialize_struct("Snapshot", known)?;
        fields.serialize_field("entries", self.entries())?;
        fields.serialize_field("ledgers", self.ledgers())?;
        #[cfg(feature = "pool")]
        fields.serialize_field("pools", self.pools())?;
        fields.serialize_field("events", self.stats())?;
        fields.end()
    }
}
