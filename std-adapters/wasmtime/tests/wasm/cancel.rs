//! Calls that are dropped at every point where they wait.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::Isolation;

use crate::villain::{Villains, assert_next_is_pristine, builder, engine};

/// Polls a future so often, and drops it. Whether it was ready.
fn poll_and_drop(mut future: Pin<Box<dyn Future<Output = ()> + Send + '_>>, polls: usize) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).any(|_| future.as_mut().poll(&mut context).is_ready())
}

fn wait_for_an_idle_one(pool: &Villains) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while pool.counts().idle == 0 {
        assert!(Instant::now() < deadline, "{:?}", pool.counts());
        thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn pool_3_a_lease_that_is_cancelled_at_any_await_leaves_nothing() {
    for isolation in [Isolation::Fresh, Isolation::PerPrincipal] {
        let settings = builder(&engine()).isolation(isolation);
        let pool = settings.pool(|pool| pool.warm(1)).build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let visit = || async {
            let mut lease = pool.checkout(&acme).await.unwrap();
            lease.call(|guest| &guest.hide, 7).await.unwrap();
            lease.call(|guest| &guest.wait, 5).await.unwrap();
            lease.call(|guest| &guest.work, 20_000).await.unwrap();
            lease.complete();
        };
        let mut polls = 1;
        while {
            wait_for_an_idle_one(&pool);
            let is_done = poll_and_drop(Box::pin(visit()), polls);
            assert_next_is_pristine(&pool);
            !is_done
        } {
            polls += 1;
            assert!(polls < 1_000);
        }
        // Five waits of the host's, and one for every 10,000 of fuel.
        assert!(polls > 15, "only {polls} places were tried");
    }
}

#[test]
fn pool_6_a_checkout_that_is_cancelled_loses_no_permit() {
    let pool = builder(&engine()).build().unwrap();
    let (acme, other) = (pool.principal("acme").unwrap(), pool.principal("other").unwrap());
    for _ in 0..20 {
        let lease = pool.checkout_blocking(&acme).unwrap();
        let waits = async { pool.checkout(&other).await.map(drop).unwrap() };
        assert!(!poll_and_drop(Box::pin(waits), 3), "there is only one");
        lease.complete();
        assert_next_is_pristine(&pool);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_3_a_call_under_a_timeout_ends_with_it() {
    let pool = builder(&engine()).no_deadline().fuel(u64::MAX).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout(&acme).await.unwrap();
    let call = lease.call(|guest| &guest.spin, ());
    let timed_out = tokio::time::timeout(Duration::from_millis(20), call).await;
    assert!(timed_out.is_err(), "a guest yields, so that its host can give up");
    lease.complete();
    tokio::task::spawn_blocking(move || assert_next_is_pristine(&pool)).await.unwrap();
}

/// Nothing but a check that leases and calls may move between threads.
#[test]
fn leases_and_calls_are_send() {
    fn is_send<T: Send>(_: &T) {}
    let pool = builder(&engine()).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    is_send(&lease);
    let mut call = Box::pin(lease.call(|guest| &guest.open, ()));
    is_send(&call);
    // A call yields once for each tick that passes, on a busy machine in the shortest one too.
    let mut context = Context::from_waker(Waker::noop());
    let opened = loop {
        if let Poll::Ready(opened) = call.as_mut().poll(&mut context) {
            break opened;
        }
    };
    assert_eq!(opened.unwrap(), 0);
}
