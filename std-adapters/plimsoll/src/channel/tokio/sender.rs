//! The sending side of a bounded channel.

use ::std::future::poll_fn;
use ::std::pin::pin;
use ::std::task::{Context, Poll};
use ::std::time::Duration;

use ::tokio::sync::mpsc::error::{SendError, SendTimeoutError, TrySendError};
use ::tokio::sync::{Mutex, mpsc};
use ::tokio::task::coop::{has_budget_remaining, poll_proceed};
use ::tokio::time;

use super::permit::{OwnedPermit, Permit, PermitIterator};
use super::sending::sender_methods;
use crate::channel::counted::SenderSide;
use crate::channel::level::has_level;
use crate::park;

/// The sending side of a tracked channel: `tokio::sync::mpsc::Sender` with a gauge.
///
/// # Cancellation
/// As upstream. A future that is dropped is no longer counted as waiting, and what it would have
/// sent was never counted.
pub struct Sender<T> {
    pub(super) inner: mpsc::Sender<T>,
    pub(super) side: SenderSide,
}

has_level!(Sender, side.shared);

impl<T> Sender<T> {
    pub(super) fn new(inner: mpsc::Sender<T>, side: SenderSide) -> Self {
        Self { inner, side }
    }

    /// Sends, and waits while the channel is full. A task that waits is counted as waiting.
    ///
    /// # Errors
    /// As upstream: the item comes back if the channel is closed.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self.slot().await {
            Ok(permit) => {
                Permit::new(permit, &self.side).send(value);
                Ok(())
            }
            Err(SendError(())) => Err(self.side.closed(SendError(value))),
        }
    }

    /// Sends if there is room now.
    ///
    /// # Errors
    /// As upstream: the item comes back in `Full` or `Closed`.
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let sending = self.side.sending();
        let result = self.inner.try_send(message);
        sending.end(result.is_ok());
        result.map_err(|error| self.side.noted(error))
    }

    /// Sends, and waits for `timeout` at most while the channel is full.
    ///
    /// # Errors
    /// As upstream: the item comes back in `Timeout` or `Closed`.
    ///
    /// # Panics
    /// As upstream: outside of a runtime with a timer.
    pub async fn send_timeout(
        &self,
        value: T,
        timeout: Duration,
    ) -> Result<(), SendTimeoutError<T>> {
        let reserve = pin!(time::timeout(timeout, self.inner.reserve()));
        match self.side.waiting(reserve).await {
            Ok(Ok(permit)) => {
                Permit::new(permit, &self.side).send(value);
                Ok(())
            }
            Ok(Err(SendError(()))) => {
                self.side.shared.tracked.on_closed();
                Err(SendTimeoutError::Closed(value))
            }
            Err(_elapsed) => {
                self.side.shared.tracked.on_timeout();
                Err(SendTimeoutError::Timeout(value))
            }
        }
    }

    /// Sends from outside of a runtime, and blocks while the channel is full. A caller that blocks
    /// is counted as waiting.
    ///
    /// # Errors
    /// As upstream: the item comes back if the channel is closed.
    ///
    /// # Panics
    /// As upstream: inside of a runtime.
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        // Upstream's own test for a place where a thread may block, with upstream's message.
        drop(Mutex::const_new(()).blocking_lock());
        park::block_on_end(self.send(value))
    }

    /// Waits for a slot and reserves it.
    ///
    /// # Errors
    /// As upstream: if the channel is closed.
    pub async fn reserve(&self) -> Result<Permit<'_, T>, SendError<()>> {
        let permit = self.slot().await.map_err(|error| self.side.closed(error))?;
        Ok(Permit::new(permit, &self.side))
    }

    /// Upstream's `reserve`.
    async fn slot(&self) -> Result<mpsc::Permit<'_, T>, SendError<()>> {
        if let Some(permit) = poll_fn(|cx| Poll::Ready(self.slot_now(cx))).await {
            return Ok(permit);
        }
        self.side.waiting(pin!(self.inner.reserve())).await
    }

    /// What the first poll of upstream's `reserve` does if there is a slot and a budget, without the
    /// node that it would wait with; else nothing.
    fn slot_now(&self, cx: &mut Context<'_>) -> Option<mpsc::Permit<'_, T>> {
        if !has_budget_remaining() {
            return None;
        }
        let permit = self.inner.try_reserve().ok()?;
        // CHAN-4: this is what upstream spends.
        if let Poll::Ready(spent) = poll_proceed(cx) {
            spent.made_progress();
        }
        Some(permit)
    }

    /// Waits for `n` slots and reserves them.
    ///
    /// # Errors
    /// As upstream: if the channel is closed, or `n` is above its capacity.
    pub async fn reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, SendError<()>> {
        let permits =
            self.side.waiting(pin!(self.inner.reserve_many(n))).await.map_err(|error| {
                // Upstream says the same if it is more than the capacity.
                if self.inner.is_closed() { self.side.closed(error) } else { error }
            })?;
        Ok(PermitIterator::new(permits, &self.side))
    }

    /// Waits for a slot and reserves it, in exchange for this handle.
    ///
    /// # Errors
    /// As upstream: if the channel is closed.
    pub async fn reserve_owned(self) -> Result<OwnedPermit<T>, SendError<()>> {
        let Self { inner, side } = self;
        let permit = {
            let operation = pin!(inner.reserve_owned());
            side.waiting(operation).await.map_err(|error| side.closed(error))?
        };
        Ok(OwnedPermit::new(permit, side))
    }

    /// Reserves a slot if there is one now.
    ///
    /// # Errors
    /// As upstream: `Full` or `Closed`.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        match self.inner.try_reserve() {
            Ok(permit) => Ok(Permit::new(permit, &self.side)),
            Err(error) => Err(self.side.noted(error)),
        }
    }

    /// Reserves `n` slots if they are there now.
    ///
    /// # Errors
    /// As upstream: `Full` or `Closed`.
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        match self.inner.try_reserve_many(n) {
            Ok(permits) => Ok(PermitIterator::new(permits, &self.side)),
            Err(error) => Err(self.side.noted(error)),
        }
    }

    /// Reserves a slot if there is one now, in exchange for this handle.
    ///
    /// # Errors
    /// As upstream: the handle comes back in `Full` or `Closed`.
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        let Self { inner, side } = self;
        match inner.try_reserve_owned() {
            Ok(permit) => Ok(OwnedPermit::new(permit, side)),
            Err(TrySendError::Full(inner)) => {
                side.shared.refuse();
                Err(TrySendError::Full(Self { inner, side }))
            }
            Err(TrySendError::Closed(inner)) => {
                side.shared.tracked.on_closed();
                Err(TrySendError::Closed(Self { inner, side }))
            }
        }
    }

    /// Free slots now: neither taken by an item nor reserved.
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// Slots in all.
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }
}

sender_methods!(Sender, WeakSender);

impl<T> OwnedPermit<T> {
    /// Sends into the slot.
    ///
    /// # Returns
    /// The handle.
    #[inline]
    pub fn send(self, value: T) -> Sender<T> {
        let Self { inner, side } = self;
        let sending = side.sending();
        let inner = inner.send(value);
        sending.end(true);
        Sender::new(inner, side)
    }

    /// Gives the slot back.
    ///
    /// # Returns
    /// The handle.
    pub fn release(self) -> Sender<T> {
        Sender::new(self.inner.release(), self.side)
    }

    /// Whether this belongs to the channel of `sender`.
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.inner.same_channel_as_sender(&sender.inner)
    }
}
