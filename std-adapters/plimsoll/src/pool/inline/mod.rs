//! Work done by whoever would have to wait for it.
//!
//! What one processor makes and another uses, or uses and another takes down, costs the way of its
//! memory between them and a wake-up besides: some 20 us, where a small guest is made and taken down
//! in 2. So once there is no instance left that was made ahead, a checkout does both itself, if the
//! manager [allows it](Manager::may_run_inline).

mod build;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::pool::config::{Config, Isolation};
use crate::pool::manager::Manager;

/// What takes longer is left to the background.
const BRIEF: Duration = Duration::from_millis(2);

/// How long it takes at least until another thread has replaced an instance that was given up, with
/// some room.
const HAND_OVER: Duration = Duration::from_micros(40);

/// Whether checkouts may do the work of the background.
pub(super) struct Inline {
    is_allowed: bool,
    /// How long the last timed build took, and the retirement before it; `u64::MAX` before the first.
    took_ns: AtomicU64,
}

impl Inline {
    pub(super) fn new<M: Manager>(manager: &M, config: &Config) -> Self {
        // Those that are used again are made once, and kept.
        let is_allowed = manager.may_run_inline() && config.isolation == Isolation::Fresh;
        Self { is_allowed, took_ns: AtomicU64::new(u64::MAX) }
    }

    fn took(&self) -> Duration {
        // Relaxed: a hint.
        Duration::from_nanos(self.took_ns.load(Ordering::Relaxed))
    }

    /// Whether a checkout may build and retire itself, and has it done in no time.
    pub(super) fn is_quick(&self) -> bool {
        self.is_allowed && self.took() <= BRIEF
    }

    /// How long the background takes to replace an instance: what a thread has in its cache another
    /// makes and does away with at less than half the speed.
    pub(super) fn hand_over(&self) -> Duration {
        HAND_OVER.max(self.took().min(BRIEF) * 2)
    }

    fn note(&self, took: Duration) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: a hint.
        self.took_ns.store(took_ns, Ordering::Relaxed);
    }
}
