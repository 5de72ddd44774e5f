//! What a pool has done, for machines.

use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::histogram::Histogram;
use super::stats::{DiscardReason, PoolStats};
use crate::snapshot::SnapshotPool;

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let mut fields = serializer.serialize_struct("Histogram", 6)?;
        fields.serialize_field("count", &self.count())?;
        fields.serialize_field("sum_ns", &ns(self.sum()))?;
        fields.serialize_field("p50_ns", &self.quantile(0.5).map(ns))?;
        fields.serialize_field("p99_ns", &self.quantile(0.99).map(ns))?;
        fields.serialize_field("p999_ns", &self.quantile(0.999).map(ns))?;
        fields.serialize_field("max_ns", &self.quantile(1.0).map(ns))?;
        fields.end()
    }
}

/// The reasons for which something was discarded.
struct Discards<'a>(&'a PoolStats);

impl Serialize for Discards<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut reasons = serializer.serialize_map(Some(DiscardReason::ALL.len()))?;
        for reason in DiscardReason::ALL {
            reasons.serialize_entry(reason.as_str(), &self.0.discards(reason))?;
        }
        reasons.end()
    }
}

impl Serialize for SnapshotPool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stats = &self.stats;
        let mut fields = serializer.serialize_struct("SnapshotPool", 20)?;
        fields.serialize_field("name", self.name())?;
        fields.serialize_field("category", &self.category())?;
        fields.serialize_field("instance", &self.instance())?;
        fields.serialize_field("max", &stats.counts.capacity())?;
        fields.serialize_field("building", &stats.counts.building)?;
        fields.serialize_field("idle", &stats.counts.idle)?;
        fields.serialize_field("leased", &stats.counts.leased)?;
        fields.serialize_field("condemned", &stats.counts.condemned)?;
        fields.serialize_field("waiting", &stats.waiting)?;
        fields.serialize_field("blocked_ms", &(stats.blocked.as_millis() as u64))?;
        fields.serialize_field("wait", &stats.wait)?;
        fields.serialize_field("hold", &stats.hold)?;
        fields.serialize_field("built", &stats.built)?;
        fields.serialize_field("build_failures", &stats.build_failures)?;
        fields.serialize_field("panics", &stats.panics)?;
        fields.serialize_field("timeouts", &stats.timeouts)?;
        fields.serialize_field("refusals", &stats.refusals)?;
        fields.serialize_field("abandoned", &stats.abandoned)?;
        fields.serialize_field("abandoned_now", &stats.abandoned_now)?;
        fields.serialize_field("discards", &Discards(stats))?;
        fields.end()
    }
}
