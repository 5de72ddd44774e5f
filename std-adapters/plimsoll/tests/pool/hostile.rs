//! Users whose code does what it should not, and moments at which nobody looks.

use std::convert::Infallible;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::{Background, Checkout, CheckoutError, Isolation, Lease, Manager, Pool, Quota};

use super::support::{Erratic, Maker, poll, stand};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn pool_11_a_back_off_ends_also_when_nothing_lives_and_nobody_keeps_time() {
    let base = Duration::from_millis(20);
    let builder =
        Pool::builder(Maker::default()).wait_for_own_leases().isolation(Isolation::Shared);
    let pool = builder.fault_backoff(1, base, base).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    // On a busy machine the back-off may be over by the second checkout.
    let is_refused = || {
        pool.checkout_blocking(&acme).unwrap().fault();
        let Err(refused) = pool.checkout_blocking(&acme) else { return false };
        assert!(matches!(refused, CheckoutError::Refused { quota: Quota::Faults { .. } }));
        true
    };
    assert!((0..20).any(|_| is_refused()), "it is never refused");
    while pool.counts().live() > 0 {
        thread::yield_now();
    }
    // The timekeeper falls asleep: no instance lives.
    thread::sleep(Duration::from_millis(100));
    pool.checkout_blocking(&acme).unwrap().complete();
}

/// A waker that panics.
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("a waker panics");
    }
}

#[test]
fn pool_6_a_waker_that_panics_costs_nobody_else_a_wake_up() {
    let alarm = Arc::new(Alarm(AtomicUsize::new(0)));
    let waker = Waker::from(alarm.clone());
    let mut context = Context::from_waker(&waker);
    let pool =
        Pool::builder(Maker::default()).wait_for_own_leases().max(1).warm(0).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    for round in 1..=8 {
        let mut checkout = pool.checkout(&acme);
        let began = Instant::now();
        if Pin::new(&mut checkout).poll(&mut context).is_pending() {
            while alarm.0.load(Ordering::SeqCst) < round {
                assert!(began.elapsed() < LONG, "round {round}: nobody builds any more");
                thread::yield_now();
            }
            lease_of(&mut checkout).complete();
        }
        while pool.counts().live() > 0 {
            assert!(began.elapsed() < LONG, "round {round}: nobody retires any more");
            thread::yield_now();
        }
    }
    let mut line: Vec<_> = (0..3).map(|_| pool.checkout(&acme)).collect();
    for checkout in &mut line {
        let _ = Pin::new(checkout).poll(&mut context);
    }
    let mut drained = pool.drained();
    assert!(Pin::new(&mut drained).poll(&mut context).is_pending());
    let closes = catch_unwind(AssertUnwindSafe(|| pool.close()));
    assert!(closes.is_ok_and(|is_first| is_first));
    drop(line);
    assert!(pool.wait_drained(LONG), "{:?}", pool.counts());
}

fn lease_of<'a>(checkout: &mut Checkout<'a, Maker>) -> Lease<'a, Maker> {
    let began = Instant::now();
    loop {
        match poll(checkout) {
            Poll::Ready(lease) => return lease.unwrap(),
            Poll::Pending => assert!(began.elapsed() < LONG),
        }
        thread::yield_now();
    }
}

/// An error that looks at its pool when it is dropped.
struct Nosy(Arc<OnceLock<Pool<Nobody>>>);

impl Drop for Nosy {
    fn drop(&mut self) {
        let Some(pool) = self.0.get() else { return };
        assert!(pool.try_checkout(&pool.principal("nosy").unwrap()).is_err());
        panic!("an error panics in its drop");
    }
}

impl fmt::Debug for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nosy")
    }
}

impl fmt::Display for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nosy")
    }
}

impl std::error::Error for Nosy {}

struct Nobody(Arc<OnceLock<Pool<Nobody>>>);

impl Manager for Nobody {
    type Object = ();
    type Error = Nosy;

    async fn create(&self) -> Result<(), Nosy> {
        Err(Nosy(self.0.clone()))
    }
}

