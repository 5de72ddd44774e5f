//! The numbers of one gauge at one moment.

use crate::edge::Level;
use crate::watermarks::Watermarks;

/// A gauge at one moment.
///
/// # Invariants
/// GAUGE-5: `depth <= high_water`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// How much is in, in the gauge's own unit.
    pub depth: u64,
    /// The largest depth of the gauge's life.
    pub high_water: u64,
    /// The level that agrees with the depth.
    pub level: Level,
    /// The watermarks, and with them the capacity.
    pub watermarks: Watermarks,
}
