//! Planted mistakes, for models to find.

use crate::planted::planted_flaws;

/// A mistake that some model must notice, or the model is no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(loom, shuttle)), expect(unreachable_pub, reason = "exported to models"))]
pub enum Flaw {
    /// Evicts whatever is in the slot by now, as a design that evicts by key does.
    EvictByKey,
    /// Evicts the first entry that is below the newcomer.
    FirstLowerVictim,
    /// Of several least entries, evicts the first or the last, as the newcomer's value is even or odd.
    EitherLeastVictim,
    /// Believes a key, or its error, without a second look at its slot.
    UnvalidatedReader,
    /// Lists a key again that has moved to another slot.
    ListedTwice,
    /// Says how high an absent key can be from one collection of the slots.
    SingleCollect,
    /// Does not put a victim's cell back.
    LeakedCell,
    /// Adds a weight again after a failed exchange, as if that had not been its only addition.
    AddTwice,
    /// Notes the newcomer's value as the set's floor, and not its victim's.
    FloorTooHigh,
    /// Merges the entries of another ledger, and not what it has lost.
    NoMergeBound,
}

planted_flaws!("ledgers");
