//! Errors of budgets that are made or resized.

use plimsoll_core::error_type::error_type;

use crate::ledger::PrincipalError;
use crate::telemetry::RegisterError;

error_type! {
    /// Why a budget could not be made, or not be resized.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum BudgetError {
        /// A budget has one pair of watermarks at least.
        #[error("a budget has one pair of watermarks at least: `PercentWatermarks::new`")]
        NoLevels,
        /// A child's capacity is no larger than its parent's.
        #[error(
            "{limit}: a capacity of {capacity} is above the {parent_capacity} of {parent}, its \
             parent: raise that first with `Budget::resize`, or ask for less"
        )]
        AboveParent {
            /// The limit of the child.
            limit: String,
            /// The capacity that it was to have.
            capacity: u64,
            /// The limit of the parent.
            parent: String,
            /// The parent's capacity.
            parent_capacity: u64,
        },
        /// A tree has [`LEVELS_MAX`](super::LEVELS_MAX) levels at most.
        #[error("{limit}: a tree of budgets has {max} levels at most", max = super::LEVELS_MAX)]
        TooDeep {
            /// The limit of the child.
            limit: String,
        },
        /// As many principals have a budget as may have one.
        #[error("{limit}: {max} principals have a budget, and no more may: raise `max`")]
        TooManyPrincipals {
            /// The limit of the principals' budgets.
            limit: String,
            /// How many may.
            max: usize,
        },
        /// A channel holds one item at least.
        #[error("{limit}: a channel holds one item at least")]
        ZeroItems {
            /// The limit of the channel.
            limit: String,
        },
        /// A capacity is 1 to [`MAX_AMOUNT`](super::MAX_AMOUNT).
        #[error("{limit}: a capacity is 1 to {max} (asked {asked})", max = super::MAX_AMOUNT)]
        Capacity {
            /// The limit of the budget.
            limit: String,
            /// The capacity that it was to have.
            asked: u64,
        },
        /// The limit could not be registered.
        #[error(transparent)]
        Register(#[from] RegisterError),
        /// The id of the principal is none.
        #[error(transparent)]
        Principal(#[from] PrincipalError),
    }
}
