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
    /// Takes a slot for a handle's if it leads to the same cell, whoever's key is there now.
    CellForKey,
    /// Takes the next word of a slot for the same key's.
    SlotForKey,
    /// Says of a key that was lost while it was read only what a merge has told.
    FloorForgotten,
    /// Evicts from merged sums without raising the bound on absent keys.
    LossUnsaid,
    /// Says of a certificate what one pass has found, whatever has risen meanwhile.
    OnePass,
    /// Evicts the least of the first set, where there are two.
    FirstSetsLeast,
    /// Frees the slot of a removed key, so that its words come again.
    FreedSlot,
}

planted_flaws!("ledgers");
