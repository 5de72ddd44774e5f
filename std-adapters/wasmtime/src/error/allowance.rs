//! Errors of an allowance.

/// Why an [`Allowance`](crate::Allowance) cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllowanceError {
    /// The quota is above the engine's.
    #[error("a quota of {asked} bytes is above the engine's of {max}")]
    QuotaAboveEngine {
        /// What was asked.
        asked: u64,
        /// What the engine has room for.
        max: u64,
    },
    /// The quota is below what every instance of the program has from its start.
    #[error("a quota of {asked} bytes is below the {needed} that an instance has from its start")]
    QuotaBelowStart {
        /// What was asked.
        asked: u64,
        /// What an instance has.
        needed: u64,
    },
    /// Fuel is set, and the engine does not meter any.
    #[error("fuel is set, and the engine meters none")]
    NoFuelMeter,
    /// A setting that is to be above zero.
    #[error("the {setting} must be above zero")]
    Zero {
        /// The setting's name.
        setting: &'static str,
    },
}
