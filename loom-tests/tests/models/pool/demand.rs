//! The pool's slots together with its demand: POOL-6, POOL-9.

use plimsoll_loom::flaw::Flaw;

use super::house::{House, join, spawn, tenant};
use super::{FIRST, check};
use crate::common::Model;

const LOST_WAKEUPS: [Flaw; 2] = [Flaw::NoFenceAfterRelease, Flaw::NoFenceAfterArrival];

/// POOL-6: nobody sleeps for ever beside an idle slot; a third one takes what was meant for the
/// waiter, and gives it back.
#[test]
fn pool_6_no_lost_wakeup() {
    check(Model::bounded(3).at_least([960, 960, 56]), &LOST_WAKEUPS, || {
        let house = House::<1>::with(&[(tenant(1), 0)]);
        let lease = house.take(tenant(1), None).expect("idle");
        let waiter = spawn(&house, |house| {
            let lease = house.wait_for(|| house.take(tenant(1), None));
            house.give_back(lease, 9);
        });
        house.give_back(lease, 2);
        house.after_release();
        if let Some(lease) = house.take(tenant(1), Some(FIRST)) {
            house.give_back(lease, 3);
            house.after_release();
        }
        join([waiter]);
        assert!(house.demand.look().is_quiet(), "POOL-6: who has left is not counted");
        house.assert_at_rest();
    });
}

/// POOL-6: two slots come back at once, either of which is enough.
#[test]
fn pool_6_two_releasers() {
    check(Model::bounded(3).at_least([3300, 3300, 1200]), &LOST_WAKEUPS, || {
        let house = House::<2>::with(&[(tenant(1), 0), (tenant(1), 0)]);
        let leases = [0, 1].map(|_| house.take(tenant(1), None).expect("idle"));
        let give_back = leases.map(|lease| {
            spawn(&house, |house| {
                house.give_back(lease, 2);
                house.after_release();
            })
        });
        let lease = house.wait_for(|| house.take(tenant(1), None));
        house.give_back(lease, 9);
        join(give_back);
        house.assert_at_rest();
    });
}

/// POOL-6: room for a new object wakes who waits for that, also when a build fails.
#[test]
fn pool_6_a_vacated_slot() {
    check(Model::bounded(3).at_least([460, 460, 120]), &LOST_WAKEUPS, || {
        let house = House::<1>::with(&[(tenant(1), 0)]);
        let gone = house.evict(0).expect("idle");
        let other = spawn(&house, |house| {
            house.vacate(gone);
            house.after_release();
            if let Some(built) = house.reserve(tenant(2)) {
                house.fail(built);
                house.after_release();
            }
        });
        let built = house.wait_for(|| house.reserve(tenant(3)));
        house.finish(built, 9);
        join([other]);
        house.assert_at_rest();
    });
}

/// Nothing is idle, and nobody can come.
fn assert_closed<const N: usize>(house: &House<N>) {
    let counts = house.slots.counts();
    assert_eq!((counts.vacant, counts.live()), (N, 0), "POOL-9");
    assert!(house.demand.arrive().is_err() && house.demand.look().waiting() == 0, "POOL-9");
}

const LATE_FOR_THE_CLOSE: [Flaw; 2] = [Flaw::CloseWithoutFence, Flaw::NoFenceAfterRelease];

/// POOL-9: a return that is late for the close.
#[test]
fn pool_9_a_late_return() {
    check(Model::bounded(3).at_least([360, 230, 200]), &LATE_FOR_THE_CLOSE, || {
        let house = House::<1>::with(&[(tenant(1), 0)]);
        let lease = house.take(tenant(1), None).expect("idle");
        let late = spawn(&house, |house| {
            house.give_back(lease, 2);
            house.after_release();
        });
        let other = spawn(&house, |house| {
            if house.demand.close() {
                house.clear();
            }
        });
        if house.demand.close() {
            house.clear();
        }
        join([late, other]);
        assert!(!house.demand.close(), "POOL-9: closed once");
        assert_closed(&house);
    });
}

/// POOL-9: a build that is late for the close, beside an object that is idle and one thread more that
/// has released, and evicts what it finds.
#[test]
fn pool_9_a_late_build() {
    check(Model::bounded(2).at_least([10000, 390, 380]), &LATE_FOR_THE_CLOSE, || {
        let house = House::<2>::with(&[(tenant(1), 0)]);
        let lease = house.take(tenant(1), None).expect("idle");
        let built = house.reserve(tenant(2)).expect("vacant");
        let threads = [
            spawn(&house, |house| {
                house.give_back(lease, 2);
                house.after_release();
            }),
            spawn(&house, |house| {
                house.finish(built, 3);
                house.after_release();
            }),
        ];
        assert!(house.demand.close(), "POOL-9: closed once");
        house.clear();
        join(threads);
        assert_closed(&house);
    });
}

/// POOL-9: a thread that takes before it knows of the close finds out when it gives back.
#[test]
fn pool_9_a_take_beside_the_close() {
    check(
        Model::bounded(3).at_least([110, 200, 14]),
        &[Flaw::CloseWithoutFence, Flaw::NoFenceAfterRelease],
        || {
            let house = House::<1>::with(&[(tenant(1), 0)]);
            let threads = [spawn(&house, |house| {
                if house.demand.look().is_closed() {
                    return;
                }
                if let Some(lease) = house.take(tenant(1), Some(FIRST)) {
                    house.give_back(lease, 2);
                    house.after_release();
                }
            })];
            house.demand.close();
            house.clear();
            join(threads);
            assert_closed(&house);
        },
    );
}
