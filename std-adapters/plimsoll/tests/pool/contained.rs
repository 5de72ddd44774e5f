//! POOL-7 and the manager's panics: nothing of a user's runs under a lock, and nothing breaks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use plimsoll::pool::{DiscardReason, Isolation, Pool};

use super::support::{Fate, Maker, answer, is_waiting, stand};

#[test]
fn panics_in_reset_and_drop_cost_the_object_and_nothing_else() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::Shared));
    let acme = stand.pool.principal("acme").unwrap();
    for round in 0..8 {
        let mut checkout = stand.pool.checkout(&acme);
        assert!(is_waiting(&mut checkout));
        stand.settle();
        let mut lease = answer(&mut checkout).unwrap();
        assert_eq!(lease.id, round);
        lease.reset_panics = round & 1 != 0;
        lease.drop_panics = round & 2 != 0;
        lease.reset_fails = true;
        if round & 4 != 0 {
            drop(lease)
        } else {
            lease.complete()
        }
        stand.settle();
        assert_eq!(stand.pool.counts().live(), 0);
    }
    let stats = stand.pool.stats();
    assert_eq!(stats.panics, 2 + 4, "of 4 resets 2, of 8 drops 4");
    assert_eq!(stats.discards(DiscardReason::ResetFailed), 4);
    assert_eq!(stats.discards(DiscardReason::Dropped), 4);
    assert_eq!(stand.world.live(), 0);
}

#[test]
fn a_lease_dropped_by_a_panic_whose_object_panics_too() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::PerPrincipal));
    stand.fill(1);
    let acme = stand.pool.principal("acme").unwrap();
    let mut lease = stand.pool.try_checkout(&acme).unwrap();
    lease.drop_panics = true;
    let panics = catch_unwind(AssertUnwindSafe(move || {
        let _lease = lease;
        panic!("the first");
    }));
    assert!(panics.is_err(), "one panic, and no abort: the object is dropped elsewhere");
    stand.settle();
    assert_eq!((stand.pool.counts().live(), stand.pool.stats().panics), (0, 1));
    assert_eq!(acme.faults(), 1);
}

#[test]
fn panics_that_no_step_runs_into_threads() {
    let maker = Maker::default();
    maker.0.fate([Fate::Panics, Fate::Fails, Fate::Panics, Fate::Made]);
    let pool = Pool::builder(maker.clone()).wait_for_own_leases().max(1).warm(0).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    for _ in 0..3 {
        assert!(pool.checkout_blocking(&acme).is_err());
    }
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    lease.drop_panics = true;
    lease.complete();
    pool.checkout_blocking(&acme).unwrap().complete();
    assert_eq!(pool.stats().panics, 3);
}

/// A waker that does what nobody who holds a lock of the pool could bear.
struct Meddler(Weak<dyn Fn() + Send + Sync>);

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        if let Some(meddle) = self.0.upgrade() {
            meddle();
        }
    }
}

#[test]
fn pool_7_whatever_a_user_runs_may_use_the_pool() {
    let (done, waits) = mpsc::channel();
    // On a thread of its own: it would wait for ever, if it were called under a lock.
    thread::spawn(move || {
        for isolation in [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared] {
            meddle_everywhere(isolation);
        }
        done.send(()).unwrap();
    });
    assert!(waits.recv_timeout(Duration::from_secs(60)).is_ok(), "it hangs, or has failed");
}

fn meddle_everywhere(isolation: Isolation) {
    let stand = stand(|builder| {
        let aged = builder.retire_above_bytes(10).retire_after_age(Duration::from_secs(1));
        aged.max(2).isolation(isolation).per_principal_cap(2)
    });
    let (pool, meddled) = (stand.pool.clone(), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
    let count = meddled.clone();
    let meddle: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let meddler = pool.principal("meddler").unwrap();
        let _ = pool.stats();
        drop(pool.checkout(&meddler));
        let _ = pool.wait_drained(Duration::ZERO);
    });
    let called = meddle.clone();
    assert!(stand.world.hook.set(Box::new(move || called())).is_ok());
    let waker = Waker::from(Arc::new(Meddler(Arc::downgrade(&meddle))));
    let mut context = Context::from_waker(&waker);
    let principals = ["a", "b", "c"].map(|id| stand.pool.principal(id).unwrap());
    for round in 0..20_u64 {
        let mut line: Vec<_> = principals.iter().map(|p| stand.pool.checkout(p)).collect();
        let mut leases = Vec::new();
        for checkout in &mut line {
            if let std::task::Poll::Ready(lease) = std::pin::Pin::new(checkout).poll(&mut context) {
                leases.push(lease.unwrap());
            }
        }
        for mut lease in leases {
            lease.bytes = round;
            lease.reset_fails = round % 3 == 0;
            lease.complete();
        }
        stand.pool.step();
        drop(line);
        stand.pass(100);
    }
    stand.pool.close();
    stand.settle();
    assert!(stand.pool.wait_drained(Duration::ZERO));
    assert!(meddled.load(std::sync::atomic::Ordering::SeqCst) > 20);
    assert_eq!(stand.pool.stats().panics, 0);
}
