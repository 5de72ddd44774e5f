//! The ceiling: no value of a set is above it.

use super::floor::NotedFloor;
use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// An upper bound of the values that a set's slots have, or ever had. It never falls.
///
/// A record raises it before it raises a slot. So a reader of the largest passes by a set whose
/// ceiling is too low, and has still counted every record that was finished before (LEDGER-2, LEDGER-3).
///
/// It is raised to somewhat more than the value, so that most raises leave it alone: by less than a
/// 256th of what the value is above the floor. Then the largest of many similar values are still told
/// apart. A set whose ceiling is too high is looked at in vain, and no more.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `is_below`: load | Relaxed | | | the exchange of a slot publishes what it has seen | `ledger_3_listed_once` |
/// | `raise`: `fetch_max` | Relaxed | | | published by the exchange of a slot | `ledger_3_listed_once` |
/// | `get`: load | Relaxed | | | after the records that it counts | `ledger_3_listed_once` |
#[derive(Debug)]
pub(super) struct Ceiling {
    value: AtomicU64,
}

/// How many bits of the distance to the floor count.
const SIGNIFICANT_BITS: u32 = 9;

impl Ceiling {
    const_unless_loom! {
        pub(super) const fn new() -> Ceiling {
            Ceiling { value: AtomicU64::new(0) }
        }
    }

    #[inline(always)]
    pub(super) fn get(&self) -> u64 {
        // Relaxed: a finished record has raised it, or has seen it as high.
        self.value.load(Ordering::Relaxed)
    }

    /// Before a slot gets a new entry of `value`.
    #[inline(always)]
    pub(super) fn cover(&self, value: u64) {
        if self.is_below(value) {
            self.raise(value);
        }
    }

    /// Before an entry is raised to `value`, with some room for the raises to come.
    #[inline(always)]
    pub(super) fn cover_raise(&self, value: u64, floor: &NotedFloor) {
        if self.is_below(value) {
            self.raise(above(value, floor.get()));
        }
    }

    #[inline(always)]
    fn is_below(&self, value: u64) -> bool {
        // Relaxed: the exchange of the slot publishes that it was as high.
        self.value.load(Ordering::Relaxed) < value
    }

    #[inline(always)]
    fn raise(&self, value: u64) {
        // Relaxed: the exchange of the slot publishes it.
        self.value.fetch_max(value, Ordering::Relaxed);
    }
}

/// The least number from `value` on that ends in as many ones as its distance to the floor has bits
/// that do not count.
const fn above(value: u64, floor: u64) -> u64 {
    let bits = u64::BITS - value.saturating_sub(floor).leading_zeros();
    value | ((1 << bits.saturating_sub(SIGNIFICANT_BITS)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::VALUE_MAX;

    #[test]
    fn a_ceiling_is_a_little_above_the_value() {
        for (value, floor) in [(1, 0), (511, 0), (5_000, 4_900), (7, 9), (VALUE_MAX, VALUE_MAX)] {
            assert_eq!(above(value, floor), value);
        }
        for value in [512, 513, 1 << 20, (1 << 40) + 1, VALUE_MAX - 1, VALUE_MAX] {
            for floor in [0, 1, value / 2, value - 512] {
                let room = above(value, floor) - value;
                assert!(room * 256 <= value - floor && above(value, floor) <= VALUE_MAX);
            }
        }
    }

    #[test]
    fn a_ceiling_never_falls() {
        let (ceiling, floor) = (Ceiling::new(), NotedFloor::new());
        for (value, expected) in [(3, 3), (2, 3), (1 << 10, 1_027), (1_026, 1_027), (1_028, 1_031)]
        {
            ceiling.cover_raise(value, &floor);
            assert_eq!(ceiling.get(), expected, "{value}");
        }
    }
}
