//! The quota of a store.

use std::io;

use wasmtime::ResourceLimiter;

/// What a table's element is counted as: wasmtime keeps a pointer for each.
pub(super) const ELEMENT_BYTES: u64 = size_of::<usize>() as u64;

/// A memory or table that is too large from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What the store would have held.
    pub(super) needed: u64,
    pub(super) quota: u64,
}

/// Holds the sum over all memories and tables of a store to a quota (METER-1).
///
/// A guest is told that a growth failed, and runs on. Only what grows is counted: neither memories
/// nor tables ever shrink, and they go with their store.
///
/// wasmtime reports a growth that failed after it was allowed, and also one that it never asked
/// about: a table of more elements than a number has, or a memory of one-byte pages that would be
/// longer than its addresses. Whoever took each report for the last growth's would give back a
/// growth that stands: a guest that grows by a little and then by far too much, again and again,
/// would have no quota. So whatever can be known to fail is refused here and not counted, and a
/// report counts only if it says that the system had no memory: these do follow their own growth.
#[derive(Debug)]
pub(super) struct Limiter {
    quota: u64,
    held: u64,
    /// The last growth that was allowed.
    last: u64,
    refusal: Option<Refusal>,
}

impl Limiter {
    pub(super) fn new(quota: u64) -> Self {
        Self { quota, held: 0, last: 0, refusal: None }
    }

    /// Bytes that all memories and tables have now.
    #[inline]
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// The last memory or table that the quota did not allow from the start.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    fn grow(&mut self, bytes: u64, is_new: bool) -> bool {
        let needed = self.held.saturating_add(bytes);
        if needed > self.quota {
            if is_new {
                self.refusal = Some(Refusal { needed, quota: self.quota });
            }
            return false;
        }
        self.held = needed;
        self.last = bytes;
        true
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
            self.held -= std::mem::take(&mut self.last);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 65_536;

    #[test]
    fn meter_1_the_sum_is_held_to_the_quota() {
        let mut limiter = Limiter::new(4 * PAGE as u64);
        assert!(limiter.memory_growing(0, 2 * PAGE, None).unwrap());
        assert!(limiter.memory_growing(0, PAGE, Some(PAGE)).unwrap(), "another memory");
        let elements = PAGE / ELEMENT_BYTES as usize;
        assert!(limiter.table_growing(0, elements, None).unwrap());
        assert_eq!(limiter.held(), 4 * PAGE as u64);
        assert!(!limiter.table_growing(elements, elements + 1, None).unwrap());
        assert!(!limiter.memory_growing(2 * PAGE, 3 * PAGE, None).unwrap());
        assert_eq!(limiter.refusal(), None, "those were there");
        assert!(!limiter.memory_growing(0, PAGE, None).unwrap());
        let refusal = Refusal { needed: 5 * PAGE as u64, quota: 4 * PAGE as u64 };
        assert_eq!((limiter.held(), limiter.refusal()), (4 * PAGE as u64, Some(refusal)));
    }

    #[test]
    fn meter_1_a_growth_that_can_not_be_is_not_counted() {
        let mut limiter = Limiter::new(u64::MAX);
        assert!(!limiter.memory_growing(0, 2 * PAGE, Some(PAGE)).unwrap());
        assert!(!limiter.table_growing(0, 11, Some(10)).unwrap());
        assert_eq!(limiter.held(), 0);
    }

    #[test]
    fn meter_1_a_growth_that_failed_is_rolled_back_once() {
        let mut limiter = Limiter::new(u64::MAX);
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        assert!(limiter.memory_growing(PAGE, 3 * PAGE, None).unwrap());
        limiter.memory_grow_failed(io::Error::from(io::ErrorKind::OutOfMemory).into()).unwrap();
        assert_eq!(limiter.held(), PAGE as u64);
        limiter.memory_grow_failed(io::Error::from(io::ErrorKind::OutOfMemory).into()).unwrap();
        assert_eq!(limiter.held(), PAGE as u64);
    }

    #[test]
    fn meter_1_a_failure_that_was_not_asked_about_gives_nothing_back() {
        let mut limiter = Limiter::new(PAGE as u64);
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        let beyond_the_type = wasmtime::format_err!("memory growth exceeds memory type's limits");
        limiter.memory_grow_failed(beyond_the_type).unwrap();
        limiter.table_grow_failed(wasmtime::format_err!("overflow")).unwrap();
        assert_eq!(limiter.held(), PAGE as u64);
        assert!(!limiter.memory_growing(PAGE, 2 * PAGE, None).unwrap());
    }
}
