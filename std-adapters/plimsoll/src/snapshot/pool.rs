//! The pools of a snapshot.

use std::fmt;
use std::sync::Arc;

use super::table;
use crate::limit::Category;
use crate::pool::{Histogram, PoolStats};
use crate::tag::Tag;

/// One [pool](crate::pool) of a [`Snapshot`](super::Snapshot). It is an entry, too: of how many
/// instances are leased.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SnapshotPool {
    tag: Arc<Tag>,
    /// What it holds, and what it has done.
    pub stats: PoolStats,
}

impl SnapshotPool {
    pub(crate) fn new(tag: Arc<Tag>, stats: PoolStats) -> Self {
        Self { tag, stats }
    }

    /// The name of its limit.
    pub fn name(&self) -> &str {
        &self.tag.name
    }

    /// The category of its limit.
    pub fn category(&self) -> Category {
        self.tag.category
    }

    /// The instance label of its limit.
    pub fn instance(&self) -> Option<&str> {
        self.tag.instance.as_deref()
    }
}

const POOLS: [&str; 11] = [
    "POOL",
    "MAX",
    "LEASED",
    "IDLE",
    "BUILDING",
    "CONDEMNED",
    "WAITING",
    "WAIT-P99",
    "HOLD-P99",
    "BUILT",
    "DISCARDED",
];

pub(super) fn write(f: &mut fmt::Formatter<'_>, pools: &[SnapshotPool]) -> fmt::Result {
    let rows: Vec<_> = pools.iter().map(row).collect();
    table::write(f, &POOLS, 1, &rows)
}

fn row(pool: &SnapshotPool) -> [String; 11] {
    let stats = &pool.stats;
    [
        pool.tag.label(),
        stats.counts.capacity().to_string(),
        stats.counts.leased.to_string(),
        stats.counts.idle.to_string(),
        stats.counts.building.to_string(),
        stats.counts.condemned.to_string(),
        stats.waiting.to_string(),
        p99(&stats.wait),
        p99(&stats.hold),
        stats.built.to_string(),
        stats.discarded().to_string(),
    ]
}

fn p99(times: &Histogram) -> String {
    times.quantile(0.99).map_or("-".into(), |time| format!("{time:.1?}"))
}
