//! Errors of construction.

use super::{EXACT_MAX, sets_for_exact};
use crate::error_type::error_type;

error_type! {
    /// Why a ledger could not be made.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum LedgerError {
        /// There are no sets: a capacity of 0.
        #[error("a ledger has at least 1 set, and a capacity above 0")]
        NoSets,
        /// There are more sets than a hash can choose from.
        #[error("a ledger has up to {max} sets (got {sets})")]
        TooManySets {
            /// How many there are.
            sets: usize,
            /// How many there may be.
            max: u64,
        },
        /// An exact ledger has 1 to [`EXACT_MAX`] entries.
        #[error("an exact ledger has 1 to {EXACT_MAX} entries (asked {entries})")]
        Exact {
            /// How many were asked for.
            entries: usize,
        },
        /// An exact ledger of so many entries has another number of sets.
        #[error("an exact ledger of that many entries has {needed} sets (got {sets})")]
        ExactSets {
            /// How many there are.
            sets: usize,
            /// How many it has.
            needed: usize,
        },
        /// A window's peaks have 1 to 49 bits, so that a bit is left for the window.
        #[error("the peaks of a window have 1 to 49 bits (asked {bits})")]
        PeakBits {
            /// How many were asked for.
            bits: u32,
        },
    }
}

pub(super) const SETS_MAX: u64 = 1 << 32;

pub(super) const fn check_sets(sets: usize) -> Result<usize, LedgerError> {
    match sets {
        0 => Err(LedgerError::NoSets),
        _ if sets as u64 > SETS_MAX => Err(LedgerError::TooManySets { sets, max: SETS_MAX }),
        _ => Ok(sets),
    }
}

pub(super) const fn check_exact(sets: usize, entries: usize) -> Result<(), LedgerError> {
    if entries == 0 || entries > EXACT_MAX {
        return Err(LedgerError::Exact { entries });
    }
    let needed = sets_for_exact(entries);
    if sets == needed { Ok(()) } else { Err(LedgerError::ExactSets { sets, needed }) }
}
