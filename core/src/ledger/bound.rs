//! The bound on the values of absent keys.

use super::word::VALUE_MAX;
use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// What an absent key can have had at most, as a plain value:
///
/// ```text
///  0..50  value  what an absent key can have had, whatever the floor is
/// 50..63  always 0
/// 63      whole  the value is all of the bound: the floor does not count
/// ```
///
/// | whole | the bound is | of |
/// |---|---|---|
/// | 0 | the floor, or the value if that is larger | peaks, and sums that were never merged |
/// | 1 | the value | merged sums |
///
/// A peak is turned away without a write, so only the floor tells how high. The least of merged sums
/// tells too much: it has what *both* ledgers know of its key, and an absent key has at most what
/// both have *lost*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BoundWord(u64);

const WHOLE: u64 = 1 << 63;

const _: () = assert!(VALUE_MAX & WHOLE == 0);

impl BoundWord {
    pub(super) const fn value(self) -> u64 {
        self.0 & !WHOLE
    }

    /// Whether the floor does not count.
    #[inline(always)]
    pub(super) const fn is_whole(self) -> bool {
        self.0 & WHOLE != 0
    }

    /// What an absent key can have had in a set with this floor.
    pub(super) fn over(self, floor: u64) -> u64 {
        if self.is_whole() { self.value() } else { self.value().max(floor) }
    }

    /// The same kind of bound at `value`.
    const fn at(self, value: u64) -> BoundWord {
        BoundWord(self.0 & WHOLE | value)
    }
}

/// A set's [bound](BoundWord) on absent keys (LEDGER-2, LEDGER-11). It never falls.
///
/// A thread that evicts an entry of merged sums raises the bound before the exchange that publishes
/// the eviction. So a reader who has seen the eviction finds the bound raised.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `raise`, `make_whole`: `fetch_max` | Relaxed | | | published by the exchange of a slot, or by the end of the merge | `ledger_11_lost_by_merged_sums` |
/// | `get`: load | Relaxed | | | after the look that found the key gone | `ledger_11_lost_by_merged_sums` |
#[derive(Debug)]
pub(super) struct Bound {
    word: AtomicU64,
}

impl Bound {
    const_unless_loom! {
        pub(super) const fn new() -> Bound {
            Bound { word: AtomicU64::new(0) }
        }
    }

    #[inline(always)]
    pub(super) fn get(&self) -> BoundWord {
        // Relaxed: a thread that comes after a merge finds its bound, and one that has seen an
        // eviction finds what it has raised.
        BoundWord(self.word.load(Ordering::Relaxed))
    }

    /// Lets no reader think that absent keys had less than `value`.
    pub(super) fn raise(&self, value: u64) {
        let bound = self.get();
        if bound.value() < value {
            // Relaxed: the exchange of a slot publishes it, or the word is its own message.
            self.word.fetch_max(bound.at(value).0, Ordering::Relaxed);
        }
    }

    /// Makes `value`, which is no less than the bound was, all of the bound.
    pub(super) fn make_whole(&self, value: u64) {
        debug_assert!(value >= self.get().value());
        // Relaxed: as above.
        self.word.fetch_max(WHOLE | value, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_counts_until_the_bound_is_whole() {
        let bound = Bound::new();
        assert_eq!((bound.get().over(0), bound.get().over(7)), (0, 7));
        bound.raise(9);
        bound.raise(3);
        assert_eq!((bound.get().over(7), bound.get().over(11)), (9, 11));
        bound.make_whole(9);
        assert_eq!((bound.get().over(7), bound.get().over(11)), (9, 9));
        bound.raise(VALUE_MAX);
        assert_eq!((bound.get().value(), bound.get().over(1)), (VALUE_MAX, VALUE_MAX));
        assert!(bound.get().is_whole());
    }
}
