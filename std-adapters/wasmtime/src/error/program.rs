//! Why there is no pool of guests.

use std::fmt;
use std::io;

use super::{InstanceLimit, InstantiateError};
use plimsoll::pool::PoolError;

/// Why there is no pool of this program.
///
/// What `wasmtime::Module::new` or `Component::new` says becomes one too, so that `?` tells a
/// program that is not valid from one that is too large for the engine.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProgramError {
    /// It is not valid WebAssembly, or uses what the engine does not support.
    Malformed {
        /// What is wrong with it, and where.
        cause: wasmtime::Error,
    },
    /// It has more of something than the engine has room for in each instance.
    TooMany {
        /// Of what.
        limit: InstanceLimit,
        /// How many it has.
        needed: u64,
        /// How many it may have.
        allowed: u64,
    },
    /// A single part of it is larger than the engine has room for.
    TooLarge {
        /// Which part and which limit, in wasmtime's words.
        cause: wasmtime::Error,
    },
    /// It was compiled or linked for another engine.
    ForeignEngine,
    /// It imports something that the linker does not have, or has with another type.
    Import {
        /// What it is.
        cause: wasmtime::Error,
    },
    /// The first instance could not be built.
    Instance(InstantiateError),
    /// The engine has no room for so many instances.
    EngineFull {
        /// What was asked.
        asked: usize,
        /// How many more there is room for.
        left: usize,
        /// How many there is room for in all.
        of: usize,
    },
    /// The pool's quota is above the engine's.
    QuotaAboveEngine {
        /// What was asked.
        asked: u64,
        /// What the engine has room for.
        max: u64,
    },
    /// Fuel is set, and the engine does not meter any.
    NoFuelMeter,
    /// Guests are to run in place, and no fuel is set.
    NoFuel,
    /// A setting that is to be above zero.
    Zero {
        /// The setting's name.
        setting: &'static str,
    },
    /// The operating system gives no thread.
    Thread {
        /// Why.
        cause: io::Error,
    },
    /// The pool's settings can not be.
    Pool(PoolError),
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { cause } => write!(f, "the program is not valid: {cause:#}"),
            Self::TooMany { limit, needed, allowed } => {
                write!(f, "the program has {needed} {limit}, where the engine allows {allowed}")
            }
            Self::TooLarge { cause } => {
                write!(f, "the program is too large for the engine: {cause:#}")
            }
            Self::ForeignEngine => f.write_str("the program was made for another engine"),
            Self::Import { cause } => write!(f, "the program can not be linked: {cause:#}"),
            Self::Instance(error) => error.fmt(f),
            Self::EngineFull { asked, left, of } => write!(
                f,
                "a pool of {asked} instances does not fit into an engine with room for {left} more \
                 of {of}"
            ),
            Self::QuotaAboveEngine { asked, max } => {
                write!(f, "a quota of {asked} bytes is above the engine's of {max}")
            }
            Self::NoFuelMeter => f.write_str("fuel is set, and the engine meters none"),
            Self::NoFuel => f.write_str("guests that run in place need a limit on their fuel"),
            Self::Zero { setting } => write!(f, "the {setting} must be above zero"),
            Self::Thread { cause } => write!(f, "no thread for the epoch: {cause}"),
            Self::Pool(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ProgramError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed { cause } | Self::TooLarge { cause } | Self::Import { cause } => {
                Some(cause.as_ref())
            }
            Self::Instance(error) => Some(error),
            Self::Thread { cause } => Some(cause),
            Self::Pool(error) => Some(error),
            _ => None,
        }
    }
}

impl From<wasmtime::Error> for ProgramError {
    fn from(cause: wasmtime::Error) -> Self {
        // wasmtime has no type for it, only words.
        let is_size = cause.chain().any(|link| link.to_string().contains("pooling allocator"));
        if is_size { Self::TooLarge { cause } } else { Self::Malformed { cause } }
    }
}

impl From<InstantiateError> for ProgramError {
    fn from(error: InstantiateError) -> Self {
        Self::Instance(error)
    }
}

impl From<PoolError> for ProgramError {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}
