//! POOL-9: close and drain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use plimsoll::pool::{CheckoutError, DiscardReason, Isolation, Pool};

use super::support::{Maker, answer, is_waiting, poll, stand};

#[test]
fn pool_9_close_stops_checkouts_wakes_waiters_and_drains() {
    let stand = stand(|builder| builder.max(2).isolation(Isolation::Shared));
    stand.fill(2);
    let acme = stand.pool.principal("acme").unwrap();
    let held = stand.pool.try_checkout(&acme).unwrap();
    let other = stand.pool.try_checkout(&acme).unwrap();
    let mut line: Vec<_> = (0..3).map(|_| stand.pool.checkout(&acme)).collect();
    line.iter_mut().for_each(|checkout| assert!(is_waiting(checkout)));
    other.complete();
    let granted = answer(&mut line[0]).unwrap();
    let mut drained = stand.pool.drained();
    assert!(poll(&mut drained).is_pending());

    assert!(stand.pool.close() && !stand.pool.close() && stand.pool.is_closed());
    for checkout in &mut line[1..] {
        assert!(matches!(answer(checkout), Err(CheckoutError::Closed)));
    }
    assert!(matches!(answer(&mut stand.pool.checkout(&acme)), Err(CheckoutError::Closed)));
    assert!(poll(&mut drained).is_pending() && !stand.pool.wait_drained(Duration::ZERO));

    held.complete();
    assert_eq!(stand.pool.counts().idle, 0, "a late return does not park");
    stand.settle();
    assert!(poll(&mut drained).is_pending(), "one is lent still");
    drop(granted);
    stand.settle();
    assert!(poll(&mut drained).is_ready() && stand.pool.wait_drained(Duration::ZERO));
    assert!(poll(&mut stand.pool.drained()).is_ready());
    assert_eq!((stand.world.live(), stand.pool.counts().live()), (0, 0));
    assert_eq!(stand.pool.stats().discards(DiscardReason::Closed), 1);
}

#[test]
fn pool_9_a_late_build_does_not_park() {
    let stand = stand(|builder| builder.max(2).warm(2));
    assert_eq!(stand.pool.counts().building, 2);
    stand.pool.close();
    assert!(!stand.pool.wait_drained(Duration::ZERO));
    stand.settle();
    assert!(stand.pool.wait_drained(Duration::ZERO));
    assert_eq!((stand.world.made(), stand.world.live()), (2, 0));
}

#[test]
fn pool_9_a_grant_that_was_not_fetched_goes_with_the_pool() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::Shared));
    stand.fill(1);
    let acme = stand.pool.principal("acme").unwrap();
    let held = stand.pool.try_checkout(&acme).unwrap();
    let (mut fetched, mut dropped) = (stand.pool.checkout(&acme), stand.pool.checkout(&acme));
    assert!(is_waiting(&mut fetched) && is_waiting(&mut dropped));
    held.complete();
    stand.pool.close();
    answer(&mut fetched).unwrap().complete();
    drop(dropped);
    stand.settle();
    assert!(stand.pool.wait_drained(Duration::ZERO));
}

#[test]
fn pool_9_an_empty_pool_drains_at_once() {
    let stand = stand(|builder| builder.max(1));
    stand.pool.close();
    assert!(stand.pool.wait_drained(Duration::ZERO));
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn drained_wakes_those_who_await_it_and_nobody_who_left() {
    let stand = stand(|builder| builder.max(1).warm(1));
    let (stays, leaves) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    let mut drained = stand.pool.drained();
    let mut gone = stand.pool.drained();
    for (future, woken) in [(&mut drained, &stays), (&mut gone, &leaves)] {
        let waker = Waker::from(woken.clone());
        let polled = std::pin::Pin::new(future).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    drop(gone);
    stand.pool.close();
    stand.settle();
    let counts = [&stays, &leaves].map(|woken| woken.0.load(Ordering::SeqCst));
    assert_eq!((counts, poll(&mut drained).is_ready()), ([1, 0], true));
}

#[test]
fn pool_9_the_last_handle_closes_and_threads_end() {
    let maker = Maker::default();
    let pool = Pool::builder(maker.clone()).wait_for_own_leases().max(3).warm(3).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let lease = pool.checkout_blocking(&acme).unwrap().into_owned();
    drop(pool.clone());
    assert!(!pool.is_closed());
    drop(pool);
    lease.complete();
    // The world is held by the objects, by the manager, and by this test.
    while maker.0.live() > 0 || Arc::strong_count(&maker.0) > 1 {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(maker.0.live(), 0);
}

#[test]
fn pool_9_nobody_steps_any_more() {
    let stand = stand(|builder| builder.max(3).warm(2));
    stand.settle();
    let acme = stand.pool.principal("acme").unwrap();
    let mut late = stand.pool.try_checkout(&acme).unwrap().into_owned();
    late.drop_panics = true;
    stand.pool.try_checkout(&acme).unwrap().complete();
    let world = stand.world.clone();
    drop(stand);
    assert_eq!((world.live(), world.retired.load(Ordering::SeqCst)), (1, 1), "one is lent");
    late.complete();
    assert_eq!((world.live(), Arc::strong_count(&world)), (0, 1));
}

#[test]
fn pool_9_close_from_many_sides_at_once() {
    for round in 0..50 {
        let maker = Maker::default();
        let pool =
            Pool::builder(maker.clone()).wait_for_own_leases().max(2).isolation(Isolation::Shared);
        let pool = pool.build().unwrap();
        let acme = pool.principal("acme").unwrap();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Ok(lease) = pool.checkout_blocking(&acme) {
                        lease.complete();
                    }
                });
            }
            scope.spawn(|| {
                thread::sleep(Duration::from_micros(round * 20));
                pool.close();
            });
        });
        assert!(pool.wait_drained(Duration::from_secs(20)), "round {round}: {:?}", pool.counts());
        assert_eq!((maker.0.live(), pool.stats().waiting), (0, 0));
    }
}
