//! Tracked `std::sync::mpsc::sync_channel`.
//!
//! That channel does not tell its length, so the gauge counts both sides, each on a cache line of
//! its own.
//!
//! ```
//! use plimsoll::{Registry, channel::mpsc};
//!
//! let registry = Registry::new();
//! let (tx, rx) = mpsc::sync_channel::<u32>(&registry, "replies", 8)?;
//! tx.send(7)?;
//! assert_eq!(registry.snapshot().entries()[0].depth, 1);
//! assert_eq!(rx.recv(), Ok(7));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use ::std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

use ::std::fmt;
use ::std::sync::mpsc;
use ::std::time::Duration;

use crossbeam_utils::Backoff;
use plimsoll_core::{WatermarkError, Watermarks};

use super::counted::{Counted, ReceiverSide, SenderSide};
use super::iter::receiver_iterators;
use super::level::has_level;
use super::{ChannelReading, SPINS, watermarks_for};
use crate::registry::Registered;
use crate::{Limit, RegisterError, Registry};

/// A channel that holds up to `capacity` items, tracked under `limit`. Capacity 0 is a rendezvous:
/// it never has depth, and shows its waiters.
///
/// The watermarks are 80 % and 50 % of the capacity; [`sync_channel_with`] takes others.
///
/// # Errors
/// What [`Registry`] refuses: a bad name, too many entries; a capacity above 2^46.
pub fn sync_channel<T>(
    registry: &Registry,
    limit: impl Into<Limit>,
    capacity: usize,
) -> Result<(SyncSender<T>, Receiver<T>), RegisterError> {
    sync_channel_with(registry, limit, watermarks_for(capacity)?)
}

/// A channel as [`sync_channel`] makes it, with watermarks of the caller's choice; their capacity
/// is the channel's.
///
/// # Errors
/// What [`Registry`] refuses: a bad name, too many entries; watermarks without a capacity.
pub fn sync_channel_with<T>(
    registry: &Registry,
    limit: impl Into<Limit>,
    watermarks: Watermarks,
) -> Result<(SyncSender<T>, Receiver<T>), RegisterError> {
    let capacity = watermarks.capacity().ok_or(WatermarkError::NoCapacity)?;
    let shared = Counted::track(registry, limit.into(), watermarks, true)?;
    // More than this target can address is left to upstream, which panics as it always does.
    let (tx, rx) = mpsc::sync_channel(usize::try_from(capacity).unwrap_or(usize::MAX));
    let receiver = Receiver { inner: rx, side: ReceiverSide::new(shared.clone()) };
    Ok((SyncSender::new(tx, shared), receiver))
}

/// The sending side of a tracked channel: `std::sync::mpsc::SyncSender` with a gauge.
// On a cache line of its own: its owner writes its credit for each message, which would slow down the thread
// whose handle shares the line.
#[repr(align(64))]
pub struct SyncSender<T> {
    inner: mpsc::SyncSender<T>,
    side: SenderSide,
}

has_level!(SyncSender, side.shared);

impl<T> SyncSender<T> {
    fn new(inner: mpsc::SyncSender<T>, shared: Registered<Counted>) -> Self {
        Self { inner, side: SenderSide::new(shared) }
    }

    /// Sends if there is room now.
    ///
    /// # Errors
    /// As upstream: the item comes back in `Full` or `Disconnected`.
    #[inline]
    pub fn try_send(&self, t: T) -> Result<(), TrySendError<T>> {
        let result = self.attempt(t);
        match result {
            Err(TrySendError::Full(_)) => self.side.shared.refuse(),
            Err(TrySendError::Disconnected(_)) => self.side.shared.tracked.on_closed(),
            Ok(()) => {}
        }
        result
    }

    #[inline(always)]
    fn attempt(&self, t: T) -> Result<(), TrySendError<T>> {
        let result = self.inner.try_send(t);
        if result.is_ok() {
            self.side.sent();
        }
        result
    }

    /// Depth, marks, waiters and refused sends, now; with [`flow_totals`](Limit::flow_totals) also
    /// what has gone through.
    #[inline]
    pub fn reading(&self) -> ChannelReading {
        self.side.shared.reading()
    }

    /// Sends, and blocks while the channel is full. A caller that blocks is counted as waiting.
    ///
    /// # Errors
    /// As upstream: the item comes back if the receiver is gone.
    #[inline]
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        match self.attempt(t) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(t)) => {
                self.side.shared.tracked.on_closed();
                Err(SendError(t))
            }
            Err(TrySendError::Full(t)) => self.send_blocking(t),
        }
    }

    /// Sends into a full channel: [spins](SPINS), and is then counted as waiting.
    #[cold]
    fn send_blocking(&self, mut t: T) -> Result<(), SendError<T>> {
        let backoff = Backoff::new();
        for _ in 0..SPINS {
            backoff.spin();
            match self.attempt(t) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(t)) => {
                    self.side.shared.tracked.on_closed();
                    return Err(SendError(t));
                }
                Err(TrySendError::Full(refused)) => t = refused,
            }
        }
        let blocked = self.side.shared.block();
        let result = self.inner.send(t);
        drop(blocked);
        match result {
            Ok(()) => self.side.sent(),
            Err(_) => self.side.shared.tracked.on_closed(),
        }
        result
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.side.shared.clone())
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}

/// The receiving side of a tracked channel: `std::sync::mpsc::Receiver` with a gauge.
// On a cache line of its own: its owner writes its credit for each message, which would slow down the thread
// whose handle shares the line.
#[repr(align(64))]
pub struct Receiver<T> {
    // Dropped before `side`, which then finds the channel gone.
    inner: mpsc::Receiver<T>,
    side: ReceiverSide,
}

has_level!(Receiver, side.shared);

impl<T> Receiver<T> {
    /// Receives if there is an item now.
    ///
    /// # Errors
    /// As upstream: `Empty` or `Disconnected`.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.received(self.inner.try_recv())
    }

    /// Receives, and blocks while the channel is empty.
    ///
    /// # Errors
    /// As upstream: if the channel is empty and disconnected.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.received(self.inner.recv())
    }

    /// Receives, and blocks for `timeout` at most while the channel is empty.
    ///
    /// # Errors
    /// As upstream: `Timeout` or `Disconnected`.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.received(self.inner.recv_timeout(timeout))
    }

    #[inline(always)]
    fn received<E>(&self, result: Result<T, E>) -> Result<T, E> {
        self.side.received(usize::from(result.is_ok()));
        result
    }

    /// As [`SyncSender::reading`].
    #[inline]
    pub fn reading(&self) -> ChannelReading {
        self.side.shared.reading()
    }

    /// Items as they come, blocking, until the channel is empty and disconnected.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// The items that are there, without blocking.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

receiver_iterators!();
