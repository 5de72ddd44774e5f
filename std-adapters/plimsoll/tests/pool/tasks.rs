//! A pool whose background is a tokio runtime.

use std::sync::Arc;
use std::time::Duration;

use plimsoll::pool::{Background, CheckoutError, Isolation, Pool, PoolError, Stage};
use tokio::runtime::{Builder, Handle};

use super::support::{Fate, Maker, is_waiting};

#[tokio::test]
async fn tasks_wait_and_are_served() {
    let maker = Maker::default();
    let background = Background::Tokio(Handle::current());
    let pool = Pool::builder(maker.clone())
        .wait_for_own_leases()
        .max(2)
        .background(background)
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let principal = pool.principal(&format!("p{}", number % 3)).unwrap();
                let lease = pool.checkout(&principal).await.unwrap();
                assert_eq!(lease.uses(), 1);
                tokio::task::yield_now().await;
                lease.complete();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    pool.close();
    pool.drained().await;
    assert_eq!((maker.0.live(), pool.stats().waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn timeouts_by_tokios_timers() {
    let maker = Maker::default();
    maker.0.fate([Fate::Hangs]);
    let clock = plimsoll::keepalive::TokioClock::default();
    let builder = Pool::builder(maker.clone())
        .wait_for_own_leases()
        .max(1)
        .warm(0)
        .clock(clock)
        .tick(Duration::from_secs(60));
    let builder = builder.wait_timeout(Duration::from_millis(70));
    let builder = builder.build_timeout(Duration::from_millis(50));
    let pool = builder.background(Background::Tokio(Handle::current())).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let begun = tokio::time::Instant::now();
    let (first, second) = tokio::join!(pool.checkout(&acme), pool.checkout(&acme));
    let error = first.unwrap_err();
    let ms = Duration::from_millis;
    assert!(
        matches!(error, CheckoutError::TimedOut { stage: Stage::Build, after } if after == ms(50))
    );
    let lease = second.unwrap();
    assert!(begun.elapsed() < ms(60), "{:?}", begun.elapsed());
    let error = pool.checkout(&acme).await.unwrap_err();
    assert!(
        matches!(error, CheckoutError::TimedOut { stage: Stage::Wait, after } if after == ms(70))
    );
    let waited = begun.elapsed();
    assert!((ms(120)..ms(130)).contains(&waited), "{waited:?}");
    lease.complete();
}

#[test]
fn pool_6_a_runtime_that_goes_takes_no_permit_and_closes_the_pool() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let maker = Maker::default();
    maker.0.fate([Fate::Made, Fate::Hangs]);
    let builder = Pool::builder(maker.clone())
        .wait_for_own_leases()
        .max(3)
        .warm(0)
        .isolation(Isolation::Shared);
    let builder = builder.background(Background::Tokio(runtime.handle().clone()));
    let pool = builder.build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let lease = pool.checkout_blocking(&acme).unwrap();
    let mut waits: Vec<_> = (0..5).map(|_| pool.checkout(&acme)).collect();
    waits.iter_mut().take(1).for_each(|checkout| assert!(is_waiting(checkout)));
    while !maker.0.fates.lock().unwrap().is_empty() {
        std::thread::yield_now();
    }
    drop(runtime);
    let answers: Vec<_> = waits.iter_mut().map(super::support::answer).collect();
    assert!(answers.iter().all(|answer| matches!(answer, Err(CheckoutError::Closed))));
    drop(answers);
    assert!(!pool.wait_drained(Duration::ZERO), "one is lent");
    lease.complete();
    assert!(pool.wait_drained(Duration::ZERO), "{:?}", pool.counts());
    drop(waits);
    drop(pool);
    assert_eq!((maker.0.live(), Arc::strong_count(&maker.0)), (0, 1), "and nothing is kept");
}

#[test]
fn pool_9_a_runtime_that_goes_leaves_nothing_to_be_torn_down() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let maker = Maker::default();
    let background = Background::Tokio(runtime.handle().clone());
    let builder = Pool::builder(maker.clone())
        .wait_for_own_leases()
        .max(8)
        .warm(8)
        .isolation(Isolation::Shared);
    let pool = builder.background(background).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    runtime.block_on(async {
        while pool.counts().idle < 8 {
            tokio::task::yield_now().await;
        }
    });
    let leases: Vec<_> = (0..8).map(|_| pool.try_checkout(&acme).unwrap()).collect();
    drop(leases);
    drop(runtime);
    assert!(pool.is_closed());
    assert!(pool.wait_drained(Duration::ZERO), "{:?}", pool.counts());
    assert_eq!(maker.0.live(), 0);
}

#[test]
fn a_runtime_without_timers_is_refused() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let background = Background::Tokio(runtime.handle().clone());
    let refused = Pool::builder(Maker::default())
        .wait_for_own_leases()
        .background(background)
        .build()
        .unwrap_err();
    assert!(matches!(refused, PoolError::NoTimers));
    let advice = "the tokio runtime has no timers: build it with `enable_time`";
    assert_eq!(refused.to_string(), advice);
}
