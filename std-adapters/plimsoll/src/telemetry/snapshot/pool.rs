//! The pools of a snapshot.

use std::fmt;
use std::sync::Arc;

use super::pool_stats::PoolStats;
use super::table;
use crate::telemetry::histogram::Histogram;
use crate::telemetry::tag::{Tag, tag_accessors};

/// One [pool](crate::pool) of a [`Snapshot`](super::Snapshot). It is an entry, too: of how many
/// instances are leased.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SnapshotPool {
    #[cfg_attr(feature = "serde", serde(flatten, with = "crate::telemetry::ser::name"))]
    pub(crate) tag: Arc<Tag>,
    /// What it holds, and what it has done.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub stats: PoolStats,
}

tag_accessors!(SnapshotPool);

const POOLS: [&str; 15] = [
    "POOL",
    "MAX",
    "LEASED",
    "IDLE",
    "BUILDING",
    "CONDEMNED",
    "WAITING",
    "WARM",
    "COLD",
    "WAITED",
    "WAIT-P99",
    "HOLD-P99",
    "CREATE-P99",
    "BUILT",
    "DISCARDED",
];

pub(super) fn write(f: &mut fmt::Formatter<'_>, pools: &[SnapshotPool]) -> fmt::Result {
    let rows: Vec<_> = pools.iter().map(row).collect();
    table::write(f, &POOLS, 1, &rows)
}

fn row(pool: &SnapshotPool) -> [String; 15] {
    let stats = &pool.stats;
    [
        pool.tag.label(),
        stats.counts.capacity().to_string(),
        stats.counts.leased.to_string(),
        stats.counts.idle.to_string(),
        stats.counts.building.to_string(),
        stats.counts.condemned.to_string(),
        stats.waiting.to_string(),
        stats.checkouts.warm.to_string(),
        stats.checkouts.cold.to_string(),
        stats.checkouts.waited.to_string(),
        p99(&stats.wait),
        p99(&stats.hold),
        p99(&stats.create),
        stats.built.to_string(),
        stats.discarded().to_string(),
    ]
}

fn p99(times: &Histogram) -> String {
    times.quantile(0.99).map_or("-".into(), |time| format!("{time:.1?}"))
}
