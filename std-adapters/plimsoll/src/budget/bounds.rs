//! Capacity and watermarks of a budget.

use plimsoll_core::Watermarks;
use plimsoll_core::budget::PercentWatermarks;

use super::error::BudgetError;

/// The capacity of a budget, and its watermarks in percent of it: a resize moves them.
///
/// A number is a capacity with the default watermarks: high at 80 %, low at 50 %.
///
/// ```
/// use plimsoll::budget::{Bounds, Budget, PercentWatermarks};
/// use plimsoll::{Level, Limit};
///
/// let bounds = Bounds::new(1_000).watermarks(PercentWatermarks::pair(90, 70));
/// let memory = Budget::new(Limit::memory("host_bytes"), bounds)?;
/// let _lease = memory.try_reserve(900)?;
/// assert_eq!(memory.level(), Level::Elevated);
/// memory.resize(2_000)?;
/// assert_eq!(memory.level(), Level::Normal);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub(super) capacity: u64,
    pub(super) watermarks: PercentWatermarks,
}

impl Bounds {
    /// A capacity of 1 to [`MAX_AMOUNT`](super::MAX_AMOUNT), with the default watermarks.
    pub const fn new(capacity: u64) -> Self {
        Self { capacity, watermarks: PercentWatermarks::new() }
    }

    /// Other watermarks.
    #[must_use]
    pub const fn watermarks(mut self, watermarks: PercentWatermarks) -> Self {
        self.watermarks = watermarks;
        self
    }

    /// The watermarks as a registry shows them. `limit` names the budget in an error.
    ///
    /// # Errors
    /// A capacity that is none, watermarks without a level.
    pub(super) fn counts(&self, limit: impl FnOnce() -> String) -> Result<Watermarks, BudgetError> {
        if self.watermarks.level_count() == 0 {
            return Err(BudgetError::NoLevels);
        }
        let asked = self.capacity;
        self.watermarks.at(asked).map_err(|_| BudgetError::Capacity { limit: limit(), asked })
    }
}

impl From<u64> for Bounds {
    fn from(capacity: u64) -> Self {
        Self::new(capacity)
    }
}
