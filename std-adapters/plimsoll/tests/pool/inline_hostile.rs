//! What checkouts do themselves, at the worst moments and with the worst users.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::{CheckoutError, Pool, Principal, Stage};

use super::inline::{quick, until, world};
use super::support::{Erratic, Fate, Maker, answer, is_waiting};

const HOUR: Duration = Duration::from_secs(3600);
const LONG: Duration = Duration::from_secs(3);

fn principals<const N: usize>(pool: &Pool<Maker>, ids: [&str; N]) -> [Principal; N] {
    ids.map(|id| pool.principal(id).unwrap())
}

/// One whose `create` is never ready at its first poll, for any principal.
#[test]
fn pool_11_who_cannot_make_it_keeps_its_turn() {
    for cap in [false, true] {
        let stand = quick(1, |builder| if cap { builder.per_principal_cap(1) } else { builder });
        let [acme, one, two] = principals(&stand.pool, ["acme", "one", "two"]);
        let mut held = Some(stand.pool.try_checkout(&acme).unwrap());
        let mut first = [stand.pool.checkout(&one), stand.pool.checkout(&one)];
        let mut others: Vec<_> = (0..4).map(|_| stand.pool.checkout(&two)).collect();
        assert!(first.iter_mut().all(is_waiting) && others.iter_mut().all(is_waiting));
        for (turn, first) in first.iter_mut().enumerate() {
            stand.world.fate([Fate::Hangs]);
            held.take().unwrap().complete();
            assert!(is_waiting(first), "turn {turn}: the background builds it");
            assert_eq!((stand.pool.counts().building, one.in_use()), (1, 0));
            stand.settle();
            let lease = answer(first).unwrap();
            assert!(is_waiting(&mut others[turn]));
            lease.complete();
            held = Some(answer(&mut others[turn]).unwrap());
        }
        assert_eq!((stand.pool.stats().waiting, one.in_use()), (2, 0));
    }
}

#[test]
fn pool_6_who_cannot_make_it_does_not_queue_anew() {
    let stand = quick(1, |builder| builder.per_principal_waiting(1).wait_timeout(HOUR));
    let [acme, other] = principals(&stand.pool, ["acme", "other"]);
    let lease = stand.pool.try_checkout(&acme).unwrap();
    let (mut first, mut second) = (stand.pool.checkout(&other), stand.pool.checkout(&other));
    assert!(is_waiting(&mut first));
    lease.complete();
    assert!(is_waiting(&mut second), "the first is no longer in line");
    stand.world.fate([Fate::Hangs]);
    assert!(is_waiting(&mut first), "and is not refused");
    stand.settle();
    answer(&mut first).unwrap().complete();
    answer(&mut second).unwrap().complete();
    assert_eq!((stand.pool.stats().waiting, stand.pool.stats().wait.count()), (0, 2));
}

#[test]
fn pool_5_who_cannot_make_it_has_no_more_time_than_it_had() {
    let ms = Duration::from_millis;
    let stand = quick(1, |builder| builder.wait_timeout(ms(100)));
    let [acme, other] = principals(&stand.pool, ["acme", "other"]);
    let lease = stand.pool.try_checkout(&acme).unwrap();
    let mut waits = stand.pool.checkout(&other);
    assert!(is_waiting(&mut waits));
    stand.clock.advance(ms(60));
    lease.complete();
    stand.world.fate([Fate::Hangs]);
    assert!(is_waiting(&mut waits));
    stand.clock.advance(ms(40));
    stand.pool.step();
    let error = answer(&mut waits).unwrap_err();
    assert!(matches!(error, CheckoutError::TimedOut { stage: Stage::Build, .. }), "{error}");
    assert!(stand.pool.stats().blocked >= ms(100), "the whole wait counts");
}

