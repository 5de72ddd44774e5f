//! Checkouts that do their work themselves, on threads and against each other.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

#[cfg(feature = "tokio")]
use plimsoll::pool::Background;
use plimsoll::pool::{CheckoutError, Isolation, Lease, Pool, PoolBuilder, Principal};

use super::inline::{quick, world};
use super::soak::Numbers;
use super::support::{Fate, Maker, World, is_waiting};

const HOUR: Duration = Duration::from_secs(3600);
const LONG: Duration = Duration::from_secs(20);

fn pool(
    fates: impl IntoIterator<Item = Fate>,
    set: impl FnOnce(PoolBuilder<Maker>) -> PoolBuilder<Maker>,
) -> (Pool<Maker>, Arc<World>) {
    let world = Arc::new(world());
    world.fate(fates);
    let builder = Pool::builder(Maker(world.clone()))
        .wait_for_own_leases()
        .warm(0)
        .tick(HOUR)
        .no_fault_backoff();
    (set(builder).build().unwrap(), world)
}

/// Ends a lease in one of the ways there are.
fn end(lease: Lease<'_, Maker>, numbers: &mut Numbers) {
    match numbers.below(12) {
        0 => drop(lease),
        1 => lease.fault(),
        _ => lease.complete(),
    }
}

/// Checks out in one of the ways there are, and may go while it waits.
fn visit(pool: &Pool<Maker>, principal: &Principal, numbers: &mut Numbers) {
    let lease = match numbers.below(6) {
        0 => pool.try_checkout(principal),
        1 => pool.checkout_blocking_for(principal, Duration::from_micros(numbers.below(80))),
        2 => {
            let mut checkout = pool.checkout(principal);
            let _ = is_waiting(&mut checkout);
            (0..numbers.below(200)).for_each(|_| std::hint::spin_loop());
            // Granted and not told, now and then.
            return drop(checkout);
        }
        _ => pool.checkout_blocking_for(principal, LONG),
    };
    match lease {
        Ok(lease) => end(lease, numbers),
        Err(CheckoutError::TimedOut { after, .. }) => assert!(after < LONG, "nobody comes"),
        Err(_) => {}
    }
}

fn unhappy() -> impl Iterator<Item = Fate> {
    let some = [Fate::Made, Fate::Fails, Fate::Made, Fate::Made, Fate::Panics, Fate::Made];
    std::iter::repeat_n(some, 60).flatten()
}

/// Everything at once, and nobody keeps time who could make up for what was lost.
#[test]
fn pool_6_nothing_is_lost_where_everybody_makes_their_own() {
    for (max, cap, seed) in [(1, None, 1), (1, Some(1), 2), (2, Some(1), 3), (3, Some(2), 4)] {
        let (pool, world) = pool(unhappy(), |builder| match cap {
            Some(cap) => builder.max(max).per_principal_cap(cap),
            None => builder.max(max),
        });
        let principals = ["one", "two", "three"].map(|id| pool.principal(id).unwrap());
        thread::scope(|scope| {
            for thread in 0..4 {
                let (pool, principals) = (&pool, &principals);
                scope.spawn(move || {
                    let mut numbers = Numbers(seed * 100 + thread);
                    for _ in 0..600 {
                        let principal = &principals[numbers.below(3) as usize];
                        visit(pool, principal, &mut numbers);
                    }
                });
            }
        });
        assert_eq!(principals.each_ref().map(|principal| principal.in_use()), [0; 3]);
        assert_eq!(pool.stats().waiting, 0);
        assert!(world.live_max.load(Ordering::SeqCst) <= max, "POOL-1");
        pool.close();
        assert!(pool.wait_drained(LONG), "{:?}", pool.counts());
        let stats = pool.stats();
        assert_eq!((world.live(), stats.built, stats.discarded()), (0, stats.built, stats.built));
    }
}

/// Closed at some moment of it.
#[test]
fn pool_9_a_pool_that_closes_meanwhile_is_drained_once_nothing_lives() {
    for round in 0..150 {
        let max = 1 + round as usize % 2;
        let (pool, world) = pool([], |builder| builder.max(max).per_principal_cap(1));
        let principals = ["one", "two", "three"].map(|id| pool.principal(id).unwrap());
        let is_drained = AtomicBool::new(false);
        thread::scope(|scope| {
            for thread in 0..3 {
                let (pool, principals) = (&pool, &principals);
                scope.spawn(move || {
                    let mut numbers = Numbers(round * 10 + thread);
                    while !pool.is_closed() {
                        visit(pool, &principals[thread as usize], &mut numbers);
                    }
                });
            }
            thread::sleep(Duration::from_micros(round * 37 % 900));
            pool.close();
            assert!(pool.wait_drained(LONG), "{:?}", pool.counts());
            is_drained.store(true, Ordering::SeqCst);
            assert_eq!((world.live(), pool.counts().live()), (0, 0), "not too early");
        });
        assert!(is_drained.into_inner());
        assert_eq!(principals.each_ref().map(|principal| principal.in_use()), [0; 3]);
        assert_eq!((pool.stats().waiting, world.live()), (0, 0));
        assert!(world.live_max.load(Ordering::SeqCst) <= max, "POOL-1");
    }
}

