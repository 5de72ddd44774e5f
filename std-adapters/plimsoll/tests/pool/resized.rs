//! POOL-17: the maximum and what is kept ready change while the pool runs; instances are handed in.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::{
    Background, CheckoutError, DiscardReason, InsertError, Isolation, Manager, Pool, PoolError,
};

use super::support::{World, answer, is_waiting, poll, stand, stand_of};

const ALL: [Isolation; 3] = [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared];
const LONG: Duration = Duration::from_secs(30);

#[test]
fn pool_17_who_waits_is_served_by_a_larger_maximum() {
    for isolation in ALL {
        let stand = stand(|builder| builder.max(1).isolation(isolation));
        let acme = stand.pool.principal("acme").unwrap();
        stand.fill(1);
        let first = stand.pool.try_checkout(&acme);
        let first = first.ok().unwrap_or_else(|| {
            // Another's, and displaced.
            stand.settle();
            stand.pool.try_checkout(&acme).unwrap()
        });
        let mut waits: Vec<_> = (0..9).map(|_| stand.pool.checkout(&acme)).collect();
        assert!(waits.iter_mut().all(is_waiting));
        stand.pool.resize(10).unwrap();
        stand.settle();
        let leases: Vec<_> = waits.iter_mut().map(answer).map(Result::unwrap).collect();
        assert_eq!((stand.pool.counts().leased, stand.world.live()), (10, 10));
        assert!(matches!(
            stand.pool.try_checkout(&acme),
            Err(CheckoutError::Exhausted { max: 10 })
        ));
        first.complete();
        leases.into_iter().for_each(|lease| lease.complete());
    }
}

#[test]
fn pool_17_a_smaller_maximum_waits_for_what_is_lent() {
    for isolation in ALL {
        for (max, to) in [(2, 1), (4, 1), (4, 3), (7, 2)] {
            let stand = stand(|builder| builder.max(max).isolation(isolation));
            let acme = stand.pool.principal("acme").unwrap();
            let mut all: Vec<_> = (0..max).map(|_| stand.pool.checkout(&acme)).collect();
            assert!(all.iter_mut().all(is_waiting));
            stand.settle();
            let mut leases: Vec<_> = all.iter_mut().map(answer).map(Result::unwrap).collect();
            stand.pool.resize(to).unwrap();
            stand.settle();
            assert_eq!(stand.world.live(), max, "what is lent is not touched");
            let mut waits = stand.pool.checkout(&acme);
            assert!(is_waiting(&mut waits));
            while leases.len() > to {
                leases.pop().unwrap().complete();
                stand.settle();
                assert_eq!(stand.world.live(), leases.len(), "{isolation:?} {max} {to}");
                assert!(is_waiting(&mut waits), "there is no room yet");
            }
            leases.pop().unwrap().complete();
            stand.settle();
            answer(&mut waits).unwrap().complete();
            leases.into_iter().for_each(|lease| lease.complete());
            stand.settle();
            assert!(stand.world.live() <= to);
            let surplus = stand.pool.stats().discards(DiscardReason::Surplus);
            if isolation == Isolation::Fresh {
                assert_eq!(surplus, 0, "they were for a single use");
                continue;
            }
            assert_eq!(surplus, (max - to) as u64);
            // The way that meets nobody is open again.
            stand.pool.try_checkout(&acme).unwrap().complete();
        }
    }
}

#[test]
fn pool_17_what_is_idle_is_shed_at_once_the_coldest_first() {
    let stand = stand(|builder| builder.max(4).isolation(Isolation::Shared).no_idle_age());
    let acme = stand.pool.principal("acme").unwrap();
    stand.fill(4);
    let leases: Vec<_> = (0..4).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
    let ids: Vec<_> = leases.iter().map(|lease| lease.id).collect();
    for lease in leases {
        lease.complete();
        stand.pass(20);
    }
    stand.pool.resize(2).unwrap();
    stand.settle();
    assert_eq!((stand.pool.counts().idle, stand.world.live()), (2, 2));
    let left: Vec<_> = (0..2).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
    assert!(left.iter().all(|lease| ids[2..].contains(&lease.id)));
    assert_eq!(stand.pool.stats().discards(DiscardReason::Surplus), 2);
    left.into_iter().for_each(|lease| lease.complete());
}

