//! Planted mistakes, for models to find.

/// A mistake that some model must notice, or the model is no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(loom), expect(unreachable_pub, reason = "exported to models"))]
pub enum Flaw {
    /// Returns an object without publishing what was done with it.
    UnpublishedReturn,
    /// Takes what is near without asking whose it is.
    AnyTenant,
    /// Does not count the changes of a slot.
    NoGeneration,
    /// Evicts whatever is in the place by now.
    EvictByPlace,
    /// Says since when a slot is idle after it is idle.
    SinceAfterReturn,
    /// Looks at the demand before the release is known to others.
    NoFenceAfterRelease,
    /// Looks at the slots before the arrival is known to others.
    NoFenceAfterArrival,
    /// Looks at the slots before the close is known to others.
    CloseWithoutFence,
}

#[cfg(loom)]
mod planted {
    extern crate std;

    use super::Flaw;
    use core::cell::Cell;

    std::thread_local! {
        static PLANTED: Cell<Option<Flaw>> = const { Cell::new(None) };
    }

    /// Plants a mistake into the pools of this thread's models, or takes it out.
    pub fn plant(flaw: Option<Flaw>) {
        PLANTED.with(|planted| planted.set(flaw));
    }

    pub(crate) fn is_planted(flaw: Flaw) -> bool {
        PLANTED.with(Cell::get) == Some(flaw)
    }
}
#[cfg(loom)]
pub use planted::*;

#[cfg(not(loom))]
#[inline(always)]
pub(crate) const fn is_planted(_: Flaw) -> bool {
    false
}