/// A principal in its back-off gets nothing, also while another comes to wait and leaves.
#[test]
fn pool_11_a_back_off_holds_though_others_come_and_go() {
    let (pool, world) =
        pool([], |builder| builder.max(1).fault_backoff(1, HOUR, HOUR).isolation(Isolation::Fresh));
    let [acme, other] = ["acme", "other"].map(|id| pool.principal(id).unwrap());
    pool.checkout_blocking(&acme).unwrap().fault();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..5_000 {
                let lease = pool.checkout_blocking(&other).unwrap();
                let mut waits = pool.checkout(&other);
                let _ = is_waiting(&mut waits);
                lease.complete();
                drop(waits);
            }
            is_over.store(true, Ordering::SeqCst);
        });
        while !is_over.load(Ordering::SeqCst) {
            let refused = pool.try_checkout(&acme).map(|lease| lease.complete()).unwrap_err();
            assert!(matches!(refused, CheckoutError::Refused { .. }), "{refused}");
        }
    });
    assert!(world.made() > 5_000);
}

/// A task on a runtime of one thread, where nothing runs beside it.
#[cfg(feature = "tokio")]
#[test]
fn pool_6_tasks_of_one_thread_make_their_own() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let handle = Background::Tokio(runtime.handle().clone());
        let hangs = [Fate::Made, Fate::Made, Fate::Made, Fate::Hangs, Fate::Made, Fate::Fails];
        let builder = |builder: PoolBuilder<Maker>| {
            builder
                .max(2)
                .per_principal_cap(1)
                .background(handle)
                .build_timeout(Duration::from_millis(5))
        };
        let (pool, world) = pool(std::iter::repeat_n(hangs, 5).flatten(), builder);
        let tasks: Vec<_> = (0..12)
            .map(|number| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let principal = pool.principal(&format!("p{}", number % 4)).unwrap();
                    for turn in 0..50 {
                        let Ok(lease) = pool.checkout(&principal).await else { continue };
                        if turn % 3 == 0 {
                            tokio::task::yield_now().await;
                        }
                        if turn % 5 == 0 {
                            drop(lease)
                        } else {
                            lease.complete()
                        }
                        if turn % 4 == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                    principal
                })
            })
            .collect();
        for task in tasks {
            let ended = tokio::time::timeout(LONG, task).await;
            let principal = ended.expect("nobody comes").unwrap();
            drop(principal);
        }
        assert!(world.live_max.load(Ordering::SeqCst) <= 2, "POOL-1");
        pool.close();
        tokio::time::timeout(LONG, pool.drained()).await.expect("it is never drained");
        assert_eq!((world.live(), pool.stats().waiting), (0, 0));
    });
}

/// Wakes by doing what it wakes for.
struct Eager {
    pool: Pool<Maker>,
    principal: Principal,
    served: AtomicUsize,
}

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        let lease = self.pool.try_checkout(&self.principal);
        self.served.fetch_add(1, Ordering::SeqCst);
        drop(lease);
    }
}

/// A manager, objects and wakers that use the pool wherever they are called.
#[test]
fn pool_7_users_may_use_the_pool_wherever_they_are_called() {
    let (visits, is_over) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let over = is_over.clone();
    let stand = quick(2, |builder| builder.per_principal_cap(2));
    let [acme, own] = ["acme", "own"].map(|id| stand.pool.principal(id).unwrap());
    let eager =
        Eager { pool: stand.pool.clone(), principal: own.clone(), served: AtomicUsize::new(0) };
    let eager = Arc::new(eager);
    let within = Arc::new(OnceLock::new());
    assert!(within.set((stand.pool.clone(), own.clone())).is_ok());
    let hook = move || {
        let visit = visits.fetch_add(1, Ordering::SeqCst);
        if visit % 3 == 0 && !over.load(Ordering::SeqCst) {
            let (pool, own): &(Pool<Maker>, Principal) = within.get().unwrap();
            let mut waits = pool.checkout(own);
            let _ = is_waiting(&mut waits);
            drop(pool.try_checkout(own).map(|lease| lease.complete()));
            let _ = (pool.counts(), pool.stats(), own.in_use());
        }
    };
    assert!(stand.world.hook.set(Box::new(hook)).is_ok());
    let waker = Waker::from(eager.clone());
    let mut context = Context::from_waker(&waker);
    for _ in 0..200 {
        let mut line: Vec<_> = (0..4).map(|_| stand.pool.checkout(&acme)).collect();
        let mut held = Vec::new();
        for checkout in &mut line {
            if let Poll::Ready(Ok(lease)) = Pin::new(checkout).poll(&mut context) {
                held.push(lease);
            }
        }
        held.into_iter().for_each(|lease| lease.complete());
        drop(line);
        stand.pool.step();
    }
    is_over.store(true, Ordering::SeqCst);
    stand.settle();
    assert!(eager.served.load(Ordering::SeqCst) > 100);
    assert_eq!((acme.in_use(), own.in_use(), stand.pool.stats().waiting), (0, 0, 0));
    assert!(stand.world.live_max.load(Ordering::SeqCst) <= 2, "POOL-1");
    stand.pool.close();
    stand.settle();
    assert!(stand.pool.wait_drained(Duration::ZERO), "{:?}", stand.pool.counts());
}
