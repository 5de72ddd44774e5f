//! Planted mistakes, for models to find.

use crate::planted::planted_flaws;

/// A mistake that some model must notice, or the model is no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(loom, shuttle)), expect(unreachable_pub, reason = "exported to models"))]
pub enum Flaw {
    /// Returns an object without publishing what was done with it.
    UnpublishedReturn,
    /// Takes what is near without asking whose it is.
    AnyTenant,
    /// Does not count the changes of a slot.
    NoGeneration,
    /// Evicts whatever is in the place by now.
    EvictByPlace,
    /// Revokes whatever is in the place by now.
    RevokeByPlace,
    /// Says since when a slot is idle after it is idle.
    SinceAfterReturn,
    /// Looks at the demand before the release is known to others.
    NoFenceAfterRelease,
    /// Looks at the slots before the arrival is known to others.
    NoFenceAfterArrival,
    /// Looks at the slots before the close is known to others.
    CloseWithoutFence,
}

planted_flaws!("pools");
