//! What checkouts do themselves, where the manager allows it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::keepalive::FakeClock;
use plimsoll::pool::{
    BuildFailure, CheckoutError, DiscardReason, Isolation, Pool, PoolBuilder, Quota,
};

use super::support::{Fate, Maker, Stand, World, answer, is_waiting, stand_of};

pub(crate) fn world() -> World {
    World { is_inline: true, ..World::default() }
}

/// A pool of so many whose manager has shown that it is quick.
pub(crate) fn quick(
    max: usize,
    set: impl FnOnce(PoolBuilder<Maker>) -> PoolBuilder<Maker>,
) -> Stand {
    let stand = stand_of(world(), |builder| set(builder.max(max).isolation(Isolation::Fresh)));
    let first = stand.pool.principal("the first").unwrap();
    let refused = stand.pool.try_checkout(&first).unwrap_err();
    assert!(matches!(refused, CheckoutError::Exhausted { .. }), "nobody knows yet: {refused}");
    stand.settle();
    stand.pool.try_checkout(&first).unwrap().complete();
    stand
}

pub(crate) fn is_exhausted<T>(answer: Result<T, CheckoutError>) -> bool {
    matches!(answer, Err(CheckoutError::Exhausted { .. }))
}

#[test]
fn pool_4_an_instance_is_made_in_the_place_of_the_last_one() {
    let Stand { pool, world, .. } = quick(1, |builder| builder);
    let acme = pool.principal("acme").unwrap();
    for turn in 1..10 {
        assert_eq!((pool.counts().condemned, pool.counts().idle), (1, 0));
        let lease = pool.try_checkout(&acme).unwrap();
        assert_eq!((lease.id, lease.uses()), (turn, 1), "nobody has used it");
        assert!(is_exhausted(pool.try_checkout(&acme)), "there is no other");
        lease.complete();
    }
    assert_eq!((world.live(), world.live_max.load(Ordering::SeqCst)), (1, 1), "POOL-1");
    let stats = pool.stats();
    assert_eq!((stats.built, stats.discards(DiscardReason::SingleUse)), (10, 10));
}

#[test]
fn waiting_checkouts_make_it_at_their_first_poll() {
    let Stand { pool, .. } = quick(2, |builder| builder);
    let acme = pool.principal("acme").unwrap();
    let one = answer(&mut pool.checkout(&acme)).unwrap();
    let two = pool.checkout_blocking(&acme).unwrap();
    assert_eq!((one.id, two.id), (1, 2), "in the place of the first, and in a vacant one");
    assert!(is_waiting(&mut pool.checkout(&acme)), "there is no room for a third");
    two.complete();
    assert_eq!(answer(&mut pool.checkout(&acme)).unwrap().id, 3);
}

#[test]
fn pool_6_nobody_makes_what_another_waits_for() {
    let stand = quick(1, |builder| builder);
    let [acme, other] = ["acme", "other"].map(|id| stand.pool.principal(id).unwrap());
    let lease = stand.pool.try_checkout(&acme).unwrap();
    let mut waiting = stand.pool.checkout(&other);
    assert!(is_waiting(&mut waiting));
    lease.complete();
    assert!(is_exhausted(stand.pool.try_checkout(&acme)), "the other was here before");
    assert_eq!(stand.world.made(), 2, "who has the room makes what it needs");
    assert_eq!(answer(&mut waiting).unwrap().id, 2);
    assert_eq!(stand.world.live_max.load(Ordering::SeqCst), 1, "POOL-1");
}

#[test]
fn pool_6_room_that_was_granted_to_a_waiter_that_goes_is_the_next_ones_at_once() {
    let stand = quick(1, |builder| builder.per_principal_cap(1));
    let [acme, other, third] = ["acme", "other", "third"].map(|id| stand.pool.principal(id));
    let [acme, other, third] = [acme.unwrap(), other.unwrap(), third.unwrap()];
    let lease = stand.pool.try_checkout(&acme).unwrap();
    let (mut first, mut second) = (stand.pool.checkout(&other), stand.pool.checkout(&third));
    assert!(is_waiting(&mut first) && is_waiting(&mut second));
    lease.complete();
    assert!(is_waiting(&mut second), "it is the first one's");
    drop(first);
    let lease = answer(&mut second).unwrap();
    assert_eq!((lease.id, other.in_use(), third.in_use()), (2, 0, 1));
    // Nobody waits for the next room that is given up: the next checkout has it.
    let mut last = stand.pool.checkout(&other);
    assert!(is_waiting(&mut last));
    lease.complete();
    drop(last);
    assert_eq!((stand.pool.counts().condemned, other.in_use()), (1, 0));
    assert_eq!(stand.pool.try_checkout(&acme).unwrap().id, 3);
}

