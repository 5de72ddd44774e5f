//! What really happened, kept where the model checker does not see it.

use std::sync::{Mutex, MutexGuard};

use plimsoll_loom::{Edge, Level, Watermarks};

/// Follows the moves and edges of one gauge in the order in which they happen.
///
/// All threads of a model run on one thread of the system and change over only at atomic steps. So
/// what is noted right after a step is noted together with it, at no cost in interleavings.
///
/// The ghost knows when nothing is in flight, also in the middle of a run, and holds the gauge to its
/// invariants at each such moment of rest.
pub(crate) struct Ghost {
    truth: Mutex<Truth>,
    watermarks: Watermarks,
}

#[derive(Default)]
struct Truth {
    depth: i64,
    in_flight: usize,
    depth_max: u64,
    /// The largest depth at which nothing was in flight.
    depth_at_rest_max: u64,
    /// The same since the last mark was taken.
    window_at_rest_max: u64,
    edges: Vec<Edge>,
}

impl Ghost {
    pub(crate) fn new(watermarks: Watermarks) -> Self {
        Self { truth: Mutex::default(), watermarks }
    }

    fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// An operation begins: from here on nothing is at rest.
    pub(crate) fn begin(&self) {
        self.truth().in_flight += 1;
    }

    /// The thing has moved.
    pub(crate) fn moved(&self, by: i64) {
        let mut truth = self.truth();
        truth.depth += by;
        truth.depth_max = truth.depth_max.max(truth.depth.max(0) as u64);
    }

    /// An operation ends, with the edge it was handed.
    pub(crate) fn end(&self, edge: Option<Edge>) {
        self.ends([edge]);
    }

    /// An operation ends that was handed several.
    pub(crate) fn ends(&self, edges: impl IntoIterator<Item = Option<Edge>>) {
        let mut truth = self.truth();
        truth.edges.extend(edges.into_iter().flatten());
        truth.in_flight -= 1;
        if truth.in_flight == 0 {
            truth.rest(&self.watermarks);
        }
    }

    /// The depth now.
    pub(crate) fn depth(&self) -> u64 {
        self.truth().depth.max(0) as u64
    }

    /// The level that the edges have led to.
    pub(crate) fn level(&self) -> Level {
        self.truth().edges.last().map_or(Level::Normal, Edge::to)
    }

    /// The mark has been taken: a new window begins, with what is there at rest.
    pub(crate) fn window_begins(&self) {
        let mut truth = self.truth();
        let at_rest = truth.in_flight == 0;
        truth.window_at_rest_max = if at_rest { truth.depth.max(0) as u64 } else { 0 };
    }

    /// Whether `mark` is a high-water mark (GAUGE-5): at least the largest depth at which nothing
    /// was in flight, at most the largest depth that existed. In between lies what was put in and
    /// taken out again before the thread that put it in had looked.
    pub(crate) fn assert_mark(&self, mark: u64) {
        let truth = self.truth();
        let (least, most) = (truth.depth_at_rest_max, truth.depth_max);
        assert!((least..=most).contains(&mark), "GAUGE-5: {mark} is not within {least}..={most}");
    }

    /// The same for the mark of the window that ends now.
    pub(crate) fn assert_window(&self, mark: u64) {
        let truth = self.truth();
        let (least, most) = (truth.window_at_rest_max, truth.depth_max);
        assert!((least..=most).contains(&mark), "GAUGE-5: {mark} is not within {least}..={most}");
    }
}

impl Truth {
    /// With nothing in flight, all edges are known, and the level agrees with the depth.
    fn rest(&mut self, watermarks: &Watermarks) {
        self.edges.sort_by_key(Edge::sequence);
        let mut level = Level::Normal;
        for (edge, sequence) in self.edges.iter().zip(1..) {
            assert_eq!(edge.sequence(), sequence, "GAUGE-3: no gap, no duplicate");
            assert_eq!(edge.from(), level, "GAUGE-3: each edge begins where the last one ended");
            assert_ne!(edge.to(), level, "GAUGE-3: edges alternate");
            assert_eq!(watermarks.judge(level, edge.depth()), edge.to(), "GAUGE-3: {edge:?}");
            assert!(edge.peak() >= edge.depth(), "{edge:?}");
            level = edge.to();
        }
        // Below 0 something was counted out that is still to be counted in.
        let depth = self.depth.max(0) as u64;
        self.depth_at_rest_max = self.depth_at_rest_max.max(depth);
        self.window_at_rest_max = self.window_at_rest_max.max(depth);
        assert_eq!(watermarks.judge(level, depth), level, "GAUGE-4: {level} at depth {depth}");
    }
}
