//! What a lease may use, and what it has used.

use std::time::Duration;

use wasmtime::{AsContextMut, Store, StoreContextMut, Trap, UpdateDeadline};

use super::error::CallError;
use super::host::{Host, HostState};
use super::limiter::Limiter;

/// Epochs that never pass, and can be added to any epoch that does (METER-3).
const FAR: u64 = 1 << 40;

/// What a lease, or the start of an instance, may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// `None`, if the engine meters none.
    pub(super) fuel: Option<Fuel>,
    pub(super) deadline: Option<Duration>,
    pub(super) epochs: u64,
    pub(super) is_in_place: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fuel {
    pub(super) amount: u64,
    /// After how much a guest yields; `None` if it runs on its caller's stack, and can not.
    pub(super) yield_interval: Option<u64>,
}

impl Allowance {
    pub(super) fn new(fuel: Option<Fuel>, deadline: Option<Duration>, tick: Duration) -> Self {
        Self { fuel, deadline, epochs: epochs_in(deadline, tick), is_in_place: false }
    }
}

/// As many epochs as are sure to take so long: the current one may end at once.
fn epochs_in(deadline: Option<Duration>, tick: Duration) -> u64 {
    let Some(deadline) = deadline else { return FAR };
    let epochs = deadline.as_nanos().div_ceil(tick.as_nanos());
    u64::try_from(epochs).unwrap_or(FAR).min(FAR - 1) + 1
}

/// What meters a store's guest.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) limiter: Limiter,
    allowance: Allowance,
    /// Bytes that were there when the lease began.
    inherited: u64,
    /// Whether nobody knows how much fuel was used, because a guest was stopped that never yields.
    is_fuel_unknown: bool,
}

/// What a lease has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Fuel, to within a yield interval if the guest did not return; 0 if the engine meters none.
    pub fuel: u64,
    /// Bytes of all memories and tables. They never shrink, so this is the lease's peak.
    pub bytes: u64,
    /// Bytes by which they grew in the lease.
    pub grown_bytes: u64,
}

impl Meter {
    pub(super) fn new(quota: u64, allowance: Allowance) -> Self {
        Self { limiter: Limiter::new(quota), allowance, inherited: 0, is_fuel_unknown: false }
    }

    pub(super) fn on_epoch(&self) -> UpdateDeadline {
        match self.allowance.deadline {
            Some(_) => UpdateDeadline::Interrupt,
            None => UpdateDeadline::Continue(FAR),
        }
    }

    #[inline]
    pub(super) fn is_in_place(&self) -> bool {
        self.allowance.is_in_place
    }

    /// A call has ended in this error.
    pub(super) fn on_end(&mut self, error: &CallError) {
        // A guest writes down what it has used before it calls or gives up, and when it yields. In
        // place, a long loop that ends in a stray access would cost nothing.
        let is_noted = match error {
            CallError::DeadlineExceeded { .. } => false,
            CallError::Trapped { trap } => {
                matches!(trap, Trap::UnreachableCodeReached | Trap::StackOverflow)
            }
            _ => true,
        };
        self.is_fuel_unknown |= !is_noted && self.allowance.is_in_place;
    }

    /// What an error of the guest's says.
    pub(super) fn judge(&self, cause: wasmtime::Error) -> CallError {
        let Some(&trap) = cause.downcast_ref::<Trap>() else { return CallError::Failed { cause } };
        match (trap, self.allowance) {
            (Trap::Interrupt, Allowance { deadline: Some(deadline), .. }) => {
                CallError::DeadlineExceeded { deadline }
            }
            (Trap::OutOfFuel, Allowance { fuel: Some(fuel), .. }) => {
                CallError::OutOfFuel { fuel: fuel.amount }
            }
            _ => CallError::Trapped { trap },
        }
    }
}

/// Sets limiter, callback and allowance for a new store.
pub(super) fn install<H: Host>(store: &mut Store<HostState<H>>, allowance: Allowance) {
    store.limiter(|state| &mut state.meter.limiter);
    store.epoch_deadline_callback(HostState::on_epoch);
    arm(store.as_context_mut(), allowance);
}

/// Grants an allowance, whatever is left of an earlier one (METER-3).
#[inline]
pub(super) fn arm<H: Host>(mut store: StoreContextMut<'_, HostState<H>>, allowance: Allowance) {
    store.set_epoch_deadline(allowance.epochs);
    if let Some(Fuel { amount, yield_interval }) = allowance.fuel {
        // They fail without a meter, and at an interval of 0: neither comes here.
        if yield_interval.is_some() {
            let armed = store.fuel_async_yield_interval(yield_interval);
            debug_assert!(armed.is_ok());
        }
        let armed = store.set_fuel(amount);
        debug_assert!(armed.is_ok());
    }
    let meter = &mut store.data_mut().meter;
    meter.allowance = allowance;
    meter.inherited = meter.limiter.held();
}

/// What was used since an allowance was granted.
#[inline]
pub(super) fn usage<H: Host>(store: &Store<HostState<H>>) -> Usage {
    let meter = &store.data().meter;
    let bytes = meter.limiter.held();
    let left = if meter.is_fuel_unknown { 0 } else { store.get_fuel().unwrap_or(0) };
    let fuel = meter.allowance.fuel.map_or(0, |fuel| fuel.amount.saturating_sub(left));
    Usage { fuel, bytes, grown_bytes: bytes.saturating_sub(meter.inherited) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meter_3_no_deadline_overflows() {
        let ms = Duration::from_millis;
        assert_eq!(epochs_in(Some(ms(25)), ms(10)), 4);
        assert_eq!(epochs_in(Some(ms(1)), ms(10)), 2);
        for deadline in [None, Some(Duration::MAX)] {
            let epochs = epochs_in(deadline, Duration::from_nanos(1));
            assert_eq!(epochs, FAR);
            assert!(epochs.checked_add(u64::MAX / 2).is_some());
        }
    }

    #[test]
    fn meter_3_without_a_deadline_an_epoch_interrupts_nobody() {
        let ends = |deadline| {
            let meter = Meter::new(0, Allowance::new(None, deadline, Duration::from_millis(1)));
            matches!(meter.on_epoch(), UpdateDeadline::Interrupt)
        };
        assert_eq!((ends(None), ends(Some(Duration::ZERO))), (false, true));
    }
}
