//! Levels, and the edge that a gauge returns when its level changes.

use core::fmt;

/// How loaded a gauge is: `Normal` below its watermarks, then one step for each pair of them.
///
/// A gauge with one pair of watermarks knows `Normal` and `Elevated` only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Below the first high watermark, or fallen back to its low watermark.
    #[default]
    Normal = 0,
    /// At or above the first high watermark.
    Elevated = 1,
    /// At or above the second high watermark.
    Critical = 2,
    /// At or above the third high watermark.
    Full = 3,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Level; 4] = [Level::Normal, Level::Elevated, Level::Critical, Level::Full];

    pub(crate) const fn from_bits(bits: u64) -> Level {
        match bits & 3 {
            0 => Level::Normal,
            1 => Level::Elevated,
            2 => Level::Critical,
            _ => Level::Full,
        }
    }

    /// The name in lower case: `"normal"`, `"elevated"`, `"critical"`, `"full"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Normal => "normal",
            Level::Elevated => "elevated",
            Level::Critical => "critical",
            Level::Full => "full",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The direction of an [`Edge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// The level rose: the depth reached a high watermark.
    Raised,
    /// The level fell: the depth came back to a low watermark.
    Cleared,
}

/// One change of a gauge's level. Each is handed to exactly one caller.
///
/// ```
/// use plimsoll_core::{EdgeKind, Gauge, Level, Watermarks};
///
/// let gauge = Gauge::new(Watermarks::percent(10, 80, 50));
/// assert!(gauge.add(7).is_none());
/// let edge = gauge.add(1).expect("8 of 10 is the high watermark");
/// assert_eq!((edge.kind(), edge.depth(), edge.sequence()), (EdgeKind::Raised, 8, 1));
/// assert_eq!((edge.from(), edge.to()), (Level::Normal, Level::Elevated));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "each edge is handed to one caller only: deliver it, or it is lost"]
pub struct Edge {
    pub(crate) from: Level,
    pub(crate) to: Level,
    pub(crate) depth: u64,
    pub(crate) peak: u64,
    pub(crate) capacity: Option<u64>,
    pub(crate) sequence: u64,
}

impl Edge {
    /// Whether the level rose or fell.
    pub const fn kind(&self) -> EdgeKind {
        if (self.to as u8) > (self.from as u8) { EdgeKind::Raised } else { EdgeKind::Cleared }
    }

    /// The level that was left.
    pub const fn from(&self) -> Level {
        self.from
    }

    /// The level that was entered; a jump over several levels is one edge.
    pub const fn to(&self) -> Level {
        self.to
    }

    /// The depth on which the edge was judged, in the gauge's own unit (items, bytes, ...).
    pub const fn depth(&self) -> u64 {
        self.depth
    }

    /// The largest depth since the gauge's previous edge when it cleared; the depth when it raised.
    /// From a [`FlowGauge`](crate::FlowGauge) it may be too small by up to a 64th of the high-water mark.
    pub const fn peak(&self) -> u64 {
        self.peak
    }

    /// The capacity of the bounded thing; `None` if it has no bound.
    pub const fn capacity(&self) -> Option<u64> {
        self.capacity
    }

    /// The place of this edge among all edges of its gauge, from 1 on and without gaps.
    ///
    /// Two threads can hand on their edges in another order than they happened: the larger number
    /// is the later edge.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }
}
