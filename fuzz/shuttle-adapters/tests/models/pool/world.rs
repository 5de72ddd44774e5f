//! A manager whose calls end as planned, and a lease that nobody else has.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use plimsoll::pool::{
    Background, CheckoutError, Isolation, Lease, Manager, Pool, PoolBuilder, Principal,
};

/// How a call of the manager ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Fails,
    Panics,
}

/// What the manager has been told to do, and has done. None of it is stepped through.
#[derive(Debug, Default)]
pub(super) struct Ghost {
    /// Ends of the next builds; what comes after them is well.
    pub(super) builds: Mutex<VecDeque<Fate>>,
    /// The same for resets.
    pub(super) resets: Mutex<VecDeque<Fate>>,
    /// The same for looks whether an instance is alive.
    pub(super) looks: Mutex<VecDeque<Fate>>,
    live: AtomicUsize,
}

#[derive(Clone, Default)]
pub(super) struct Guests {
    pub(super) ghost: Arc<Ghost>,
    pub(super) is_inline: bool,
}

#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("planned")
    }
}

impl std::error::Error for Broken {}

/// The largest maximum of a pool.
pub(super) const LIVE_MAX: usize = 2;

/// An instance, and whether it is leased.
pub(super) struct Guest {
    ghost: Arc<Ghost>,
    is_lent: AtomicBool,
}

impl Guest {
    pub(super) fn new(ghost: &Arc<Ghost>) -> Self {
        let live = ghost.live.fetch_add(1, SeqCst) + 1;
        assert!(live <= LIVE_MAX, "POOL-1: {live}");
        Self { ghost: ghost.clone(), is_lent: AtomicBool::new(false) }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.ghost.live.fetch_sub(1, SeqCst);
    }
}

impl Guests {
    /// Whose first builds end so.
    pub(super) fn that_build(fates: impl IntoIterator<Item = Fate>) -> Self {
        let guests = Self::default();
        guests.ghost.builds.lock().unwrap().extend(fates);
        guests
    }
}

impl Guests {
    /// Instances that there are.
    pub(super) fn live(&self) -> usize {
        self.ghost.live.load(SeqCst)
    }
}

impl Manager for Guests {
    type Object = Guest;
    type Error = Broken;

    async fn create(&self) -> Result<Guest, Broken> {
        let fate = self.ghost.builds.lock().unwrap().pop_front();
        match fate {
            None => Ok(Guest::new(&self.ghost)),
            Some(Fate::Fails) => Err(Broken),
            // Without the message of a panic on each schedule.
            Some(Fate::Panics) => resume_unwind(Box::new("planned")),
        }
    }

    fn reset(&self, _: &mut Guest) -> Result<(), Broken> {
        let fate = self.ghost.resets.lock().unwrap().pop_front();
        match fate {
            None => Ok(()),
            Some(Fate::Fails) => Err(Broken),
            Some(Fate::Panics) => resume_unwind(Box::new("planned")),
        }
    }

    fn is_alive(&self, _: &Guest) -> bool {
        let fate = self.ghost.looks.lock().unwrap().pop_front();
        match fate {
            None => true,
            Some(Fate::Fails) => false,
            Some(Fate::Panics) => resume_unwind(Box::new("planned")),
        }
    }

    fn may_run_inline(&self) -> bool {
        self.is_inline
    }
}

/// A pool whose waits have no time: who is forgotten waits for ever, and the model fails.
pub(super) fn pool_of(guests: &Guests, isolation: Isolation, max: usize) -> PoolBuilder<Guests> {
    Pool::builder(guests.clone())
        .max(max)
        .isolation(isolation)
        .background(Background::Manual)
        .wait_for_own_leases()
        .no_wait_timeout()
        .no_build_timeout()
        .no_cleanup_timeout()
        .no_fault_backoff()
        .no_idle_age()
}

/// A pool of one instance, which is there.
pub(super) fn pool_of_one(guests: &Guests) -> Pool<Guests> {
    let pool = pool_of(guests, Isolation::Shared, 1).per_principal_cap(1);
    pool.objects([Guest::new(&guests.ghost)]).build().unwrap()
}

/// Uses what is lent, which nobody else has meanwhile (POOL-2).
pub(super) fn use_it(lease: Lease<'_, Guests>) {
    assert!(!lease.is_lent.swap(true, SeqCst), "POOL-2: two have it");
    shuttle::thread::yield_now();
    lease.is_lent.store(false, SeqCst);
    lease.complete();
}

/// Begins a wait, and gives it up: before or after it is granted.
pub(super) fn give_up(pool: &Pool<Guests>, principal: &Principal) {
    let mut checkout = pin!(pool.checkout(principal));
    match checkout.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(lease)) => use_it(lease),
        Poll::Ready(Err(CheckoutError::Closed | CheckoutError::BuildFailed { .. })) => {}
        Poll::Ready(Err(error)) => panic!("{error}"),
        Poll::Pending => shuttle::thread::yield_now(),
    }
}

/// Steps the pool for as long as a checkout may wait for it.
pub(super) fn step_until(pool: &Pool<Guests>, is_over: impl Fn() -> bool) {
    while !is_over() {
        pool.step();
        shuttle::thread::yield_now();
    }
}

/// Nobody has anything, nobody waits, and what there is can be lent.
pub(super) fn assert_whole(pool: &Pool<Guests>, principals: &[&str]) {
    while pool.step() > 0 {}
    let (counts, stats) = (pool.counts(), pool.stats());
    let held = (counts.leased, counts.building, counts.condemned, stats.waiting);
    assert_eq!(held, (0, 0, 0, 0), "POOL-4: {counts:?}");
    for name in principals {
        let principal = pool.principal(name).unwrap();
        assert_eq!(principal.in_use(), 0, "POOL-11: {name}");
        let mut checkout = pin!(pool.checkout(&principal));
        // A build that is begun takes two steps to be done and told.
        let lease = (0..4).find_map(|_| {
            pool.step();
            match checkout.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(lease) => Some(lease.unwrap()),
                Poll::Pending => None,
            }
        });
        use_it(lease.unwrap_or_else(|| panic!("POOL-6: {name} is not served: {counts:?}")));
    }
}
