//! What the slots refuse, and what becomes of it.

use plimsoll_core::keepalive::Tick;
use plimsoll_core::pool::{
    ClaimError, PoolId, PoolSlot, PoolSlots, PoolSlotsError, SlotId, SlotState, Tenant, TenantError,
};

use super::{idle, slots, tenant, tick};

#[test]
fn a_foreign_token_is_handed_back_and_changes_nothing() {
    let [ours, theirs] = [1, 2].map(|id| PoolSlots::<[PoolSlot; 2]>::new(PoolId::new(id)));
    let (a, b) = (ours.reserve(tenant(1)).unwrap(), theirs.reserve(tenant(1)).unwrap());
    let before = theirs.counts();
    let foreign = theirs.finish(a, tick(1)).unwrap_err();
    assert_eq!(foreign.to_string(), "a token of slot 0 of pool 1 does not fit into pool 2");
    let foreign = theirs.fail(foreign.token).unwrap_err();
    let foreign = theirs.finish_leased(foreign.token).unwrap_err();
    let a = ours.finish_leased(foreign.token).unwrap();
    let b = theirs.finish_leased(b).unwrap();
    let foreign = theirs.give_back(a, tick(1)).unwrap_err();
    let foreign = theirs.condemn(foreign.token).unwrap_err();
    let claim = theirs.claim(foreign.token, tenant(1)).unwrap_err();
    assert!(matches!(claim, ClaimError::Foreign(_)), "{claim}");
    let a = ours.condemn(claim.into_lease()).unwrap();
    let foreign = theirs.vacate(a).unwrap_err();
    let foreign = theirs.rebuild(foreign.token, tenant(1)).unwrap_err();
    assert_eq!((foreign.pool, before.live()), (theirs.id(), 1));
    ours.vacate(foreign.token).unwrap();
    assert_eq!((theirs.counts().leased, ours.counts().vacant), (1, 2));
    theirs.give_back(b, tick(2)).unwrap();
}

/// Numbers that are given out twice are a mistake, which is noticed unless the words agree.
#[test]
fn a_token_of_a_pool_of_the_same_number_does_not_fit_either() {
    let (small, large) = (slots::<1>(), slots::<2>());
    idle(&small, tenant(1), 0);
    let lease = small.take(tenant(1), None).unwrap();
    assert_eq!(large.reserve(tenant(1)).map(|built| built.slot().index()), Some(0));
    let foreign = large.give_back(lease, tick(1)).unwrap_err();
    assert_eq!(large.counts().building, 1);
    small.give_back(foreign.token, tick(1)).unwrap();
    let far = large.reserve(tenant(1)).unwrap();
    assert_eq!(small.fail(far).unwrap_err().token.slot(), SlotId::new(1));
}

/// POOL-12: whatever the holder of a revoked slot wants, it is too late.
#[test]
fn pool_12_who_was_revoked_is_refused_and_nobody_else() {
    let slots = slots::<2>();
    let first = SlotId::new(0);
    assert_eq!((slots.observe(first), slots.observe(SlotId::new(2))), (None, None));
    let building = slots.reserve(tenant(1)).unwrap();
    let early = slots.observe(first).unwrap();
    assert_eq!((early.slot(), early.state()), (first, SlotState::Building));
    let lease = slots.finish_leased(building).unwrap();
    assert!(slots.revoke(early).is_none(), "it has got on");

    let observed = slots.observe(first).unwrap();
    let theirs = PoolSlots::<[PoolSlot; 2]>::new(PoolId::new(9));
    assert!(theirs.revoke(observed).is_none());
    let revoked = slots.revoke(observed).unwrap();
    assert!(slots.revoke(observed).is_none(), "once");
    let late = slots.give_back(lease, tick(1)).unwrap_err();
    let late = slots.condemn(late.token).unwrap_err();
    assert!(slots.claim(late.token, tenant(1)).is_ok(), "a claim that changes nothing");
    assert_eq!((slots.counts().condemned, slots.counts().idle), (1, 0));
    assert!(slots.take(tenant(1), Some(first)).is_none() && slots.evict(Tick::MAX).is_none());

    let again = slots.revoke(slots.observe(first).unwrap()).unwrap();
    let late = slots.vacate(revoked).unwrap_err();
    assert!(slots.rebuild(late.token, tenant(1)).is_err());
    slots.vacate(again).unwrap();
    assert_eq!((slots.counts().vacant, slots.observe(first)), (2, None));
}

#[test]
fn bad_numbers_are_refused_with_what_was_wrong() {
    for number in [0, 1 << 40, u64::MAX] {
        assert_eq!(Tenant::new(number), Err(TenantError { number }));
    }
    let refused = Tenant::new(1 << 40).unwrap_err().to_string();
    assert_eq!(refused, "the number of a tenant is 1 to 1099511627775 (got 1099511627776)");
    assert_eq!(Tenant::new((1 << 40) - 1), Ok(Tenant::MAX));
    let none: Box<[PoolSlot]> = Box::new([]);
    let refused = PoolSlots::with_slots(none, PoolId::new(1)).unwrap_err();
    assert_eq!(refused, PoolSlotsError::NoSlots);
    assert_eq!(refused.to_string(), "a pool has at least 1 slot (got 0)");
}
