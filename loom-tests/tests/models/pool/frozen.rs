//! A thread that is stopped for ever at any one atomic step, holding what it holds, leaves every
//! other thread able to finish, and every other slot of use.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::flaw::plant;
use plimsoll_loom::keepalive::Tick;
use plimsoll_loom::pool::{Demand, PoolId, PoolSlot, PoolSlots};

use super::house::tenant;
use crate::common::Model;

struct Bare {
    slots: PoolSlots<[PoolSlot; 2]>,
    demand: Demand,
}

const NOW: Tick = Tick::new(5);

/// Stops `work` everywhere, beside and before a life cycle of the other slot.
fn freeze(work: fn(&Bare)) {
    plant(None);
    Model::bounded(3).at_least([15, 15, 8]).check_frozen(move |freezer| {
        let pool = Bare { slots: PoolSlots::new(PoolId::new(1)), demand: Demand::new() };
        let pool = Arc::new(pool);
        let built = pool.slots.reserve(tenant(1)).expect("vacant");
        pool.slots.finish(built, Tick::new(1)).expect("ours");
        let (freezer, other) = (freezer.clone(), pool.clone());
        let stopped = thread::spawn(move || freezer.run(|| work(&other)));
        if let Some(lease) = pool.slots.take(tenant(1), None) {
            pool.slots.give_back(lease, NOW).expect("ours");
            let _ = pool.demand.look_after_release();
        }
        stopped.join().unwrap();
        // It holds one slot at most: the others come back, and have a whole life.
        while let Some(gone) = pool.slots.evict(Tick::MAX) {
            pool.slots.vacate(gone).expect("ours");
        }
        let counts = pool.slots.counts();
        assert_eq!(counts.idle, 0, "POOL-8: {counts:?}");
        assert!(counts.vacant >= 1 && counts.capacity() == 2, "POOL-4: {counts:?}");
        let built = pool.slots.reserve(tenant(2)).expect("POOL-4: a vacant slot can be had");
        pool.slots.finish(built, NOW).expect("ours");
        let lease = pool.slots.take(tenant(2), None).expect("POOL-2: an idle slot can be had");
        let gone = pool.slots.condemn(lease).expect("ours");
        pool.slots.vacate(gone).expect("ours");
        assert_eq!(pool.slots.counts(), counts, "POOL-4");
        pool.demand.close();
        assert!(pool.demand.arrive().is_err(), "POOL-9");
    });
}

/// POOL-4: a build is stopped anywhere.
#[test]
fn freeze_pool_build() {
    freeze(|pool| {
        if let Some(built) = pool.slots.reserve(tenant(3)) {
            let _ = pool.slots.finish(built, NOW);
        }
    });
}

/// POOL-4: a build that fails is stopped anywhere.
#[test]
fn freeze_pool_failed_build() {
    freeze(|pool| {
        if let Some(built) = pool.slots.reserve(tenant(3)) {
            let _ = pool.slots.fail(built);
        }
    });
}

/// POOL-2: a lease is stopped anywhere.
#[test]
fn freeze_pool_lease() {
    freeze(|pool| {
        if let Some(lease) = pool.slots.take(tenant(1), None) {
            let _ = pool.slots.give_back(lease, NOW);
            let _ = pool.demand.look_after_release();
        }
    });
}

/// POOL-3: a lease that is condemned is stopped anywhere.
#[test]
fn freeze_pool_condemn() {
    freeze(|pool| {
        let Some(lease) = pool.slots.take(tenant(1), None) else { return };
        let Ok(gone) = pool.slots.condemn(lease) else { return };
        let _ = pool.slots.vacate(gone);
    });
}

/// POOL-8: an eviction is stopped anywhere.
#[test]
fn freeze_pool_evict() {
    freeze(|pool| {
        if let Some(gone) = pool.slots.evict(NOW) {
            let _ = pool.slots.vacate(gone);
        }
    });
}

/// POOL-6, POOL-9: a waiter and a closer are stopped anywhere.
#[test]
fn freeze_pool_demand() {
    freeze(|pool| {
        if pool.demand.arrive().is_ok() {
            pool.demand.leave();
        }
        pool.demand.close();
    });
}
