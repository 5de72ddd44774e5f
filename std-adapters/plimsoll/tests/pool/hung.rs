//! POOL-12: calls of the manager that do not come back.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::keepalive::FakeClock;
#[cfg(feature = "tokio")]
use plimsoll::pool::Background;
use plimsoll::pool::{CheckoutError, DiscardReason, Isolation, Manager, Pool, PoolBuilder, Stage};

const LONG: Duration = Duration::from_secs(60);
/// Long beside the calls that do not hang, on a busy machine too.
const BOUND: Duration = Duration::from_millis(300);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < LONG, "it does not come: {what}");
        thread::sleep(ms(1));
    }
}

/// Which calls hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Pending,
    Create,
    Reset,
    Retire,
}

/// The first so many calls of that kind hang, until they are freed.
#[derive(Default)]
struct Site {
    left: Mutex<usize>,
    freed: Condvar,
    is_free: Mutex<bool>,
    inside: AtomicUsize,
    made: AtomicUsize,
    live: AtomicUsize,
}

impl Site {
    fn hangs(&self) -> bool {
        let mut left = self.left.lock().unwrap();
        let hangs = *left > 0;
        *left -= usize::from(hangs);
        hangs
    }

    fn block(&self) {
        self.inside.fetch_add(1, Ordering::SeqCst);
        let mut is_free = self.is_free.lock().unwrap();
        while !*is_free {
            is_free = self.freed.wait(is_free).unwrap();
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    fn free(&self) {
        *self.is_free.lock().unwrap() = true;
        self.freed.notify_all();
    }

    fn inside(&self) -> usize {
        self.inside.load(Ordering::SeqCst)
    }

    fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }
}

struct Guest {
    id: usize,
    site: Arc<Site>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.site.live.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Hangs {
    site: Arc<Site>,
    call: Call,
    is_inline: bool,
}

impl Manager for Hangs {
    type Object = Guest;
    type Error = Infallible;

    async fn create(&self) -> Result<Guest, Infallible> {
        match self.call {
            Call::Pending if self.site.hangs() => pending().await,
            Call::Create if self.site.hangs() => self.site.block(),
            _ => {}
        }
        self.site.live.fetch_add(1, Ordering::SeqCst);
        let id = self.site.made.fetch_add(1, Ordering::SeqCst);
        Ok(Guest { id, site: self.site.clone() })
    }

    fn reset(&self, _: &mut Guest) -> Result<(), Infallible> {
        if self.call == Call::Reset && self.site.hangs() {
            self.site.block();
        }
        Ok(())
    }

    fn retire(&self, guest: Guest) {
        if self.call == Call::Retire && self.site.hangs() {
            self.site.block();
        }
        drop(guest);
    }

