//! What guests do wrong, and what an engine or a pool refuses.

mod allowance;
mod call;
mod program;

use std::fmt;
use std::time::Duration;

pub use allowance::AllowanceError;
pub use call::{CallError, ExportError, ExportProblem, InstantiateError, TooDeep};
pub use program::{Feature, ProgramError};

/// How wasmtime begins to say where in the guest it was.
const BACKTRACE: &str = "error while executing at wasm backtrace:";

/// The causes of an error on one line, without control characters: a guest chooses the names in it.
struct Escaped<'e>(&'e wasmtime::Error);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.0.chain().map(|cause| cause.to_string().replace('\n', " "));
        // Where it was comes after why.
        let (places, causes): (Vec<_>, Vec<_>) =
            texts.partition(|text| text.starts_with(BACKTRACE));
        let mut separator = "";
        for text in causes.iter().chain(&places) {
            write!(f, "{separator}{}", text.escape_debug())?;
            separator = ": ";
        }
        Ok(())
    }
}

/// What an instance has only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstanceLimit {
    /// Memories.
    Memories,
    /// Tables.
    Tables,
    /// Core instances of a component.
    CoreInstances,
    /// Bytes of memories, tables and GC heaps together.
    Bytes,
}

impl fmt::Display for InstanceLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InstanceLimit::Memories => "memories",
            InstanceLimit::Tables => "tables",
            InstanceLimit::CoreInstances => "core instances",
            InstanceLimit::Bytes => "bytes",
        })
    }
}

/// Why there is no engine.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// An engine has room for 1 instance at least, and for 2^32 - 1 instances and reserved stores at most.
    Instances {
        /// What was asked: instances and reserved stores, or 0 if there is to be no instance.
        asked: usize,
    },
    /// A limit that is to be above zero.
    Zero {
        /// Which one.
        limit: InstanceLimit,
    },
    /// A tick lasts from 100 us to 1 min.
    Tick {
        /// What was asked.
        tick: Duration,
    },
    /// The memories do not fit into the address space.
    AddressSpace {
        /// How many there would be.
        memories: u64,
        /// The bytes that each may have.
        quota: u64,
        /// The bytes that there are for all.
        max: u64,
    },
    /// The stated address space for each memory cannot be.
    Reservation {
        /// What was asked.
        asked: u64,
        /// The bytes that a memory may have.
        quota: u64,
    },
    /// What wasmtime says against it.
    Refused {
        /// Why.
        cause: wasmtime::Error,
    },
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instances { asked } => {
                write!(f, "an engine has room for 1 to 2^32 - 1 instances (asked {asked})")
            }
            Self::Zero { limit: InstanceLimit::Bytes } => {
                f.write_str("the quota must be above zero")
            }
            Self::Zero { limit } => write!(f, "the limit on {limit} must be above zero"),
            Self::Tick { tick } => write!(f, "a tick lasts from 100 us to 1 min (asked {tick:?})"),
            Self::AddressSpace { memories, quota, max } => write!(
                f,
                "{memories} memories of {quota} bytes need more than the {max} bytes of address \
                 space that there are for them"
            ),
            Self::Reservation { asked, quota } => write!(
                f,
                "a reservation is a multiple of 65536 bytes, and no less than the quota of {quota} \
                 (asked {asked})"
            ),
            Self::Refused { cause } => {
                write!(f, "wasmtime refuses the settings: {}", Escaped(cause))
            }
        }
    }
}

/// Without a source: the message holds all causes, escaped.
impl std::error::Error for EngineError {}
