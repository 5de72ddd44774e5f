//! The errors of a pool.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::error_type::error_type;

use crate::telemetry::RegisterError;

/// What a checkout waited for when its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// It waited for an instance.
    Wait,
    /// It waited for its principal, which held as many as it may, to give one up.
    Cap,
    /// The instance that was built for it was not ready in time.
    Build,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Wait => "waiting for an instance",
            Stage::Cap => "waiting below the principal's cap",
            Stage::Build => "building an instance",
        })
    }
}

/// Why no instance could be built.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BuildFailure {
    /// The manager's own error.
    Manager(Arc<dyn Error + Send + Sync>),
    /// The manager panicked, with this message if it was text.
    Panicked(String),
}

impl fmt::Display for BuildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildFailure::Manager(error) => error.fmt(f),
            BuildFailure::Panicked(message) => write!(f, "the manager panicked: {message}"),
        }
    }
}

/// Which quota of a principal is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quota {
    /// The instances that it may hold at one time.
    InUse {
        /// How many that is.
        max: usize,
    },
    /// The checkouts of it that may wait at one time.
    Waiting {
        /// How many that is.
        max: usize,
    },
    /// Its leases ended in faults, and it is refused for a while.
    Faults {
        /// How many faults are held against it.
        faults: u32,
        /// When it may come again.
        retry_after: Duration,
    },
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quota::InUse { max } => write!(f, "the principal holds {max} instances, its most"),
            Quota::Waiting { max } => {
                write!(f, "{max} checkouts of the principal wait already, its most")
            }
            Quota::Faults { faults, retry_after } => {
                write!(f, "after {faults} faults the principal keeps off for {retry_after:?}")
            }
        }
    }
}

error_type! {
    /// Why a checkout got no lease (POOL-5).
    #[derive(Clone, Debug)]
    #[non_exhaustive]
    pub enum CheckoutError {
        /// The pool is closed.
        #[error("the pool is closed")]
        Closed,
        /// Its time was up.
        #[error("timed out after {after:?} of {stage}")]
        TimedOut {
            /// What it waited for.
            stage: Stage,
            /// After how long.
            after: Duration,
        },
        /// The instance that was built for it could not be.
        #[error("no instance could be built: {cause}")]
        BuildFailed {
            /// Why.
            cause: BuildFailure,
        },
        /// A quota of the principal is used up.
        #[error("refused: {quota}")]
        Refused {
            /// Which one.
            quota: Quota,
        },
        /// No instance is idle or made at once, and [`try_checkout`](super::Pool::try_checkout)
        /// does not wait.
        #[error("none of {max} instances is idle")]
        Exhausted {
            /// How many instances the pool has at most.
            max: usize,
        },
        /// The principal is another pool's.
        #[error("the principal is another pool's")]
        ForeignPrincipal,
        /// The checkout would wait for what only its own principal holds (POOL-15).
        #[error(
            "the principal holds {held} of the {max} instances that it can have and asks for {asked} \
             more: it would wait for itself (`wait_for_own_leases` allows that)"
        )]
        WaitsForItself {
            /// How many instances the principal holds.
            held: usize,
            /// How many it asked for.
            asked: usize,
            /// How many it can hold: its cap, or all that there may be.
            max: usize,
        },
        /// So many checkouts wait already.
        #[error("{waiting} checkouts wait already, of {max} that may (`max_waiting`)")]
        LineFull {
            /// How many wait.
            waiting: usize,
            /// How many may.
            max: usize,
        },
        /// [`checkout_many`](super::Pool::checkout_many) was asked for more than there may be.
        #[error("a principal holds {max} instances at most (asked for {asked} at once)")]
        TooMany {
            /// How many.
            asked: usize,
            /// How many one principal can hold.
            max: usize,
        },
    }
    source = Self::cause
}

impl CheckoutError {
    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::BuildFailed { cause: BuildFailure::Manager(error) } => Some(&**error),
            _ => None,
        }
    }
}

error_type! {
    /// Why an id names no principal.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum PrincipalError {
        /// An id has 1 to 64 bytes.
        #[error("a principal's id has 1 to 64 bytes (this one: {bytes})")]
        Length {
            /// How many it had.
            bytes: usize,
        },
        /// An id has no control characters.
        #[error("a principal's id has no control characters (byte {at} is one)")]
        Character {
            /// The byte at which the first one begins.
            at: usize,
        },
        /// This process has as many principals as it can distinguish.
        #[error("a process tells {max} principals apart, and has done so")]
        TooMany {
            /// How many that is.
            max: u64,
        },
    }
}

error_type! {
    /// Why there is no pool.
    #[derive(Debug)]
    #[non_exhaustive]
    pub enum PoolError {
        /// A pool has 1 to 65,536 instances.
        #[error("a pool has 1 to 65536 instances (asked {max})")]
        Max {
            /// What was asked.
            max: usize,
        },
        /// No more can be kept warm than there may be.
        #[error("{warm} instances cannot be kept warm of {max}")]
        WarmAboveMax {
            /// What was asked.
            warm: usize,
            /// How many there may be.
            max: usize,
        },
        /// There cannot be more at least than at most.
        #[error("there cannot be {min} instances at least and {max} at most")]
        MinAboveMax {
            /// What was asked.
            min: usize,
            /// How many there may be.
            max: usize,
        },
        /// More instances were [handed in](super::PoolBuilder::objects) than there may be.
        #[error("{objects} instances were handed in, of {max} that there may be")]
        TooManyObjects {
            /// How many.
            objects: usize,
            /// How many there may be.
            max: usize,
        },
        /// A number that is to be above zero.
        #[error("{setting} must be above zero")]
        Zero {
            /// The setting's name.
            setting: &'static str,
        },
        /// A tick lasts from 1 ms to 1 h.
        #[error("a tick lasts from 1 ms to 1 h (asked {tick:?})")]
        Tick {
            /// What was asked.
            tick: Duration,
        },
        /// A lifetime is jittered by 90 % at most.
        #[error("a jitter is 90 % at most (asked {percent} %)")]
        Jitter {
            /// What was asked.
            percent: u8,
        },
        /// The first back-off is no longer than the longest.
        #[error("the first back-off is {max:?} at most, the longest (asked {base:?})")]
        BackoffAboveMax {
            /// The first one.
            base: Duration,
            /// The longest one.
            max: Duration,
        },
        /// The tokio runtime was built without `enable_time`.
        #[cfg(feature = "tokio")]
        #[error("the tokio runtime has no timers: build it with `enable_time`")]
        NoTimers,
        /// The registry does not take it.
        #[error(transparent)]
        Register(#[from] RegisterError),
        /// A background thread could not be started.
        #[error("a background thread could not be started: {0}")]
        Spawn(io::Error),
    }
    source = Self::cause
}

impl PoolError {
    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Register(error) => Some(error),
            Self::Spawn(error) => Some(error),
            _ => None,
        }
    }
}
