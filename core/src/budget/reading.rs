//! The numbers of one node at one moment.

use super::percent::PercentWatermarks;
use crate::edge::Level;

/// A node at one moment.
///
/// # Invariants
/// GAUGE-5: `usage <= high_water`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// What is reserved, in the budget's own unit.
    pub usage: u64,
    /// The largest usage of the node's life.
    pub high_water: u64,
    /// The level that agrees with the usage.
    pub level: Level,
    /// The capacity; `None` if there is no bound.
    pub capacity: Option<u64>,
    /// The watermarks, in percent of the capacity.
    pub watermarks: PercentWatermarks,
}
