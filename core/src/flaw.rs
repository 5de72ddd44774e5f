//! Planted mistakes in gauges and rings, for models to find.

use crate::planted::planted_flaws;

/// A mistake that some model must notice, or the model is no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(loom, shuttle)), expect(unreachable_pub, reason = "exported to models"))]
pub enum Flaw {
    /// Stores the number of an edge, over one that may be later.
    SequenceStored,
    /// Refuses a push that has found its slot taken by another, beside one that is free.
    RefusedBesideRoom,
}

planted_flaws!("gauges and rings");
