//! Errors of watermarks.

use core::fmt;

use super::MAX_CAPACITY;

/// Why watermarks could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatermarkError {
    /// A capacity of 0 has no watermarks: use [`Watermarks::rendezvous`](super::Watermarks::rendezvous).
    ZeroCapacity,
    /// The capacity is above [`MAX_CAPACITY`], or that of a budget above
    /// [`MAX_AMOUNT`](crate::budget::MAX_AMOUNT).
    CapacityTooLarge {
        /// What was asked.
        capacity: u64,
        /// The largest that is allowed.
        max: u64,
    },
    /// A percentage is above 100.
    PercentTooLarge {
        /// What was asked.
        percent: u8,
    },
    /// The high watermark is above the capacity: it could never be reached.
    HighAboveCapacity {
        /// The high watermark.
        high: u64,
        /// The capacity.
        capacity: u64,
    },
    /// The low watermark is not below the high one: the level would never hold.
    LowNotBelowHigh {
        /// The low watermark.
        low: u64,
        /// The high watermark.
        high: u64,
    },
    /// A level's watermarks are not both above those of the level below.
    LevelsOutOfOrder {
        /// The high watermark of the level to be added.
        high: u64,
        /// The high watermark of the level below it.
        high_below: u64,
        /// The low watermark of the level to be added.
        low: u64,
        /// The low watermark of the level below it.
        low_below: u64,
    },
    /// There are three levels already.
    TooManyLevels,
    /// The unbounded and the rendezvous kind have no levels, and are nothing for a channel that has to have
    /// a capacity.
    NoCapacity,
}

impl WatermarkError {
    pub(crate) const fn message(&self) -> &'static str {
        match self {
            Self::ZeroCapacity => {
                "a capacity of 0 has no watermarks: ask 1 or more, or `rendezvous` for direct hand-over"
            }
            Self::CapacityTooLarge { max: MAX_CAPACITY, .. } => "the capacity is above 2^46",
            Self::CapacityTooLarge { .. } => "the capacity is above 2^56",
            Self::PercentTooLarge { .. } => "a watermark is above 100 percent",
            Self::HighAboveCapacity { .. } => "the high watermark is above the capacity",
            Self::LowNotBelowHigh { .. } => "the low watermark is not below the high one",
            Self::LevelsOutOfOrder { .. } => "a level's watermarks are not above those below it",
            Self::TooManyLevels => "there are three levels already",
            Self::NoCapacity => "a capacity is needed: `unbounded` and `rendezvous` have none",
        }
    }
}

impl fmt::Display for WatermarkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match *self {
            Self::CapacityTooLarge { capacity, max } => {
                write!(f, " (asked {capacity}, allowed 1 to {max})")
            }
            Self::PercentTooLarge { percent } => write!(f, " (asked {percent}, allowed 0 to 100)"),
            Self::HighAboveCapacity { high, capacity } => {
                write!(f, " (high {high}, capacity {capacity})")
            }
            Self::LowNotBelowHigh { low, high } => write!(f, " (low {low}, high {high})"),
            Self::LevelsOutOfOrder { high, high_below, low, low_below } => {
                write!(f, " (high {high} over {high_below}, low {low} over {low_below})")
            }
            Self::ZeroCapacity | Self::TooManyLevels | Self::NoCapacity => Ok(()),
        }
    }
}

impl core::error::Error for WatermarkError {}
