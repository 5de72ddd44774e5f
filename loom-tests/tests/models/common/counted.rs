//! A counted gauge and the truth about it.

use plimsoll_loom::{Gauge, Watermarks};

use super::Ghost;

pub(crate) struct Counted {
    pub(crate) gauge: Gauge,
    pub(crate) ghost: Ghost,
}

impl Counted {
    pub(crate) fn new(watermarks: Watermarks) -> Self {
        Self { gauge: Gauge::new(watermarks), ghost: Ghost::new(watermarks) }
    }

    pub(crate) fn add(&self, amount: u64) {
        self.ghost.begin();
        // The step that counts is inside: what is noted here is the most there can be till then.
        self.ghost.moved(amount as i64);
        self.ghost.end(self.gauge.add(amount));
    }

    pub(crate) fn sub(&self, amount: u64) {
        self.ghost.begin();
        let edge = self.gauge.sub(amount);
        self.ghost.moved(-(amount as i64));
        self.ghost.end(edge);
    }

    /// Holds a permit, and hands it back with its edge.
    pub(crate) fn hold(&self, amount: u64) {
        self.ghost.begin();
        self.ghost.moved(amount as i64);
        let (permit, edge) = self.gauge.permit(amount);
        self.ghost.end(edge);
        self.ghost.begin();
        let edge = permit.release();
        self.ghost.moved(-(amount as i64));
        self.ghost.end(edge);
    }

    /// With all threads done, the gauge agrees with the truth in every way (GAUGE-1, GAUGE-4).
    pub(crate) fn assert_at_rest(&self) {
        let reading = self.gauge.reading();
        assert_eq!(self.gauge.depth(), self.ghost.depth(), "GAUGE-1");
        assert_eq!(reading.depth, self.ghost.depth(), "GAUGE-1");
        assert_eq!(reading.level, self.ghost.level(), "GAUGE-4");
        assert!(self.gauge.settle().is_none(), "GAUGE-4: no edge is due");
        self.ghost.assert_mark(reading.high_water);
    }
}
