//! The noted floor: amounts up to it are turned away at a glance.

use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// A lower bound of a set's least value: what the last victim of an admission had.
///
/// Whatever was the least value once is a lower bound for ever (LEDGER-5). So an amount up to it can
/// be turned away without a look at the slots (LEDGER-4). It does no harm that two who store race, or
/// that raises since have left the bound behind: then the slots are looked at.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `note`: load | Relaxed | | | saves a store that would change nothing | `ledger_4_the_noted_floor` |
/// | `note`: store | Release | | `get` | the slots as high as its writer has seen them | `ledger_4_the_noted_floor` |
/// | `get`: load | Acquire | | `note` | | `ledger_4_the_noted_floor` |
///
/// Without this pair, a thread that was turned away could look at the slots afterwards and find
/// less there than the bound (LEDGER-11).
#[derive(Debug)]
pub(super) struct NotedFloor {
    value: AtomicU64,
}

impl NotedFloor {
    const_unless_loom! {
        pub(super) const fn new() -> NotedFloor {
            NotedFloor { value: AtomicU64::new(0) }
        }
    }

    #[inline(always)]
    pub(super) fn get(&self) -> u64 {
        // Acquire: the slots are seen at this value or higher from here on. No model shows this: all
        // tags are the same there, so that keys are compared, and the fence after that does it too.
        self.value.load(Ordering::Acquire)
    }

    /// Notes what was the least value in a look at all slots.
    #[inline]
    pub(super) fn note(&self, least: u64) {
        // Relaxed: only the writers' own.
        if self.value.load(Ordering::Relaxed) < least {
            // Release: publishes the look at the slots. No model shows this: see `get`.
            self.value.store(least, Ordering::Release);
        }
    }
}
