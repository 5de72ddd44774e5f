//! What the holder of a slot notes: the tenant that it is leased to, or a call of the manager.

use plimsoll_core::pool::{Building, Condemned, Leased, Observed, SlotId, Tenant};

use crate::sync::{AtomicU64, Ordering};

/// The tenant that a slot is leased to, or that its holder is in a call of the manager: a note of
/// the holder.
///
/// ```text
/// 0                     not noted
/// mark of a tenant      leased to it, by the token of that mark
/// mark of `Tenant::NONE`  in a call of the manager, by the token of that mark
/// ```
///
/// A mark is of one token of the slot, so what an earlier holder has noted says nothing of a later
/// one, and need not be cleared when a lease ends.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `lend`, `call`, `end_call`: store | Relaxed | | | nothing but itself | `pool_15_hands`, `pool_12_hands` |
/// | `is_lent`, `is_calling`: load | Relaxed | | | nothing but itself | `pool_15_hands`, `pool_12_hands` |
///
/// A reader has observed the slot's word before, by an Acquire load: it sees what earlier holders
/// have noted, and those notes are of tokens that are no longer valid.
pub(crate) struct Hands(AtomicU64);

impl Hands {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// A lease begins.
    #[inline(always)]
    pub(crate) fn lend(&self, token: &Leased, tenant: Tenant) {
        self.0.store(token.mark(tenant), Ordering::Relaxed);
    }

    /// A call of the manager begins. From here on the slot is leased to no tenant.
    #[inline(always)]
    pub(crate) fn call(&self, holding: Holding) {
        self.0.store(holding.mark, Ordering::Relaxed);
    }

    /// The call has ended, and its holder stays the holder.
    #[inline(always)]
    pub(crate) fn end_call(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether the slot was leased to that tenant when it was observed, as far as its holder has
    /// noted.
    pub(crate) fn is_lent(&self, observed: Observed, tenant: Tenant) -> bool {
        self.0.load(Ordering::Relaxed) == observed.mark(tenant)
    }

    /// Whether its holder is in a call of the manager.
    pub(crate) fn is_calling(&self, observed: Observed) -> bool {
        self.is_lent(observed, Tenant::NONE)
    }
}

/// A slot and the token by which it is held, to call the manager in their name.
#[derive(Clone, Copy)]
pub(crate) struct Holding {
    pub(crate) slot: SlotId,
    mark: u64,
}

macro_rules! holding {
    ($($token:ident),*) => {$(
        impl From<&$token> for Holding {
            #[inline(always)]
            fn from(token: &$token) -> Self {
                Self { slot: token.slot(), mark: token.mark(Tenant::NONE) }
            }
        }
    )*};
}

holding!(Building, Leased, Condemned);

#[cfg(all(test, not(loom)))]
mod tests {
    use plimsoll_core::keepalive::Tick;
    use plimsoll_core::pool::{PoolId, PoolSlot, PoolSlots};

    use super::*;

    #[test]
    fn pool_15_what_an_earlier_holder_has_noted_says_nothing_of_a_later_one() {
        let slots: PoolSlots<[PoolSlot; 1]> = PoolSlots::new(PoolId::new(1));
        let [acme, other] = [1, 2].map(|number| Tenant::new(number).unwrap());
        let (hands, place) = (Hands::new(), SlotId::new(0));
        let observed = || slots.observe(place).unwrap();
        let building = slots.reserve(Tenant::NONE).unwrap();
        assert!(!hands.is_calling(observed()), "nobody has said");
        hands.call((&building).into());
        assert!(hands.is_calling(observed()) && !hands.is_lent(observed(), acme));
        slots.finish(building, Tick::new(0)).unwrap();

        let lease = slots.take(Tenant::NONE, None).unwrap();
        assert!(!hands.is_calling(observed()), "that was the build");
        hands.lend(&lease, acme);
        assert!(hands.is_lent(observed(), acme) && !hands.is_lent(observed(), other));
        slots.give_back(lease, Tick::new(0)).unwrap();

        let lease = slots.take(Tenant::NONE, None).unwrap();
        assert!(!hands.is_lent(observed(), acme), "not before it says so itself");
        hands.lend(&lease, other);
        assert!(hands.is_lent(observed(), other) && !hands.is_calling(observed()));
        hands.call((&lease).into());
        assert!(hands.is_calling(observed()) && !hands.is_lent(observed(), other));
        hands.end_call();
        assert!(!hands.is_calling(observed()));
        let condemned = slots.condemn(lease).unwrap();
        hands.call((&condemned).into());
        assert!(hands.is_calling(observed()));
    }
}
