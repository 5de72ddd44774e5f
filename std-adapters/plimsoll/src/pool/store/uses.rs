//! How often a slot was leased.

use crate::sync::{AtomicU64, Ordering};

/// How often a slot was leased, whatever was in it. Only the slot's holder writes, so that a lease
/// is counted by a load and a store.
///
/// ```text
/// 0..64  leases of the slot, modulo 2^64
/// ```
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `count`: load | Relaxed | | | the slot hands it over | |
/// | `count`: store | Release | | `total` | how its checkout was served | `uses_counted` |
/// | `total`: load | Acquire | | `count` | | `uses_counted` |
pub(in crate::pool) struct Uses(AtomicU64);

impl Uses {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts a lease.
    ///
    /// # Returns
    /// How many there were before.
    #[inline(always)]
    pub(in crate::pool) fn count(&self) -> u64 {
        // Relaxed: the slot's holders come one after the other.
        let before = self.0.load(Ordering::Relaxed);
        // Release: who sees it sees how the checkout was served.
        self.0.store(before.wrapping_add(1), Ordering::Release);
        before
    }

    #[inline(always)]
    pub(in crate::pool) fn total(&self) -> u64 {
        // Acquire: see `count`.
        self.0.load(Ordering::Acquire)
    }
}
