//! Planted mistakes in gauges, credit and rings, for models to find.

use crate::planted::planted_flaws;

/// A mistake that some model must notice, or the model is no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(loom, shuttle)), expect(unreachable_pub, reason = "exported to models"))]
pub enum Flaw {
    /// Stores the number of an edge, over one that may be later.
    SequenceStored,
    /// Stores a new high-water mark, over one that may be higher.
    MarkStored,
    /// Shows a depth that no recorder has noted yet, and does not note it.
    ReadingNotNoted,
    /// Pays for one item where several were moved at once.
    ManyPaidAsOne,
    /// Keeps credit that was less than the items moved at once.
    RestOfCreditKept,
    /// Lets credit stand that no longer fits into the room.
    MisfitIgnored,
    /// Lets credit stand beside a move that nobody has paid for.
    MoveNotPaid,
    /// Passes a handle's credit to another thread without voiding it.
    TheftNotVoided,
    /// Voids it before, and not after.
    TheftVoidedEarly,
    /// Neither voids it, nor begins a generation with the new owner's first grant.
    TheftInOneGeneration,
    /// Refuses a push that has found its slot taken by another, beside one that is free.
    RefusedBesideRoom,
}

planted_flaws!("gauges, credit and rings");
