//! A semaphore by the names of tokio's, with 64-bit permits.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::BudgetError;
use super::handle::Budget;
use super::lease::Lease;
use super::refused::Refused;
use super::reserve::Reserve;
use crate::registry::Registry;
use crate::telemetry::Limit;

impl Registry {
    /// Registers a semaphore.
    ///
    /// # Errors
    /// As for [`budget`](Self::budget).
    pub fn semaphore(
        &self,
        limit: impl Into<Limit>,
        permits: u64,
    ) -> Result<Semaphore, BudgetError> {
        Ok(Semaphore(self.budget(limit, permits)?))
    }
}

/// A [`Budget`] by the names of `tokio::sync::Semaphore`, with 64-bit numbers of permits: for bytes, 2^32
/// are too few. It needs no runtime.
///
/// It differs where a budget does: an ask for more permits than there are is an error at once, and
/// [`close`](Self::close) is as tokio's. Permits are owned, so that `acquire` and `acquire_owned` are the
/// same. Clones are handles to the same semaphore.
///
/// # Example
/// ```
/// use plimsoll::{Limit, Registry};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let registry = Registry::new();
/// let bytes = registry.semaphore(Limit::memory("in_flight_bytes"), 8 << 30)?;
/// let request = bytes.acquire_many(5 << 30).await?;
/// assert!(bytes.try_acquire_many(5 << 30).is_err());
/// drop(request);
/// assert_eq!(bytes.available_permits(), 8 << 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Semaphore(Budget);

impl Semaphore {
    /// A semaphore that no registry lists.
    ///
    /// # Errors
    /// As for [`Registry::semaphore`].
    pub fn new(limit: impl Into<Limit>, permits: u64) -> Result<Self, BudgetError> {
        Ok(Self(Budget::new(limit, permits)?))
    }

    /// How many permits are free.
    pub fn available_permits(&self) -> u64 {
        self.0.available()
    }

    /// Adds permits; what several threads add at once is added in all.
    ///
    /// # Errors
    /// As for [`Budget::resize`].
    pub fn add_permits(&self, permits: u64) -> Result<(), BudgetError> {
        self.0.node().resize(|capacity| capacity.saturating_add(permits))
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// As for [`acquire_many`](Self::acquire_many).
    pub fn acquire(&self) -> Acquire {
        self.acquire_many(1)
    }

    /// Waits for so many permits.
    ///
    /// # Errors
    /// A [`Refused`] if the semaphore is closed, or has never so many.
    ///
    /// # Cancellation
    /// As of [`Budget::reserve`]: who waits again is last.
    pub fn acquire_many(&self, permits: u64) -> Acquire {
        Acquire(self.0.reserve(permits))
    }

    /// As [`acquire`](Self::acquire): permits are owned.
    ///
    /// # Errors
    /// As for [`acquire_many`](Self::acquire_many).
    pub fn acquire_owned(&self) -> Acquire {
        self.acquire()
    }

    /// As [`acquire_many`](Self::acquire_many): permits are owned.
    ///
    /// # Errors
    /// As for [`acquire_many`](Self::acquire_many).
    pub fn acquire_many_owned(&self, permits: u64) -> Acquire {
        self.acquire_many(permits)
    }

    /// Takes a permit, if one is free and nobody waits for it.
    ///
    /// # Errors
    /// As for [`Budget::try_reserve`].
    pub fn try_acquire(&self) -> Result<SemaphorePermit, Refused> {
        self.try_acquire_many(1)
    }

    /// Takes so many permits, if they are free and nobody waits for them.
    ///
    /// # Errors
    /// As for [`Budget::try_reserve`].
    pub fn try_acquire_many(&self, permits: u64) -> Result<SemaphorePermit, Refused> {
        self.0.try_reserve(permits).map(SemaphorePermit)
    }

    /// As [`try_acquire`](Self::try_acquire): permits are owned.
    ///
    /// # Errors
    /// As for [`Budget::try_reserve`].
    pub fn try_acquire_owned(&self) -> Result<SemaphorePermit, Refused> {
        self.try_acquire()
    }

    /// As [`try_acquire_many`](Self::try_acquire_many): permits are owned.
    ///
    /// # Errors
    /// As for [`Budget::try_reserve`].
    pub fn try_acquire_many_owned(&self, permits: u64) -> Result<SemaphorePermit, Refused> {
        self.try_acquire_many(permits)
    }

    /// Ends all waits, and refuses all that is asked from now on.
    pub fn close(&self) {
        self.0.close();
    }

    /// Whether it is [closed](Self::close).
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// The budget that has the permits.
    pub fn budget(&self) -> &Budget {
        &self.0
    }
}

impl From<Budget> for Semaphore {
    /// A semaphore whose permits are of a budget: one within a host's, say.
    fn from(budget: Budget) -> Self {
        Self(budget)
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Semaphore").field(&self.0).finish()
    }
}

/// Permits of a [`Semaphore`], given back when they are dropped.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back at once"]
pub struct SemaphorePermit(Lease);

impl SemaphorePermit {
    /// How many permits it is.
    pub fn num_permits(&self) -> u64 {
        self.0.amount()
    }

    /// Takes `permits` of it into one of its own; `None` if it has fewer.
    pub fn split(&mut self, permits: u64) -> Option<SemaphorePermit> {
        self.0.split(permits).ok().map(Self)
    }

    /// Adds permits of the same semaphore.
    ///
    /// # Errors
    /// Permits of another one come back.
    pub fn merge(&mut self, other: SemaphorePermit) -> Result<(), SemaphorePermit> {
        self.0.merge(other.0).map_err(|error| Self(error.0))
    }

    /// The lease that it is.
    pub fn into_lease(self) -> Lease {
        self.0
    }
}

/// Waits for permits: see [`Semaphore::acquire_many`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Acquire(Reserve);

impl Future for Acquire {
    type Output = Result<SemaphorePermit, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_ok(SemaphorePermit)
    }
}
