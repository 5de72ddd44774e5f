//! Builds and retirements that a checkout does itself: whether it may.
//!
//! An instance that another thread builds or destroys costs a wake-up and the transfer of its
//! memory between two processors: some 20 us, where a small guest is built and destroyed in 2. So
//! once no instance is left that was built ahead, a checkout does both itself, if the manager
//! [allows it](Manager::may_run_inline) and the last build was brief.
//!
//! The background is woken by a batch of retirements, but not more often than once per 500 us, or by a
//! tick, and looks again by itself after a moment. Between leases that follow each other at once it would
//! only move instances from processor to processor; after pauses it has instances ready.
//! `docs/DECISIONS.md` has what else was measured.

mod vacancy;

use std::time::Duration;

use crate::pool::config::{Config, Isolation};
use crate::pool::manager::Manager;
use crate::sync::{AtomicU64, Ordering};

pub(in crate::pool) use vacancy::Vacancy;

/// The longest build that a checkout does itself: as a task it blocks a thread of its runtime
/// meanwhile.
const BRIEF: Duration = Duration::from_millis(2);

/// Whether checkouts may do the work of the background.
pub(in crate::pool) struct Inline {
    is_allowed: bool,
    /// How long the last timed build took, and the retirement before it; `u64::MAX` before the
    /// first.
    took_ns: AtomicU64,
}

impl Inline {
    pub(in crate::pool) fn new<M: Manager>(manager: &M, config: &Config) -> Self {
        // Those that are used again are made once, and kept.
        let is_allowed = manager.may_run_inline() && config.isolation == Isolation::Fresh;
        Self { is_allowed, took_ns: AtomicU64::new(u64::MAX) }
    }

    /// Whether a checkout may build and retire itself, and the last build was brief.
    pub(in crate::pool) fn is_quick(&self) -> bool {
        // Relaxed: a hint.
        let took = Duration::from_nanos(self.took_ns.load(Ordering::Relaxed));
        self.is_allowed && took <= BRIEF
    }

    /// The background has called `create`, which took so long.
    pub(in crate::pool) fn on_end_of_build(&self, took: Duration) {
        // A build alone says little of what a checkout would have to do.
        if took > BRIEF || !self.is_quick() {
            self.note(took);
        }
    }

    fn note(&self, took: Duration) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: a hint.
        self.took_ns.store(took_ns, Ordering::Relaxed);
    }
}
