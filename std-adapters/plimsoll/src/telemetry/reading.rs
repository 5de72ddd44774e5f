//! The reading of a source that has a depth.

use std::time::Duration;

use plimsoll_core::{Level, Reading};

/// The depth of a source, and how many waiters there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceReading {
    /// The depth.
    pub(crate) depth: u64,
    /// The high-water mark.
    pub(crate) high_water: u64,
    /// The level that agrees with the depth.
    pub(crate) level: Level,
    /// How many waiters are blocked on it now.
    pub(crate) waiting: u64,
    /// How long waiters have been blocked on it in all.
    pub(crate) blocked: Duration,
}

impl SourceReading {
    #[inline(always)]
    pub(crate) fn new(reading: Reading, waiting: u64, blocked: Duration) -> Self {
        let Reading { depth, high_water, level, .. } = reading;
        Self { depth, high_water, level, waiting, blocked }
    }

    /// The reading of a source without a waiter.
    #[inline(always)]
    pub(crate) fn unblocked(reading: Reading) -> Self {
        Self::new(reading, 0, Duration::ZERO)
    }
}
