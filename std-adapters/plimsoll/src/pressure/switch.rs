//! A pressure that is turned on and off by hand.

use std::sync::Arc;

use super::handle::{Origin, Pressure};
use super::signal::Signal;
use crate::sync::{AtomicU64, Ordering};

impl Pressure {
    /// A pressure that a switch turns on and off, for tests and for a host's own signals. It begins
    /// off.
    pub fn manual() -> (PressureSwitch, Pressure) {
        let scale = Arc::<Scale>::default();
        let pressure = Pressure { signal: Signal::new(), origin: scale.clone() };
        (PressureSwitch { pressure: pressure.clone(), scale }, pressure)
    }
}

/// Turns a [`Pressure`] on and off: see [`Pressure::manual`].
///
/// Dropping it leaves the pressure as it is.
#[derive(Debug)]
pub struct PressureSwitch {
    pressure: Pressure,
    scale: Arc<Scale>,
}

impl PressureSwitch {
    /// Turns the pressure on or off, and wakes who waits for it.
    ///
    /// # Returns
    /// Whether that was a change.
    pub fn set(&self, is_on: bool) -> bool {
        let Some(changed) = self.pressure.signal.set(is_on) else { return false };
        self.pressure.signal.watchers.on_change();
        changed.wake();
        true
    }

    /// Sets what [`Pressure::scaled`] returns, between 0 and 1, instead of 1 while it is on and 0
    /// while it is off. What is below 0 or NaN counts as 0, what is above 1 as 1.
    pub fn set_scaled(&self, scaled: f64) {
        self.scale.set(scaled);
    }

    /// The pressure that this turns on and off.
    pub fn pressure(&self) -> &Pressure {
        &self.pressure
    }
}

/// What a switch says of [`scaled`](Pressure::scaled): the bits of a number, or a NaN for none.
/// Every access is Relaxed: the number carries no other data.
#[derive(Debug)]
pub(super) struct Scale(AtomicU64);

impl Default for Scale {
    fn default() -> Self {
        Self(AtomicU64::new(f64::NAN.to_bits()))
    }
}

impl Scale {
    fn set(&self, scaled: f64) {
        self.0.store(unit(scaled).to_bits(), Ordering::Relaxed);
    }
}

impl Origin for Scale {
    fn scaled(&self, is_on: bool) -> f64 {
        let set = f64::from_bits(self.0.load(Ordering::Relaxed));
        if set.is_nan() { f64::from(u8::from(is_on)) } else { set }
    }
}

/// `number` within 0 and 1; 0 for a NaN.
fn unit(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.clamp(0.0, 1.0) }
}
