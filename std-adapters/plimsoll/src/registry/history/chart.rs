//! The depths of one limit in the last ten minutes, for a chart.

use std::collections::VecDeque;
use std::time::Duration;

/// One look at a limit, of a [chart](super::History::chart).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChartPoint {
    /// How long before the last look this one was.
    pub age: Duration,
    /// The depth.
    pub depth: u64,
    /// The largest depth since the look before.
    pub peak: u64,
}

/// The depths and peaks of the last looks at a limit, oldest first: 16 bytes for each look, 9.6 kB
/// in all.
#[derive(Debug, Default)]
pub(super) struct Chart {
    points: VecDeque<(u64, u64)>,
}

impl Chart {
    /// Ten minutes of one look per second.
    pub(super) const POINTS_MAX: usize = 600;

    /// Limits that have a chart.
    pub(super) const CHARTS_MAX: usize = 256;

    pub(super) fn push(&mut self, depth: u64, peak: u64) {
        if self.points.len() == Self::POINTS_MAX {
            self.points.pop_front();
        } else if self.points.capacity() == self.points.len() {
            // Not more than the last one needs: a deque that doubles would take up to twice as
            // much.
            let more = self.points.len().max(30).min(Self::POINTS_MAX - self.points.len());
            self.points.reserve_exact(more);
        }
        self.points.push_back((depth, peak));
    }

    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.points.capacity() * size_of::<(u64, u64)>()
    }

    /// Depth and peak of each look.
    pub(super) fn points(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.points.iter().copied()
    }
}
