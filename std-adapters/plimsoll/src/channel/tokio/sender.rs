//! The sending side of a bounded channel.

use ::std::fmt;
use ::std::pin::pin;
use ::std::sync::Arc;
use ::std::time::Duration;

use ::tokio::sync::mpsc::error::{SendError, SendTimeoutError, TrySendError};
use ::tokio::sync::{Mutex, mpsc};
use ::tokio::time;

use super::permit::{OwnedPermit, Permit, PermitIterator};
use super::{SenderSide, Shared};
use crate::channel::ChannelReading;
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

impl<T> Sender<T> {
    pub(super) fn new(inner: mpsc::Sender<T>, side: SenderSide) -> Self {
        Self { inner, side }
    }

    /// Sends, and waits while the channel is full. A task that waits is counted as waiting.
    ///
    /// # Errors
    /// As upstream: the item comes back if the channel is closed.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self.side.waiting(pin!(self.inner.reserve())).await {
            Ok(permit) => {
                Permit::new(permit, &self.side).send(value);
                Ok(())
            }
            Err(SendError(())) => Err(SendError(value)),
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
            Ok(Err(SendError(()))) => Err(SendTimeoutError::Closed(value)),
            Err(_elapsed) => {
                self.side.shared.tracked.waiters.refuse();
                Err(SendTimeoutError::Timeout(value))
            }
        }
    }

    /// Sends from outside of a runtime, and blocks while the channel is full. A caller that blocks is
    /// counted as waiting.
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
        let permit = self.side.waiting(pin!(self.inner.reserve())).await?;
        Ok(Permit::new(permit, &self.side))
    }

    /// Waits for `n` slots and reserves them.
    ///
    /// # Errors
    /// As upstream: if the channel is closed, or `n` is above its capacity.
    pub async fn reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, SendError<()>> {
        let permits = self.side.waiting(pin!(self.inner.reserve_many(n))).await?;
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
            side.waiting(operation).await?
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
                side.shared.tracked.waiters.refuse();
                Err(TrySendError::Full(Self { inner, side }))
            }
            Err(TrySendError::Closed(inner)) => Err(TrySendError::Closed(Self { inner, side })),
        }
    }

    /// Depth, marks, who waits and who was refused, now; with [`flow_totals`](crate::Limit::flow_totals)
    /// also what has gone through.
    pub fn reading(&self) -> ChannelReading {
        self.side.shared.reading()
    }

    /// Waits until the receiver is closed or dropped.
    pub async fn closed(&self) {
        self.inner.closed().await;
    }

    /// Whether the receiver is closed or dropped.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Whether both send into one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// Free slots now: neither taken by an item nor reserved.
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// Slots in all.
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }

    /// A handle that does not keep the channel open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { inner: self.inner.downgrade(), shared: self.side.shared.clone() }
    }

    /// How many handles keep the channel open.
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// How many weak handles there are.
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), SenderSide::new(self.side.shared.clone()))
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// A sending handle that does not keep the channel open: `tokio::sync::mpsc::WeakSender`.
pub struct WeakSender<T> {
    inner: mpsc::WeakSender<T>,
    shared: Arc<Shared>,
}

impl<T> WeakSender<T> {
    /// Depth, marks, who waits and who was refused, now; with [`flow_totals`](crate::Limit::flow_totals)
    /// also what has gone through.
    pub fn reading(&self) -> ChannelReading {
        self.shared.reading()
    }

    /// A full handle, if there still is one.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let inner = self.inner.upgrade()?;
        Some(Sender::new(inner, SenderSide::new(self.shared.clone())))
    }

    /// How many handles keep the channel open.
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// How many weak handles there are.
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }
}

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

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: self.shared.clone() }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}
