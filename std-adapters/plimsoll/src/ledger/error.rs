//! What a ledger refuses.

use std::convert::Infallible;
use std::fmt;

use plimsoll_core::{KeyError, LedgerError as CoreError};

use crate::error::RegisterError;

/// What an id has at most.
pub(super) const ID_BYTES_MAX: usize = plimsoll_core::Key::<8>::BYTES_MAX;

/// For how many principals a ledger is at most.
pub(super) const CAPACITY_MAX: usize = 1 << 24;

/// Why something is no principal's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrincipalError {
    /// An id has at least one byte.
    Empty,
    /// An id has [`PrincipalId::BYTES_MAX`](super::PrincipalId::BYTES_MAX) bytes at most.
    TooLong {
        /// How many it had.
        bytes: usize,
    },
    /// An id has no control characters.
    ControlCharacter {
        /// The byte at which the first one begins.
        at: usize,
    },
    /// An id is text.
    NotUtf8 {
        /// The first byte that is not UTF-8.
        at: usize,
    },
}

impl fmt::Display for PrincipalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = ID_BYTES_MAX;
        match self {
            Self::Empty => write!(f, "a principal's id has 1 to {max} bytes (this one: 0)"),
            Self::TooLong { bytes } => {
                write!(f, "a principal's id has 1 to {max} bytes (this one: {bytes})")
            }
            Self::ControlCharacter { at } => {
                write!(f, "a principal's id has no control characters (byte {at} is one)")
            }
            Self::NotUtf8 { at } => {
                write!(f, "a principal's id is UTF-8 text (byte {at} is not)")
            }
        }
    }
}

impl std::error::Error for PrincipalError {}

/// Of ids that cannot be wrong.
impl From<Infallible> for PrincipalError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<KeyError> for PrincipalError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::TooLong { bytes, .. } => Self::TooLong { bytes },
            _ => Self::Empty,
        }
    }
}

/// Why there is no ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LedgerError {
    /// A ledger is for 1 to [`LedgerSettings::CAPACITY_MAX`](super::LedgerSettings::CAPACITY_MAX) principals.
    Capacity {
        /// What was asked.
        capacity: usize,
    },
    /// There is no memory for it.
    OutOfMemory {
        /// How many bytes it would take.
        bytes: usize,
    },
    /// Threads that have stopped within a call of a window ledger hold the memory of earlier windows.
    Stalled,
    /// The core cannot make it.
    Core(CoreError),
    /// The registry does not take it.
    Register(RegisterError),
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity { capacity } => {
                let max = CAPACITY_MAX;
                write!(f, "a ledger is for 1 to {max} principals (asked {capacity})")
            }
            Self::OutOfMemory { bytes } => {
                write!(f, "there is no memory for a ledger of {bytes} bytes")
            }
            Self::Stalled => f.write_str(
                "threads that have stopped within a call hold the memory of earlier windows",
            ),
            Self::Core(error) => error.fmt(f),
            Self::Register(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LedgerError {}

impl From<CoreError> for LedgerError {
    fn from(error: CoreError) -> Self {
        Self::Core(error)
    }
}

impl From<RegisterError> for LedgerError {
    fn from(error: RegisterError) -> Self {
        Self::Register(error)
    }
}
