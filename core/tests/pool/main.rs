//! The slots of a pool, as a caller sees them.

mod refused;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use plimsoll_core::keepalive::Tick;
use plimsoll_core::pool::PoolCounts;
use plimsoll_core::pool::{
    Building, Condemned, Demand, Leased, PoolId, PoolSlot, PoolSlots, SlotId, SlotState, Tenant,
};

fn slots<const N: usize>() -> PoolSlots<[PoolSlot; N]> {
    PoolSlots::new(PoolId::new(1))
}

fn tenant(number: u64) -> Tenant {
    Tenant::new(number).unwrap()
}

fn tick(ticks: u64) -> Tick {
    Tick::new(ticks)
}

/// Makes an object that is idle from `now` on, and tells its place.
fn idle<const N: usize>(slots: &PoolSlots<[PoolSlot; N]>, owner: Tenant, now: u64) -> SlotId {
    let built = slots.reserve(owner).expect("a vacant slot");
    let place = built.slot();
    slots.finish(built, tick(now)).unwrap();
    place
}

fn drop_object<const N: usize>(slots: &PoolSlots<[PoolSlot; N]>, gone: Condemned) -> SlotId {
    let place = gone.slot();
    slots.vacate(gone).unwrap();
    place
}

#[test]
fn pool_15_a_mark_is_of_one_tenant() {
    let slots: PoolSlots<[PoolSlot; 1]> = PoolSlots::new(PoolId::new(1));
    let building = slots.reserve(Tenant::NONE).unwrap();
    let tenants = [1, 2, Tenant::MAX.get()].map(tenant);
    let marks = tenants.map(|tenant| building.mark(tenant));
    let none = building.mark(Tenant::NONE);
    assert!(marks.iter().all(|mark| *mark != none && *mark != 0), "{marks:?}");
    assert!(marks[0] != marks[1] && marks[1] != marks[2] && marks[0] != marks[2], "{marks:?}");
    slots.finish(building, tick(0)).unwrap();
}

#[test]
fn pool_1_never_more_objects_than_slots() {
    let slots = slots::<3>();
    let [first, second, third] = [1, 2, 3].map(|n| slots.reserve(tenant(n)).unwrap());
    assert_eq!([&first, &second, &third].map(|built| built.slot().index()), [0, 1, 2]);
    assert!(slots.reserve(tenant(4)).is_none(), "all are being built");
    slots.finish(first, tick(0)).unwrap();
    let lease = slots.finish_leased(second).unwrap();
    let gone = slots.condemn(lease).unwrap();
    assert!(slots.reserve(tenant(4)).is_none(), "what is condemned is not gone");
    let counts = PoolCounts { building: 1, idle: 1, condemned: 1, ..PoolCounts::default() };
    assert_eq!(slots.counts(), counts);
    assert_eq!((counts.live(), counts.capacity(), slots.capacity()), (3, 3, 3));
    slots.vacate(gone).unwrap();
    let again = slots.reserve(tenant(4)).expect("one is vacant");
    assert_eq!((again.slot().index(), again.tenant()), (1, tenant(4)));
    slots.fail(again).unwrap();
    slots.fail(third).unwrap();
    assert_eq!(slots.counts().vacant, 2);
}

/// POOL-4: what comes in the place of an object is never vacant in between, and belongs to none but its
/// own tenant's (POOL-10).
#[test]
fn pool_4_one_object_in_the_place_of_another() {
    let slots = slots::<1>();
    idle(&slots, tenant(1), 0);
    let gone = slots.condemn(slots.take(tenant(1), None).unwrap()).unwrap();
    let built = slots.rebuild(gone, tenant(2)).unwrap();
    assert_eq!((slots.counts().building, slots.counts().vacant), (1, 0));
    assert!(slots.reserve(tenant(3)).is_none() && slots.take(tenant(1), None).is_none());
    slots.finish(built, tick(1)).unwrap();
    assert!(slots.take(tenant(1), None).is_none(), "the object of the first one is gone");
    assert_eq!(slots.take(tenant(2), None).map(|lease| lease.slot().index()), Some(0));
}

#[test]
fn pool_2_a_slot_is_lent_once() {
    let slots = slots::<1>();
    idle(&slots, tenant(1), 0);
    let lease = slots.take(tenant(1), None).unwrap();
    assert!(slots.take(tenant(1), Some(lease.slot())).is_none());
    slots.give_back(lease, tick(1)).unwrap();
    let lease = slots.take(tenant(1), None).unwrap();
    assert_eq!((lease.slot().index(), lease.tenant()), (0, tenant(1)));
    slots.give_back(lease, tick(2)).unwrap();
}

