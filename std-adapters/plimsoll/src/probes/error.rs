//! Errors of the probes.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use plimsoll_core::WatermarkError;
use plimsoll_core::error_type::error_type;

use super::limit::ProbeLimit;
use crate::telemetry::RegisterError;

error_type! {
    /// Why a limit is not measured now.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum ProbeError {
        /// The system or the container does not have it.
        #[error("{limit} is not here: there is no {file:?}; {needs}")]
        NotHere {
            /// What would be measured.
            limit: ProbeLimit,
            /// The file that is missing, or that does not name what is.
            file: PathBuf,
            /// What provides it.
            needs: &'static str,
        },
        /// The file is there and cannot be read.
        #[error("{limit} is not measured: {file:?} cannot be read ({cause})")]
        Unreadable {
            /// What would be measured.
            limit: ProbeLimit,
            /// The file.
            file: PathBuf,
            /// What the operating system says.
            cause: io::ErrorKind,
        },
        /// The file holds something else.
        #[error("{limit} is not measured: {file:?} does not hold {expected}")]
        Content {
            /// What would be measured.
            limit: ProbeLimit,
            /// The file.
            file: PathBuf,
            /// What it should hold.
            expected: &'static str,
        },
        /// The registry does not take it.
        #[error("{limit} is not listed: {error}")]
        Register {
            /// What is measured.
            limit: ProbeLimit,
            /// Why.
            error: RegisterError,
        },
    }
}

impl ProbeError {
    /// The limit that is not measured.
    pub fn limit(&self) -> ProbeLimit {
        match self {
            ProbeError::NotHere { limit, .. }
            | ProbeError::Unreadable { limit, .. }
            | ProbeError::Content { limit, .. }
            | ProbeError::Register { limit, .. } => *limit,
        }
    }

    /// A bit for each kind of error.
    pub(super) fn kind(&self) -> u8 {
        match self {
            ProbeError::NotHere { .. } => 1,
            ProbeError::Unreadable { .. } => 2,
            ProbeError::Content { .. } => 4,
            ProbeError::Register { .. } => 8,
        }
    }
}

error_type! {
    /// Why there are no probes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum ProbesError {
        /// A period lasts from 10 ms to 1 h.
        #[error("a period of the probes lasts from 10 ms to 1 h (asked {period:?})")]
        Period {
            /// What was asked.
            period: Duration,
        },
        /// The watermarks of a limit could not be made.
        #[error("the watermarks of {limit}: {error}")]
        Watermarks {
            /// The limit.
            limit: ProbeLimit,
            /// Why.
            error: WatermarkError,
        },
    }
}
