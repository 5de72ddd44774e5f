//! Several instances at once, all or none (POOL-15).
//!
//! Two checkouts that gather instances one by one could wait for what the other holds. So one
//! gathers at a time, and the others wait for their turn, in the order of their arrival.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::checkout::Checkout;
use super::error::{CheckoutError, Stage};
use super::lease::Lease;
use super::manager::Manager;
use super::principal::Principal;
use super::shared::Shared;
use crate::park::block_on;

/// A checkout of several instances: see [`Pool::checkout_many`](super::Pool::checkout_many).
#[must_use = "futures do nothing unless polled"]
pub struct CheckoutMany<'a, M: Manager> {
    shared: &'a Arc<Shared<M>>,
    principal: &'a Principal,
    count: usize,
    number: Option<u64>,
    asked: Vec<Checkout<'a, M>>,
    leases: Vec<Lease<'a, M>>,
}

impl<'a, M: Manager> CheckoutMany<'a, M> {
    pub(super) fn new(shared: &'a Arc<Shared<M>>, principal: &'a Principal, count: usize) -> Self {
        let (asked, leases) = (Vec::new(), Vec::new());
        Self { shared, principal, count, number: None, asked, leases }
    }

    /// Waits on the calling thread.
    pub(super) fn block(self) -> Result<Vec<Lease<'a, M>>, CheckoutError> {
        let timeout = self.shared.config.wait_timeout;
        // Each single checkout has the timeout as well; this one covers the wait for the turn.
        block_on(self, timeout.map(|timeout| timeout.saturating_mul(2))).unwrap_or_else(|| {
            let after = timeout.unwrap_or(Duration::ZERO);
            Err(CheckoutError::TimedOut { stage: Stage::Wait, after })
        })
    }

    fn check(&self) -> Result<(), CheckoutError> {
        if self.principal.0.pool != self.shared.store.id() {
            return Err(CheckoutError::ForeignPrincipal);
        }
        self.shared.decide(|scheduler, decision| {
            scheduler.on_gathering(&self.principal.0, self.count, decision)
        })
    }

    fn gather(&mut self, context: &mut Context<'_>) -> Poll<Result<(), CheckoutError>> {
        let mut result = Ok(());
        let leases = &mut self.leases;
        self.asked.retain_mut(|checkout| match Pin::new(checkout).poll(context) {
            Poll::Pending => true,
            Poll::Ready(Ok(lease)) => {
                leases.push(lease);
                false
            }
            Poll::Ready(Err(error)) => {
                result = Err(error);
                false
            }
        });
        match result {
            Err(error) => Poll::Ready(Err(error)),
            Ok(()) if self.asked.is_empty() => Poll::Ready(Ok(())),
            Ok(()) => Poll::Pending,
        }
    }
}

impl<'a, M: Manager> Future for CheckoutMany<'a, M> {
    type Output = Result<Vec<Lease<'a, M>>, CheckoutError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let turnstile = &this.shared.turnstile;
        let is_turn = match this.number {
            Some(number) => turnstile.is_turn(number, context.waker()),
            None => {
                let (number, is_turn) = turnstile.enter(context.waker().clone());
                this.number = Some(number);
                is_turn
            }
        };
        if !is_turn {
            return Poll::Pending;
        }
        if this.asked.is_empty() && this.leases.is_empty() {
            if let Err(error) = this.check() {
                this.end();
                return Poll::Ready(Err(error));
            }
            let one = || Checkout::of_many(this.shared, this.principal, this.count);
            this.asked = std::iter::repeat_with(one).take(this.count).collect();
        }
        let Poll::Ready(gathered) = this.gather(context) else { return Poll::Pending };
        let all = gathered.map(|()| std::mem::take(&mut this.leases));
        this.end();
        Poll::Ready(all)
    }
}

impl<M: Manager> CheckoutMany<'_, M> {
    /// Returns what was gathered and is not needed, and lets the next waiter gather.
    fn end(&mut self) {
        self.asked.clear();
        for lease in self.leases.drain(..) {
            lease.undo();
        }
        if let Some(number) = self.number.take() {
            self.shared.turnstile.leave(number);
        }
    }
}

impl<M: Manager> Drop for CheckoutMany<'_, M> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<M: Manager> fmt::Debug for CheckoutMany<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CheckoutMany");
        debug.field("principal", self.principal).field("count", &self.count);
        debug.field("has", &self.leases.len()).finish_non_exhaustive()
    }
}
