//! A queue that tells its own depth, under a sampled gauge.

use loom::sync::atomic::{AtomicU64, Ordering};
use plimsoll_loom::model::is_rmw_load;
use plimsoll_loom::{SampledGauge, Watermarks};

use super::Ghost;

/// The depth of a queue, moved by read-modify-writes and looked at by loads.
pub(crate) struct Depth(AtomicU64);

impl Depth {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn shift(&self, by: i64) {
        self.0.fetch_add(by as u64, Ordering::AcqRel);
    }

    pub(crate) fn look(&self) -> u64 {
        match is_rmw_load(Ordering::Acquire) {
            true => self.0.fetch_add(0, Ordering::Acquire),
            false => self.0.load(Ordering::Acquire),
        }
    }
}

/// A queue, its gauge, and the truth about it.
pub(crate) struct Queue {
    depth: Depth,
    pub(crate) gauge: SampledGauge,
    pub(crate) ghost: Ghost,
}

impl Queue {
    pub(crate) fn new(watermarks: Watermarks) -> Self {
        Self {
            depth: Depth::new(),
            gauge: SampledGauge::new(watermarks),
            ghost: Ghost::new(watermarks),
        }
    }

    pub(crate) fn look(&self) -> u64 {
        self.depth.look()
    }

    pub(crate) fn put(&self, items: u64) {
        self.operate(items as i64);
    }

    pub(crate) fn take(&self, items: u64) {
        self.operate(-(items as i64));
    }

    fn operate(&self, by: i64) {
        self.ghost.begin();
        self.depth.shift(by);
        self.ghost.moved(by);
        self.ghost.end(self.gauge.observe_with(|| self.look()));
    }

    /// With all threads done, the gauge agrees with the truth in every way (GAUGE-4, GAUGE-5).
    pub(crate) fn assert_at_rest(&self) {
        assert_eq!(self.gauge.level(), self.ghost.level(), "GAUGE-4");
        assert!(self.gauge.observe_with(|| self.look()).is_none(), "GAUGE-4: no edge is due");
        self.ghost.assert_mark(self.gauge.high_water());
    }
}
