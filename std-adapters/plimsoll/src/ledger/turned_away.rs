//! The count of records that were turned away.

use std::cell::Cell;

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU64, Ordering, process::AtomicUsize, thread_local};

/// A count in parts, each on a line of memory of its own. A thread counts on one part, and the
/// first 32 threads share none.
pub(super) struct TurnedAway(Option<Box<[CachePadded<AtomicU64>; PARTS]>>);

const PARTS: usize = 32;

impl TurnedAway {
    /// One that counts, or does not.
    pub(super) fn new(counts: bool) -> Self {
        Self(counts.then(|| Box::new([const { CachePadded::new(AtomicU64::new(0)) }; PARTS])))
    }

    pub(super) fn count(&self) {
        if let Some(parts) = &self.0 {
            // Relaxed: the number carries no other data.
            parts[part()].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there were; `None` if they are not counted.
    pub(super) fn total(&self) -> Option<u64> {
        let parts = self.0.as_ref()?;
        // Relaxed: as above.
        Some(parts.iter().map(|part| part.load(Ordering::Relaxed)).sum())
    }
}

/// The calling thread's part: threads take turns.
fn part() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PART: Cell<Option<usize>> = const { Cell::new(None) };
    }
    PART.get().unwrap_or_else(|| {
        // Relaxed: the number carries no other data.
        let part = NEXT.fetch_add(1, Ordering::Relaxed) % PARTS;
        PART.set(Some(part));
        part
    })
}
