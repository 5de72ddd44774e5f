//! The handle of a pressure.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use super::signal::Signal;
use super::word::PressureState;

/// A condition on the load of a host that is either on or off: to be read on each request, and
/// waited for.
///
/// Clones are handles to the same pressure. A [`PressureRule`](crate::PressureRule) decides which
/// changes of one limit become events for people to read; a pressure joins the levels of several
/// limits into one state for code to act on.
///
/// # Progress
/// [`is_on`](Self::is_on) is one load. Waits take a small lock when they begin and when they end;
/// no waker runs under it.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use plimsoll::pressure::Pressure;
///
/// let (switch, overload) = Pressure::manual();
/// assert!(!overload.is_on());
/// switch.set(true);
/// assert!(overload.is_on() && overload.scaled() == 1.0);
/// assert!(!overload.off_timeout(Duration::from_millis(1)));
/// switch.set(false);
/// overload.off_blocking(); // or `overload.off().await`
/// ```
#[derive(Clone)]
pub struct Pressure {
    pub(super) signal: Arc<Signal>,
    pub(super) origin: Arc<dyn Origin>,
}

// No lock is held while a user's code runs, so that no panic leaves a step half done.
impl UnwindSafe for Pressure {}
impl RefUnwindSafe for Pressure {}

/// What turns a pressure on and off, for as long as it is kept.
pub(super) trait Origin: Send + Sync {
    /// How strong the pressure is, from 0 to 1; `is_on` is its state.
    fn scaled(&self, is_on: bool) -> f64;
}

impl Pressure {
    /// Whether it is on now: one load.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.signal.state().is_on
    }

    /// Whether it is on now, and how often it has changed: one load.
    #[inline]
    pub fn state(&self) -> PressureState {
        self.signal.state()
    }

    /// How strong the pressure is, from 0 (none) to 1: never NaN, and independent of holds.
    ///
    /// It reads the depths: a function that an [`ObservedGauge`](crate::ObservedGauge) asks is
    /// called.
    pub fn scaled(&self) -> f64 {
        self.origin.scaled(self.is_on())
    }
}

impl fmt::Debug for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pressure").field("is_on", &self.is_on()).finish_non_exhaustive()
    }
}
