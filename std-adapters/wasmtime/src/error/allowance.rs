//! What a pool does not grant.

use std::fmt;

/// Why an [`Allowance`](crate::Allowance) cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllowanceError {
    /// The quota is above the engine's.
    QuotaAboveEngine {
        /// What was asked.
        asked: u64,
        /// What the engine has room for.
        max: u64,
    },
    /// The quota is below what every instance of the program has from its start.
    QuotaBelowStart {
        /// What was asked.
        asked: u64,
        /// What an instance has.
        needed: u64,
    },
    /// Fuel is set, and the engine does not meter any.
    NoFuelMeter,
    /// A setting that is to be above zero.
    Zero {
        /// The setting's name.
        setting: &'static str,
    },
}

impl fmt::Display for AllowanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QuotaAboveEngine { asked, max } => {
                write!(f, "a quota of {asked} bytes is above the engine's of {max}")
            }
            Self::QuotaBelowStart { asked, needed } => write!(
                f,
                "a quota of {asked} bytes is below the {needed} that an instance has from its start"
            ),
            Self::NoFuelMeter => f.write_str("fuel is set, and the engine meters none"),
            Self::Zero { setting } => write!(f, "the {setting} must be above zero"),
        }
    }
}

impl std::error::Error for AllowanceError {}
