//! Guests that go wrong: the instance is discarded, and the pool of one goes on.

use std::time::{Duration, Instant};

use plimsoll::pool::{CheckoutError, Isolation, Quota};
use plimsoll_wasmtime::{CallError, WasmLease};
use wasmtime::{Trap, TypedFunc};

use crate::villain::{
    Desk, Villain, Villains, assert_next_is_pristine, builder, engine, pool_of_one,
};

type Lease<'p> = WasmLease<'p, Desk, Villain>;

/// Lets a guest fail in this way, and the next principal find nothing of it.
fn assert_contained(pool: &Villains, fail: impl Fn(&mut Lease<'_>) -> CallError) -> CallError {
    let acme = pool.principal("acme").unwrap();
    let run = || {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        lease.call_blocking(|guest| &guest.hide, 7).unwrap();
        (fail(&mut lease), lease)
    };
    // Completed or dropped: it is discarded.
    let (_, lease) = run();
    lease.complete();
    assert_next_is_pristine(pool);
    let (error, mut lease) = run();
    let unusable = lease.call_blocking(|guest| &guest.seek, ()).unwrap_err();
    assert!(matches!(unusable, CallError::Unusable), "{unusable}");
    assert!(lease.run_blocking(|_, _| Ok(())).is_err());
    drop(lease);
    assert_next_is_pristine(pool);
    error
}

fn fails<'l>(
    func: impl FnOnce(&Villain) -> &TypedFunc<(), ()>,
) -> impl FnOnce(&'l mut Lease<'_>) -> CallError {
    |lease| lease.call_blocking(func, ()).unwrap_err()
}

#[test]
fn pool_3_a_guest_that_traps_is_discarded() {
    for isolation in [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared] {
        let settings = builder(&engine()).isolation(isolation);
        let pool = settings.pool(|pool| pool.no_fault_backoff()).build().unwrap();
        let unreachable = assert_contained(&pool, |lease| fails(|guest| &guest.trap)(lease));
        assert!(
            matches!(unreachable, CallError::Trapped { trap: Trap::UnreachableCodeReached }),
            "{unreachable}"
        );
    }
}

#[test]
fn pool_3_a_guest_that_strays_or_recurses_is_discarded() {
    let pool = pool_of_one();
    let stray = assert_contained(&pool, |lease| fails(|guest| &guest.stray)(lease));
    assert!(matches!(stray, CallError::Trapped { trap: Trap::MemoryOutOfBounds }), "{stray}");
    let deep = assert_contained(&pool, |lease| fails(|guest| &guest.recurse)(lease));
    assert!(matches!(deep, CallError::Trapped { trap: Trap::StackOverflow }), "{deep}");
}

#[test]
fn meter_3_an_endless_loop_ends_at_the_deadline_and_not_before() {
    let deadline = Duration::from_millis(20);
    let settings = builder(&engine()).fuel(u64::MAX).deadline(deadline);
    let pool = settings.pool(|pool| pool.no_fault_backoff()).build().unwrap();
    let looped = assert_contained(&pool, |lease| {
        let began = Instant::now();
        let error = lease.call_blocking(|guest| &guest.spin, ()).unwrap_err();
        assert!(began.elapsed() >= Duration::from_millis(15), "{:?}", began.elapsed());
        error
    });
    assert!(matches!(looped, CallError::DeadlineExceeded { deadline: at } if at == deadline));
    assert_eq!(looped.to_string(), "the guest ran past its deadline of 20ms");
}

#[test]
fn meter_3_an_endless_loop_ends_with_its_fuel_where_there_is_no_deadline() {
    let settings = builder(&engine()).no_deadline();
    let pool = settings.pool(|pool| pool.no_fault_backoff()).build().unwrap();
    let looped = assert_contained(&pool, |lease| fails(|guest| &guest.spin)(lease));
    assert!(matches!(looped, CallError::OutOfFuel { fuel: 20_000_000 }), "{looped}");
}

#[test]
fn meter_3_every_lease_of_an_instance_has_fuel_and_time_anew() {
    let settings = builder(&engine()).isolation(Isolation::Shared).fuel(1_000_000);
    let pool = settings.deadline(Duration::from_millis(200)).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    for lap in 1..=10 {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        assert_eq!(lease.usage().fuel, 0);
        // More than a third of the fuel: without a refill, the third lap ends early. 10 laps of
        // 40 ms are longer than the deadline.
        lease.call_blocking(|guest| &guest.work, 90_000).unwrap();
        std::thread::sleep(Duration::from_millis(40));
        lease.call_blocking(|guest| &guest.seek, ()).unwrap();
        assert!(lease.usage().fuel > 400_000, "{:?}", lease.usage());
        assert_eq!(lease.uses(), lap);
        lease.complete();
    }
}

#[test]
fn faults_are_held_against_their_principal_and_nobody_else() {
    let settings = builder(&engine());
    let minute = Duration::from_secs(60);
    let pool = settings.pool(move |pool| pool.fault_backoff(2, minute, minute)).build().unwrap();
    let looper = pool.principal("looper").unwrap();
    let mut lease = pool.checkout_blocking(&looper).unwrap();
    lease.call_blocking(|guest| &guest.trap, ()).unwrap_err();
    lease.complete();
    // What only the host can tell counts as much.
    pool.checkout_blocking(&looper).unwrap().fault();
    let refused = pool.checkout_blocking(&looper).unwrap_err();
    assert!(
        matches!(refused, CheckoutError::Refused { quota: Quota::Faults { faults: 2, .. } }),
        "{refused}"
    );
    assert_next_is_pristine(&pool);
}

#[test]
fn pool_9_a_pool_that_is_closed_drains_and_gives_its_room_back() {
    let engine = engine();
    let pool = builder(&engine).max(8).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let lease = pool.checkout_blocking(&acme).unwrap();
    assert!(builder(&engine).build().is_err(), "there is no room for another");
    assert!(pool.close());
    assert!(matches!(pool.checkout_blocking(&acme), Err(CheckoutError::Closed)));
    assert!(!pool.wait_drained(Duration::from_millis(10)), "one is lent");
    lease.complete();
    assert!(pool.wait_drained(Duration::from_secs(10)));
    // Its room is free, although there are handles to it.
    let pool = builder(&engine).max(8).build().unwrap();
    assert_next_is_pristine(&pool);
}
