//! One node of a tree of budgets, in plain numbers.

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::budget::{MAX_AMOUNT, PercentWatermarks};
use plimsoll_core::{Edge, Level};

use crate::Seen;
use crate::machine::Limits;
use crate::marks::Marks;

/// Pairs of percentages, lowest level first: high and low of as many as there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shares {
    pairs: [(u8, u8); 3],
    count: usize,
}

impl<'a> Arbitrary<'a> for Shares {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Shares> {
        let mut shares = Shares { pairs: [(0, 0); 3], count: bytes.int_in_range(0..=3usize)? };
        let (mut high, mut low) = (0, 0);
        for place in 0..shares.count {
            // Room above for the pairs that follow.
            let left = (shares.count - 1 - place) as u8;
            high = bytes.int_in_range(high + 1..=100 - left)?;
            let lowest = if place == 0 { 0 } else { low + 1 };
            low = bytes.int_in_range(lowest..=high - 1)?;
            shares.pairs[place] = (high, low);
        }
        Ok(shares)
    }
}

impl Shares {
    pub(super) fn watermarks(self) -> PercentWatermarks {
        let pairs = self.pairs[..self.count].iter();
        pairs.fold(PercentWatermarks::none(), |made, (high, low)| made.with_level(*high, *low))
    }

    /// The same in counts of a capacity.
    fn of(self, capacity: Option<u64>) -> Limits {
        let counts = |capacity: u64| {
            let capacity = u128::from(capacity);
            let pairs = self.pairs[..self.count].iter();
            let count = |(high, low): &(u8, u8)| {
                let high = (capacity * u128::from(*high)).div_ceil(100).max(1);
                (high as u64, (capacity * u128::from(*low) / 100) as u64)
            };
            pairs.map(count).collect()
        };
        Limits { capacity, levels: capacity.map(counts).unwrap_or_default() }
    }
}

/// What is reserved of a node, its level and its marks.
pub(super) struct Limit {
    pub(super) waiting: bool,
    shares: Shares,
    limits: Limits,
    usage: u64,
    marks: Marks,
    level: usize,
    /// The largest usage since the last edge.
    peak: u64,
    edges: u64,
    /// Whether a caller was told that an edge is due.
    told: bool,
}

impl Limit {
    pub(super) fn new(capacity: Option<u64>, shares: Shares) -> Limit {
        let (limits, marks) = (shares.of(capacity), Marks::default());
        Limit {
            waiting: false,
            shares,
            limits,
            usage: 0,
            marks,
            level: 0,
            peak: 0,
            edges: 0,
            told: false,
        }
    }

    pub(super) fn usage(&self) -> u64 {
        self.usage
    }

    pub(super) fn capacity(&self) -> Option<u64> {
        self.limits.capacity
    }

    /// The most that may be reserved.
    pub(super) fn bound(&self) -> u64 {
        self.limits.capacity.unwrap_or(MAX_AMOUNT)
    }

    pub(super) fn take(&mut self, amount: u64, seen: &mut Seen) {
        let was_due = self.is_due();
        self.usage += amount;
        assert!(self.usage <= self.bound(), "BUDGET-1");
        self.marks.on_depth(self.usage);
        self.peak = self.peak.max(self.usage);
        seen.note_if(was_due && !self.is_due(), "edge left and gone");
    }

    pub(super) fn give(&mut self, amount: u64, seen: &mut Seen) {
        let was_due = self.is_due();
        self.usage -= amount;
        seen.note_if(was_due && !self.is_due(), "edge left and gone");
    }

    pub(super) fn resize(&mut self, capacity: Option<u64>, seen: &mut Seen) {
        let (before, at) = (self.level_now(), self.level);
        self.limits = self.shares.of(capacity);
        let after = self.level_now();
        seen.note_if(self.usage > self.bound(), "resized below the usage");
        seen.note_if(after > before, "raise by a resize");
        seen.note_if(after < before, "clear by a resize");
        seen.note_if(at > 0 && capacity.is_none(), "bound given up while raised");
    }

    /// Whether an edge is due of which no caller was told before this one.
    pub(super) fn has_become_due(&mut self) -> bool {
        let is_due = self.is_due();
        let was_told = std::mem::replace(&mut self.told, is_due);
        is_due && !was_told
    }

    /// Whether the level's edge is still to be made.
    fn is_due(&self) -> bool {
        self.limits.judge(self.level, self.usage) != self.level
    }

    pub(super) fn level_now(&self) -> Level {
        Level::ALL[self.limits.judge(self.level, self.usage)]
    }

    pub(super) fn high_water(&self) -> u64 {
        self.marks.lifetime()
    }

    pub(super) fn take_mark(&mut self) -> u64 {
        self.marks.take(self.usage)
    }

    /// GAUGE-3: the edge is there when it should be, and says what it should.
    pub(super) fn assert_settled(&mut self, edge: Option<Edge>, seen: &mut Seen) {
        let (from, to) = (self.level, self.limits.judge(self.level, self.usage));
        self.told = false;
        if from == to {
            assert_eq!(edge, None, "GAUGE-3");
            return;
        }
        let edge = edge.expect("GAUGE-3: an edge is due");
        self.edges += 1;
        assert_eq!((edge.from(), edge.to()), (Level::ALL[from], Level::ALL[to]), "GAUGE-3");
        assert_eq!((edge.depth(), edge.sequence()), (self.usage, self.edges), "GAUGE-3");
        assert_eq!(edge.capacity(), self.limits.capacity, "GAUGE-3");
        if to > from {
            assert_eq!(edge.peak(), self.usage, "GAUGE-3");
        } else {
            // Peaks from 2^47 on are kept in units of 1024.
            let kept = if self.peak < 1 << 47 { self.peak } else { self.peak & !1023 };
            assert_eq!(edge.peak(), kept.max(self.usage), "GAUGE-3");
            seen.note_if(edge.peak() > self.usage, "clear of a peak that was left");
        }
        seen.note(if to > from { "raise" } else { "clear" });
        (self.level, self.peak) = (to, self.usage);
    }
}
