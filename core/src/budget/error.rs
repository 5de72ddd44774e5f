//! Errors of budgets.

use super::MAX_AMOUNT;
use super::duties::Duties;
use crate::error_type::error_type;

error_type! {
    /// Why an ask was refused. Places count from the leaf of the path, which is 0.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Refusal {
        /// The ask was for nothing.
        #[error("nothing was asked: ask 1 to {}", MAX_AMOUNT)]
        Zero,
        /// The ask was for more than any budget holds.
        #[error("{asked} was asked: ask 1 to {}", MAX_AMOUNT)]
        AboveMax {
            /// What was asked.
            asked: u64,
        },
        /// The ask was for more than a node's capacity: waiting does not help, a larger capacity
        /// does.
        #[error("{asked} was asked of a capacity of {capacity} at place {place}: ask less, or raise that capacity")]
        AboveCapacity {
            /// Which node of the path.
            place: usize,
            /// What was asked.
            asked: u64,
            /// The node's capacity.
            capacity: u64,
        },
        /// The ask does not fit beside what is reserved.
        #[error("{asked} was asked beside {usage} of {capacity} at place {place}: wait for releases, or raise that capacity")]
        NoRoom {
            /// Which node of the path.
            place: usize,
            /// What was asked.
            asked: u64,
            /// What was reserved at that moment, asks in flight included.
            usage: u64,
            /// The node's capacity; [`MAX_AMOUNT`] if it has no bound.
            capacity: u64,
        },
        /// Others wait for room, and the ask has not waited.
        #[error("{asked} was asked while others wait for room at place {place}: wait behind them")]
        Waiters {
            /// Which node of the path.
            place: usize,
            /// What was asked.
            asked: u64,
        },
    }
}

impl Refusal {
    /// The place of the node that refused, if one did.
    pub const fn place(&self) -> Option<usize> {
        match *self {
            Self::Zero | Self::AboveMax { .. } => None,
            Self::AboveCapacity { place, .. }
            | Self::NoRoom { place, .. }
            | Self::Waiters { place, .. } => Some(place),
        }
    }

    /// Whether the same ask may succeed later at the same capacities.
    pub const fn can_wait(&self) -> bool {
        matches!(self, Self::NoRoom { .. } | Self::Waiters { .. })
    }
}

error_type! {
    /// A refusal, and what the caller has to do although it was refused.
    #[error("{refusal}")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Refused {
        /// Why.
        pub refusal: Refusal,
        /// What the ask had taken at other nodes it has given back: as after a release.
        pub duties: Duties,
    }
}

error_type! {
    /// More was to be released than is reserved at a node. Nothing was released.
    #[error("{asked} was to be released of {usage} at place {place}: release what was reserved on the same path, once")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ReleaseError {
        /// Which node of the path.
        pub place: usize,
        /// What was to be released.
        pub asked: u64,
        /// What was reserved at that moment.
        pub usage: u64,
    }
}

error_type! {
    /// The capacity is above [`MAX_AMOUNT`].
    #[error("a capacity of {capacity} was asked, allowed are 0 to {}, or none", MAX_AMOUNT)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CapacityError {
        /// What was asked.
        pub capacity: u64,
    }
}
