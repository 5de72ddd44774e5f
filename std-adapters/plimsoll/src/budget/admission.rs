//! Admission by what is granted and by what is measured.

use std::fmt;

use super::handle::Budget;
use super::lease::Lease;
use super::level::Ask;
use super::refused::{Refused, RefusedReason};

/// Admits by `ceiling - max(measured, granted)`: a [`Budget`] knows what was granted, and a probe what
/// is really used, whether it was asked for or not.
///
/// The ceiling is the budget's capacity. What was granted and is not used yet counts by the grant; what
/// is used beside all grants, by the measurement. Between two measurements the budget alone holds the
/// line, so give it a ceiling that is below what the machine has.
///
/// # Example
/// ```
/// use plimsoll::budget::{Admission, Budget, RefusedReason};
/// use plimsoll::{Limit, Registry, Watermarks};
///
/// let registry = Registry::new();
/// let resident = Limit::memory("process_rss");
/// let resident = registry.recorded_gauge(resident, Watermarks::new(1_000))?;
/// let memory = registry.budget(Limit::memory("guest_memory"), 1_000)?;
/// let probe = resident.clone();
/// let admission = Admission::new(&memory, move || probe.depth());
///
/// let _guest = admission.try_admit(600)?; // granted, not used yet
/// assert_eq!(admission.headroom(), 400);
/// resident.record(900); // more is used than was granted
/// assert_eq!(admission.headroom(), 100);
/// let refused = admission.try_admit(200).unwrap_err();
/// assert_eq!((refused.reason(), refused.usage()), (RefusedReason::Measured, 900));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Admission<F> {
    budget: Budget,
    measured: F,
}

impl<F: Fn() -> u64> Admission<F> {
    /// Admits to `budget`. `measured` answers what is used, in the budget's unit: a gauge, a probe.
    pub fn new(budget: &Budget, measured: F) -> Self {
        Self { budget: budget.clone(), measured }
    }

    /// How much can be admitted now: `ceiling - max(measured, granted)`, of the budget and of all above
    /// it.
    pub fn headroom(&self) -> u64 {
        self.budget.available().min(self.budget.capacity().saturating_sub((self.measured)()))
    }

    /// Reserves `amount`, if there is headroom for it.
    ///
    /// # Errors
    /// [`Measured`](RefusedReason::Measured) if the measured use leaves no room; else as
    /// [`Budget::try_reserve`].
    pub fn try_admit(&self, amount: u64) -> Result<Lease, Refused> {
        let (usage, ask) = ((self.measured)(), Ask { amount, held: 0 });
        let node = self.budget.node();
        if let Some(refused) = node.hopeless(ask) {
            return Err(refused);
        }
        let refused = node.refused(ask, RefusedReason::Measured);
        if usage.saturating_add(amount) > refused.capacity {
            return Err(Refused { usage, ..refused });
        }
        self.budget.try_reserve(amount)
    }

    /// The budget that it admits to.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl<F> fmt::Debug for Admission<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("budget", &self.budget).finish_non_exhaustive()
    }
}
