//! Questions and answers of a sweep of the wheel.

use super::rule::Tick;

/// What is to become of an entry that has been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCheck {
    /// It is looked at again at this moment, or before; one that has come already counts
    /// as the tick after this sweep's.
    At(Tick),
    /// It keeps its slot, and is not looked at until it is [scheduled](crate::keepalive::Wheel::schedule).
    Never,
    /// It gives its slot back.
    Leave,
}

impl From<Option<Tick>> for NextCheck {
    fn from(due: Option<Tick>) -> Self {
        due.map_or(NextCheck::Never, NextCheck::At)
    }
}

/// What a sweep has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Swept {
    /// How many entries were looked at.
    pub looks: usize,
    /// Whether the budget ended before the work: sweep again.
    pub is_behind: bool,
}