#[test]
fn pool_3_what_is_condemned_comes_back_by_a_new_object_only() {
    let slots = slots::<1>();
    idle(&slots, tenant(1), 0);
    let lease = slots.take(tenant(1), None).unwrap();
    let gone = slots.condemn(lease).unwrap();
    assert!(slots.take(tenant(1), Some(gone.slot())).is_none());
    assert!(slots.evict(Tick::MAX).is_none());
    drop_object(&slots, gone);
    assert!(slots.take(tenant(1), None).is_none());
    idle(&slots, tenant(1), 1);
    assert!(slots.take(tenant(1), None).is_some());
}

#[test]
fn pool_4_a_pool_of_one_is_restored_after_anything() {
    let slots = slots::<1>();
    let one = tenant(1);
    let lose: [fn(&PoolSlots<_>, Building); 4] = [
        |slots, built| slots.fail(built).unwrap(),
        |slots, built| {
            let lease = slots.finish_leased(built).unwrap();
            drop_object(slots, slots.condemn(lease).unwrap());
        },
        |slots, built| {
            slots.finish(built, tick(3)).unwrap();
            drop_object(slots, slots.evict(tick(3)).unwrap());
        },
        |slots, built| {
            slots.finish(built, tick(3)).unwrap();
            let other = tenant(9);
            drop_object(slots, slots.evict_other(other).unwrap());
        },
    ];
    for lose in lose.into_iter().cycle().take(40) {
        let built = slots.reserve(one).expect("restored");
        assert!(slots.reserve(one).is_none() && slots.counts().live() == 1);
        lose(&slots, built);
        assert_eq!(slots.counts().vacant, 1);
    }
}

#[test]
fn pool_8_the_coldest_goes_first_and_none_too_early() {
    let slots = slots::<4>();
    let places = [30, 10, 20, 10].map(|now| idle(&slots, tenant(1), now));
    assert!(slots.evict(tick(9)).is_none(), "none has been idle since then");
    let out = |until| slots.evict(tick(until)).map(|gone| drop_object(&slots, gone));
    assert_eq!(out(10), Some(places[3]), "of two as cold the highest place");
    assert_eq!(out(25), Some(places[1]));
    assert_eq!(out(25), Some(places[2]));
    assert_eq!(out(25), None);
    let lease = slots.take(tenant(1), None).unwrap();
    assert_eq!(out(u64::MAX), None, "never one that is lent");
    slots.give_back(lease, tick(40)).unwrap();
    assert_eq!(out(39), None, "its idle time begins anew");
    assert_eq!(out(40), Some(places[0]));
}

#[test]
fn pool_8_one_slot_is_evicted_if_it_is_idle() {
    let slots = slots::<2>();
    let place = idle(&slots, tenant(1), 5);
    assert!(slots.evict_at(SlotId::new(1)).is_none(), "vacant");
    assert!(slots.evict_at(SlotId::new(2)).is_none(), "no such place");
    let gone = slots.evict_at(place).unwrap();
    assert_eq!((gone.slot(), gone.tenant()), (place, tenant(1)));
    assert!(slots.evict_at(place).is_none());
}

#[test]
fn the_hottest_is_taken_first_unless_one_is_near() {
    let slots = slots::<4>();
    let places = [10, 30, 20, 30].map(|now| idle(&slots, tenant(1), now));
    let take = |near| slots.take(tenant(1), near).map(|lease: Leased| lease.slot());
    assert_eq!(take(Some(places[2])), Some(places[2]), "near");
    assert_eq!(take(Some(places[2])), Some(places[1]), "of two as hot the lowest place");
    assert_eq!(take(Some(SlotId::new(99))), Some(places[3]), "no such place is near");
    assert_eq!(take(None), Some(places[0]));
    assert_eq!(take(None), None);
}

#[test]
fn pool_10_what_is_one_tenants_is_no_others() {
    let slots = slots::<2>();
    let (one, two) = (tenant(1), tenant(2));
    let ours = idle(&slots, one, 1);
    assert!(slots.take(two, Some(ours)).is_none() && slots.take(Tenant::NONE, None).is_none());
    assert!(slots.evict_other(one).is_none(), "its own");
    let pristine = idle(&slots, Tenant::NONE, 0);
    assert!(slots.take(two, Some(pristine)).is_none());
    let lease = slots.take(Tenant::NONE, None).unwrap();
    let lease = slots.claim(lease, two).unwrap();
    assert_eq!(lease.tenant(), two);
    let lease = slots.claim(lease, two).expect("it is already");
    let refused = slots.claim(lease, one).unwrap_err();
    assert_eq!(refused.to_string(), "slot 1 is tenant 2's, and not tenant 1's");
    let lease = refused.into_lease();
    let refused = slots.claim(lease, Tenant::NONE).unwrap_err();
    slots.give_back(refused.into_lease(), tick(2)).unwrap();
    assert!(slots.take(Tenant::NONE, None).is_none());
    assert_eq!(slots.take(two, None).map(|lease| lease.slot()), Some(pristine));
}

