//! The quota of a store, and its part of a budget.

use std::io;
use std::sync::Arc;

use plimsoll::budget::{Budget, Lease, Refused};
use wasmtime::ResourceLimiter;

use crate::allocator::Counts;
use crate::running::Running;

/// What a table's element is counted as: wasmtime keeps a pointer for each.
pub(crate) const ELEMENT_BYTES: u64 = size_of::<usize>() as u64;

/// Why a memory or table is too large from the start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    Quota {
        /// What the store would have held.
        needed: u64,
        quota: u64,
    },
    Budget(Refused),
}

/// The budget of a pool, of which it has reserved what its instances have at their start.
#[derive(Debug)]
pub(crate) struct PoolBudget {
    budget: Budget,
    start_bytes: u64,
    _starts: Lease,
}

impl PoolBudget {
    pub(crate) fn reserve(budget: Budget, start_bytes: u64, max: usize) -> Result<Self, Refused> {
        let starts = budget.try_reserve(start_bytes.saturating_mul(max as u64))?;
        Ok(Self { budget, start_bytes, _starts: starts })
    }

    /// The share of one instance.
    pub(crate) fn share(&self) -> Share {
        Share { budget: self.budget.clone(), paid: self.start_bytes, lease: None }
    }
}

/// What one store has of the budget of its pool.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    /// So many bytes more are among those that the pool has reserved.
    paid: u64,
    lease: Option<Lease>,
}

impl Share {
    fn grow(&mut self, bytes: u64) -> Result<(), Refused> {
        let paid = bytes.min(self.paid);
        match (bytes - paid, &mut self.lease) {
            (0, _) => {}
            (more, Some(lease)) => lease.try_grow(more)?,
            (more, None) => self.lease = Some(self.budget.try_reserve(more)?),
        }
        self.paid -= paid;
        Ok(())
    }

    fn shrink(&mut self, bytes: u64) {
        let reserved = self.lease.as_ref().map_or(0, Lease::amount);
        if let Some(lease) = &mut self.lease {
            let shrunk = lease.shrink(bytes.min(reserved));
            debug_assert!(shrunk.is_ok(), "a lease has what it has");
        }
        self.paid += bytes.saturating_sub(reserved);
    }
}

/// Holds the sum over all memories, tables and GC heaps of a store to a quota (METER-1), and their
/// numbers to what the engine has reserved (METER-6).
///
/// Where its pool has a budget as well, what is held is reserved of it, and given back with the store.
///
/// A refused growth is an answer to the guest, which runs on. Only growth is counted: memories and
/// tables never shrink, and they go with their store.
///
/// wasmtime reports a growth that failed after it was allowed, and also one that it never asked
/// about: a table of more elements than a number has, or a memory of one-byte pages that would be
/// longer than its addresses. If each report were taken for the last growth's, a growth that stands
/// would be given back: a guest that grows by a little and then by far too much, again and again,
/// would have no quota. So a growth that is known to fail is refused here and not counted, and a
/// report counts only if it says that the system had no memory: these do follow their own growth.
#[derive(Debug)]
pub(crate) struct Limiter {
    quota: u64,
    /// Has the bytes that are held.
    running: Arc<Running>,
    /// The last growth that was allowed.
    last: u64,
    refusal: Option<Refusal>,
    share: Option<Share>,
    counts: Counts,
}

impl Limiter {
    pub(crate) fn new(quota: u64, counts: Counts, running: Arc<Running>) -> Self {
        Self { quota, running, last: 0, refusal: None, share: None, counts }
    }

    /// Has what is held reserved of a budget: before anything is.
    pub(crate) fn share(&mut self, share: Option<Share>) {
        self.share = share;
    }

    /// Sets the quota of a lease. What is held already stays, and may be above it.
    pub(crate) fn set_quota(&mut self, quota: u64) {
        self.quota = quota;
    }

    /// Bytes that all memories, tables and GC heaps have now.
    #[inline]
    fn held(&self) -> u64 {
        self.running.bytes()
    }

