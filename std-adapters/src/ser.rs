//! Events and snapshots for machines.

use plimsoll_core::Level;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::event::Event;
use crate::limit::Category;
use crate::snapshot::{RegistryStats, Snapshot, SnapshotEntry};

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
        let mut fields = serializer.serialize_struct("Snapshot", 2)?;
        fields.serialize_field("entries", self.entries())?;
        fields.serialize_field("events", self.stats())?;
        fields.end()
    }
}
