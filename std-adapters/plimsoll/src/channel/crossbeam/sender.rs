//! The sending side.

use ::std::fmt;
use ::std::time::{Duration, Instant};

use crossbeam_channel::{SendError, SendTimeoutError, TrySendError};
use crossbeam_utils::Backoff;
use plimsoll_core::Credit;

use super::Shared;
use crate::channel::level::has_level;
use crate::channel::{ChannelReading, SPINS, thread_key};
use crate::registry::Registered;

/// The sending side of a tracked channel: `crossbeam_channel::Sender` with a gauge.
// On a cache line of its own: its owner writes its credit for each message, which would slow down the thread
// whose handle shares the line.
#[repr(align(64))]
pub struct Sender<T> {
    inner: crossbeam_channel::Sender<T>,
    credit: Credit,
    shared: Registered<Shared<T>>,
}

has_level!(Sender, shared);

impl<T> Sender<T> {
    pub(super) fn new(inner: crossbeam_channel::Sender<T>, shared: Registered<Shared<T>>) -> Self {
        Self { inner, credit: shared.tracked.flow.join_sender(), shared }
    }

    /// Sends if there is room now.
    ///
    /// # Errors
    /// As upstream: the item comes back in `Full` or `Disconnected`.
    #[inline]
    pub fn try_send(&self, msg: T) -> Result<(), TrySendError<T>> {
        let result = self.attempt(msg);
        match result {
            Err(TrySendError::Full(_)) => self.shared.tracked.refuse(|| self.depth()),
            Err(TrySendError::Disconnected(_)) => self.shared.tracked.on_closed(),
            Ok(()) => {}
        }
        result
    }

    #[inline(always)]
    fn attempt(&self, msg: T) -> Result<(), TrySendError<T>> {
        let result = self.inner.try_send(msg);
        if result.is_ok() {
            self.sent();
        }
        result
    }

    /// Sends, and blocks while the channel is full. A caller that blocks is counted as waiting.
    ///
    /// # Errors
    /// As upstream: the item comes back if the channel is disconnected.
    #[inline]
    pub fn send(&self, msg: T) -> Result<(), SendError<T>> {
        match self.inner.try_send(msg) {
            Ok(()) => {
                self.sent();
                Ok(())
            }
            Err(TrySendError::Disconnected(msg)) => {
                self.shared.tracked.on_closed();
                Err(SendError(msg))
            }
            Err(TrySendError::Full(msg)) => self
                .send_blocking(msg, |msg| {
                    self.inner
                        .send(msg)
                        .map_err(|SendError(msg)| SendTimeoutError::Disconnected(msg))
                })
                .map_err(|error| SendError(error.into_inner())),
        }
    }

    /// Sends, and blocks for `timeout` at most while the channel is full.
    ///
    /// # Errors
    /// As upstream: the item comes back in `Timeout` or `Disconnected`.
    pub fn send_timeout(&self, msg: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.send_deadline(msg, deadline),
            None => self.send(msg).map_err(SendTimeoutError::from),
        }
    }

    /// Sends, and blocks until `deadline` at most while the channel is full.
    ///
    /// # Errors
    /// As upstream: the item comes back in `Timeout` or `Disconnected`.
    pub fn send_deadline(&self, msg: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        match self.attempt(msg) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(msg)) => {
                self.shared.tracked.on_closed();
                Err(SendTimeoutError::Disconnected(msg))
            }
            Err(TrySendError::Full(msg)) => {
                self.send_blocking(msg, |msg| self.inner.send_deadline(msg, deadline))
            }
        }
    }

    /// Sends into a full channel: [spins](SPINS), and is then counted as waiting.
    #[cold]
    fn send_blocking(
        &self,
        mut msg: T,
        park: impl FnOnce(T) -> Result<(), SendTimeoutError<T>>,
    ) -> Result<(), SendTimeoutError<T>> {
        let backoff = Backoff::new();
        for _ in 0..SPINS {
            backoff.spin();
            match self.attempt(msg) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(msg)) => {
                    self.shared.tracked.on_closed();
                    return Err(SendTimeoutError::Disconnected(msg));
                }
                Err(TrySendError::Full(refused)) => msg = refused,
            }
        }
        let blocked = self.shared.tracked.block(|| self.depth());
        let result = park(msg);
        drop(blocked);
        match &result {
            Ok(()) => self.sent(),
            Err(SendTimeoutError::Timeout(_)) => self.shared.tracked.on_timeout(),
            Err(SendTimeoutError::Disconnected(_)) => self.shared.tracked.on_closed(),
        }
        result
    }

    #[inline(always)]
    pub(super) fn sent(&self) {
        let flow = &self.shared.tracked.flow;
        self.shared.emit(flow.after_send(&self.credit, thread_key(), || self.depth()));
    }

    /// Nobody receives any more.
    pub(super) fn closed(&self) {
        self.shared.tracked.on_closed();
    }

    pub(super) fn upstream(&self) -> &crossbeam_channel::Sender<T> {
        &self.inner
    }

    pub(super) fn shared(&self) -> &Registered<Shared<T>> {
        &self.shared
    }

    /// Depth, marks, waiters and refused sends, now; with
    /// [`flow_totals`](crate::Limit::flow_totals) also what has gone through.
    #[inline]
    pub fn reading(&self) -> ChannelReading {
        self.shared.reading(|| self.depth())
    }

    /// Items that can be received.
    #[inline(always)]
    fn depth(&self) -> u64 {
        if self.shared.is_receivable() { self.inner.len() as u64 } else { 0 }
    }

    /// Whether the channel is empty.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Whether the channel is full.
    pub fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    /// How many items are in the channel.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// How many items the channel can hold; `None` without a bound.
    pub fn capacity(&self) -> Option<usize> {
        self.inner.capacity()
    }

    /// Whether both send into one channel.
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.shared.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.tracked.flow.leave_sender(&mut self.credit);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Sender { .. }")
    }
}
