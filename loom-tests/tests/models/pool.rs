//! The pool's slots: POOL-1, POOL-2, POOL-3, POOL-4, POOL-8, POOL-10, POOL-12; and in `pool/` its demand.
//!
//! Each model is run as it is, and must pass; and with each mistake that it is there to find, and
//! must fail.

mod demand;
mod frozen;
mod house;
mod uses;

use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::pool::{SlotId, Tenant};

use crate::common::Model;
use house::{House, join, spawn, tenant};

/// Checks that `model` passes, and that it fails with each of the mistakes.
fn check(bounds: Model, flaws: &[Flaw], model: impl Fn() + Copy + Send + Sync + 'static) {
    bounds.check_with_flaws(flaws, model);
}

const FIRST: SlotId = SlotId::new(0);
const SECOND: SlotId = SlotId::new(1);

/// Takes, uses and gives back, if there is something to take.
fn use_once<const N: usize>(house: &House<N>, owner: u64, near: Option<SlotId>, now: u64) {
    if let Some(lease) = house.take(tenant(owner), near) {
        house.give_back(lease, now);
    }
}

/// POOL-1: condemned objects count until they are gone.
#[test]
fn pool_1_never_more_objects_than_slots() {
    check(Model::bounded(2).at_least([4700, 4700, 130]), &[Flaw::UnpublishedReturn], || {
        let house = House::<2>::new();
        let build_and_lose = |house: &House<2>| {
            if let Some(built) = house.reserve(tenant(1)) {
                let lease = house.finish_leased(built);
                assert!(house.slots.counts().live() >= 1, "POOL-1: its own");
                house.vacate(house.condemn(lease));
            }
        };
        let threads = [spawn(&house, build_and_lose), spawn(&house, build_and_lose)];
        if let Some(built) = house.reserve(tenant(2)) {
            house.fail(built);
        }
        join(threads);
        house.assert_at_rest();
    });
}

/// POOL-2: three threads and one object.
#[test]
fn pool_2_one_object_among_three() {
    check(Model::bounded(3).at_least([21000, 21000, 580]), &[Flaw::UnpublishedReturn], || {
        let house = House::<1>::with(&[(tenant(1), 0)]);
        let threads = [
            spawn(&house, |house| use_once(house, 1, Some(FIRST), 2)),
            spawn(&house, |house| use_once(house, 1, None, 3)),
        ];
        use_once(&house, 1, None, 4);
        join(threads);
        house.assert_at_rest();
    });
}

/// POOL-2: two objects; who looks for the hottest meets who comes back to the near one. Two threads
/// never find both slots taken.
#[test]
fn pool_2_near_and_hottest() {
    check(Model::bounded(3).at_least([90, 90, 23]), &[Flaw::UnpublishedReturn], || {
        let house = House::<2>::with(&[(tenant(1), 0), (tenant(1), 1)]);
        let near = spawn(&house, |house| {
            for now in [2, 3] {
                use_once(house, 1, Some(FIRST), now);
            }
        });
        use_once(&house, 1, None, 5);
        use_once(&house, 1, Some(SECOND), 6);
        join([near]);
        house.assert_at_rest();
    });
}

/// POOL-3: a lease that came to a bad end is not lent again without a new object.
#[test]
fn pool_3_a_condemned_object_is_not_lent_again() {
    check(Model::bounded(3).at_least([2800, 2800, 360]), &[Flaw::UnpublishedReturn], || {
        let house = House::<1>::with(&[(tenant(1), 0)]);
        let threads = [
            spawn(&house, |house| use_once(house, 1, Some(FIRST), 4)),
            spawn(&house, |house| {
                if let Some(built) = house.reserve(tenant(1)) {
                    house.finish(built, 3);
                }
            }),
        ];
        if let Some(lease) = house.take(tenant(1), None) {
            house.vacate(house.condemn(lease));
        }
        join(threads);
        house.assert_at_rest();
    });
}

/// POOL-4: what comes in the place of an object has a slot all the time, and is lent as another's.
#[test]
fn pool_4_one_object_in_the_place_of_another() {
    check(Model::bounded(3).at_least([300, 100, 20]), &[Flaw::UnpublishedReturn], || {
        let house = House::<1>::with(&[(tenant(1), 0)]);
        let threads = [
            spawn(&house, |house| {
                if let Some(lease) = house.take(tenant(1), None) {
                    let built = house.rebuild(house.condemn(lease), tenant(2));
                    house.finish(built, 3);
                }
            }),
            spawn(&house, |house| use_once(house, 2, Some(FIRST), 4)),
        ];
        assert!(house.reserve(tenant(3)).is_none(), "POOL-4: there is one all the time");
        use_once(&house, 1, None, 5);
        join(threads);
        house.assert_at_rest();
    });
}

