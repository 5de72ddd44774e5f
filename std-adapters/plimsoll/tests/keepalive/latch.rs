//! A latch that fires once.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use plimsoll::keepalive::Latch;

use crate::ms;

#[test]
fn a_latch_fires_once_and_stays_fired() {
    let latch = Latch::new();
    assert!(!latch.is_fired() && !latch.wait_timeout(ms(1)));
    let clone = latch.clone();
    assert!(clone.fire());
    assert!(!latch.fire() && !clone.fire());
    assert!(latch.is_fired() && latch.wait_timeout(Duration::ZERO));
    latch.wait_blocking();
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(latch.wait()).poll(&mut context).is_ready());
    assert_eq!(format!("{latch:?}"), "Latch { is_fired: true }");
}

/// Whenever they come, all who wait are woken, and of all who fire one has fired it.
#[test]
fn a_latch_is_awaited_by_many() {
    for _ in 0..50 {
        let (latch, fired) = (Latch::new(), AtomicUsize::new(0));
        thread::scope(|scope| {
            for waiter in 0..4 {
                let latch = latch.clone();
                scope.spawn(move || match waiter % 2 {
                    0 => latch.wait_blocking(),
                    _ => assert!(latch.wait_timeout(Duration::from_secs(20))),
                });
            }
            for _ in 0..2 {
                scope.spawn(|| fired.fetch_add(usize::from(latch.fire()), Relaxed));
            }
        });
        assert_eq!(fired.load(Relaxed), 1);
    }
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn a_latch_is_awaited_by_tasks_that_are_cancelled() {
    let latch = Latch::new();
    for _ in 0..100 {
        assert!(tokio::time::timeout(ms(0), latch.wait()).await.is_err());
    }
    let waits: Vec<_> = (0..10)
        .map(|_| {
            let latch = latch.clone();
            tokio::spawn(async move { latch.wait().await })
        })
        .collect();
    tokio::task::yield_now().await;
    waits[3].abort();
    assert!(latch.fire());
    for (n, wait) in waits.into_iter().enumerate() {
        assert_eq!(wait.await.is_ok(), n != 3);
    }
}
