//! A channel that tells its own depth, under a flow gauge.

use plimsoll_loom::{Credit, Edge, FlowGauge, ThreadKey, Watermarks};

use super::{Depth, Ghost};

/// A channel, its gauge, and the truth about it.
pub(crate) struct Channel {
    depth: Depth,
    pub(crate) flow: FlowGauge,
    pub(crate) ghost: Ghost,
}

/// The number of a thread, from 1 on.
pub(crate) fn key(thread: u64) -> ThreadKey {
    ThreadKey::new(thread).expect("threads are numbered from 1 on")
}

impl Channel {
    pub(crate) fn new(watermarks: Watermarks) -> Self {
        Self {
            depth: Depth::new(),
            flow: FlowGauge::new(watermarks),
            ghost: Ghost::new(watermarks),
        }
    }

    /// A channel that has been filled up to `mark`, and drained again down to `depth`.
    pub(crate) fn with_mark(watermarks: Watermarks, mark: u64, depth: u64) -> Self {
        let channel = Self::new(watermarks);
        channel.fill(mark);
        channel.drain(mark - depth);
        channel
    }

    /// Puts in many at once, and settles.
    pub(crate) fn fill(&self, items: u64) {
        self.operate(items as i64, || self.flow.settle(|| self.look()));
    }

    /// Takes out many at once, and settles.
    pub(crate) fn drain(&self, items: u64) {
        self.operate(-(items as i64), || self.flow.settle(|| self.look()));
    }

    pub(crate) fn send(&self, credit: &Credit, thread: u64) {
        let look = || self.look();
        self.operate(1, || self.flow.after_send(credit, key(thread), look));
    }

    pub(crate) fn receive(&self, credit: &Credit, thread: u64) {
        let look = || self.look();
        self.operate(-1, || self.flow.after_receive(credit, key(thread), look));
    }

    pub(crate) fn receive_many(&self, credit: &Credit, thread: u64, items: u64) {
        let look = || self.look();
        let after = || self.flow.after_receive_many(credit, key(thread), items, look);
        self.operate(-(items as i64), after);
    }

    /// Takes the mark, and looks whether it is one.
    pub(crate) fn take_high_water(&self) -> u64 {
        let mark = self.flow.take_high_water(|| self.look());
        self.ghost.assert_window(mark);
        self.ghost.window_begins();
        mark
    }

    /// With all threads done, the gauge agrees with the truth in every way (GAUGE-4, GAUGE-5).
    pub(crate) fn assert_at_rest(&self) {
        assert_eq!(self.flow.gauge().level(), self.ghost.level(), "GAUGE-4");
        self.ghost.assert_mark(self.flow.gauge().high_water());
        self.take_high_water();
        let (reading, edge) = self.flow.reading(|| self.look());
        assert!(edge.is_none(), "GAUGE-4: no edge is due");
        assert_eq!((reading.depth, reading.level), (self.ghost.depth(), self.ghost.level()));
    }

    pub(crate) fn look(&self) -> u64 {
        self.depth.look()
    }

    /// As [`send`](Self::send), for a thread that is stopped: the truth is not followed.
    pub(crate) fn send_quietly(&self, credit: &Credit, thread: u64) -> Option<Edge> {
        self.depth.shift(1);
        self.flow.after_send(credit, key(thread), || self.look())
    }

    /// As [`receive`](Self::receive), beside a thread that is stopped.
    pub(crate) fn receive_quietly(&self, credit: &Credit, thread: u64) -> Option<Edge> {
        self.depth.shift(-1);
        self.flow.after_receive(credit, key(thread), || self.look())
    }

    fn operate(&self, by: i64, after: impl FnOnce() -> Option<Edge>) {
        self.ghost.begin();
        self.depth.shift(by);
        self.ghost.moved(by);
        self.ghost.end(after());
    }
}
