//! Errors of guests, of engines and of pools of guests.

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

/// Why there is no engine. The error has no source: its message holds all causes, escaped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// An engine has room for 1 instance at least, and for 2^32 - 1 instances and reserved stores at most.
    #[error("an engine has room for 1 to 2^32 - 1 instances (asked {asked})")]
    Instances {
        /// What was asked: instances and reserved stores, or 0 if there is to be no instance.
        asked: usize,
    },
    /// A limit that is to be above zero.
    #[error(fmt = zero)]
    Zero {
        /// Which one.
        limit: InstanceLimit,
    },
    /// A tick lasts from 100 us to 1 min.
    #[error("a tick lasts from 100 us to 1 min (asked {tick:?})")]
    Tick {
        /// What was asked.
        tick: Duration,
    },
    /// The memories do not fit into the address space.
    #[error(
        "{memories} memories of {quota} bytes need more than the {max} bytes of address space that there \
         are for them"
    )]
    AddressSpace {
        /// How many there would be.
        memories: u64,
        /// The bytes that each may have.
        quota: u64,
        /// The bytes that there are for all.
        max: u64,
    },
    /// The stated address space for each memory cannot be.
    #[error(
        "a reservation is a multiple of 65536 bytes, and no less than the quota of {quota} (asked {asked})"
    )]
    Reservation {
        /// What was asked.
        asked: u64,
        /// The bytes that a memory may have.
        quota: u64,
    },
    /// What wasmtime says against it.
    #[error("wasmtime refuses the settings: {}", Escaped(.cause))]
    Refused {
        /// Why.
        cause: wasmtime::Error,
    },
}

fn zero(limit: &InstanceLimit, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match limit {
        InstanceLimit::Bytes => f.write_str("the quota must be above zero"),
        limit => write!(f, "the limit on {limit} must be above zero"),
    }
}
