//! What goes wrong in a guest.

use std::fmt;
use std::time::Duration;

use wasmtime::Trap;

/// A host function asked for the lease's state while the instance was built, when there is no
/// lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLease;

impl fmt::Display for NoLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no lease has begun: the instance is being built")
    }
}

impl std::error::Error for NoLease {}

/// Why a call has no result. The instance is discarded in any of these cases (POOL-3).
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The lease's deadline passed.
    DeadlineExceeded {
        /// How long the lease might run.
        deadline: Duration,
    },
    /// The lease's fuel is used up.
    OutOfFuel {
        /// How much that was.
        fuel: u64,
    },
    /// The guest trapped: out of bounds, unreachable, out of stack.
    Trapped {
        /// Where it fell.
        trap: Trap,
    },
    /// A host function failed, or a component broke its contract.
    Failed {
        /// Why.
        cause: wasmtime::Error,
    },
    /// An earlier call of the lease failed, or its future was dropped.
    Unusable,
}

impl CallError {
    /// Whether the guest is to blame, and not the host: if it ran past its deadline, used up its fuel, or
    /// trapped. Such a call is a fault of the principal's, for which it may have to
    /// [keep off](plimsoll::pool::PoolBuilder::fault_backoff); a growth that was refused and a call that was
    /// cancelled are none.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::DeadlineExceeded { .. } | Self::OutOfFuel { .. } | Self::Trapped { .. }
        )
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeadlineExceeded { deadline } => {
                write!(f, "the guest ran past its deadline of {deadline:?}")
            }
            Self::OutOfFuel { fuel } => write!(f, "the guest used up its fuel of {fuel}"),
            Self::Trapped { trap } => write!(f, "the guest trapped: {trap}"),
            Self::Failed { cause } => write!(f, "the call failed: {cause:#}"),
            Self::Unusable => f.write_str("an earlier call of this lease did not return"),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Trapped { trap } => Some(trap),
            Self::Failed { cause } => Some(cause.as_ref()),
            _ => None,
        }
    }
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
}

/// Why an export can not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportError {
    /// The export's name.
    pub name: String,
    /// What is wrong with it.
    pub problem: ExportProblem,
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.problem {
            ExportProblem::Missing => write!(f, "the guest exports no `{name}`"),
            ExportProblem::WrongType { detail } => {
                write!(f, "the export `{name}` is of another type: {detail}")
            }
        }
    }
}

impl std::error::Error for ExportError {}

/// Why an instance could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstantiateError {
    /// Its memories and tables have more bytes from the start than the quota allows.
    OverQuota {
        /// How many it needs, as far as it got.
        needed: u64,
        /// How many it may have.
        quota: u64,
    },
    /// Its start function, or what fills its memories and tables, went wrong.
    Start {
        /// How.
        cause: CallError,
    },
    /// An export is missing or of another type.
    Export(ExportError),
    /// What wasmtime says against it.
    Failed {
        /// Why.
        cause: wasmtime::Error,
    },
}

impl fmt::Display for InstantiateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OverQuota { needed, quota } => {
                write!(f, "the guest needs {needed} bytes at its start, of a quota of {quota}")
            }
            Self::Start { cause } => write!(f, "at its start: {cause}"),
            Self::Export(error) => error.fmt(f),
            Self::Failed { cause } => write!(f, "the guest can not be instantiated: {cause:#}"),
        }
    }
}

impl std::error::Error for InstantiateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::OverQuota { .. } => None,
            Self::Start { cause } => Some(cause),
            Self::Export(error) => Some(error),
            Self::Failed { cause } => Some(cause.as_ref()),
        }
    }
}

impl From<ExportError> for InstantiateError {
    fn from(error: ExportError) -> Self {
        Self::Export(error)
    }
}
