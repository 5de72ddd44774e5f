//! The allowance of a lease: what it may use.

use std::time::Duration;

use crate::clock::{NEVER, ns};
use crate::error::AllowanceError;

/// What a lease may use, where it is not as its pool has it.
///
/// What is not set is as the pool's builder says. [`WasmPool::allow`](crate::WasmPool::allow) checks
/// it and makes a [`Grant`], for a principal or for one lease.
///
/// ```
/// use std::time::Duration;
/// use plimsoll_wasmtime::Allowance;
///
/// let generous = Allowance::new().quota(32 << 20).fuel(1 << 40).deadline(Duration::from_secs(5));
/// assert_ne!(generous, Allowance::new());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "it has no effect until it is granted"]
pub struct Allowance {
    pub(crate) quota: Option<u64>,
    pub(crate) fuel: Option<u64>,
    /// `Some(None)`: no deadline.
    pub(crate) deadline: Option<Option<Duration>>,
    pub(crate) wall_limit: Option<Option<Duration>>,
    pub(crate) max_lift: Option<usize>,
}

impl Allowance {
    /// All as the pool has it.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes the memories, tables and GC heaps of the instance have together at most
    /// (METER-1). A checkout discards an instance that has more already. What one call may
    /// [lift](Self::max_lift) follows, unless that was set too.
    pub fn quota(mut self, bytes: u64) -> Self {
        self.quota = Some(bytes);
        self
    }

    /// How much fuel there is.
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }

    /// How long the guest may run, in time of its own (METER-5).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(Some(deadline));
        self
    }

    /// Sets no deadline.
    pub fn no_deadline(mut self) -> Self {
        self.deadline = Some(None);
        self
    }

    /// The wall-clock time after the checkout at which a call is ended, whatever uses up that time; see
    /// [`WasmPoolBuilder::wall_limit`](crate::WasmPoolBuilder::wall_limit).
    pub fn wall_limit(mut self, limit: Duration) -> Self {
        self.wall_limit = Some(Some(limit));
        self
    }

    /// Sets no wall-clock limit.
    pub fn no_wall_limit(mut self) -> Self {
        self.wall_limit = Some(None);
        self
    }

    /// How many bytes one call may lift, which is to copy them from the guest into the host: lists and
    /// strings, results and parameters of host functions (METER-9).
    pub fn max_lift(mut self, bytes: usize) -> Self {
        self.max_lift = Some(bytes);
        self
    }
}

/// An [`Allowance`] that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) quota: u64,
    /// `None` if the engine meters none.
    pub(crate) fuel: Option<u64>,
    /// Nanoseconds of the guest's own time; `NEVER` if there is no deadline.
    pub(crate) deadline_ns: u64,
    /// Nanoseconds by the wall; `NEVER` if there is no such limit.
    pub(crate) wall_limit_ns: u64,
    /// `None` if it follows the quota.
    pub(crate) max_lift: Option<usize>,
}

/// What wasmtime lets a guest lift in one call by default.
const LIFT_MAX: usize = 128 << 20;

/// So much may be lifted however small the quota is.
const LIFT_MIN: u64 = 64 << 10;

/// What one call may lift by default: as much as the guest can have.
fn max_lift_of(quota: u64) -> usize {
    usize::try_from(quota.max(LIFT_MIN)).unwrap_or(LIFT_MAX).min(LIFT_MAX)
}

impl Grant {
    /// All that there is room for.
    pub(crate) fn all(quota: u64, meters_fuel: bool) -> Self {
        Self {
            quota,
            fuel: meters_fuel.then_some(u64::MAX),
            deadline_ns: NEVER,
            wall_limit_ns: NEVER,
            max_lift: None,
        }
    }

    /// What one call may lift.
    #[cfg_attr(not(feature = "component-model"), allow(dead_code, reason = "of components"))]
    #[inline]
    pub(crate) fn max_lift(&self) -> usize {
        self.max_lift.unwrap_or_else(|| max_lift_of(self.quota))
    }