#[test]
fn room_is_made_at_the_cost_of_other_tenants_only() {
    let slots = slots::<4>();
    idle(&slots, Tenant::NONE, 0);
    idle(&slots, tenant(1), 1);
    let third = idle(&slots, tenant(3), 7);
    let second = idle(&slots, tenant(2), 4);
    let evict = || slots.evict_other(tenant(1)).map(|gone| gone.slot());
    assert_eq!([evict(), evict(), evict()], [Some(second), Some(third), None]);
}

#[test]
fn views_tell_what_is_in_each_slot() {
    let slots = slots::<3>();
    idle(&slots, tenant(5), 17);
    let built = slots.reserve(Tenant::NONE).unwrap();
    let views: Vec<_> = slots.views().collect();
    let states: Vec<_> = views.iter().map(|(_, view)| view.state).collect();
    assert_eq!(states, [SlotState::Idle, SlotState::Building, SlotState::Vacant]);
    assert_eq!((views[0].1.tenant, views[0].1.idle_since), (tenant(5), Some(tick(17))));
    assert_eq!((views[1].1.tenant, views[1].1.idle_since), (Tenant::NONE, None));
    assert_eq!(slots.view(SlotId::new(2)), Some(views[2].1));
    assert_eq!(slots.view(SlotId::new(3)), None);
    slots.fail(built).unwrap();
}

#[test]
fn demand_counts_who_waits_and_closes_once() {
    let demand = Demand::new();
    assert!(demand.look().is_quiet());
    demand.arrive().unwrap();
    demand.arrive().unwrap();
    assert_eq!((demand.look().waiting(), demand.look().is_closed()), (2, false));
    assert!(demand.close());
    assert!(!demand.close());
    let refused = demand.arrive().unwrap_err();
    assert_eq!(refused.to_string(), "the pool is closed");
    demand.leave();
    let reading = demand.look_after_release();
    assert_eq!((reading.waiting(), reading.is_closed(), reading.is_quiet()), (1, true, false));
    demand.leave();
    assert!(!demand.look().is_quiet() && demand.look().waiting() == 0);
}

#[test]
fn slots_are_brought_by_the_caller_and_begin_anew() {
    let old = slots::<2>();
    idle(&old, tenant(1), 0);
    let brought = PoolSlots::with_slots(vec![PoolSlot::new(), PoolSlot::new()], PoolId::new(3));
    let brought = brought.unwrap();
    assert_eq!((brought.capacity(), brought.id().get()), (2, 3));
    let mut storage = [PoolSlot::new()];
    {
        let first = PoolSlots::with_slots(&mut storage, PoolId::new(4)).unwrap();
        let _kept = first.reserve(tenant(1)).unwrap();
    }
    let second = PoolSlots::with_slots(&mut storage, PoolId::new(5)).unwrap();
    assert_eq!(second.counts().vacant, 1);
}

#[test]
fn a_slot_has_a_cache_line_of_its_own() {
    assert!(align_of::<PoolSlot>() >= 64 && size_of::<PoolSlot>() % 64 == 0);
    assert!(align_of::<Demand>() >= 64);
    assert!(size_of::<Leased>() <= 16, "a token is passed in registers");
}

/// The generation begins anew after 2^21 changes.
#[test]
fn a_slot_outlives_its_generations() {
    let slots = slots::<1>();
    idle(&slots, tenant(1), 0);
    for now in 0..(1 << 20) + 5 {
        let lease = slots.take(tenant(1), None).unwrap();
        assert_eq!((lease.slot().index(), lease.tenant()), (0, tenant(1)));
        slots.give_back(lease, tick(now)).unwrap();
    }
    assert_eq!(slots.evict(Tick::MAX).map(|gone| gone.tenant()), Some(tenant(1)));
}

/// POOL-2, POOL-10: with more threads than objects, no object has two users or a foreign one.
#[test]
fn pool_2_threads_share_objects_one_at_a_time() {
    const ROUNDS: u64 = 20_000;
    let slots = slots::<3>();
    for number in [1, 1, 2] {
        idle(&slots, tenant(number), 0);
    }
    let users: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
    let work = &|number: u64| {
        let (mut near, mut leases) = (None, 0);
        for now in 0..ROUNDS {
            let Some(lease) = slots.take(tenant(number), near) else { continue };
            let user = &users[lease.slot().index()];
            assert_eq!(user.swap(number, Relaxed), 0, "POOL-2");
            assert_eq!(user.swap(0, Relaxed), number, "POOL-2");
            (near, leases) = (Some(lease.slot()), leases + 1);
            slots.give_back(lease, tick(now)).unwrap();
        }
        leases
    };
    let leases: u64 = std::thread::scope(|scope| {
        let threads = [1, 1, 1, 2].map(|number| scope.spawn(move || work(number)));
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    assert!(leases >= ROUNDS, "{leases}: tenant 2 has an object for itself");
    assert_eq!(slots.counts().idle, 3);
}
