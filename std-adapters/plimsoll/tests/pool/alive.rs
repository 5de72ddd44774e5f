//! POOL-13: what died while it was idle is not lent, and all that is idle can be dropped at once.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::{
    Background, Checkout, CheckoutError, DiscardReason, Isolation, Lease, Manager, Pool,
    PoolBuilder,
};

use super::support::{self, stand};

/// The other side, which restarts now and then: what was connected before is dead.
#[derive(Clone, Default)]
struct Backend {
    epoch: Arc<AtomicU32>,
    asked: Arc<AtomicUsize>,
    panics: Arc<AtomicBool>,
}

impl Backend {
    fn restart(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::SeqCst)
    }
}

impl Manager for Backend {
    type Object = u32;
    type Error = Infallible;

    async fn create(&self) -> Result<u32, Infallible> {
        Ok(self.epoch())
    }

    fn is_alive(&self, made_in: &u32) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics.load(Ordering::SeqCst), "a look panics");
        *made_in == self.epoch()
    }
}

fn builder(backend: &Backend) -> PoolBuilder<Backend> {
    Pool::builder(backend.clone()).wait_for_own_leases().max(8).warm(8)
}

const ALL: [Isolation; 3] = [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared];

#[test]
fn pool_13_what_died_while_it_was_idle_is_not_lent() {
    for isolation in ALL {
        let backend = Backend::default();
        let pool = builder(&backend).isolation(isolation).build().unwrap();
        let acme = pool.principal("acme").unwrap();
        for round in 1..=20 {
            let burst: Vec<_> = (0..8).map(|_| pool.checkout_blocking(&acme).unwrap()).collect();
            assert!(burst.iter().all(|lease| **lease == backend.epoch()), "round {round}");
            burst.into_iter().for_each(Lease::complete);
            backend.restart();
            // One at a time, what is at the cold end stays dead.
            for _ in 0..3 {
                let lease = pool.checkout_blocking(&acme).unwrap();
                assert_eq!(*lease, backend.epoch(), "{isolation:?} round {round}");
                lease.complete();
            }
        }
        let stats = pool.stats();
        assert!(stats.discards(DiscardReason::Dead) > 0);
        assert!(backend.asked.load(Ordering::SeqCst) > 0);
        pool.close();
        assert!(pool.wait_drained(Duration::from_secs(60)));
        assert_eq!(pool.stats().discarded(), pool.stats().built);
    }
}

#[test]
fn pool_13_a_look_that_panics_costs_the_instance_and_nothing_else() {
    let backend = Backend::default();
    let builder = builder(&backend).warm(0).isolation(Isolation::Shared);
    let pool = builder.background(Background::Manual).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    assert!(pool.try_checkout(&acme).is_err());
    pool.step();
    backend.panics.store(true, Ordering::SeqCst);
    assert!(matches!(pool.try_checkout(&acme), Err(CheckoutError::Exhausted { .. })));
    backend.panics.store(false, Ordering::SeqCst);
    while pool.step() > 0 {}
    assert!(pool.try_checkout(&acme).is_ok());
    assert_eq!((pool.stats().panics, pool.stats().discards(DiscardReason::Dead)), (1, 1));
}

/// A waiter is granted what dies before it comes for it: it keeps its place in the line.
#[test]
fn pool_13_who_was_granted_a_dead_one_keeps_its_turn() {
    for cap in [None, Some(1)] {
        let backend = Backend::default();
        let mut builder = builder(&backend).max(1).warm(0).isolation(Isolation::Shared);
        if let Some(cap) = cap {
            builder = builder.per_principal_cap(cap);
        }
        let pool = builder.background(Background::Manual).build().unwrap();
        let names = ["holder", "first", "second"];
        let [holder, first, second] = names.map(|id| pool.principal(id).unwrap());
        let _ = pool.try_checkout(&holder);
        pool.step();
        let held = pool.try_checkout(&holder).unwrap();
        let (mut early, mut late) = (pool.checkout(&first), pool.checkout(&second));
        assert!(is_pending(&mut early) && is_pending(&mut late));
        held.complete();
        assert_eq!(pool.counts().leased, 1, "granted, and not fetched");
        backend.restart();
        assert!(is_pending(&mut early), "it is dead: the wait goes on");
        assert_eq!((pool.stats().waiting, first.in_use()), (2, 0));
        while pool.step() > 0 {}
        assert!(is_pending(&mut late), "the first comes first");
        let Poll::Ready(Ok(lease)) = support::poll(&mut early) else { panic!("it is its turn") };
        assert_eq!(*lease, backend.epoch());
        lease.complete();
        assert!(!is_pending(&mut late));
    }
}

fn is_pending(checkout: &mut Checkout<'_, Backend>) -> bool {
    match support::poll(checkout) {
        Poll::Pending => true,
        Poll::Ready(lease) => {
            lease.unwrap().complete();
            false
        }
    }
}