    /// This grant with what an allowance says otherwise.
    ///
    /// # Errors
    /// [`AllowanceError`]: above what the engine has room for, zero, or fuel where none is metered.
    pub(crate) fn with(
        mut self,
        allowance: &Allowance,
        quota_max: u64,
    ) -> Result<Self, AllowanceError> {
        let zeros = [
            ("quota", allowance.quota == Some(0)),
            ("fuel", allowance.fuel == Some(0)),
            ("deadline", allowance.deadline == Some(Some(Duration::ZERO))),
            ("wall-clock limit", allowance.wall_limit == Some(Some(Duration::ZERO))),
            ("limit on what a call lifts", allowance.max_lift == Some(0)),
        ];
        if let Some((setting, _)) = zeros.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(AllowanceError::Zero { setting });
        }
        if let Some(asked) = allowance.quota {
            if asked > quota_max {
                return Err(AllowanceError::QuotaAboveEngine { asked, max: quota_max });
            }
            self.quota = asked;
        }
        if let Some(amount) = allowance.fuel {
            *self.fuel.as_mut().ok_or(AllowanceError::NoFuelMeter)? = amount;
        }
        if let Some(deadline) = allowance.deadline {
            self.deadline_ns = deadline.map_or(NEVER, ns);
        }
        if let Some(limit) = allowance.wall_limit {
            self.wall_limit_ns = limit.map_or(NEVER, ns);
        }
        self.max_lift = allowance.max_lift.or(self.max_lift);
        Ok(self)
    }

    /// This grant for a store whose last grant was `last`. If another engine's pool has made this one, it
    /// still grants no more memory than the store's engine has, and fuel only if that engine meters it.
    pub(crate) fn held_to(&self, last: &Self, quota_max: u64) -> Self {
        let fuel = last.fuel.map(|last| self.fuel.unwrap_or(last));
        Self { quota: self.quota.min(quota_max), fuel, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Grant = Grant {
        quota: 1 << 20,
        fuel: None,
        deadline_ns: NEVER,
        wall_limit_ns: NEVER,
        max_lift: None,
    };

    fn with(base: Grant, allowance: Allowance) -> Result<Grant, AllowanceError> {
        base.with(&allowance, 4 << 20)
    }

    #[test]
    fn meter_11_what_is_not_said_stays() {
        let ms = Duration::from_millis;
        assert_eq!(with(BASE, Allowance::new()), Ok(BASE));
        let grant = with(BASE, Allowance::new().quota(2 << 20).deadline(ms(25))).unwrap();
        assert_eq!(grant, Grant { quota: 2 << 20, deadline_ns: 25_000_000, ..BASE });
        assert_eq!((BASE.max_lift(), grant.max_lift()), (1 << 20, 2 << 20));
        let own = with(BASE, Allowance::new().max_lift(1 << 20)).unwrap();
        assert_eq!(with(own, Allowance::new().quota(2 << 20)).unwrap().max_lift(), 1 << 20);
        let grant = with(grant, Allowance::new().no_deadline().wall_limit(ms(1))).unwrap();
        assert_eq!((grant.deadline_ns, grant.wall_limit_ns), (NEVER, 1_000_000));
    }

    #[test]
    fn meter_9_what_a_call_lifts_follows_the_quota() {
        assert_eq!(max_lift_of(100), 64 << 10);
        assert_eq!(max_lift_of(1 << 20), 1 << 20);
        assert_eq!(max_lift_of(1 << 40), 128 << 20);
    }

    #[test]
    fn what_cannot_be_is_a_typed_error() {
        let text = |allowance| with(BASE, allowance).unwrap_err().to_string();
        assert_eq!(text(Allowance::new().quota(0)), "the quota must be above zero");
        let above = "a quota of 4194305 bytes is above the engine's of 4194304";
        assert_eq!(text(Allowance::new().quota((4 << 20) + 1)), above);
        assert_eq!(text(Allowance::new().fuel(1)), "fuel is set, and the engine meters none");
        assert_eq!(
            text(Allowance::new().deadline(Duration::ZERO)),
            "the deadline must be above zero"
        );
    }
}
