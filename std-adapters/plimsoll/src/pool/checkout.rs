//! The future of a checkout.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::error::CheckoutError;
use super::executor::Vacancy;
use super::lease::Lease;
use super::manager::Manager;
use super::principal::Principal;
use super::shared::{Attempt, Shared};
use super::store::Grant;
use super::waiting::Waiting;

/// A checkout that waits as a task: see [`Pool::checkout`](super::Pool::checkout).
#[must_use = "futures do nothing unless polled"]
pub struct Checkout<'a, M: Manager> {
    shared: &'a Arc<Shared<M>>,
    principal: &'a Principal,
    waiting: Option<Waiting<'a, M>>,
    /// How many are asked for at once, if it is one of several that are gathered.
    gathered: Option<usize>,
}

impl<'a, M: Manager> Checkout<'a, M> {
    pub(super) fn new(shared: &'a Arc<Shared<M>>, principal: &'a Principal) -> Self {
        Self { shared, principal, waiting: None, gathered: None }
    }

    pub(super) fn of_many(
        shared: &'a Arc<Shared<M>>,
        principal: &'a Principal,
        count: usize,
    ) -> Self {
        Self { shared, principal, waiting: None, gathered: Some(count) }
    }

    #[cold]
    #[inline(never)]
    fn wait(&mut self, waker: &Waker) -> Poll<Result<Grant<M>, CheckoutError>> {
        let shared = &**self.shared;
        if self.waiting.is_none() {
            match Vacancy::lease(shared, &self.principal.0) {
                Attempt::Leased(grant) => return Poll::Ready(Ok(grant)),
                Attempt::Refused(error) => return Poll::Ready(Err(error)),
                Attempt::Busy => {}
            }
        }
        let waiting = match &mut self.waiting {
            Some(waiting) => waiting,
            none => {
                let timeout = shared.config.wait_timeout;
                let gathered = self.gathered;
                none.insert(Waiting::begin(
                    shared,
                    self.principal,
                    waker.clone(),
                    timeout,
                    gathered,
                )?)
            }
        };
        loop {
            let Some(outcome) = waiting.waiter.poll(waker) else { return Poll::Pending };
            let ended = match waiting.end(outcome) {
                Attempt::Leased(grant) => Ok(grant),
                Attempt::Refused(error) => Err(error),
                Attempt::Busy => continue,
            };
            self.waiting = None;
            return Poll::Ready(ended);
        }
    }
}

impl<'a, M: Manager> Future for Checkout<'a, M> {
    type Output = Result<Lease<'a, M>, CheckoutError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (shared, principal) = (self.shared, self.principal);
        let lease = |grant| Lease::new(shared, principal, grant);
        if self.waiting.is_none() {
            if let Some(grant) = shared.lease_idle(&principal.0) {
                return Poll::Ready(Ok(lease(grant)));
            }
        }
        self.wait(context.waker()).map_ok(lease)
    }
}

impl<M: Manager> fmt::Debug for Checkout<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Checkout");
        debug.field("principal", self.principal).field("is_waiting", &self.waiting.is_some());
        debug.finish_non_exhaustive()
    }
}
