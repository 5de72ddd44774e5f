//! The hysteresis rule as the words of the contract have it, for judging what the core answers.

use plimsoll_core::{Edge, EdgeKind, Level, Watermarks};

/// A capacity and the pairs of watermarks `(high, low)`, lowest level first, as plain numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `None`: no bound.
    pub capacity: Option<u64>,
    /// `Elevated` first.
    pub levels: Vec<(u64, u64)>,
}

impl Limits {
    /// The level after `depth`: the highest one that is reached, if that is above `from`; else the
    /// highest one up to `from` that is not yet left. A level not in use counts as the highest one
    /// that is.
    pub fn judge(&self, from: usize, depth: u64) -> usize {
        let from = from.min(self.levels.len());
        let highest = |holds: &dyn Fn(&(u64, u64)) -> bool, up_to: usize| {
            (1..=up_to).filter(|level| holds(&self.levels[level - 1])).max().unwrap_or(0)
        };
        let reached = highest(&|(high, _)| depth >= *high, self.levels.len());
        if reached > from { reached } else { highest(&|(_, low)| depth > *low, from) }
    }

    /// Panics unless `watermarks` says the same.
    pub fn assert_same(&self, watermarks: &Watermarks) {
        assert_eq!(watermarks.capacity(), self.capacity);
        assert_eq!(watermarks.level_count(), self.levels.len());
        for (number, level) in Level::ALL.into_iter().enumerate() {
            let pair = number.checked_sub(1).and_then(|index| self.levels.get(index));
            assert_eq!(watermarks.high(level), pair.map(|pair| pair.0), "high of {level}");
            assert_eq!(watermarks.low(level), pair.map(|pair| pair.1), "low of {level}");
        }
    }
}

/// What an edge should say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    from: usize,
    to: usize,
    depth: u64,
    peak: u64,
    capacity: Option<u64>,
    sequence: u64,
}

/// The level of one gauge, one depth after the other.
#[derive(Clone, Debug)]
pub struct Machine {
    limits: Limits,
    level: usize,
    /// The largest depth from the last edge on, that edge's own depth included.
    peak: u64,
    edges: u64,
}

impl Machine {
    /// A machine that has seen nothing.
    pub fn new(limits: Limits) -> Machine {
        Machine { limits, level: 0, peak: 0, edges: 0 }
    }

    /// The next depth, and the edge that it should make.
    pub fn on_depth(&mut self, depth: u64) -> Option<Expected> {
        self.peak = self.peak.max(depth);
        let (from, to) = (self.level, self.limits.judge(self.level, depth));
        if from == to {
            return None;
        }
        let peak = if to > from { depth } else { self.peak };
        (self.level, self.peak) = (to, depth);
        self.edges += 1;
        let (capacity, sequence) = (self.limits.capacity, self.edges);
        Some(Expected { from, to, depth, peak, capacity, sequence })
    }

    /// The level of the last edge.
    pub fn level(&self) -> Level {
        Level::ALL[self.level]
    }

    /// The level that `depth` would lead to.
    pub fn level_at(&self, depth: u64) -> Level {
        Level::ALL[self.limits.judge(self.level, depth)]
    }

    /// How many edges there have been.
    pub fn edges(&self) -> u64 {
        self.edges
    }

    /// What it judges by.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// GAUGE-3: panics unless the edge is there when it should be, and says what it should.
#[track_caller]
pub fn assert_edge(edge: Option<Edge>, expected: Option<Expected>) {
    assert_edge_near(edge, expected, 0);
}

/// The same of a gauge whose peak may be too small by up to `slack` when it clears.
#[track_caller]
pub fn assert_edge_near(edge: Option<Edge>, mut expected: Option<Expected>, slack: u64) {
    if let (Some(edge), Some(expected)) = (edge, &mut expected) {
        let least = expected.peak.saturating_sub(slack).max(edge.depth());
        if expected.to < expected.from && (least..=expected.peak).contains(&edge.peak()) {
            expected.peak = edge.peak();
        }
    }
    let said = edge.map(|edge| Expected {
        from: edge.from() as usize,
        to: edge.to() as usize,
        depth: edge.depth(),
        peak: edge.peak(),
        capacity: edge.capacity(),
        sequence: edge.sequence(),
    });
    assert_eq!(said, expected, "GAUGE-3");
    if let Some(edge) = edge {
        let rose = edge.to() > edge.from();
        assert_eq!(edge.kind() == EdgeKind::Raised, rose, "GAUGE-3");
        assert_eq!(edge.kind() == EdgeKind::Cleared, !rose, "GAUGE-3");
    }
}