#[test]
fn pool_6_what_cannot_be_made_in_the_room_for_it_is_waited_for_again() {
    let stand = quick(1, |builder| builder.per_principal_cap(1));
    let [acme, other] = ["acme", "other"].map(|id| stand.pool.principal(id).unwrap());
    for fate in [Fate::Hangs, Fate::Fails] {
        let lease = stand.pool.checkout_blocking(&acme).unwrap();
        let mut waiting = stand.pool.checkout(&other);
        assert!(is_waiting(&mut waiting));
        lease.complete();
        stand.world.fate([fate]);
        if fate == Fate::Fails {
            let failed = answer(&mut waiting).unwrap_err();
            assert_eq!(failed.to_string(), "no instance could be built: broken");
        } else {
            assert!(is_waiting(&mut waiting), "the background builds it");
            assert_eq!((stand.pool.counts().building, other.in_use()), (1, 0));
            stand.settle();
            answer(&mut waiting).unwrap().complete();
        }
        assert_eq!((other.in_use(), stand.pool.stats().waiting), (0, 0));
    }
    assert_eq!(stand.pool.counts().vacant, 1);
}

#[test]
fn pool_9_room_that_was_granted_and_not_fetched_goes_with_the_pool() {
    for fetches in [true, false] {
        let stand = quick(1, |builder| builder);
        let acme = stand.pool.principal("acme").unwrap();
        let lease = stand.pool.try_checkout(&acme).unwrap();
        let mut waiting = stand.pool.checkout(&acme);
        assert!(is_waiting(&mut waiting));
        lease.complete();
        stand.pool.close();
        stand.settle();
        assert!(!stand.pool.wait_drained(Duration::ZERO), "the waiter has it");
        if fetches {
            answer(&mut waiting).unwrap().complete();
        }
        drop(waiting);
        stand.settle();
        assert!(stand.pool.wait_drained(Duration::ZERO));
        assert_eq!(stand.world.live(), 0);
    }
}

/// More principals than instances, on threads: each is served, whichever thread builds its instance.
#[test]
fn pool_6_threads_that_make_their_own_lose_nothing() {
    let world = Arc::new(world());
    let builder =
        Pool::builder(Maker(world.clone())).wait_for_own_leases().max(2).per_principal_cap(1);
    let pool = builder.tick(Duration::from_secs(3600)).build().unwrap();
    thread::scope(|scope| {
        for number in 0..6 {
            let pool = pool.clone();
            scope.spawn(move || {
                let principal = pool.principal(&format!("principal-{number}")).unwrap();
                for turn in 0..300 {
                    let lease = pool.checkout_blocking(&principal).unwrap();
                    assert_eq!(lease.uses(), 1, "POOL-10");
                    if turn % 7 == 0 { drop(lease) } else { lease.complete() }
                }
            });
        }
    });
    assert!(world.live_max.load(Ordering::SeqCst) <= 2, "POOL-1");
    pool.close();
    assert!(pool.wait_drained(Duration::from_secs(60)));
    assert_eq!((world.live(), pool.stats().waiting), (0, 0));
    assert_eq!(pool.stats().built, world.made() as u64);
}

#[test]
fn pool_11_a_cap_and_a_back_off_hold_for_what_one_makes_oneself() {
    let long = Duration::from_secs(1);
    let stand = quick(4, |builder| builder.per_principal_cap(1).fault_backoff(1, long, long));
    let acme = stand.pool.principal("acme").unwrap();
    let lease = stand.pool.try_checkout(&acme).unwrap();
    let refused = stand.pool.try_checkout(&acme).unwrap_err();
    let at_cap = CheckoutError::Refused { quota: Quota::InUse { max: 1 } };
    assert_eq!(refused.to_string(), at_cap.to_string());
    assert_eq!((acme.in_use(), stand.world.made()), (1, 2));
    lease.fault();
    let refused = stand.pool.try_checkout(&acme).unwrap_err();
    let is_off = matches!(refused, CheckoutError::Refused { quota: Quota::Faults { .. } });
    assert!(is_off && acme.in_use() == 0 && stand.world.made() == 2, "{refused}");
}

