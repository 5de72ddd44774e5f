//! Errors of calls and of instantiation.

use std::fmt;
use std::time::Duration;

use plimsoll::budget::Refused;
use wasmtime::Trap;

use super::Escaped;

/// A guest is called back deeper than [`reentrancy`](crate::WasmEngineBuilder::reentrancy) allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the guest is called back more than {allowed} deep, the engine's `reentrancy`")]
pub struct TooDeep {
    /// How deep it may be called back.
    pub allowed: u32,
}

/// Why a call has no result. The instance is discarded in any of these cases (POOL-3).
///
/// [`is_fault`](Self::is_fault) says who is to blame. The error has no source: its message holds all
/// causes, escaped, and its variants have them as wasmtime made them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The guest ran past its deadline (METER-5). Also returned if it came back after that, because its
    /// last work was one long operation.
    #[error("the guest ran past its deadline of {deadline:?}")]
    DeadlineExceeded {
        /// How long it might run.
        deadline: Duration,
    },
    /// The lease has reached its wall-clock limit, whatever used up that time.
    #[error("the lease lasted longer than {limit:?}")]
    WallLimit {
        /// How long it might last.
        limit: Duration,
    },
    /// The lease's fuel is used up.
    #[error("the guest used up its fuel of {fuel}")]
    OutOfFuel {
        /// How much that was.
        fuel: u64,
    },
    /// The guest trapped: out of bounds, unreachable, out of stack.
    #[error("the guest trapped: {}", reason(.trap))]
    Trapped {
        /// Which trap.
        trap: Trap,
    },
    /// The guest threw an exception that nobody caught.
    #[error("the guest threw an exception that nobody caught")]
    UncaughtException,
    /// The guest's garbage-collected heap is full.
    #[error("the guest's garbage-collected heap is full")]
    GcHeapFull,
    /// A guest has as many handles as it may: a component in all, tasks included, or a guest in a table
    /// of the host's, a `ResourceTable` or [`Handles`](crate::Handles).
    #[error(
        "the guest has as many handles as it may: those of components (`handles`), of a host's table \
         (its capacity), or tasks (`component_model_async`)"
    )]
    OutOfHandles,
    /// One call lifted more than it may: it gave the host more bytes of lists and strings (METER-9).
    #[error("the guest gave the host more bytes in one call than its `max_lift`")]
    TooMuchHandedOver,
    /// A component broke the canonical ABI: a handle that it does not have, a string beyond its memory.
    #[error("the guest broke the canonical ABI: {}", Escaped(.cause))]
    BrokenAbi {
        /// How.
        cause: wasmtime::Error,
    },
    /// A host function called the guest back deeper than the engine has room for.
    #[error(fmt = too_deep)]
    TooDeep {
        /// How deep it may be called back.
        allowed: u32,
    },
    /// The engine has no more room, because the host takes more of it than was declared: stores outside
    /// the pools ([`reserve_stores`](crate::WasmEngineBuilder::reserve_stores)) or calls back
    /// ([`reentrancy`](crate::WasmEngineBuilder::reentrancy)).
    #[error("the host takes more room of the engine than declared: {}", Escaped(.cause))]
    NoRoom {
        /// Of what.
        cause: wasmtime::Error,
    },
    /// A host function failed: the root cause is its error, or `wasmtime_wasi::I32Exit` of a guest that
    /// exited.
    #[error("the call failed: {}", Escaped(.cause))]
    Failed {
        /// Why.
        cause: wasmtime::Error,
    },
    /// The guest does not run in place: it is to be called as a task.
    #[error(
        "the guest does not run in place: call it as a task, or build its pool with `in_place`"
    )]
    NotInPlace,
    /// The store's meter was not [installed](crate::Meter::install) before its guest was instantiated.
    #[error(
        "the store's meter is not installed: call `Meter::install` before the guest is instantiated"
    )]
    NotInstalled,
    /// An earlier call of the lease failed, or its future was dropped.
    #[error("an earlier call of this lease failed or was dropped half way")]
    Unusable,
}

