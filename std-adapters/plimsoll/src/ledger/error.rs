//! Errors of ledgers.

use std::convert::Infallible;

use plimsoll_core::error_type::error_type;
use plimsoll_core::ledger::{KeyError, LedgerError as CoreError};

use crate::telemetry::RegisterError;

/// What an id has at most.
pub(super) const ID_BYTES_MAX: usize = plimsoll_core::ledger::Key::<8>::BYTES_MAX;

/// For how many principals a ledger is at most.
pub(super) const CAPACITY_MAX: usize = 1 << 24;

error_type! {
    /// Why something is no principal's id.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum PrincipalError {
        /// An id has at least one byte.
        #[error("a principal's id has at least one byte (this one: 0)")]
        Empty,
        /// An id has [`PrincipalId::BYTES_MAX`](super::PrincipalId::BYTES_MAX) bytes at most.
        #[error("a principal's id has 1 to {ID_BYTES_MAX} bytes (this one: {bytes})")]
        TooLong {
            /// How many it had.
            bytes: usize,
        },
        /// An id has no control characters.
        #[error("a principal's id has no control characters (byte {at} is one)")]
        ControlCharacter {
            /// The byte at which the first one begins.
            at: usize,
        },
        /// An id is text.
        #[error("a principal's id is UTF-8 text (byte {at} is not)")]
        NotUtf8 {
            /// The first byte that is not UTF-8.
            at: usize,
        },
    }
}

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

error_type! {
    /// Why there is no ledger.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum LedgerError {
        /// A ledger is for 1 to [`LedgerSettings::CAPACITY_MAX`](super::LedgerSettings::CAPACITY_MAX) principals.
        #[error("a ledger is for 1 to {CAPACITY_MAX} principals (asked {capacity})")]
        Capacity {
            /// What was asked.
            capacity: usize,
        },
        /// There is no memory for it.
        #[error("there is no memory for a ledger of {bytes} bytes")]
        OutOfMemory {
            /// How many bytes it would take.
            bytes: usize,
        },
        /// Threads that have stopped within a call of a window ledger hold the memory of earlier windows.
        #[error("threads that have stopped within a call hold the memory of earlier windows")]
        Stalled,
        /// The core cannot make it.
        #[error(transparent)]
        Core(#[from] CoreError),
        /// The registry does not take it.
        #[error(transparent)]
        Register(#[from] RegisterError),
    }
}