#[test]
fn pool_17_inline_builds_keep_to_a_smaller_maximum() {
    let world = World { is_inline: true, ..World::default() };
    let stand = stand_of(world, |builder| builder.max(3));
    let acme = stand.pool.principal("acme").unwrap();
    // The background makes the first one.
    assert!(stand.pool.try_checkout(&acme).is_err());
    stand.settle();
    let mut leases = vec![stand.pool.try_checkout(&acme).unwrap()];
    leases.extend((1..3).map(|_| stand.pool.try_checkout(&acme).unwrap()));
    stand.pool.resize(1).unwrap();
    let mut waits = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut waits));
    for lease in leases {
        lease.complete();
        let answered = poll(&mut waits);
        assert!(answered.is_pending() || stand.pool.counts().live() <= 1);
        if let Poll::Ready(lease) = answered {
            lease.unwrap().complete();
            waits = stand.pool.checkout(&acme);
        }
        stand.settle();
    }
    stand.settle();
    assert!(stand.pool.counts().live() <= 1);
}

#[test]
fn pool_17_room_that_was_granted_is_given_up_for_a_smaller_maximum() {
    let world = World { is_inline: true, ..World::default() };
    let stand = stand_of(world, |builder| builder.max(2).warm(0));
    let [acme, other] = ["acme", "other"].map(|id| stand.pool.principal(id).unwrap());
    // The background makes the first one.
    assert!(stand.pool.try_checkout(&acme).is_err());
    stand.settle();
    let [first, second] = [(); 2].map(|()| stand.pool.try_checkout(&acme).unwrap());
    let mut waits = stand.pool.checkout(&other);
    assert!(is_waiting(&mut waits));
    first.complete();
    stand.pool.resize(1).unwrap();
    let made = stand.world.made();
    assert!(is_waiting(&mut waits), "one is lent, and there may be one");
    assert_eq!(stand.world.made(), made);
    stand.settle();
    assert_eq!((stand.world.live(), stand.world.made()), (1, made));
    second.complete();
    answer(&mut waits).unwrap().complete();
}

#[test]
fn pool_17_what_is_kept_ready_changes() {
    let stand = stand(|builder| builder.max(6).isolation(Isolation::Shared));
    stand.settle();
    assert_eq!(stand.pool.counts().live(), 0);
    stand.pool.set_warm(2).unwrap();
    stand.settle();
    assert_eq!(stand.pool.counts().idle, 2);
    stand.pool.set_min(4).unwrap();
    stand.settle();
    assert_eq!(stand.pool.counts().idle, 4);
    let acme = stand.pool.principal("acme").unwrap();
    let leases: Vec<_> = (0..3).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
    stand.settle();
    let counts = stand.pool.counts();
    assert_eq!((counts.idle, counts.leased), (2, 3), "two idle ones, which are five in all");
    stand.pool.set_warm(0).unwrap();
    leases.into_iter().for_each(|lease| lease.complete());
    stand.pass(120_000);
    assert_eq!(stand.pool.counts().live(), 4, "evicted down to the least");
    stand.pool.set_min(0).unwrap();
    stand.pass(120_000);
    assert_eq!(stand.pool.counts().live(), 0);

    stand.pool.set_min(6).unwrap();
    stand.pool.resize(3).unwrap();
    stand.pass(100);
    assert_eq!(stand.pool.counts().live(), 3, "as far as the maximum allows");
    stand.pool.resize(8).unwrap();
    stand.pass(100);
    assert_eq!(stand.pool.counts().live(), 6);
    let error = stand.pool.set_warm(9).unwrap_err();
    assert!(matches!(error, PoolError::WarmAboveMax { warm: 9, max: 8 }));
    let error = stand.pool.set_min(9).unwrap_err();
    assert!(matches!(error, PoolError::MinAboveMax { min: 9, max: 8 }));
    for max in [0, 65_537, usize::MAX] {
        let error = stand.pool.resize(max).unwrap_err();
        assert!(matches!(error, PoolError::Max { max: asked } if asked == max));
    }
    stand.pool.close();
    stand.pool.resize(2).unwrap();
    stand.settle();
    assert!(stand.pool.wait_drained(LONG));
}

#[test]
fn pool_17_the_least_is_kept_while_instances_are_used_up() {
    for isolation in ALL {
        let builder = |retires: u32| {
            stand(|builder| builder.max(4).min(3).isolation(isolation).retire_after_uses(retires))
        };
        let stand = builder(1);
        stand.settle();
        let acme = stand.pool.principal("acme").unwrap();
        for _ in 0..10 {
            stand.pool.try_checkout(&acme).unwrap().complete();
            stand.pass(20);
            assert_eq!(stand.pool.counts().idle, 3);
        }
    }
}

