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
use ::std::sync::{Arc, mpsc};
use ::std::time::Duration;

use crossbeam_utils::Backoff;
use plimsoll_core::{Credit, SplitCount, WatermarkError, Watermarks};

use super::iter::receiver_iterators;
use super::totals::Sampled;
use super::{ChannelReading, Tracked, is_narrow, thread_key, watermarks_for};
use crate::source::{Source, SourceReading};
use crate::{Limit, RegisterError, Registry};

/// What the handles of one channel share.
struct Shared {
    tracked: Tracked,
    count: SplitCount,
    capacity: u64,
    /// Whether a receive is counted by a read-modify-write: see `count_received`.
    is_narrow: bool,
}

impl Shared {
    /// Counts a receive, which has itself ended in a read-modify-write.
    ///
    /// So a plain store is the only one of this thread that others can still miss, and a depth that
    /// is judged too high by it is too high by one. That matters only if the next lower depth is the
    /// low watermark already.
    #[inline(always)]
    fn count_received(&self) {
        if self.is_narrow { self.count.on_received_shared(1) } else { self.count.on_received(1) }
    }

    /// What a handle tells of the channel.
    fn reading(&self) -> ChannelReading {
        self.tracked.reading(self.depth(), |_| self.count.totals())
    }

    /// Items in the channel. A receive that is not counted yet can make it look overfull.
    fn depth(&self) -> u64 {
        self.count.depth().min(self.capacity)
    }
}

impl Sampled for Shared {
    fn sample(&self, now_us: u64) {
        self.tracked.note(now_us, |_| self.count.totals());
    }
}

impl Source for Shared {
    #[inline]
    fn read(&self) -> SourceReading {
        let (reading, edge) = self.tracked.flow.reading(|| self.depth());
        self.tracked.emit(edge);
        self.tracked.source_reading(reading)
    }

    fn take_high_water(&self) -> u64 {
        self.tracked.flow.take_high_water(|| self.depth())
    }

    fn waiting(&self) -> u64 {
        self.tracked.waiters.waiting()
    }
}

/// A channel that holds up to `capacity` items, tracked under `limit`. Capacity 0 is a rendezvous:
/// it never has depth, and shows who waits.
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

/// A channel as [`sync_channel`] makes it, with watermarks of the caller's choice; their capacity is
/// the channel's.
///
/// # Errors
/// What [`Registry`] refuses: a bad name, too many entries; watermarks without a capacity.
pub fn sync_channel_with<T>(
    registry: &Registry,
    limit: impl Into<Limit>,
    watermarks: Watermarks,
) -> Result<(SyncSender<T>, Receiver<T>), RegisterError> {
    let capacity = watermarks.capacity().ok_or(WatermarkError::NoCapacity)?;
    let tracked = Tracked::register(registry, limit.into(), watermarks)?;
    // More than this target can address is left to upstream, which panics as it always does.
    let (tx, rx) = mpsc::sync_channel(usize::try_from(capacity).unwrap_or(usize::MAX));
    let shared = Arc::new(Shared {
        tracked,
        count: SplitCount::new(),
        capacity,
        is_narrow: is_narrow(&watermarks),
    });
    shared.tracked.attach(&shared);
    let credit = shared.tracked.flow.join_receiver();
    let receiver =
        Receiver { inner: rx, membership: Membership { credit, shared: shared.clone() } };
    Ok((SyncSender::new(tx, shared), receiver))
}

/// The sending side of a tracked channel: `std::sync::mpsc::SyncSender` with a gauge.
pub struct SyncSender<T> {
    inner: mpsc::SyncSender<T>,
    credit: Credit,
    shared: Arc<Shared>,
}

impl<T> SyncSender<T> {
    fn new(inner: mpsc::SyncSender<T>, shared: Arc<Shared>) -> Self {
        Self { inner, credit: shared.tracked.flow.join_sender(), shared }
    }

    /// Sends if there is room now.
    ///
    /// # Errors
    /// As upstream: the item comes back in `Full` or `Disconnected`.
    #[inline]
    pub fn try_send(&self, t: T) -> Result<(), TrySendError<T>> {
        let result = self.attempt(t);
        if let Err(TrySendError::Full(_)) = result {
            self.shared.tracked.waiters.refuse();
        }
        result
    }

    #[inline(always)]
    fn attempt(&self, t: T) -> Result<(), TrySendError<T>> {
        let result = self.inner.try_send(t);
        if result.is_ok() {
            self.sent();
        }
        result
    }

    /// Depth, marks, who waits and who was refused, now; with [`flow_totals`](Limit::flow_totals) also
    /// what has gone through.
    pub fn reading(&self) -> ChannelReading {
        self.shared.reading()
    }

    /// Sends, and blocks while the channel is full. A party that blocks is counted as waiting.
    ///
    /// # Errors
    /// As upstream: the item comes back if the receiver is gone.
    #[inline]
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        match self.attempt(t) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(t)) => Err(SendError(t)),
            Err(TrySendError::Full(t)) => self.send_blocking(t),
        }
    }

    /// Upstream spins for a moment before it parks. To be counted as waiting costs about as much, so
    /// that begins only when the moment has passed.
    #[cold]
    fn send_blocking(&self, mut t: T) -> Result<(), SendError<T>> {
        let backoff = Backoff::new();
        while !backoff.is_completed() {
            backoff.snooze();
            match self.attempt(t) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(t)) => return Err(SendError(t)),
                Err(TrySendError::Full(refused)) => t = refused,
            }
        }
        let blocked = self.shared.tracked.block();
        let result = self.inner.send(t);
        drop(blocked);
        if result.is_ok() {
            self.sent();
        }
        result
    }

    #[inline(always)]
    fn sent(&self) {
        let Shared { tracked, count, .. } = &*self.shared;
        count.on_sent(1);
        let depth = || self.shared.depth();
        tracked.emit(tracked.flow.after_send(&self.credit, thread_key(), depth));
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.shared.clone())
    }
}

impl<T> Drop for SyncSender<T> {
    fn drop(&mut self) {
        self.shared.tracked.flow.leave_sender(&mut self.credit);
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}

/// The receiving side of a tracked channel: `std::sync::mpsc::Receiver` with a gauge.
pub struct Receiver<T> {
    // Dropped before `membership`, which then finds the channel gone.
    inner: mpsc::Receiver<T>,
    membership: Membership,
}

/// That the receiver lives; ends after the upstream handle has been dropped.
struct Membership {
    credit: Credit,
    shared: Arc<Shared>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        let Shared { tracked, count, .. } = &*self.shared;
        tracked.flow.leave_receiver(&mut self.credit);
        count.close();
        tracked.emit(tracked.flow.settle(|| self.shared.depth()));
    }
}

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
        if result.is_ok() {
            let Membership { credit, shared } = &self.membership;
            shared.count_received();
            let flow = &shared.tracked.flow;
            shared.tracked.emit(flow.after_receive(credit, thread_key(), || shared.depth()));
        }
        result
    }

    /// As [`SyncSender::reading`].
    pub fn reading(&self) -> ChannelReading {
        self.membership.shared.reading()
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
