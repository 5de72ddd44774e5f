//! The hysteresis of one gauge as a plain, sequential machine.

use crate::edge::{Edge, Level};
use crate::watermarks::Watermarks;

/// Hysteresis over a series of depths: the plain twin of [`Gauge`](crate::Gauge), for one thread.
///
/// It holds no atomics. The fuzzers and models use it as the oracle of the atomic gauges; it serves
/// as well wherever one thread alone knows the depth.
///
/// ```
/// use plimsoll_core::{EdgeKind, Hysteresis, Watermarks};
///
/// let mut queue = Hysteresis::new(Watermarks::percent(10, 80, 50));
/// let kinds: Vec<_> = [3, 9, 6, 9, 5, 2]
///     .into_iter()
///     .filter_map(|depth| queue.on_depth(depth))
///     .map(|edge| (edge.kind(), edge.depth(), edge.peak()))
///     .collect();
/// assert_eq!(kinds, [(EdgeKind::Raised, 9, 9), (EdgeKind::Cleared, 5, 9)]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hysteresis {
    watermarks: Watermarks,
    level: Level,
    peak: u64,
    edges: u64,
}

impl Hysteresis {
    /// A machine at [`Level::Normal`] that has seen nothing.
    pub const fn new(watermarks: Watermarks) -> Self {
        Self { watermarks, level: Level::Normal, peak: 0, edges: 0 }
    }

    /// Takes the next depth.
    ///
    /// # Returns
    /// The edge that this depth makes, if it makes one.
    pub const fn on_depth(&mut self, depth: u64) -> Option<Edge> {
        if depth > self.peak {
            self.peak = depth;
        }
        let from = self.level;
        let to = self.watermarks.judge(from, depth);
        if to as u8 == from as u8 {
            return None;
        }
        let peak = if to as u8 > from as u8 { depth } else { self.peak };
        self.level = to;
        self.peak = depth;
        self.edges += 1;
        let capacity = self.watermarks.capacity();
        Some(Edge { from, to, depth, peak, capacity, sequence: self.edges })
    }

    /// The level that holds.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// How many edges there have been: the sequence number of the last.
    pub const fn edges(&self) -> u64 {
        self.edges
    }

    /// The watermarks it judges by.
    pub const fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }
}
