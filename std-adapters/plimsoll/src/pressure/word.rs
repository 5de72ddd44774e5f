//! The word of a pressure: whether it is on, and how often it has changed.

use crate::sync::{AtomicU64, Ordering};

/// Whether a pressure is on, as the number of its changes.
///
/// ```text
/// changes  0      whether it is on: each change turns it over
///          0..64  how many changes there were
/// ```
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `set`: own load | Relaxed | | | its caller alone writes | |
/// | `set`: store | Release | | the load of `state` | what the caller did before | `press_1_what_was_done_before` |
/// | `state`: load | Acquire | | the store of `set` | | `press_1_what_was_done_before` |
#[derive(Debug)]
pub(super) struct Word {
    changes: AtomicU64,
}

/// The state of a [`Pressure`](super::Pressure) at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PressureState {
    /// Whether it is on.
    pub is_on: bool,
    /// How often it has changed since it was built, so that a reader of
    /// [`changes`](super::Pressure::changes) sees how many it has missed.
    pub sequence: u64,
}

impl Word {
    /// Off, and never changed.
    pub(super) fn new() -> Self {
        Self { changes: AtomicU64::new(0) }
    }

    /// The state now: one load.
    #[inline]
    pub(super) fn state(&self) -> PressureState {
        // Acquire: who sees a change sees what was done before it.
        of(self.changes.load(Ordering::Acquire))
    }

    /// Sets the state. One caller at a time: the holder of the waiters' lock.
    ///
    /// # Returns
    /// Whether that was a change.
    pub(super) fn set(&self, is_on: bool) -> bool {
        // Relaxed: written by one at a time.
        let before = of(self.changes.load(Ordering::Relaxed));
        let is_change = before.is_on != is_on;
        if is_change {
            // Release: what the caller did before comes with the change.
            self.changes.store(before.sequence.wrapping_add(1), Ordering::Release);
        }
        is_change
    }
}

fn of(changes: u64) -> PressureState {
    PressureState { is_on: changes % 2 == 1, sequence: changes }
}
