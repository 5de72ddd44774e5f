//! POOL-1 to POOL-5: how many, whose, and how they come back.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use plimsoll::pool::{
    BuildFailure, CheckoutError, DiscardReason, Isolation, Pool, PoolError, PrincipalError, Quota,
};

use super::support::{Fate, Maker, answer, is_waiting, poll, stand};

const REUSED: [Isolation; 2] = [Isolation::PerPrincipal, Isolation::Shared];

#[test]
fn pool_1_never_more_than_the_maximum() {
    let stand = stand(|builder| builder.max(3));
    let acme = stand.pool.principal("acme").unwrap();
    for _ in 0..5 {
        let mut all: Vec<_> = (0..10).map(|_| stand.pool.checkout(&acme)).collect();
        all.iter_mut().for_each(|checkout| assert!(is_waiting(checkout)));
        stand.settle();
        let leases = all.iter_mut().filter_map(|checkout| match poll(checkout) {
            Poll::Ready(lease) => Some(lease.unwrap()),
            Poll::Pending => None,
        });
        let leases: Vec<_> = leases.collect();
        assert_eq!((leases.len(), stand.pool.counts().live()), (3, 3));
        drop((leases, all));
        stand.settle();
    }
    assert_eq!(stand.world.live_max.load(Ordering::SeqCst), 3);
}

#[test]
fn pool_3_only_completion_leads_back() {
    for isolation in REUSED {
        let stand = stand(|builder| builder.max(1).isolation(isolation));
        let acme = stand.pool.principal("acme").unwrap();
        let lease = || {
            let mut checkout = stand.pool.checkout(&acme);
            if !is_waiting(&mut checkout) {
                panic!("taken by the look");
            }
            stand.settle();
            answer(&mut checkout).unwrap()
        };
        let first = lease();
        assert_eq!((first.id, first.uses()), (0, 1));
        first.complete();
        let again = stand.pool.try_checkout(&acme).unwrap();
        assert_eq!((again.id, again.uses()), (0, 2));

        drop(again);
        let next = lease();
        assert_eq!((next.id, next.uses()), (1, 1), "a dropped one is discarded");
        next.fault();
        let next = lease();
        assert_eq!(next.id, 2, "a faulty one too");
        let panics = catch_unwind(AssertUnwindSafe(move || {
            let _held = next;
            panic!("in the lease");
        }));
        assert!(panics.is_err());
        let next = lease();
        assert_eq!(next.id, 3, "and one that a panic drops");
        drop(next.into_owned());
        assert_eq!(lease().id, 4, "and one that borrows nothing");

        let stats = stand.pool.stats();
        let discards = [DiscardReason::Dropped, DiscardReason::Faulted, DiscardReason::Panicked];
        assert_eq!(discards.map(|reason| stats.discards(reason)), [3, 1, 1]);
        assert_eq!(stats.discarded(), 5);
    }
}

#[test]
fn pool_3_a_cancelled_task_discards_what_it_held() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::Shared));
    stand.fill(1);
    let acme = stand.pool.principal("acme").unwrap();
    let mut task = Box::pin(async {
        let mut lease = stand.pool.checkout(&acme).await.unwrap();
        lease.secret = Some("half done");
        std::future::pending::<()>().await;
        lease.complete();
    });
    assert!(poll(&mut task).is_pending());
    assert_eq!(stand.pool.counts().leased, 1);
    drop(task);
    stand.settle();
    let mut next = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut next));
    stand.settle();
    let lease = answer(&mut next).unwrap();
    assert_eq!((lease.secret, lease.id), (None, 1));
    lease.complete();
}

#[test]
fn pool_4_a_pool_of_one_never_holds_two() {
    for isolation in [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared] {
        let stand = stand(|builder| builder.max(1).isolation(isolation));
        let principals = ["a", "b", "c"].map(|id| stand.pool.principal(id).unwrap());
        for round in 0..30 {
            let mut checkout = stand.pool.checkout(&principals[round % 3]);
            if is_waiting(&mut checkout) {
                stand.settle();
                let lease = answer(&mut checkout).unwrap();
                match round % 4 {
                    0 => drop(lease),
                    1 => lease.fault(),
                    _ => lease.complete(),
                }
            }
            assert!(stand.pool.counts().live() <= 1);
        }
        assert_eq!(stand.world.live_max.load(Ordering::SeqCst), 1, "{isolation:?}");
    }
}

