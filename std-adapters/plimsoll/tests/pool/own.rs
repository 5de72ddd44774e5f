//! POOL-15: nobody waits for itself by default, the line is bounded, and several come at once.

use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::{CheckoutError, Isolation, Pool};

use super::support::Maker;

const LONG: Duration = Duration::from_secs(20);
const ALL: [Isolation; 3] = [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared];

fn builder() -> plimsoll::pool::PoolBuilder<Maker> {
    Pool::<Maker>::builder(Maker::default())
}

#[test]
fn pool_15_who_would_wait_for_itself_is_told_at_once() {
    for isolation in ALL {
        for (max, cap) in [(1, None), (2, None), (4, Some(1)), (4, Some(2))] {
            let mut builder = builder().max(max).isolation(isolation);
            if let Some(cap) = cap {
                builder = builder.per_principal_cap(cap);
            }
            let pool = builder.build().unwrap();
            let [acme, other] = ["acme", "other"].map(|id| pool.principal(id).unwrap());
            let most = cap.unwrap_or(max);
            let held: Vec<_> = (0..most).map(|_| pool.checkout_blocking(&acme).unwrap()).collect();
            let began = Instant::now();
            let error = pool.checkout_blocking(&acme).unwrap_err();
            let expected = (held.len(), 1, most);
            assert!(
                matches!(error, CheckoutError::WaitsForItself { held, asked, max }
                    if (held, asked, max) == expected),
                "{isolation:?} {max} {cap:?}: {error}"
            );
            assert!(began.elapsed() < LONG);
            if cap.is_none() {
                // Another principal does not wait for itself.
                let short = Duration::from_millis(5);
                let error = pool.checkout_blocking_for(&other, short).unwrap_err();
                assert!(matches!(error, CheckoutError::TimedOut { .. }), "{error}");
            }
            held.into_iter().for_each(|lease| lease.complete());
            pool.checkout_blocking(&acme).unwrap().complete();
        }
    }
}

#[test]
fn pool_15_who_waits_for_another_may() {
    let pool = builder().max(2).isolation(Isolation::Shared).build().unwrap();
    let [acme, other] = ["acme", "other"].map(|id| pool.principal(id).unwrap());
    let _own = pool.checkout_blocking(&acme).unwrap();
    let theirs = pool.checkout_blocking(&other).unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| pool.checkout_blocking(&acme).map(|lease| lease.complete()));
        let began = Instant::now();
        while pool.stats().waiting == 0 && !waits.is_finished() && began.elapsed() < LONG {
            thread::yield_now();
        }
        theirs.complete();
        waits.join().unwrap().unwrap();
    });
}

#[test]
fn pool_15_the_whole_line_is_bounded() {
    let pool = builder().max(1).max_waiting(0).isolation(Isolation::Shared).build().unwrap();
    let [acme, other] = ["acme", "other"].map(|id| pool.principal(id).unwrap());
    while pool.try_checkout(&acme).map(|lease| lease.complete()).is_err() {
        thread::yield_now();
    }
    let _held = pool.try_checkout(&acme).unwrap();
    let error = pool.checkout_blocking(&other).unwrap_err();
    assert!(matches!(error, CheckoutError::LineFull { waiting: 0, max: 0 }), "{error}");
}

#[test]
fn pool_15_several_at_once_and_no_deadlock() {
    for isolation in ALL {
        let pool = builder().max(2).isolation(isolation).build().unwrap();
        thread::scope(|scope| {
            for id in ["a", "b", "c"] {
                let pool = &pool;
                scope.spawn(move || {
                    let principal = pool.principal(id).unwrap();
                    for _ in 0..50 {
                        let leases = pool.checkout_many_blocking(&principal, 2).unwrap();
                        assert_eq!(leases.len(), 2);
                        leases.into_iter().for_each(|lease| lease.complete());
                    }
                });
            }
        });
        let acme = pool.principal("acme").unwrap();
        let error = pool.checkout_many_blocking(&acme, 3).unwrap_err();
        assert!(matches!(error, CheckoutError::TooMany { asked: 3, max: 2 }), "{error}");
        let one = pool.checkout_blocking(&acme).unwrap();
        let error = pool.checkout_many_blocking(&acme, 2).unwrap_err();
        assert!(matches!(error, CheckoutError::WaitsForItself { held: 1, asked: 2, max: 2 }));
        one.complete();
        assert!(pool.checkout_many_blocking(&acme, 0).unwrap().is_empty());
    }
}
