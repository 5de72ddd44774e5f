//! Errors of registries and registrations; nothing is refused later.

use plimsoll_core::error_type::error_type;
use plimsoll_core::{RingError, WatermarkError};

use super::pressure::RuleFlaw;

/// What a name has at most.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// What a scope has at most.
pub(crate) const SCOPE_BYTES_MAX: usize = 128;

error_type! {
    /// Why a limit could not be registered.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum RegisterError {
        /// A name has 1 to [`Limit::NAME_BYTES_MAX`](crate::Limit::NAME_BYTES_MAX) bytes.
        #[error("a limit's name has 1 to {NAME_BYTES_MAX} bytes (this one: {bytes})")]
        NameLength {
            /// How many it had.
            bytes: usize,
        },
        /// A name consists of `a-z`, `0-9` and `_`.
        #[error("a limit's name consists of a-z, 0-9 and _ (byte {at} does not)")]
        NameCharacter {
            /// The first byte that is none of them.
            at: usize,
        },
        /// A scope has 1 to [`Limit::SCOPE_BYTES_MAX`](crate::Limit::SCOPE_BYTES_MAX) bytes.
        #[error("a scope has 1 to {SCOPE_BYTES_MAX} bytes (this one: {bytes})")]
        ScopeLength {
            /// How many it had.
            bytes: usize,
        },
        /// A scope has no control characters.
        #[error("a scope has no control characters (byte {at} is one)")]
        ScopeCharacter {
            /// The byte at which the first one begins.
            at: usize,
        },
        /// The registry holds as many entries as it may.
        #[error("the registry holds {max} entries at most (`max_entries`)")]
        TooManyEntries {
            /// How many that is.
            max: usize,
        },
        /// A pressure rule repeats at an interval above zero, or not at all.
        #[error("{}", RuleFlaw::ZeroRepeat)]
        ZeroRepeat,
        /// A pressure rule's share is 1 to 100 percent of a window above zero.
        #[error("{}", RuleFlaw::Share { percent: *percent })]
        PressureShare {
            /// The percentage that was asked.
            percent: u32,
        },
        /// A pressure rule allows one raise at least in an interval above zero.
        #[error("{}", RuleFlaw::ZeroRate)]
        ZeroRate,
        /// The watermarks of the limit could not be made.
        #[error(transparent)]
        Watermarks(#[from] WatermarkError),
    }
}

error_type! {
    /// Why a registry could not be built.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum BuildError {
        /// A registry holds one entry at least.
        #[error("a registry holds one entry at least")]
        ZeroEntries,
        /// The ring of deferred events cannot have this capacity.
        #[error(transparent)]
        Ring(RingError),
        /// The ring of deferred events would be larger than 2^24 events.
        #[error("deferred delivery holds 2^24 events at most (asked {capacity})")]
        RingTooLarge {
            /// What was asked.
            capacity: usize,
        },
        /// A pressure rule repeats at an interval above zero, or not at all.
        #[error("{}", RuleFlaw::ZeroRepeat)]
        ZeroRepeat,
        /// A pressure rule's share is 1 to 100 percent of a window above zero.
        #[error("{}", RuleFlaw::Share { percent: *percent })]
        PressureShare {
            /// The percentage that was asked.
            percent: u32,
        },
        /// A pressure rule allows one raise at least in an interval above zero.
        #[error("{}", RuleFlaw::ZeroRate)]
        ZeroRate,
    }
}

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
