//! Errors of keep-alive.

use std::fmt;
use std::time::Duration;

use plimsoll_core::error_type::error_type;

use crate::telemetry::RegisterError;

/// Which of the two ids of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// The guest's.
    Guest,
    /// The run's.
    Run,
}

impl fmt::Display for IdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IdKind::Guest => "a guest's id",
            IdKind::Run => "a run's id",
        })
    }
}

error_type! {
    /// Why a run is not watched.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum WatchError {
        /// An id has 1 to 128 bytes.
        #[error("{id} has 1 to 128 bytes (this one: {bytes})")]
        IdLength {
            /// Which id.
            id: IdKind,
            /// How many it had.
            bytes: usize,
        },
        /// An id has no control characters.
        #[error("{id} has no control characters (byte {at} is one)")]
        IdCharacter {
            /// Which id.
            id: IdKind,
            /// The byte at which the first one begins.
            at: usize,
        },
        /// A window is above zero.
        #[error("a keep-alive window is above zero (asked 0 ns)")]
        ZeroWindow,
        /// The window has more ticks than a tracker counts.
        #[error("a keep-alive window is {max:?} at most (asked {window:?})")]
        WindowTooLong {
            /// What was asked.
            window: Duration,
            /// The longest one that this watcher's tick allows.
            max: Duration,
        },
        /// The threshold of lateness is above zero and below the window, by a tick at least.
        #[error(
            "the threshold of lateness is above zero and a tick or more below the window of \
             {window:?} (asked {late:?})"
        )]
        LateOutOfRange {
            /// What was asked.
            late: Duration,
            /// The window.
            window: Duration,
        },
        /// The watcher watches as many as it can.
        #[error("the watcher watches {capacity} runs at most (`capacity`)")]
        Full {
            /// How many that is.
            capacity: usize,
        },
    }
}

error_type! {
    /// Why there is no watcher.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum WatcherError {
        /// A tick lasts from 1 ms to 1 h.
        #[error("a tick lasts from 1 ms to 1 h (asked {tick:?})")]
        Tick {
            /// What was asked.
            tick: Duration,
        },
        /// A watcher has room for 1 to 2^31 runs.
        #[error("a watcher has room for 1 to 2^31 runs (asked {capacity})")]
        Capacity {
            /// What was asked.
            capacity: usize,
        },
        /// A step checks one run at least.
        #[error("a step checks one run at least (asked 0)")]
        ZeroChecks,
        /// So many never expire in one step: it checks no more runs.
        #[error(
            "a suspicion is above fewer runs than the {checks_max} that a step checks (asked {max})"
        )]
        SuspectAbove {
            /// What was asked.
            max: usize,
            /// How many runs a step checks.
            checks_max: usize,
        },
        /// The registry does not take it.
        #[error(transparent)]
        Register(#[from] RegisterError),
    }
}