    /// Why the last memory or table was not allowed that was refused from the start.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    fn grow(&mut self, bytes: u64, is_new: bool) -> bool {
        let refusal = match self.try_grow(bytes) {
            Ok(()) => return true,
            Err(refusal) => refusal,
        };
        if is_new {
            self.refusal = Some(refusal);
        }
        false
    }

    fn try_grow(&mut self, bytes: u64) -> Result<(), Refusal> {
        let (needed, quota) = (self.held().saturating_add(bytes), self.quota);
        if needed > quota {
            return Err(Refusal::Quota { needed, quota });
        }
        if let Some(share) = &mut self.share {
            share.grow(bytes).map_err(Refusal::Budget)?;
        }
        self.running.set_bytes(needed);
        self.last = bytes;
        Ok(())
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let is_possible = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(is_possible && self.grow((desired - current) as u64, current == 0))
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if error.is::<io::Error>() {
            let failed = std::mem::take(&mut self.last);
            self.running.set_bytes(self.held() - failed);
            if let Some(share) = &mut self.share {
                share.shrink(failed);
            }
        }
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let is_possible = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(is_possible && self.grow((desired - current) as u64 * ELEMENT_BYTES, current == 0))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        // It was refused here, or never asked about.
        Ok(())
    }

    fn instances(&self) -> usize {
        self.counts.core_instances as usize
    }

    fn tables(&self) -> usize {
        self.counts.tables as usize
    }

    fn memories(&self) -> usize {
        self.counts.memories as usize
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    const PAGE: usize = 65_536;

    fn limiter(quota: u64) -> Limiter {
        let clock = Arc::new(Clock::new(Duration::from_millis(1)));
        let counts = Counts { memories: 2, tables: 4, core_instances: 1 };
        Limiter::new(quota, counts, Arc::new(Running::new(clock, 1)))
    }

    #[test]
    fn meter_1_the_sum_is_held_to_the_quota() {
        let mut limiter = limiter(4 * PAGE as u64);
        assert!(limiter.memory_growing(0, 2 * PAGE, None).unwrap());
        assert!(limiter.memory_growing(0, PAGE, Some(PAGE)).unwrap(), "another memory");
        let elements = PAGE / ELEMENT_BYTES as usize;
        assert!(limiter.table_growing(0, elements, None).unwrap());
        assert_eq!(limiter.held(), 4 * PAGE as u64);
        assert!(!limiter.table_growing(elements, elements + 1, None).unwrap());
        assert!(!limiter.memory_growing(2 * PAGE, 3 * PAGE, None).unwrap());
        assert_eq!(limiter.refusal(), None, "those were there");
        assert!(!limiter.memory_growing(0, PAGE, None).unwrap());
        let refusal = Refusal::Quota { needed: 5 * PAGE as u64, quota: 4 * PAGE as u64 };
        assert_eq!((limiter.held(), limiter.refusal()), (4 * PAGE as u64, Some(&refusal)));
    }

    #[test]
    fn meter_1_an_impossible_growth_is_not_counted() {
        let mut limiter = limiter(u64::MAX);
        assert!(!limiter.memory_growing(0, 2 * PAGE, Some(PAGE)).unwrap());
        assert!(!limiter.table_growing(0, 11, Some(10)).unwrap());
        assert_eq!(limiter.held(), 0);
    }

    #[test]
    fn meter_1_a_growth_that_failed_is_rolled_back_once() {
        let mut limiter = limiter(u64::MAX);
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        assert!(limiter.memory_growing(PAGE, 3 * PAGE, None).unwrap());
        limiter.memory_grow_failed(io::Error::from(io::ErrorKind::OutOfMemory).into()).unwrap();
        assert_eq!(limiter.held(), PAGE as u64);
        limiter.memory_grow_failed(io::Error::from(io::ErrorKind::OutOfMemory).into()).unwrap();
        assert_eq!(limiter.held(), PAGE as u64);
    }

    #[test]
    fn meter_1_a_failure_that_was_not_asked_about_gives_nothing_back() {
        let mut limiter = limiter(PAGE as u64);
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        let beyond_the_type = wasmtime::format_err!("memory growth exceeds memory type's limits");
        limiter.memory_grow_failed(beyond_the_type).unwrap();
        limiter.table_grow_failed(wasmtime::format_err!("overflow")).unwrap();
        assert_eq!(limiter.held(), PAGE as u64);
        assert!(!limiter.memory_growing(PAGE, 2 * PAGE, None).unwrap());
    }

    #[test]
    fn budget_2_what_a_store_holds_is_reserved_and_given_back() {
        let pages = |pages: usize| (pages * PAGE) as u64;
        let budget = Budget::new("guest_bytes", pages(4)).unwrap();
        let pool = PoolBudget::reserve(budget.clone(), pages(1), 2).unwrap();
        let mut limiter = limiter(u64::MAX);
        limiter.share(Some(pool.share()));
        assert!(limiter.memory_growing(0, PAGE, None).unwrap(), "the pool has reserved it");
        assert_eq!(budget.usage(), pages(2));
        assert!(limiter.memory_growing(PAGE, PAGE, None).unwrap(), "by nothing");
        assert!(limiter.memory_growing(PAGE, 3 * PAGE, None).unwrap());
        assert_eq!((limiter.held(), budget.usage()), (pages(3), pages(4)));
        limiter.memory_grow_failed(io::Error::from(io::ErrorKind::OutOfMemory).into()).unwrap();
        assert_eq!((limiter.held(), budget.usage()), (pages(1), pages(2)));
        let held = budget.try_reserve(pages(2)).unwrap();
        assert!(!limiter.memory_growing(0, PAGE, None).unwrap());
        assert!(matches!(limiter.refusal(), Some(Refusal::Budget(_))));
        assert_eq!((limiter.held(), budget.usage()), (pages(1), pages(4)));
        drop(held);
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        drop(limiter);
        assert_eq!(budget.usage(), pages(2));
        drop(pool);
        assert_eq!(budget.usage(), 0);
    }

    #[test]
    fn budget_2_a_growth_that_failed_goes_back_to_where_it_came_from() {
        let budget = Budget::new("guest_bytes", 100).unwrap();
        let pool = PoolBudget::reserve(budget.clone(), 10, 1).unwrap();
        let mut share = pool.share();
        share.grow(15).unwrap();
        assert_eq!((share.paid, budget.usage()), (0, 15));
        share.shrink(15);
        assert_eq!((share.paid, budget.usage()), (10, 10));
        assert!(PoolBudget::reserve(budget, 50, 2).is_err());
    }
}