    fn may_run_inline(&self) -> bool {
        self.is_inline
    }
}

fn site(call: Call, times: usize) -> (Arc<Site>, PoolBuilder<Hangs>) {
    let site = Arc::new(Site::default());
    *site.left.lock().unwrap() = times;
    let manager = Hangs { site: site.clone(), call, is_inline: false };
    (site, Pool::builder(manager).wait_for_own_leases().warm(0))
}

/// How many of so many checkouts, one after the other, are served.
fn served(pool: &Pool<Hangs>, of: usize) -> usize {
    let acme = pool.principal("acme").unwrap();
    let lease = |_: &usize| pool.checkout_blocking(&acme).map(|lease| lease.complete()).is_ok();
    (0..of).filter(lease).count()
}

/// Checks that enough are served in one of three tries: a busy machine may hold one up for its whole time.
fn assert_served(least: usize, what: &str, tried: impl Fn() -> usize) {
    let mut tries = Vec::new();
    while tries.len() < 3 {
        tries.push(tried());
        if tries.last() >= Some(&least) {
            return;
        }
    }
    panic!("{what}: {tries:?} were served, and not {least}");
}

#[test]
fn pool_12_a_hung_create_costs_one_checkout_and_no_builder() {
    for call in [Call::Pending, Call::Create] {
        for times in 0..=3 {
            assert_served(10 - times, &format!("{call:?} {times}"), || {
                // With the default bound, which does not come into play.
                let (site, builder) = site(call, times);
                let pool = builder.max(16).wait_timeout(ms(250)).build().unwrap();
                let served = served(&pool, 10);
                assert!(served <= 10 - times, "{call:?} {times}: {served}, {:?}", pool.counts());
                site.free();
                served
            });
        }
    }
}

#[test]
fn pool_12_a_hung_warm_build_does_not_hold_up_those_who_come() {
    assert_served(7, "beside warm builds", || {
        let (site, builder) = site(Call::Create, 2);
        let pool = builder.max(16).warm(4).wait_timeout(ms(250)).build().unwrap();
        until("both builders hang", || site.inside() == 2);
        let served = served(&pool, 10);
        site.free();
        served
    });
}

#[test]
fn pool_12_of_many_principals_each_is_served_beside_hung_creates() {
    for times in [1, 3] {
        let (site, builder) = site(Call::Pending, times);
        let pool = builder.max(16).wait_timeout(ms(250)).build().unwrap();
        let failed = AtomicUsize::new(0);
        thread::scope(|scope| {
            for number in 0..6 {
                let (pool, failed) = (&pool, &failed);
                scope.spawn(move || {
                    let principal = pool.principal(&format!("p{number}")).unwrap();
                    for _ in 0..10 {
                        match pool.checkout_blocking(&principal) {
                            Ok(lease) => lease.complete(),
                            Err(_) => drop(failed.fetch_add(1, Ordering::SeqCst)),
                        }
                    }
                });
            }
        });
        let failed = failed.into_inner();
        assert!(failed <= 12, "{times}: {failed} of 60 were not served, {:?}", pool.counts());
        site.free();
    }
}

#[test]
fn pool_12_what_an_abandoned_create_yields_is_destroyed() {
    for call in [Call::Create, Call::Retire, Call::Reset] {
        let (site, builder) = site(call, 1);
        let builder = builder.build_timeout(BOUND).cleanup_timeout(BOUND);
        let isolation = if call == Call::Reset { Isolation::Shared } else { Isolation::Fresh };
        let pool = builder.max(1).isolation(isolation).warm(0).build().unwrap();
        let acme = pool.principal("acme").unwrap();
        thread::scope(|scope| {
            // The call hangs: in the background, or in the thread that completes.
            scope.spawn(|| match pool.checkout_blocking(&acme) {
                Ok(lease) => lease.complete(),
                Err(CheckoutError::TimedOut { stage: Stage::Build, after }) => {
                    assert_eq!((call, after), (Call::Create, BOUND));
                }
                Err(error) => panic!("{call:?}: {error}"),
            });
            until("it hangs", || site.inside() == 1);
            // A pool of one has its one again.
            let lease = pool.checkout_blocking_for(&acme, LONG).unwrap();
            let stats = pool.stats();
            assert_eq!((stats.abandoned, stats.abandoned_now), (1, 1), "{call:?}");
            let counts = pool.counts();
            assert_eq!((counts.live(), counts.capacity()), (1, 1), "{call:?}: {counts:?}");
            let id = lease.id;
            lease.complete();

            site.free();
            until("it is back", || pool.stats().abandoned_now == 0);
            assert_eq!(site.inside(), 0);
            let next = pool.checkout_blocking_for(&acme, LONG).unwrap();
            match isolation {
                Isolation::Shared => assert_eq!(next.id, id, "and not the late one"),
                _ => assert_ne!(next.id, id),
            }
            assert!(site.live() <= 2, "{call:?}");
            next.complete();
        });
        pool.close();
        assert!(pool.wait_drained(LONG), "{call:?}: {:?}", pool.counts());
        let stats = pool.stats();
        assert_eq!((site.live(), stats.abandoned), (0, 1), "{call:?}");
        assert_eq!(stats.counts.live(), 0);
    }
}

#[test]
fn pool_12_a_hung_retirement_holds_up_one_waiter_and_no_slot_but_its_own() {
    assert_served(38, "beside a retirement", || {
        let (site, builder) = site(Call::Retire, 1);
        let pool = builder.max(4).wait_timeout(ms(250)).build().unwrap();
        let served = served(&pool, 40);
        site.free();
        served
    });
}

#[test]
fn pool_12_as_many_as_the_maximum_are_abandoned_and_further_ones_keep_their_slots() {
    let (site, builder) = site(Call::Create, 4);
    let pool = builder.max(2).build_timeout(BOUND).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    for _ in 0..4 {
        let error = pool.checkout_blocking_for(&acme, LONG).unwrap_err();
        assert!(matches!(error, CheckoutError::TimedOut { stage: Stage::Build, .. }), "{error}");
    }
    let stats = pool.stats();
    assert_eq!((stats.abandoned, stats.abandoned_now, stats.counts.building), (2, 2, 2));
    assert_eq!(site.inside(), 4, "each was tried, for each thread was replaced");
    let error = pool.checkout_blocking_for(&acme, 3 * BOUND).unwrap_err();
    assert!(matches!(error, CheckoutError::TimedOut { .. }), "there is no slot: {error}");
    site.free();
    pool.checkout_blocking_for(&acme, LONG).unwrap().complete();
    until("all are back", || pool.stats().abandoned_now == 0);
    pool.close();
    assert!(pool.wait_drained(LONG));
    assert_eq!(site.live(), 0);
}

#[test]
fn pool_12_room_that_is_reserved_elsewhere_stays_with_the_slot() {
    let (site, builder) = site(Call::Create, 1);
    let pool = builder.max(1).max_abandoned(0).build_timeout(BOUND).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    assert!(pool.checkout_blocking_for(&acme, LONG).is_err());
    let error = pool.checkout_blocking_for(&acme, 2 * BOUND).unwrap_err();
    assert!(matches!(error, CheckoutError::TimedOut { .. }), "{error}");
    assert_eq!((pool.counts().building, pool.stats().abandoned), (1, 0));
    site.free();
    assert!(pool.checkout_blocking_for(&acme, LONG).is_ok());
    assert_eq!(site.made.load(Ordering::SeqCst), 1, "it is the late one: nobody was given it up");
}

#[test]
fn pool_12_the_default_bound_by_the_pools_clock() {
    let clock = FakeClock::default();
    let (site, builder) = site(Call::Create, 2);
    let pool = builder.max(2).no_wait_timeout().clock(clock.clone()).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    thread::scope(|scope| {
        let waiters = [(); 2].map(|()| scope.spawn(|| pool.checkout_blocking(&acme).is_err()));
        until("both hang", || site.inside() == 2);
        thread::sleep(ms(50));
        assert_eq!(pool.stats().abandoned, 0);
        until("they are abandoned", || {
            clock.advance(ms(500));
            pool.stats().abandoned == 2
        });
        assert!(waiters.map(|waiter| waiter.join().unwrap()).into_iter().all(|failed| failed));
    });
    pool.checkout_blocking(&acme).unwrap().complete();
    site.free();
}

#[test]
fn pool_12_a_hung_create_on_the_callers_own_thread() {
    let site = Arc::new(Site::default());
    let manager = Hangs { site: site.clone(), call: Call::Create, is_inline: true };
    let pool = Pool::builder(manager)
        .wait_for_own_leases()
        .max(1)
        .warm(0)
        .build_timeout(BOUND)
        .build()
        .unwrap();
    let acme = pool.principal("acme").unwrap();
    pool.checkout_blocking(&acme).unwrap().complete();
    *site.left.lock().unwrap() = 1;
    thread::scope(|scope| {
        let caught = scope.spawn(|| pool.checkout_blocking(&acme).map(|lease| lease.complete()));
        until("it hangs", || site.inside() == 1);
        pool.checkout_blocking_for(&acme, LONG).unwrap().complete();
        site.free();
        // It may have been the background's, if that was faster.
        let _ = caught.join().unwrap();
    });
    pool.close();
    assert!(pool.wait_drained(LONG), "{:?}", pool.counts());
    assert_eq!(site.live(), 0);
}

#[test]
fn pool_16_a_call_that_hangs_keeps_the_pool_from_being_drained() {
    let (site, builder) = site(Call::Create, 1);
    let pool = builder.max(1).build_timeout(BOUND).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    assert!(pool.checkout_blocking_for(&acme, LONG).is_err());
    assert_eq!(pool.stats().abandoned_now, 1);
    pool.close();
    assert!(!pool.wait_drained(ms(50)), "what it yields may still come");
    assert!(pool.manager().is_some());
    site.free();
    assert!(pool.wait_drained(LONG));
    assert_eq!((site.live(), pool.manager().is_none()), (0, true));
    assert_eq!(pool.stats().discards(DiscardReason::Closed), 0, "it was never idle");
}

#[cfg(feature = "tokio")]
#[test]
fn pool_12_tasks_are_served_beside_hung_creates() {
    for call in [Call::Pending, Call::Create] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(6)
            .enable_time()
            .build()
            .unwrap();
        let (site, builder) = site(call, 2);
        let background = Background::Tokio(runtime.handle().clone());
        let pool = builder.max(4).wait_timeout(ms(500)).background(background).build().unwrap();
        let served = runtime.block_on(async {
            let acme = pool.principal("acme").unwrap();
            let mut served = 0;
            for _ in 0..10 {
                if let Ok(lease) = pool.checkout(&acme).await {
                    served += 1;
                    lease.complete();
                }
            }
            served
        });
        assert!(served >= 7, "{call:?}: {served} of 10, {:?}", pool.counts());
        site.free();
        drop(pool);
        runtime.shutdown_timeout(LONG);
    }
}