#[test]
fn pool_7_an_error_that_nobody_is_told_is_dropped_under_no_lock() {
    let (done, waits) = mpsc::channel();
    thread::spawn(move || {
        let own = Arc::new(OnceLock::new());
        let pool = Pool::builder(Nobody(own.clone()))
            .wait_for_own_leases()
            .max(2)
            .warm(2)
            .builders(1)
            .build()
            .unwrap();
        assert!(own.set(pool.clone()).is_ok());
        while pool.stats().build_failures < 6 {
            thread::yield_now();
        }
        done.send(()).unwrap();
    });
    assert!(waits.recv_timeout(LONG).is_ok(), "it hangs, or its threads are gone");
}

#[test]
fn try_checkout_makes_room_among_what_others_have_left() {
    let stand = stand(|builder| builder.max(2).isolation(Isolation::PerPrincipal).no_idle_age());
    stand.fill(2);
    let [acme, other] = ["acme", "other"].map(|id| stand.pool.principal(id).unwrap());
    let both = [stand.pool.try_checkout(&acme).unwrap(), stand.pool.try_checkout(&acme).unwrap()];
    both.into_iter().for_each(|lease| lease.complete());
    let mut tries = 0;
    while stand.pool.try_checkout(&other).map(|lease| lease.complete()).is_err() {
        tries += 1;
        stand.settle();
        assert!(tries < 5, "{:?}", stand.pool.counts());
    }
    assert!(stand.pool.try_checkout(&acme).is_ok(), "one is left");
}

/// What is built and what is torn down now, and the most at one time.
#[derive(Default)]
struct Sites {
    building: AtomicUsize,
    building_max: AtomicUsize,
    retiring: AtomicUsize,
    retiring_max: AtomicUsize,
}

fn work_slowly(now: &AtomicUsize, max: &AtomicUsize) {
    max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    thread::sleep(Duration::from_millis(3));
    now.fetch_sub(1, Ordering::SeqCst);
}

struct Slow(Arc<Sites>);

impl Manager for Slow {
    type Object = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        work_slowly(&self.0.building, &self.0.building_max);
        Ok(())
    }

    fn retire(&self, (): ()) {
        work_slowly(&self.0.retiring, &self.0.retiring_max);
    }
}

#[test]
fn a_manager_that_blocks_is_called_by_so_many_at_one_time() {
    #[cfg(feature = "tokio")]
    let runtime = {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(6).enable_time().build().unwrap()
    };
    let backgrounds = [
        Background::Threads,
        #[cfg(feature = "tokio")]
        Background::Tokio(runtime.handle().clone()),
    ];
    for background in backgrounds {
        let sites = Arc::new(Sites::default());
        let builder = Pool::builder(Slow(sites.clone()))
            .wait_for_own_leases()
            .max(12)
            .warm(12)
            .builders(2)
            .drops(2);
        let pool = builder.background(background).build().unwrap();
        let acme = pool.principal("acme").unwrap();
        for _ in 0..40 {
            pool.checkout_blocking(&acme).unwrap().complete();
        }
        pool.close();
        assert!(pool.wait_drained(LONG));
        let most = [&sites.building_max, &sites.retiring_max].map(|max| max.load(Ordering::SeqCst));
        assert_eq!(most, [2, 2]);
    }
}

#[test]
fn a_clock_that_goes_back_takes_nothing_back() {
    let (clock, base) = (Erratic::default(), Duration::from_secs(1));
    let builder = Pool::builder(Maker::default())
        .wait_for_own_leases()
        .max(2)
        .warm(2)
        .isolation(Isolation::Shared);
    let builder = builder.clock(clock.clone()).background(Background::Manual);
    let pool = builder.fault_backoff(1, base, base).build().unwrap();
    pool.step();
    let acme = pool.principal("acme").unwrap();
    let at = |ms| {
        clock.0.store(ms, Ordering::SeqCst);
        while pool.step() > 0 {}
    };
    at(10_000);
    pool.try_checkout(&acme).unwrap().fault();
    at(10_999);
    assert!(pool.try_checkout(&acme).is_err());
    at(11_000);
    drop(pool.try_checkout(&acme).unwrap());
    at(10_500);
    assert!(pool.try_checkout(&acme).is_ok());
}