#[test]
fn pool_5_errors_tell_what_and_how_many() {
    let stand = stand(|builder| builder.max(1).per_principal_cap(1).per_principal_waiting(1));
    let (acme, other) = (
        stand.pool.principal("acme").unwrap(),
        Pool::builder(Maker::default()).wait_for_own_leases(),
    );
    stand.world.fate([Fate::Fails]);
    let mut checkout = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut checkout));
    stand.settle();
    let error = answer(&mut checkout).unwrap_err();
    assert!(matches!(error, CheckoutError::BuildFailed { cause: BuildFailure::Manager(_) }));
    assert_eq!(error.to_string(), "no instance could be built: broken");
    assert_eq!(error.source().unwrap().to_string(), "broken");

    let error = stand.pool.try_checkout(&acme).unwrap_err();
    assert_eq!(error.to_string(), "none of 1 instances is idle");
    stand.settle();
    let held = stand.pool.try_checkout(&acme).unwrap();
    let error = stand.pool.try_checkout(&acme).unwrap_err();
    assert!(matches!(error, CheckoutError::Refused { quota: Quota::InUse { max: 1 } }));
    let mut waits = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut waits));
    let error = answer(&mut stand.pool.checkout(&acme)).unwrap_err();
    assert!(matches!(error, CheckoutError::Refused { quota: Quota::Waiting { max: 1 } }));
    assert!(error.to_string().contains("1 checkouts of the principal wait already"), "{error}");
    assert!(stand.pool.checkout_blocking_for(&acme, Duration::ZERO).is_err());

    let other = other.max(1).build().unwrap();
    assert!(matches!(other.try_checkout(&acme), Err(CheckoutError::ForeignPrincipal)));
    assert!(matches!(other.checkout_blocking(&acme), Err(CheckoutError::ForeignPrincipal)));
    other.close();
    let theirs = other.principal("theirs").unwrap();
    assert!(matches!(other.try_checkout(&theirs), Err(CheckoutError::Closed)));
    assert!(matches!(other.checkout_blocking(&theirs), Err(CheckoutError::Closed)));
    assert_eq!(other.checkout_blocking(&theirs).unwrap_err().to_string(), "the pool is closed");
    held.complete();
}

#[test]
fn bad_settings_are_refused_with_their_numbers() {
    let error = |set: fn(plimsoll::pool::PoolBuilder<Maker>) -> _| {
        let builder: plimsoll::pool::PoolBuilder<Maker> =
            set(Pool::builder(Maker::default()).wait_for_own_leases());
        builder.build().unwrap_err()
    };
    assert!(matches!(error(|b| b.max(0)), PoolError::Max { max: 0 }));
    assert!(matches!(error(|b| b.max(1 << 17)), PoolError::Max { .. }));
    let warm = error(|b| b.max(2).warm(3));
    assert_eq!(warm.to_string(), "3 instances cannot be kept warm of 2");
    let zeros = [
        error(|b| b.builders(0)),
        error(|b| b.drops(0)),
        error(|b| b.evictions_per_tick(0)),
        error(|b| b.per_principal_cap(0)),
        error(|b| b.wait_timeout(Duration::ZERO)),
        error(|b| b.build_timeout(Duration::ZERO)),
        error(|b| b.retire_after_uses(0)),
        error(|b| b.retire_after_age(Duration::ZERO)),
        error(|b| b.idle_age(Duration::ZERO)),
        error(|b| b.fault_backoff(0, Duration::ZERO, Duration::ZERO)),
    ];
    assert!(zeros.iter().all(|error| matches!(error, PoolError::Zero { .. })), "{zeros:?}");
    assert!(matches!(error(|b| b.tick(Duration::ZERO)), PoolError::Tick { .. }));
    assert!(matches!(error(|b| b.retirement_jitter(91)), PoolError::Jitter { percent: 91 }));
    let backoff = error(|b| b.fault_backoff(1, Duration::from_secs(2), Duration::from_secs(1)));
    assert!(backoff.to_string().contains("1s at most") && backoff.to_string().contains("2s"));

    let pool = Pool::builder(Maker::default()).wait_for_own_leases().build().unwrap();
    assert_eq!(pool.principal("").unwrap_err(), PrincipalError::Length { bytes: 0 });
}
