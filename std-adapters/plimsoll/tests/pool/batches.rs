//! POOL-7: retirements are done in the background, a batch at a time, and never left lying about.

use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::{Pool, Principal};

use super::support::Maker;

const HOUR: Duration = Duration::from_secs(3600);
const LONG: Duration = Duration::from_secs(60);

/// Six of a batch, and no tick in which to do less than that.
fn pool(max: usize) -> (Pool<Maker>, Principal) {
    let pool = Pool::builder(Maker::default())
        .wait_for_own_leases()
        .max(max)
        .warm(8)
        .tick(HOUR)
        .build()
        .unwrap();
    until(|| pool.counts().idle == 8);
    let principal = pool.principal("acme").unwrap();
    (pool, principal)
}

fn until(mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < LONG, "it does not come");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn pool_7_nobody_is_woken_for_less_than_a_batch() {
    let is_left = || {
        let (pool, acme) = pool(16);
        for _ in 0..5 {
            pool.try_checkout(&acme).unwrap().complete();
        }
        thread::sleep(Duration::from_millis(50));
        let is_left = (pool.counts().condemned, pool.counts().idle) == (5, 3);
        if is_left {
            pool.try_checkout(&acme).unwrap().complete();
            until(|| pool.counts().condemned == 0 && pool.counts().idle == 8);
        }
        is_left
    };
    // The first tick, when the pool is made, may come late, and does what it finds.
    assert!((0..5).any(|_| is_left()), "five are left to the batch");
}

#[test]
fn pool_6_a_waiter_does_not_wait_for_a_batch() {
    let (pool, acme) = pool(8);
    let held: Vec<_> = (0..8).map(|_| pool.try_checkout(&acme).unwrap()).collect();
    let mut held = held.into_iter();
    held.next().unwrap().complete();
    assert_eq!(pool.counts().condemned, 1, "it is left to the batch");
    pool.checkout_blocking_for(&acme, LONG).unwrap().complete();

    // The waiter comes first.
    let waits = || pool.checkout_blocking_for(&acme, LONG).map(|lease| lease.complete());
    thread::scope(|scope| {
        until(|| pool.try_checkout(&acme).map(|lease| lease.complete()).is_err());
        let waiter = scope.spawn(waits);
        until(|| pool.stats().waiting == 1 || waiter.is_finished());
        held.next().unwrap().complete();
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn pool_9_a_pool_that_closes_leaves_nothing_for_a_batch() {
    let (pool, acme) = pool(16);
    pool.try_checkout(&acme).unwrap().complete();
    let late = pool.try_checkout(&acme).unwrap();
    pool.close();
    until(|| pool.counts().live() == 1);
    late.complete();
    assert!(pool.wait_drained(LONG));
    assert!(pool.manager().is_none(), "POOL-16: it has gone");
}

#[test]
fn pool_8_the_tick_does_what_is_no_batch() {
    let tick = Duration::from_millis(20);
    let pool = Pool::builder(Maker::default())
        .wait_for_own_leases()
        .max(16)
        .warm(8)
        .tick(tick)
        .build()
        .unwrap();
    let acme = pool.principal("acme").unwrap();
    until(|| pool.counts().idle == 8);
    pool.try_checkout(&acme).unwrap().complete();
    until(|| pool.counts().live() == 8 && pool.counts().idle == 8);
}
