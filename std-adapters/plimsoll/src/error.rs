//! What can be refused at construction; nothing is refused later.

use std::fmt;

use plimsoll_core::{RingError, WatermarkError};

use crate::pressure::RuleFlaw;

/// What a name has at most.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// What an instance label has at most.
pub(crate) const LABEL_BYTES_MAX: usize = 128;

/// Why a limit could not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// A name has 1 to [`Limit::NAME_BYTES_MAX`](crate::Limit::NAME_BYTES_MAX) bytes.
    NameLength {
        /// How many it had.
        bytes: usize,
    },
    /// A name consists of `a-z`, `0-9` and `_`.
    NameCharacter {
        /// The first byte that is none of them.
        at: usize,
    },
    /// An instance label has 1 to [`Limit::LABEL_BYTES_MAX`](crate::Limit::LABEL_BYTES_MAX) bytes.
    LabelLength {
        /// How many it had.
        bytes: usize,
    },
    /// An instance label has no control characters.
    LabelCharacter {
        /// The byte at which the first one begins.
        at: usize,
    },
    /// The registry holds as many entries as it may.
    TooManyEntries {
        /// How many that is.
        max: usize,
    },
    /// A pressure rule repeats at an interval above zero, or not at all.
    ZeroRepeat,
    /// A pressure rule's share is 1 to 100 percent of a window above zero.
    PressureShare {
        /// The percentage that was asked.
        percent: u32,
    },
    /// A pressure rule allows one raise at least in an interval above zero.
    ZeroRate,
    /// The watermarks of the limit could not be made.
    Watermarks(WatermarkError),
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameLength { bytes } => {
                write!(f, "a limit's name has 1 to {} bytes (this one: {bytes})", NAME_BYTES_MAX)
            }
            Self::NameCharacter { at } => {
                write!(f, "a limit's name consists of a-z, 0-9 and _ (byte {at} does not)")
            }
            Self::LabelLength { bytes } => write!(
                f,
                "an instance label has 1 to {} bytes (this one: {bytes})",
                LABEL_BYTES_MAX
            ),
            Self::LabelCharacter { at } => {
                write!(f, "an instance label has no control characters (byte {at} is one)")
            }
            Self::TooManyEntries { max } => write!(f, "the registry holds {max} entries at most"),
            Self::ZeroRepeat => RuleFlaw::ZeroRepeat.fmt(f),
            Self::PressureShare { percent } => RuleFlaw::Share { percent: *percent }.fmt(f),
            Self::ZeroRate => RuleFlaw::ZeroRate.fmt(f),
            Self::Watermarks(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RegisterError {}

impl From<WatermarkError> for RegisterError {
    fn from(error: WatermarkError) -> Self {
        Self::Watermarks(error)
    }
}

/// Why a registry could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A registry holds one entry at least.
    ZeroEntries,
    /// The ring of deferred events cannot have this capacity.
    Ring(RingError),
    /// The ring of deferred events would be larger than 2^24 events.
    RingTooLarge {
        /// What was asked.
        capacity: usize,
    },
    /// A pressure rule repeats at an interval above zero, or not at all.
    ZeroRepeat,
    /// A pressure rule's share is 1 to 100 percent of a window above zero.
    PressureShare {
        /// The percentage that was asked.
        percent: u32,
    },
    /// A pressure rule allows one raise at least in an interval above zero.
    ZeroRate,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroEntries => f.write_str("a registry holds one entry at least"),
            Self::Ring(error) => error.fmt(f),
            Self::RingTooLarge { capacity } => {
                write!(f, "deferred delivery holds 2^24 events at most (asked {capacity})")
            }
            Self::ZeroRepeat => RuleFlaw::ZeroRepeat.fmt(f),
            Self::PressureShare { percent } => RuleFlaw::Share { percent: *percent }.fmt(f),
            Self::ZeroRate => RuleFlaw::ZeroRate.fmt(f),
        }
    }
}

impl std::error::Error for BuildError {}

impl From<RuleFlaw> for RegisterError {
    fn from(flaw: RuleFlaw) -> Self {
        match flaw {
            RuleFlaw::ZeroRepeat => Self::ZeroRepeat,
            RuleFlaw::Share { percent } => Self::PressureShare { percent },
            RuleFlaw::ZeroRate => Self::ZeroRate,
        }
    }
}

impl From<RuleFlaw> for BuildError {
    fn from(flaw: RuleFlaw) -> Self {
        match flaw {
            RuleFlaw::ZeroRepeat => Self::ZeroRepeat,
            RuleFlaw::Share { percent } => Self::PressureShare { percent },
            RuleFlaw::ZeroRate => Self::ZeroRate,
        }
    }
}