#[test]
fn pool_5_the_one_that_makes_it_gets_its_error_and_loses_no_room() {
    let Stand { pool, world, .. } = quick(1, |builder| builder.per_principal_cap(1));
    let acme = pool.principal("acme").unwrap();
    world.fate([Fate::Fails, Fate::Panics]);
    let failed = pool.try_checkout(&acme).unwrap_err();
    assert_eq!(failed.to_string(), "no instance could be built: broken");
    let failed = answer(&mut pool.checkout(&acme)).unwrap_err();
    let CheckoutError::BuildFailed { cause: BuildFailure::Panicked(message) } = failed else {
        panic!("{failed}")
    };
    assert_eq!((&*message, acme.in_use()), ("the build panics", 0));
    let stats = pool.stats();
    assert_eq!((stats.build_failures, stats.panics, stats.counts.vacant), (2, 1, 1));
    pool.try_checkout(&acme).unwrap().complete();
}

#[test]
fn pool_8_what_fails_here_holds_no_warm_builds_off() {
    let stand = quick(2, |builder| builder.warm(2));
    let acme = stand.pool.principal("acme").unwrap();
    let held: Vec<_> = (0..2).filter_map(|_| stand.pool.try_checkout(&acme).ok()).collect();
    held.into_iter().for_each(|lease| lease.complete());
    stand.world.fate([Fate::Fails]);
    while stand.pool.try_checkout(&acme).map(|lease| lease.complete()).is_ok() {}
    stand.settle();
    assert_eq!(stand.pool.counts().idle, 2);
}

#[test]
fn pool_7_a_panic_in_the_drop_of_the_last_one_is_no_concern_of_the_next() {
    let Stand { pool, world, .. } = quick(1, |builder| builder);
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.try_checkout(&acme).unwrap();
    lease.drop_panics = true;
    lease.complete();
    assert_eq!(pool.try_checkout(&acme).unwrap().id, 2);
    assert_eq!((pool.stats().panics, world.live()), (1, 1));
}

#[test]
fn what_has_to_be_waited_for_is_built_in_the_background() {
    let stand = quick(1, |builder| builder);
    let acme = stand.pool.principal("acme").unwrap();
    stand.world.fate([Fate::Hangs]);
    assert!(is_exhausted(stand.pool.try_checkout(&acme)), "it does not hang with it");
    assert_eq!(stand.pool.counts().building, 1);
    assert!(is_exhausted(stand.pool.try_checkout(&acme)), "and no other is begun");
    stand.settle();
    stand.pool.try_checkout(&acme).unwrap().complete();
    stand.pool.try_checkout(&acme).unwrap().complete();
    assert_eq!(stand.world.made(), 3, "the second of these was quick again");
}

#[test]
fn what_takes_long_is_built_in_the_background() {
    let stand = quick(1, |builder| builder);
    let acme = stand.pool.principal("acme").unwrap();
    let (clock, made) = (stand.clock.clone(), AtomicUsize::new(0));
    let is_slow = move || made.fetch_add(1, Ordering::SeqCst) < 60;
    let hook = move || clock.advance(Duration::from_millis(if is_slow() { 3 } else { 0 }));
    assert!(stand.world.hook.set(Box::new(hook)).is_ok());
    // It is found out sooner or later, for not every build is timed.
    let tries = 0..100;
    let inline = tries.take_while(|_| stand.pool.try_checkout(&acme).is_ok()).count();
    assert!(inline <= 16, "{inline}");
    assert!(is_exhausted(stand.pool.try_checkout(&acme)));
    // And that it is so no longer, by what the background builds.
    stand.settle();
    let before = stand.world.made();
    for _ in 0..60 {
        stand.settle();
        let _ = stand.pool.try_checkout(&acme).map(|lease| lease.complete());
    }
    stand.pool.try_checkout(&acme).unwrap().complete();
    stand.pool.try_checkout(&acme).unwrap().complete();
    assert!(stand.world.made() > before);
}

#[test]
fn pool_10_what_is_used_again_is_not_made_by_a_newcomer() {
    for isolation in [Isolation::PerPrincipal, Isolation::Shared] {
        let stand = stand_of(world(), |builder| builder.max(2).isolation(isolation));
        stand.fill(1);
        let acme = stand.pool.principal("acme").unwrap();
        let _one = stand.pool.try_checkout(&acme).unwrap();
        assert!(is_exhausted(stand.pool.try_checkout(&acme)), "{isolation:?}");
    }
}

