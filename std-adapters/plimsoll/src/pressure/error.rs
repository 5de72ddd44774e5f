//! The error of a pressure that cannot be built.

use std::time::Duration;

use plimsoll_core::Level;
use plimsoll_core::error_type::error_type;

use crate::telemetry::RegisterError;

error_type! {
    /// Why there is no pressure.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum PressureError {
        /// A pressure has one condition at least.
        #[error("a pressure has one condition at least (`when`)")]
        NoCondition,
        /// A condition is a level that its limit can be raised to.
        #[error(
            "{limit} is never raised to {at}: it has {levels} of the levels elevated, critical and \
             full (`with_level` of its watermarks adds one)"
        )]
        NoSuchLevel {
            /// Category, name and scope of the limit.
            limit: String,
            /// The level that was asked.
            at: Level,
            /// How many levels above normal its watermarks have.
            levels: usize,
        },
        /// A condition is the level of a limit that a registry lists.
        #[error("{limit} is listed by no registry: make it by a method of `Registry`, or within one made so")]
        NotListed {
            /// Category, name and scope of the limit.
            limit: String,
        },
        /// A number of silent guests is 1 at least.
        #[error("a number of silent guests is 1 at least (asked 0)")]
        ZeroCount,
        /// A scale is one of depths.
        #[error("`scaled_between` is for limits: a pressure, or a number of guests, has no depth")]
        NoDepth,
        /// A scale begins below its end.
        #[error("a scale begins below its end (asked {zero} to {one})")]
        Scale {
            /// The depth at which it is 0.
            zero: u64,
            /// The depth at which it is 1.
            one: u64,
        },
        /// A share is 1 to 100 percent of a window above zero.
        #[error("a share is 1 to 100 % of a window above zero (asked {percent} % of {window:?})")]
        Share {
            /// The percentage that was asked.
            percent: u32,
            /// The window that was asked.
            window: Duration,
        },
        /// An interval of looks is above zero.
        #[error("a pressure looks at an interval above zero, or not at all")]
        ZeroInterval,
        /// The registry does not take it.
        #[error(transparent)]
        Register(#[from] RegisterError),
    }
}
