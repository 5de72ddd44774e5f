//! What the tests of budgets share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use plimsoll::Limit;
use plimsoll::budget::{Budget, Lease, Refused, Reserve};

/// Longer than any machine takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A host of `host` bytes, and guests of it.
pub(crate) fn tree<const N: usize>(host: u64, guests: [u64; N]) -> (Budget, [Budget; N]) {
    let host = Budget::new(Limit::memory("host_bytes"), host).unwrap();
    let mut number = 0;
    let guests = guests.map(|capacity| {
        number += 1;
        let limit = Limit::memory("guest_bytes").scope(format!("guest-{number}"));
        host.child(limit, capacity).unwrap()
    });
    (host, guests)
}

pub(crate) fn budget(capacity: u64) -> Budget {
    tree(capacity, []).0
}

/// Counts how often it is woken.
#[derive(Default)]
pub(crate) struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counter {
    pub(crate) fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A wait that is polled by hand.
pub(crate) struct Wait {
    pub(crate) future: Pin<Box<Reserve>>,
    pub(crate) counter: Arc<Counter>,
}

impl Wait {
    /// A wait that has begun, which must not be served at once.
    pub(crate) fn begin(budget: &Budget, amount: u64) -> Self {
        let mut wait = Self { future: Box::pin(budget.reserve(amount)), counter: Arc::default() };
        assert!(wait.poll().is_none(), "{budget:?} has room for {amount}");
        wait
    }

    pub(crate) fn poll(&mut self) -> Option<Result<Lease, Refused>> {
        let waker = Waker::from(self.counter.clone());
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    /// The lease, which must be there, and have been told.
    pub(crate) fn served(mut self) -> Lease {
        assert_eq!(self.counter.woken(), 1, "woken");
        self.poll().expect("served").expect("granted")
    }

    pub(crate) fn refused(mut self) -> Refused {
        assert_eq!(self.counter.woken(), 1, "woken");
        self.poll().expect("ended").expect_err("refused")
    }
}