#[test]
fn pool_17_who_gathers_more_than_there_may_be_is_told() {
    let stand = stand(|builder| builder.max(3).isolation(Isolation::Shared).no_wait_timeout());
    let [acme, other] = ["acme", "other"].map(|id| stand.pool.principal(id).unwrap());
    stand.fill(3);
    let held = stand.pool.try_checkout(&other).unwrap();
    let mut three = stand.pool.checkout_many(&acme, 3);
    assert!(poll(&mut three).is_pending());
    stand.pool.resize(2).unwrap();
    let Poll::Ready(Err(error)) = poll(&mut three) else { panic!("it waits for ever") };
    assert!(matches!(error, CheckoutError::TooMany { asked: 3, max: 2 }), "{error}");
    stand.settle();
    held.complete();
    stand.settle();
    let Poll::Ready(Ok(two)) = poll(&mut stand.pool.checkout_many(&acme, 2)) else {
        panic!("two there may be");
    };
    two.into_iter().for_each(|lease| lease.complete());
}

#[test]
fn pool_17_a_pool_in_use_is_resized_all_the_time() {
    for isolation in ALL {
        let (in_use, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let builder = Pool::builder(Numbers).max(4).isolation(isolation).wait_for_own_leases();
        let pool = builder.wait_timeout(LONG).build().unwrap();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let users: Vec<_> = (0..3)
                .map(|user| {
                    let (pool, in_use, most) = (&pool, &in_use, &most);
                    scope.spawn(move || {
                        let principal = pool.principal(&format!("user-{}", user % 2)).unwrap();
                        for _ in 0..300 {
                            let lease = pool.checkout_blocking(&principal).unwrap();
                            let now = in_use.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                            in_use.fetch_sub(1, Ordering::SeqCst);
                            lease.complete();
                        }
                    })
                })
                .collect();
            let (pool, is_over) = (&pool, &is_over);
            scope.spawn(move || {
                for max in (1..=5).cycle() {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    pool.resize(max).unwrap();
                    pool.set_warm(max / 2).unwrap();
                    thread::yield_now();
                }
            });
            let ended: Vec<_> = users.into_iter().map(|user| user.join()).collect();
            is_over.store(true, Ordering::SeqCst);
            ended.into_iter().for_each(|user| user.unwrap());
        });
        assert!(most.load(Ordering::SeqCst) <= 3);
        pool.set_warm(0).unwrap();
        pool.resize(1).unwrap();
        let began = Instant::now();
        while pool.counts().live() > 1 {
            assert!(began.elapsed() < LONG, "{isolation:?}: {:?}", pool.counts());
            thread::sleep(Duration::from_millis(1));
        }
        let acme = pool.principal("acme").unwrap();
        pool.checkout_blocking(&acme).unwrap().complete();
        pool.close();
        assert!(pool.wait_drained(LONG));
    }
}

/// Makes zeros.
struct Numbers;

impl Manager for Numbers {
    type Object = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(0)
    }
}

#[test]
fn pool_17_instances_can_be_handed_in() {
    for isolation in ALL {
        let builder = || Pool::builder(Numbers).max(2).warm(0).isolation(isolation);
        let manual = || builder().background(Background::Manual);
        let pool = manual().objects([7]).build().unwrap();
        let [acme, other] = ["acme", "other"].map(|id| pool.principal(id).unwrap());
        let first = pool.try_checkout(&acme).unwrap();
        assert_eq!((*first, first.uses()), (7, 1));

        // Who waits gets it at once.
        let mut waits = pool.checkout(&other);
        assert!(poll(&mut waits).is_pending());
        while pool.counts().building > 0 {
            pool.step();
        }
        let Poll::Ready(Ok(second)) = poll(&mut waits) else { panic!("it was built") };
        assert_eq!(*second, 0);
        let refused = pool.insert(9).unwrap_err();
        assert!(matches!(refused, InsertError::Full { object: 9, max: 2 }), "{refused}");
        pool.resize(3).unwrap();
        let mut waits = pool.checkout(&acme);
        pool.insert(refused.into_object()).unwrap();
        let Poll::Ready(Ok(third)) = poll(&mut waits) else { panic!("it was handed in") };
        assert_eq!(*third, 9);
        [first, second, third].into_iter().for_each(|lease| lease.complete());
        pool.close();
        assert!(matches!(pool.insert(1), Err(InsertError::Closed { object: 1 })));
        let error = manual().objects([1, 2, 3]).build().unwrap_err();
        assert!(matches!(error, PoolError::TooManyObjects { objects: 3, max: 2 }), "{error}");
        let error = manual().min(3).build().unwrap_err();
        assert!(matches!(error, PoolError::MinAboveMax { min: 3, max: 2 }), "{error}");
    }
}
