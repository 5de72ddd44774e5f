//! Futures that wait for room.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::handle::Budget;
use super::lease::Lease;
use super::refused::Refused;
use super::taking::Taking;

impl Budget {
    /// Reserves `amount`, and waits for its turn (BUDGET-3). The future needs no runtime, and borrows
    /// nothing.
    ///
    /// # Errors
    /// A [`Refused`] if it can never be served: the amount is none, or above a capacity, also after a
    /// [resize](Self::resize); the budget is closed.
    ///
    /// # Cancellation
    /// A future that is dropped leaves the queue; what it was granted meanwhile goes to the next.
    pub fn reserve(&self, amount: u64) -> Reserve {
        Reserve(self.taking(amount))
    }
}

impl Lease {
    /// Reserves `more`, and waits for its turn. What the lease holds stays reserved meanwhile: leases
    /// that all wait to grow can wait for each other, as with any lock, and so can a lease and an ask
    /// before it that needs what the lease holds; give a timeout, or reserve all that is needed at
    /// once.
    ///
    /// # Errors
    /// As [`Budget::reserve`]; the lease keeps what it has.
    pub fn grow(&mut self, more: u64) -> Grow<'_> {
        let taking = Taking::new(self.node().clone(), self.ask(more));
        Grow { lease: self, taking }
    }
}

/// Waits for room, as a task: see [`Budget::reserve`]. Needs no runtime.
///
/// # Cancellation
/// Dropped before its end it leaves the queue; what it was granted meanwhile goes to the next.
#[must_use = "futures do nothing unless polled"]
pub struct Reserve(Taking);

impl Future for Reserve {
    type Output = Result<Lease, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let amount = self.0.asked();
        let taken = Pin::new(&mut self.0).poll(context);
        taken.map_ok(|()| Lease::new(self.0.node().clone(), amount))
    }
}

impl fmt::Debug for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve").field("asked", &self.0.asked()).finish_non_exhaustive()
    }
}

/// Waits until a lease has grown: see [`Lease::grow`].
///
/// # Cancellation
/// As of [`Reserve`]; the lease keeps what it has.
#[must_use = "futures do nothing unless polled"]
pub struct Grow<'a> {
    lease: &'a mut Lease,
    taking: Taking,
}

impl Future for Grow<'_> {
    type Output = Result<(), Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let amount = self.taking.asked();
        let taken = Pin::new(&mut self.taking).poll(context);
        taken.map_ok(|()| self.lease.add(amount))
    }
}

impl fmt::Debug for Grow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Grow");
        debug.field("lease", &self.lease).field("asked", &self.taking.asked()).finish()
    }
}
