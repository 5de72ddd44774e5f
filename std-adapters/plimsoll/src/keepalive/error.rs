//! What a watcher refuses.

use std::fmt;
use std::time::Duration;

use crate::error::RegisterError;

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

/// Why a run is not watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchError {
    /// An id has 1 to 128 bytes.
    IdLength {
        /// Which id.
        id: IdKind,
        /// How many it had.
        bytes: usize,
    },
    /// An id has no control characters.
    IdCharacter {
        /// Which id.
        id: IdKind,
        /// The byte at which the first one begins.
        at: usize,
    },
    /// A window is above zero.
    ZeroWindow,
    /// The window has more ticks than a tracker counts.
    WindowTooLong {
        /// What was asked.
        window: Duration,
        /// The longest one that this watcher's tick allows.
        max: Duration,
    },
    /// The threshold of lateness is above zero and below the window, by a tick at least.
    LateOutOfRange {
        /// What was asked.
        late: Duration,
        /// The window.
        window: Duration,
    },
    /// The watcher watches as many as it can.
    Full {
        /// How many that is.
        capacity: usize,
    },
}

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdLength { id, bytes } => {
                write!(f, "{id} has 1 to 128 bytes (this one: {bytes})")
            }
            Self::IdCharacter { id, at } => {
                write!(f, "{id} has no control characters (byte {at} is one)")
            }
            Self::ZeroWindow => f.write_str("a keep-alive window is above zero (asked 0 ns)"),
            Self::WindowTooLong { window, max } => {
                write!(f, "a keep-alive window is {max:?} at most (asked {window:?})")
            }
            Self::LateOutOfRange { late, window } => write!(
                f,
                "the threshold of lateness is above zero and a tick or more below the window of \
                 {window:?} (asked {late:?})"
            ),
            Self::Full { capacity } => write!(f, "the watcher watches {capacity} runs at most"),
        }
    }
}

impl std::error::Error for WatchError {}

/// Why there is no watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatcherError {
    /// A tick lasts from 1 ms to 1 h.
    Tick {
        /// What was asked.
        tick: Duration,
    },
    /// A watcher has room for 1 to 2^31 runs.
    Capacity {
        /// What was asked.
        capacity: usize,
    },
    /// A step looks at one run at least.
    ZeroLooks,
    /// So many never expire in one step: it looks at no more runs.
    SuspectAbove {
        /// What was asked.
        max: usize,
        /// How many runs a step looks at.
        looks_max: usize,
    },
    /// The registry does not take it.
    Register(RegisterError),
}

impl fmt::Display for WatcherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick { tick } => write!(f, "a tick lasts from 1 ms to 1 h (asked {tick:?})"),
            Self::Capacity { capacity } => {
                write!(f, "a watcher has room for 1 to 2^31 runs (asked {capacity})")
            }
            Self::ZeroLooks => f.write_str("a step looks at one run at least (asked 0)"),
            Self::SuspectAbove { max, looks_max } => write!(
                f,
                "fewer runs make a suspicious crowd than the {looks_max} a step looks at \
                 (asked {max})"
            ),
            Self::Register(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WatcherError {}

impl From<RegisterError> for WatcherError {
    fn from(error: RegisterError) -> Self {
        Self::Register(error)
    }
}
