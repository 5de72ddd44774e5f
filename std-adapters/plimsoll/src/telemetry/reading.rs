//! The reading of a source that has a depth.

use std::num::NonZeroU64;
use std::time::Duration;

use plimsoll_core::{Edge, Level, Reading};

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
    /// The edge that this reading has made: the reader hands it on. `None` of a source with a registration
    /// of its own, which hands on its edges itself.
    pub(crate) edge: Option<Edge>,
}

/// The depth of a limit that has never had an edge or a waiter: it is at the normal level, and has been
/// since it was registered. Two words, which a function returns in registers.
///
/// ```text
/// marks  0       set, so that an `Option` takes no more room
///        1       whether it is a channel: one that has refused no send and counts no totals
///        2..64   the high-water mark
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtRest {
    depth: u64,
    marks: NonZeroU64,
}

const IS_CHANNEL: u64 = 1 << 1;
const MARK_SHIFT: u32 = 2;

impl AtRest {
    /// Depth and high-water mark, both at most 2^56.
    #[inline(always)]
    pub(crate) fn new((depth, high_water): (u64, u64)) -> Self {
        Self { depth, marks: NonZeroU64::MIN | high_water << MARK_SHIFT }
    }

    /// The same of a channel.
    #[cfg(any(test, feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
    #[inline(always)]
    pub(crate) fn channel(depths: (u64, u64)) -> Self {
        let Self { depth, marks } = Self::new(depths);
        Self { depth, marks: marks | IS_CHANNEL }
    }

    #[inline(always)]
    pub(crate) fn depth(self) -> u64 {
        self.depth
    }

    #[inline(always)]
    pub(crate) fn high_water(self) -> u64 {
        self.marks.get() >> MARK_SHIFT
    }

    #[inline(always)]
    pub(crate) fn is_channel(self) -> bool {
        self.marks.get() & IS_CHANNEL != 0
    }
}

impl SourceReading {
    #[inline(always)]
    pub(crate) fn new(reading: Reading, waiting: u64, blocked: Duration) -> Self {
        let Reading { depth, high_water, level, .. } = reading;
        Self { depth, high_water, level, waiting, blocked, edge: None }
    }

    /// The same, with the edge that it has made.
    #[inline(always)]
    pub(crate) fn with_edge(self, edge: Option<Edge>) -> Self {
        Self { edge, ..self }
    }

    /// The reading of a source without a waiter.
    #[inline(always)]
    pub(crate) fn unblocked(reading: Reading) -> Self {
        Self::new(reading, 0, Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::MAX_CAPACITY;

    use super::*;

    #[test]
    fn depths_at_rest_come_back_out_of_two_words() {
        assert_eq!(size_of::<Option<AtRest>>(), 16);
        for depths in [(0, 0), (0, 1), (7, MAX_CAPACITY), (MAX_CAPACITY, MAX_CAPACITY)] {
            for (read, is_channel) in
                [(AtRest::new(depths), false), (AtRest::channel(depths), true)]
            {
                assert_eq!((read.depth(), read.high_water()), depths);
                assert_eq!(read.is_channel(), is_channel);
            }
        }
    }
}