#[test]
fn pool_6_who_cannot_make_it_may_still_leave() {
    let stand = quick(1, |builder| builder.per_principal_cap(1));
    let [acme, one, two] = principals(&stand.pool, ["acme", "one", "two"]);
    let lease = stand.pool.try_checkout(&acme).unwrap();
    let (mut first, mut second) = (stand.pool.checkout(&one), stand.pool.checkout(&two));
    assert!(is_waiting(&mut first) && is_waiting(&mut second));
    lease.complete();
    stand.world.fate([Fate::Hangs]);
    assert!(is_waiting(&mut first));
    drop(first);
    stand.settle();
    answer(&mut second).unwrap().complete();
    assert_eq!((one.in_use(), two.in_use(), stand.pool.stats().waiting), (0, 0, 0));
}

#[test]
fn pool_9_who_cannot_make_it_in_a_closed_pool_gets_an_error() {
    let stand = quick(1, |builder| builder.per_principal_cap(1));
    let [acme, other] = principals(&stand.pool, ["acme", "other"]);
    let lease = stand.pool.try_checkout(&acme).unwrap();
    let mut waits = stand.pool.checkout(&other);
    assert!(is_waiting(&mut waits));
    lease.complete();
    stand.pool.close();
    stand.world.fate([Fate::Hangs]);
    assert!(matches!(answer(&mut waits), Err(CheckoutError::Closed)));
    stand.settle();
    assert!(stand.pool.wait_drained(Duration::ZERO), "{:?}", stand.pool.counts());
    assert_eq!((other.in_use(), stand.world.live()), (0, 0));
}

/// A principal at its cap does not queue, so its condemned instance would be left to a batch.
#[test]
fn pool_6_who_was_at_its_cap_does_not_wait_for_a_batch() {
    let builder =
        Pool::builder(Maker::default()).wait_for_own_leases().max(4).warm(4).per_principal_cap(2);
    let pool = builder.tick(HOUR).build().unwrap();
    let [acme, other] = principals(&pool, ["acme", "other"]);
    until(|| pool.counts().idle == 4);
    let held = [0, 1].map(|_| pool.try_checkout(&acme).unwrap());
    let _others = [0, 1].map(|_| pool.try_checkout(&other).unwrap());
    thread::scope(|scope| {
        let waits = scope.spawn(|| pool.checkout_blocking_for(&acme, LONG).map(drop));
        until(|| pool.stats().waiting == 1);
        thread::sleep(Duration::from_millis(5));
        let [first, _second] = held;
        first.complete();
        waits.join().unwrap().unwrap();
    });
}

/// Of the pool's threads one hangs in a build, and the others sleep.
#[test]
fn pool_6_a_build_that_hangs_holds_up_nobody_else() {
    let maker = Maker::default();
    let pool = Pool::builder(maker.clone())
        .wait_for_own_leases()
        .max(2)
        .warm(0)
        .tick(HOUR)
        .build()
        .unwrap();
    let [acme, other] = principals(&pool, ["acme", "other"]);
    let lease = pool.checkout_blocking_for(&acme, LONG).unwrap();
    maker.0.fate([Fate::Hangs]);
    let (mut first, mut second) = (pool.checkout(&acme), pool.checkout(&other));
    assert!(is_waiting(&mut first) && is_waiting(&mut second));
    until(|| maker.0.fates.lock().unwrap().is_empty());
    thread::sleep(Duration::from_millis(10));
    lease.complete();
    let began = Instant::now();
    while is_waiting(&mut first) {
        assert!(began.elapsed() < LONG, "{:?}", pool.counts());
        thread::yield_now();
    }
}

/// What is over is torn down at a tick also when time has gone back since the last lease.
#[test]
fn pool_8_a_clock_that_goes_back_leaves_nothing_lying_about() {
    let (clock, world) = (Erratic::default(), Arc::new(world()));
    clock.0.store(3_600_000, Ordering::SeqCst);
    let builder = Pool::builder(Maker(world.clone()))
        .wait_for_own_leases()
        .max(8)
        .warm(8)
        .clock(clock.clone());
    let pool = builder.tick(Duration::from_millis(1)).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    until(|| pool.counts().idle == 8);
    for _ in 0..60 {
        pool.checkout_blocking(&acme).unwrap().complete();
    }
    clock.0.store(1_000, Ordering::SeqCst);
    until(|| pool.counts().idle == 8);
}
