//! The statistics of a pool.

use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_core::pool::PoolCounts;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::number::{Wide, integer};
use crate::telemetry::histogram::Histogram;
use crate::telemetry::snapshot::DiscardReason;

/// How many instances are in which state, among the fields of their pool.
#[derive(serde::Serialize, serde::Deserialize)]
struct Counts {
    #[serde(with = "integer")]
    max: usize,
    #[serde(with = "integer")]
    building: usize,
    #[serde(with = "integer")]
    idle: usize,
    #[serde(with = "integer")]
    leased: usize,
    #[serde(with = "integer")]
    condemned: usize,
}

pub(crate) mod counts {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        counts: &PoolCounts,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let PoolCounts { building, idle, leased, condemned, .. } = *counts;
        Counts { max: counts.capacity(), building, idle, leased, condemned }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<PoolCounts, D::Error> {
        let Counts { max, building, idle, leased, condemned } = Counts::deserialize(deserializer)?;
        let mut live = [building, idle, leased, condemned].into_iter();
        let live = live
            .try_fold(0, usize::checked_add)
            .ok_or_else(|| D::Error::custom("a pool has more instances than can be counted"))?;
        Ok(PoolCounts { vacant: max.saturating_sub(live), building, idle, leased, condemned })
    }
}

/// A number for each reason.
pub(crate) mod discards {
    use super::*;

    type Discards = [u64; DiscardReason::ALL.len()];

    pub(crate) fn serialize<S: Serializer>(
        discards: &Discards,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut reasons = serializer.serialize_map(Some(discards.len()))?;
        for (reason, count) in DiscardReason::ALL.iter().zip(discards) {
            reasons.serialize_entry(reason.as_str(), &Wide(*count))?;
        }
        reasons.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Discards, D::Error> {
        let read = BTreeMap::<String, Wide>::deserialize(deserializer)?;
        Ok(DiscardReason::ALL.map(|reason| read.get(reason.as_str()).map_or(0, |count| count.0)))
    }
}

/// The buckets that hold something, by their upper bounds; the rest is there for readers that want
/// no buckets, and is not read back.
#[derive(serde::Serialize, serde::Deserialize)]
struct Times {
    #[serde(default)]
    count: Option<Wide>,
    sum_ns: Wide,
    #[serde(default)]
    p50_ns: Option<Wide>,
    #[serde(default)]
    p99_ns: Option<Wide>,
    #[serde(default)]
    p999_ns: Option<Wide>,
    #[serde(default)]
    max_ns: Option<Wide>,
    buckets: Vec<(Wide, Wide)>,
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ns = |time: Duration| Wide(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        let at = |of| self.quantile(of).map(ns);
        let times = Times {
            count: Some(Wide(self.count())),
            sum_ns: ns(self.sum()),
            p50_ns: at(0.5),
            p99_ns: at(0.99),
            p999_ns: at(0.999),
            max_ns: at(1.0),
            buckets: self.buckets().map(|(upper, count)| (ns(upper), Wide(count))).collect(),
        };
        times.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let times = Times::deserialize(deserializer)?;
        let buckets = times.buckets.iter().map(|(upper, count)| (upper.0, count.0));
        Ok(Histogram::from_buckets(times.sum_ns.0, buckets))
    }
}
