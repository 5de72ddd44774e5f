//! Wakers of the user's: under no lock, and harmless when they panic (BUDGET-3).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use plimsoll::budget::{Budget, Reserve};

use super::support::{Wait, budget};

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker");
    }
}

/// Uses the budget while it is woken and when it is dropped: with a lock held it would hang.
struct Uses(Budget, AtomicUsize);

impl Wake for Uses {
    fn wake(self: Arc<Self>) {
        drop(self.0.try_reserve(1));
        drop(Wait { future: Box::pin(self.0.reserve(1)), counter: Arc::default() }.poll());
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Uses {
    fn drop(&mut self) {
        drop(self.0.try_reserve(1));
    }
}

fn begin(budget: &Budget, amount: u64, waker: &Waker) -> Pin<Box<Reserve>> {
    let mut future = Box::pin(budget.reserve(amount));
    assert!(future.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    future
}

#[test]
fn budget_3_a_waker_that_panics_harms_nobody_else() {
    let host = budget(100);
    let held = host.try_reserve(100).unwrap();
    let bad = begin(&host, 10, &Arc::new(Panics).into());
    let good = Wait::begin(&host, 10);
    drop(held);
    drop(good.served());
    assert_eq!(host.usage(), 10, "the other is granted as well");
    drop(bad);
    assert_eq!((host.usage(), host.waiting()), (0, 0));
}

#[test]
fn budget_3_a_waker_is_called_and_dropped_under_no_lock() {
    let host = budget(100);
    let held = host.try_reserve(100).unwrap();
    let uses = Arc::new(Uses(host.clone(), AtomicUsize::new(0)));
    let mut first = begin(&host, 10, &uses.clone().into());
    // Replaced by another, and dropped.
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let second = begin(&host, 10, &Arc::new(Uses(host.clone(), AtomicUsize::new(0))).into());
    let third = begin(&host, 10, &uses.clone().into());
    drop(second);
    drop(held);
    assert_eq!(uses.1.load(Ordering::SeqCst), 1);
    drop((first, third));
    assert_eq!((host.usage(), host.waiting()), (0, 0));
}

#[test]
fn budget_3_the_last_waker_is_woken() {
    let host = budget(100);
    let held = host.try_reserve(100).unwrap();
    let mut wait = Wait::begin(&host, 10);
    let old = std::mem::take(&mut wait.counter);
    assert!(wait.poll().is_none());
    drop(held);
    assert_eq!((old.woken(), wait.counter.woken()), (0, 1));
    drop(wait.served());
}