#[test]
fn pool_13_retain_asks_what_is_idle_and_keeps_the_order() {
    for isolation in ALL {
        let stand = stand(|builder| builder.max(6).isolation(isolation).no_idle_age());
        stand.fill(6);
        let acme = stand.pool.principal("acme").unwrap();
        let held = stand.pool.try_checkout(&acme).unwrap();
        let held_id = held.id;
        let mut asked = Vec::new();
        let removed = stand.pool.retain(|object| {
            asked.push(object.id);
            object.id % 2 == 0
        });
        asked.sort_unstable();
        assert_eq!(asked, (0..6).filter(|id| *id != held_id).collect::<Vec<_>>());
        assert_eq!(removed, asked.iter().filter(|id| *id % 2 == 1).count());
        stand.settle();
        assert_eq!(stand.pool.counts().idle, 5 - removed);
        assert_eq!(stand.pool.stats().discards(DiscardReason::Removed), removed as u64);
        held.complete();
        stand.settle();
        while let Ok(lease) = stand.pool.try_checkout(&acme) {
            assert!(lease.id % 2 == 0 || lease.id == held_id || lease.id > 5);
            drop(lease);
            if stand.world.made() > 20 {
                break;
            }
        }
    }
}

#[test]
fn pool_13_retain_may_panic_and_use_the_pool() {
    let stand = stand(|builder| builder.max(3).isolation(Isolation::Shared));
    stand.fill(3);
    let acme = stand.pool.principal("acme").unwrap();
    let pool = stand.pool.clone();
    let removed = stand.pool.retain(|object| {
        assert_ne!(object.id, 1, "it panics at this one");
        // Whatever is not asked now can be had.
        pool.try_checkout(&acme).unwrap().complete();
        assert_eq!(pool.retain(|_| true), 0);
        true
    });
    assert_eq!((removed, stand.pool.counts().idle, stand.pool.stats().panics), (1, 2, 1));
    stand.pool.close();
    assert_eq!(stand.pool.retain(|_| true), 0);
    stand.settle();
    assert!(stand.pool.wait_drained(Duration::ZERO));
}

#[test]
fn pool_13_all_that_is_idle_is_dropped_at_once_and_the_warm_ones_come_back() {
    let backend = Backend::default();
    let pool = builder(&backend).warm(4).isolation(Isolation::Shared).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let until_idle = |idle| {
        let began = Instant::now();
        while pool.counts().idle != idle {
            assert!(began.elapsed() < Duration::from_secs(60), "{:?}", pool.counts());
            thread::sleep(Duration::from_millis(1));
        }
    };
    until_idle(4);
    let held = pool.try_checkout(&acme).unwrap();
    until_idle(4);
    backend.restart();
    assert_eq!(pool.drop_idle(), 4);
    assert_eq!(*held, 0, "what is lent is not touched");
    until_idle(4);
    assert_eq!(pool.stats().discards(DiscardReason::Removed), 4);
    assert_eq!(*pool.checkout_blocking(&acme).unwrap(), 1);
    drop(held);
    pool.close();
    assert!(pool.wait_drained(Duration::from_secs(60)));
    assert_eq!(pool.drop_idle(), 0);
}

#[test]
fn pool_13_waiters_are_served_while_others_are_asked_and_dropped() {
    let backend = Backend::default();
    let pool = builder(&backend).max(2).warm(1).isolation(Isolation::Shared).build().unwrap();
    thread::scope(|scope| {
        for id in ["a", "b", "c"] {
            let pool = &pool;
            scope.spawn(move || {
                let principal = pool.principal(id).unwrap();
                for _ in 0..200 {
                    pool.checkout_blocking(&principal).unwrap().complete();
                }
            });
        }
        for _ in 0..200 {
            backend.restart();
            pool.retain(|made_in| made_in % 2 == 0);
            pool.drop_idle();
            thread::yield_now();
        }
    });
    pool.close();
    assert!(pool.wait_drained(Duration::from_secs(60)), "{:?}", pool.counts());
    assert_eq!(pool.stats().discarded(), pool.stats().built);
}

#[test]
fn an_owned_checkout_outlives_its_caller_and_goes_to_other_threads() {
    let stand = stand(|builder| builder.max(2).isolation(Isolation::Shared));
    stand.fill(1);
    let mut future = {
        let acme = stand.pool.principal("acme").unwrap();
        Box::pin(stand.pool.checkout_owned(&acme))
    };
    let Poll::Ready(Ok(mut lease)) = support::poll(&mut future) else { panic!("one is idle") };
    thread::spawn(move || {
        lease.secret = Some("theirs");
        lease.complete();
    })
    .join()
    .unwrap();
    assert_eq!((stand.pool.counts().idle, stand.pool.counts().leased), (1, 0));
}
