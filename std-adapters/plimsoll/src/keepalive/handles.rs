//! Counts of the handles of each run.

use crate::sync::{AtomicU64, Ordering};

/// A count for each place of the table, so that a run ends with its last handle.
pub(super) struct Handles(Box<[AtomicU64]>);

impl Handles {
    pub(super) fn new(places: usize) -> Self {
        Self((0..places).map(|_| AtomicU64::new(0)).collect())
    }

    /// The first handle of a run.
    pub(super) fn begin(&self, place: usize) {
        // Relaxed: the handle that is made here publishes it.
        self.0[place].store(1, Ordering::Relaxed);
    }

    /// One more, made from another one. In 64 bits they do not come to an end.
    pub(super) fn add(&self, place: usize) {
        // Relaxed: a thread that adds one holds one, so that the last is not dropped meanwhile.
        self.0[place].fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    ///
    /// # Returns
    /// Whether it was the last.
    #[must_use = "with the last one the run ends"]
    pub(super) fn remove(&self, place: usize) -> bool {
        // AcqRel: Release: what this handle did comes before the end of the run. Acquire: the end
        // comes after all that other handles did, so that none of it reaches the place's next run.
        self.0[place].fetch_sub(1, Ordering::AcqRel) == 1
    }
}
