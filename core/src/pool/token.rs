//! Tokens of the holders of slots.

use super::tenant::Tenant;
use super::word::{SlotState, SlotWord};

/// Tells the pools of a process apart, so that none takes the token of another.
///
/// The caller gives the numbers out, such as from a counter. Pools of the same number take each
/// other's tokens if the slots are in the same state, and lend one slot twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolId(u32);

impl PoolId {
    /// The pool of this number.
    pub const fn new(number: u32) -> PoolId {
        PoolId(number)
    }

    /// Its number.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The place of a slot in its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(u32);

impl SlotId {
    /// The slot at this place, counted from 0. A pool without such a place has no use for it, and
    /// says so where it matters.
    pub const fn new(place: u32) -> SlotId {
        SlotId(place)
    }

    /// The place among the pool's slots.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What every token knows: two words, which processors pass in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The slot's place, and the pool above it.
    at: u64,
    /// The slot's word, which only the holder changes.
    pub(super) word: SlotWord,
}

impl Held {
    #[inline(always)]
    pub(super) const fn new(pool: PoolId, slot: SlotId, word: SlotWord) -> Held {
        Held { at: (pool.0 as u64) << 32 | slot.0 as u64, word }
    }

    #[inline(always)]
    pub(super) const fn with(self, word: SlotWord) -> Held {
        Held { word, ..self }
    }

    #[inline(always)]
    pub(super) const fn pool(self) -> PoolId {
        PoolId((self.at >> 32) as u32)
    }

    #[inline(always)]
    pub(super) const fn slot(self) -> SlotId {
        SlotId(self.at as u32)
    }

    #[inline(always)]
    const fn mark(self, tenant: Tenant) -> u64 {
        self.word.mark(tenant)
    }
}

/// A slot with its word, as it was seen: what [`PoolSlots::revoke`](super::PoolSlots::revoke) takes
/// away, if nothing has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed(pub(super) Held);

impl Observed {
    /// The place of the slot.
    pub const fn slot(&self) -> SlotId {
        self.0.slot()
    }

    /// What the slot was.
    pub const fn state(&self) -> SlotState {
        self.0.word.state()
    }

    /// As of the tokens of [the slot as it was seen](Leased::mark).
    #[inline(always)]
    pub const fn mark(&self, tenant: Tenant) -> u64 {
        self.0.mark(tenant)
    }
}

pub(super) mod sealed {
    pub trait Sealed: Sized {
        fn new(held: super::Held) -> Self;
        fn held(&self) -> super::Held;
    }
}

/// A token of a slot: [`Building`], [`Leased`] or [`Condemned`].
pub trait Token: sealed::Sealed {
    /// The pool that has made it.
    fn pool(&self) -> PoolId {
        self.held().pool()
    }
}

macro_rules! token {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, PartialEq, Eq)]
        pub struct $name(Held);

        impl sealed::Sealed for $name {
            #[inline(always)]
            fn new(held: Held) -> Self {
                $name(held)
            }

            #[inline(always)]
            fn held(&self) -> Held {
                self.0
            }
        }

        impl Token for $name {}

        impl $name {
            /// The place of the slot.
            #[inline(always)]
            pub const fn slot(&self) -> SlotId {
                self.0.slot()
            }

            /// Whose it is.
            #[inline(always)]
            pub const fn tenant(&self) -> Tenant {
                self.0.word.tenant()
            }

            /// A number to note beside the slot, above 0: that it is in this tenant's hands by this
            /// token. Another tenant has another number, and so has another token of the slot, as
            /// far as its generations go.
            #[inline(always)]
            pub const fn mark(&self, tenant: Tenant) -> u64 {
                self.0.mark(tenant)
            }
        }
    };
}

token! {
    /// A slot that is reserved for an object that is being made.
    #[must_use = "a token that is dropped keeps its slot for ever: finish it, or fail it"]
    Building
}
token! {
    /// A slot whose object is lent to the holder of this.
    #[must_use = "a token that is dropped keeps its slot for ever: give it back, or condemn it"]
    Leased
}
token! {
    /// A slot whose object is never to be lent again, for the holder of this to take out and drop.
    #[must_use = "a token that is dropped keeps its slot for ever: drop the object, then vacate or rebuild it"]
    Condemned
}