/// POOL-4: whatever two threads do to the one object, there is one at most, and there is room again.
#[test]
fn pool_4_a_pool_of_one() {
    check(
        Model::bounded(3).at_least([370, 580, 100]),
        &[Flaw::EvictByPlace, Flaw::UnpublishedReturn],
        || {
            let house = House::<1>::with(&[(tenant(1), 0)]);
            let replace = spawn(&house, |house| {
                if let Some(lease) = house.take(tenant(1), None) {
                    house.vacate(house.condemn(lease));
                }
                if let Some(built) = house.reserve(tenant(2)) {
                    house.finish(built, 3);
                }
            });
            if let Some(gone) = house.evict(9) {
                house.vacate(gone);
            }
            if let Some(built) = house.reserve(tenant(3)) {
                let lease = house.finish_leased(built);
                house.give_back(lease, 5);
            }
            join([replace]);
            house.assert_at_rest();
        },
    );
}

/// POOL-8: of an eviction and a take one wins, and what is lent is not touched.
#[test]
fn pool_8_evict_against_take() {
    check(
        Model::bounded(3).at_least([10000, 5900, 640]),
        &[Flaw::EvictByPlace, Flaw::UnpublishedReturn],
        || {
            let house = House::<1>::with(&[(tenant(1), 0)]);
            let threads = [
                spawn(&house, |house| use_once(house, 1, Some(FIRST), 2)),
                spawn(&house, |house| {
                    if let Some(gone) = house.evict(9) {
                        house.vacate(gone);
                    }
                }),
            ];
            use_once(&house, 1, None, 3);
            join(threads);
            house.assert_at_rest();
        },
    );
}

/// POOL-8: nothing is evicted that has been idle for less than was asked.
#[test]
fn pool_8_age_is_never_overrated() {
    let flaws = [Flaw::SinceAfterReturn, Flaw::EvictByPlace, Flaw::NoGeneration];
    check(Model::bounded(3).at_least([33, 62, 20]), &flaws, || {
        let house = House::<1>::with(&[(tenant(1), 1)]);
        let user = spawn(&house, |house| use_once(house, 1, Some(FIRST), 9));
        if let Some(gone) = house.evict(5) {
            house.vacate(gone);
        }
        join([user]);
        house.assert_at_rest();
    });
}

/// POOL-10: one tenant never gets another's, not even one that is near; what has no owner is claimed by
/// one of two, and is its own from then on.
#[test]
fn pool_10_tenants_are_kept_apart() {
    fn claim_and_use(house: &House<2>, number: u64) {
        if let Some(lease) = house.take(Tenant::NONE, Some(SECOND)) {
            let lease = house.claim(lease, tenant(number));
            house.give_back(lease, 2);
        }
        use_once(house, number, Some(FIRST), 3);
    }
    check(Model::bounded(3).at_least([430, 430, 130]), &[Flaw::AnyTenant], || {
        let house = House::<2>::with(&[(tenant(1), 0), (Tenant::NONE, 0)]);
        let other = spawn(&house, |house| claim_and_use(house, 2));
        claim_and_use(&house, 3);
        join([other]);
        house.assert_at_rest();
    });
}

/// POOL-12: of a return and the revocation of that very lease one succeeds; a later lease of the same
/// slot is not touched.
#[test]
fn pool_12_revoke_against_return() {
    let flaws = [Flaw::RevokeByPlace, Flaw::NoGeneration];
    check(Model::bounded(3).at_least([15, 10, 5]), &flaws, || {
        let house = House::<1>::with(&[(tenant(1), 0)]);
        let lease = house.take(tenant(1), None).expect("it is idle");
        let observed = house.slots.observe(FIRST).expect("it is lent");
        let revoker = spawn(&house, move |house| {
            if let Some(gone) = house.revoke(observed) {
                house.revoked(gone);
            }
        });
        if house.give_back_late(lease, 2) {
            use_once(&house, 1, Some(FIRST), 3);
            join([revoker]);
        } else {
            join([revoker]);
            let gone = house.take_revoked().expect("POOL-12: who was refused was revoked");
            house.vacate(gone);
        }
        house.assert_at_rest();
    });
}