/// A pool that is closed by its own `create`, while a checkout calls it.
#[test]
fn pool_9_what_is_made_while_the_pool_closes_is_drained() {
    for max in [1, 2] {
        let stand = quick(max, |builder| builder);
        let acme = stand.pool.principal("acme").unwrap();
        let _held = (max > 1).then(|| stand.pool.try_checkout(&acme).unwrap());
        let own: Weak<World> = Arc::downgrade(&stand.world);
        let (pool, is_first) = (stand.pool.clone(), AtomicUsize::new(0));
        let hook = move || {
            if own.strong_count() > 0 && is_first.fetch_add(1, Ordering::SeqCst) == 1 {
                pool.close();
            }
        };
        // First the retirement, then the build; of a vacant place the second build.
        assert!(stand.world.hook.set(Box::new(hook)).is_ok());
        let lease = stand.pool.try_checkout(&acme);
        let Ok(lease) = lease else { continue };
        assert!(stand.pool.is_closed() == (max == 1));
        lease.complete();
        stand.pool.close();
        drop(_held);
        stand.settle();
        assert!(stand.pool.wait_drained(Duration::ZERO), "nothing is left, of {max}");
        assert!(matches!(stand.pool.try_checkout(&acme), Err(CheckoutError::Closed)));
    }
}

/// Without a tick, and though nobody waits: the threads of a pool make ready again what was used up.
#[test]
fn the_background_takes_part_once_a_batch_was_used_up() {
    let (world, here) = (Arc::new(world()), thread::current().id());
    let (builder, clock) = by_batches(&world);
    let pool = builder.build().unwrap();
    let acme = pool.principal("acme").unwrap();
    until(|| pool.counts().idle == 4);
    let made_here = Arc::new(AtomicUsize::new(0));
    let count = made_here.clone();
    let hook = move || {
        count.fetch_add(usize::from(thread::current().id() == here), Ordering::SeqCst);
    };
    assert!(world.hook.set(Box::new(hook)).is_ok());
    for _ in 0..3 {
        clock.advance(Duration::from_micros(500));
        pool.checkout_blocking(&acme).unwrap().complete();
    }
    until(|| world.made() == 7 && pool.counts().idle == 4);
    assert_eq!(made_here.load(Ordering::SeqCst), 0, "something was idle for each");
    for _ in 0..50 {
        clock.advance(Duration::from_micros(500));
        pool.checkout_blocking(&acme).unwrap().complete();
    }
    until(|| pool.counts().idle > 0);
}

/// Leases that follow each other at once keep their instances on their own processor.
#[test]
fn the_background_is_woken_for_one_batch_per_interval() {
    let world = Arc::new(world());
    let (builder, clock) = by_batches(&world);
    let pool = builder.build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let lease = |_| pool.checkout_blocking(&acme).unwrap().complete();
    let is_full = || pool.counts().idle == 4;
    until(is_full);
    (0..3).for_each(lease);
    until(|| world.made() == 7 && is_full());
    // A worker that is still awake does a batch without being woken for it.
    let is_left = || {
        until(is_full);
        (0..3).for_each(lease);
        thread::sleep(Duration::from_millis(20));
        pool.counts().condemned == 3
    };
    assert!((0..20).any(|_| is_left()), "a worker is woken for each batch");
    clock.advance(Duration::from_micros(500));
    lease(3);
    until(is_full);
}

/// A pool with batches of three, whose background is woken by nothing else; and its clock.
fn by_batches(world: &Arc<World>) -> (PoolBuilder<Maker>, FakeClock) {
    let clock = FakeClock::default();
    let builder = Pool::builder(Maker(world.clone())).wait_for_own_leases().max(4).warm(4);
    let builder = builder.tick(Duration::from_secs(3600)).clock(clock.clone());
    (builder.no_build_timeout().no_cleanup_timeout(), clock)
}

/// Who keeps time sleeps while nothing lives: also one that a checkout has made is torn down.
#[test]
fn pool_8_what_a_checkout_has_made_is_not_forgotten() {
    let world = Arc::new(world());
    let builder = Pool::builder(Maker(world.clone())).wait_for_own_leases().max(2).warm(0);
    let pool = builder.tick(Duration::from_millis(1)).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    for _ in 0..20 {
        pool.checkout_blocking(&acme).unwrap().complete();
        until(|| pool.counts().live() == 0);
        // The timekeeper falls asleep.
        thread::sleep(Duration::from_millis(3));
    }
    assert_eq!(world.made(), 20);
}

pub(crate) fn until(mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not come");
        thread::sleep(Duration::from_millis(1));
    }
}