impl CallError {
    /// Whether the guest is to blame, and not the host (METER-7). Such a call is a fault of the
    /// principal's, for which it may have to
    /// [wait](plimsoll::pool::PoolBuilder::fault_backoff); a growth that was refused, a call that was
    /// cancelled, and the end at the wall-clock limit are none.
    ///
    /// A trap is the guest's, with one exception that wasmtime does not tell apart: a host function that
    /// calls the component back whose call it serves traps with `CannotEnterComponent` where concurrency
    /// is on.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::DeadlineExceeded { .. }
            | Self::OutOfFuel { .. }
            | Self::Trapped { .. }
            | Self::UncaughtException
            | Self::GcHeapFull
            | Self::OutOfHandles
            | Self::TooMuchHandedOver
            | Self::BrokenAbi { .. }
            | Self::TooDeep { .. } => true,
            Self::WallLimit { .. }
            | Self::NoRoom { .. }
            | Self::Failed { .. }
            | Self::NotInPlace
            | Self::NotInstalled
            | Self::Unusable => false,
        }
    }
}

fn too_deep(allowed: &u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}", TooDeep { allowed: *allowed })
}

/// What wasmtime says of a trap, without its prefix.
fn reason(trap: &Trap) -> String {
    let text = trap.to_string();
    text.strip_prefix("wasm trap: ").map(str::to_owned).unwrap_or(text)
}

/// What is wrong with an export.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportProblem {
    /// There is none of that name.
    Missing,
    /// It is something else.
    WrongType {
        /// What, in wasmtime's words.
        detail: String,
    },
    /// Generated bindings do not find what they need.
    Bindings {
        /// What, in their words.
        detail: String,
    },
}

/// Why an export cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportError {
    /// The export's name; empty if generated bindings did the looking up.
    pub name: String,
    /// What is wrong with it.
    pub problem: ExportProblem,
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_debug();
        match &self.problem {
            ExportProblem::Missing => write!(f, "the guest exports no `{name}`"),
            ExportProblem::WrongType { detail } => {
                write!(f, "the export `{name}` is of another type: {}", detail.escape_debug())
            }
            ExportProblem::Bindings { detail } => {
                write!(f, "the exports do not fit the bindings: {}", detail.escape_debug())
            }
        }
    }
}

impl std::error::Error for ExportError {}

/// What the constructor of generated bindings says.
impl From<wasmtime::Error> for ExportError {
    fn from(error: wasmtime::Error) -> Self {
        let problem = ExportProblem::Bindings { detail: format!("{error:#}") };
        Self { name: String::new(), problem }
    }
}

/// Why an instance could not be built.
///
/// The error has no source: its message holds all causes, escaped, and its variants have them as
/// they were made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// Its memories and tables have more bytes from the start than the quota allows.
    #[error("the guest needs {needed} bytes at its start, of a quota of {quota}")]
    OverQuota {
        /// Bytes up to and with the memory or table that was refused.
        needed: u64,
        /// How many it may have.
        quota: u64,
    },
    /// The pool's [budget](crate::WasmPoolBuilder::budget) has no room for the bytes that it has from the
    /// start.
    #[error("at its start: {refused}")]
    OverBudget {
        /// Which limit has no room, and how it gets some.
        refused: Refused,
    },
    /// Its start function, or what fills its memories and tables, went wrong.
    #[error("at its start: {cause}")]
    Start {
        /// How.
        cause: CallError,
    },
    /// It has more memories, tables or core instances than the engine has room for in each instance. Only
    /// of components that import core modules: all others are checked when the pool's settings are made.
    #[error("the guest has more than an instance has room for: {}", Escaped(.cause))]
    TooMany {
        /// Of what, in wasmtime's words.
        cause: wasmtime::Error,
    },
    /// An export is missing or of another type.
    #[error(transparent)]
    Export(ExportError),
    /// It took handles of the host at its start, before any lease. The lease that begins would bring a
    /// new table, in which they name nothing.
    #[error("the guest takes handles of the host at its start, where they are no lease's")]
    HandlesAtStart,
    /// The engine has no more room, because the host takes more of it than was declared.
    #[error("the engine's room is taken by what the host did not declare: {}", Escaped(.cause))]
    NoRoom {
        /// Of what.
        cause: wasmtime::Error,
    },
    /// It is to run in place, and imports async functions.
    #[error(
        "a guest that runs in place may not import async functions: link it with sync ones, such as those \
         of `add_to_linker_sync`"
    )]
    AsyncInPlace,
    /// A host function failed at its start.
    #[error("the guest cannot be instantiated: {}", Escaped(.cause))]
    Failed {
        /// Why.
        cause: wasmtime::Error,
    },
}
