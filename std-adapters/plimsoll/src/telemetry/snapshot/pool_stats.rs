//! The statistics of a pool.

use std::fmt;
use std::time::Duration;

use plimsoll_core::pool::PoolCounts;

use crate::telemetry::histogram::Histogram;

/// Why an instance was not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DiscardReason {
    /// It was for a single use, which was completed.
    SingleUse,
    /// Its lease was dropped without being completed, as when a future is cancelled.
    Dropped,
    /// Its lease was dropped by a panic.
    Panicked,
    /// Its lease ended in a [fault](crate::pool::Lease::fault).
    Faulted,
    /// It was used as often as it may be.
    Uses,
    /// It was too old.
    Age,
    /// It had grown too large.
    Bytes,
    /// It could not be reset.
    ResetFailed,
    /// It was idle for too long.
    Idle,
    /// It made room for another principal.
    Displaced,
    /// The pool was closed.
    Closed,
    /// It was [dead](crate::pool::Manager::is_alive) when it was to be lent.
    Dead,
    /// It was idle, and taken out by [`retain`](crate::pool::Pool::retain) or
    /// [`drop_idle`](crate::pool::Pool::drop_idle).
    Removed,
    /// There were more than the maximum, which was [changed](crate::pool::Pool::resize).
    Surplus,
}

impl DiscardReason {
    /// All reasons.
    pub const ALL: [DiscardReason; 14] = [
        DiscardReason::SingleUse,
        DiscardReason::Dropped,
        DiscardReason::Panicked,
        DiscardReason::Faulted,
        DiscardReason::Uses,
        DiscardReason::Age,
        DiscardReason::Bytes,
        DiscardReason::ResetFailed,
        DiscardReason::Idle,
        DiscardReason::Displaced,
        DiscardReason::Closed,
        DiscardReason::Dead,
        DiscardReason::Removed,
        DiscardReason::Surplus,
    ];

    /// The name in lower case, such as `"single_use"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DiscardReason::SingleUse => "single_use",
            DiscardReason::Dropped => "dropped",
            DiscardReason::Panicked => "panicked",
            DiscardReason::Faulted => "faulted",
            DiscardReason::Uses => "uses",
            DiscardReason::Age => "age",
            DiscardReason::Bytes => "bytes",
            DiscardReason::ResetFailed => "reset_failed",
            DiscardReason::Idle => "idle",
            DiscardReason::Displaced => "displaced",
            DiscardReason::Closed => "closed",
            DiscardReason::Dead => "dead",
            DiscardReason::Removed => "removed",
            DiscardReason::Surplus => "surplus",
        }
    }
}

impl fmt::Display for DiscardReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What [`Pool::stats`](crate::pool::Pool::stats) has read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PoolStats {
    /// How many instances there are in which state.
    #[cfg_attr(feature = "serde", serde(flatten, with = "crate::telemetry::ser::counts"))]
    pub counts: PoolCounts,
    /// How many checkouts wait.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub waiting: u64,
    /// How long checkouts have waited in all.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "blocked_us", with = "crate::telemetry::ser::us")
    )]
    pub blocked: Duration,
    /// How long each checkout that had to wait has waited.
    pub wait: Histogram,
    /// How long leases were held: of single-use instances one in 16; else the first of each
    /// instance and every 64th after it.
    pub hold: Histogram,
    /// How long builds took, failed ones too: all that the background has begun; of those that
    /// checkouts do themselves one in 16 or more, with the retirement before it.
    pub create: Histogram,
    /// How checkouts were served.
    pub checkouts: PoolCheckouts,
    /// How many idle instances are kept ready.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub warm: usize,
    /// Instances that were built, or [handed in](crate::pool::Pool::insert).
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub built: u64,
    /// Builds that failed.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub build_failures: u64,
    /// Panics of the manager and of objects that were contained.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub panics: u64,
    /// Checkouts that timed out, by what they were at.
    pub timeouts: PoolTimeouts,
    /// Checkouts that were refused, by what is used up.
    pub refusals: PoolRefusals,
    /// Calls of the manager that took longer than they may, and were abandoned.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub abandoned: u64,
    /// How many of those have not come back yet.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub abandoned_now: usize,
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::discards"))]
    pub(crate) discards: [u64; DiscardReason::ALL.len()],
}

/// How checkouts were served that got a lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PoolCheckouts {
    /// By an instance that was idle.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub warm: u64,
    /// By an instance that the checkout has made itself, without a wait.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub cold: u64,
    /// After a wait in line.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub waited: u64,
}

/// Checkouts that timed out, by what they were at: see [`Stage`](crate::pool::Stage).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PoolTimeouts {
    /// They waited for an instance.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub wait: u64,
    /// They waited for their principal to give one up.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub cap: u64,
    /// The instance that was built for them was not ready in time.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub build: u64,
}

/// Checkouts that were refused, by what is used up: see
/// [`CheckoutError`](crate::pool::CheckoutError).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PoolRefusals {
    /// The instances that the principal may hold.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub in_use: u64,
    /// The checkouts of the principal that may wait.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub waiting: u64,
    /// The principal keeps off after faults.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub faults: u64,
    /// The checkouts that may wait in all.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub line_full: u64,
    /// They would have waited for what only their own principal holds, or asked for more than there
    /// may be.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub never: u64,
}

impl PoolCheckouts {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.warm.saturating_add(self.cold).saturating_add(self.waited)
    }
}

impl PoolTimeouts {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.wait.saturating_add(self.cap).saturating_add(self.build)
    }
}

impl PoolRefusals {
    /// All of them.
    pub const fn total(&self) -> u64 {
        let of_one = self.in_use.saturating_add(self.waiting).saturating_add(self.faults);
        of_one.saturating_add(self.line_full).saturating_add(self.never)
    }
}

impl PoolStats {
    /// How many instances were not used again, for this reason.
    pub fn discards(&self, reason: DiscardReason) -> u64 {
        self.discards[reason as usize]
    }

    /// How many instances were not used again, for any reason.
    pub fn discarded(&self) -> u64 {
        self.discards.iter().fold(0, |sum, count| u64::saturating_add(sum, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_numbered_in_their_order() {
        for (index, reason) in DiscardReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{reason}");
        }
    }
}
