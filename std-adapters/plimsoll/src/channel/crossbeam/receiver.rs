//! The receiving side.

use ::std::fmt;
use ::std::time::{Duration, Instant};

use crossbeam_channel::{RecvError, RecvTimeoutError, TryRecvError};
use plimsoll_core::Credit;

use super::Shared;
use crate::channel::iter::receiver_iterators;
use crate::channel::level::has_level;
use crate::channel::totals::Totals;
use crate::channel::{ChannelReading, thread_key};
use crate::registry::Registered;

/// The receiving side of a tracked channel: `crossbeam_channel::Receiver` with a gauge.
// On a cache line of its own: its owner writes its credit for each message, which would slow down the thread
// whose handle shares the line.
#[repr(align(64))]
pub struct Receiver<T> {
    // Dropped before `membership`, which drops the channel's last receiver if this was the user's.
    inner: crossbeam_channel::Receiver<T>,
    membership: Membership<T>,
}

has_level!(Receiver, membership.shared);

impl<T> Receiver<T> {
    pub(super) fn new(
        inner: crossbeam_channel::Receiver<T>,
        shared: Registered<Shared<T>>,
    ) -> Self {
        shared.join();
        Self {
            inner,
            membership: Membership { credit: shared.tracked.flow.join_receiver(), shared },
        }
    }

    /// Receives if there is an item now.
    ///
    /// # Errors
    /// As upstream: `Empty` or `Disconnected`.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.counted(self.inner.try_recv())
    }

    /// Receives, and blocks while the channel is empty.
    ///
    /// # Errors
    /// As upstream: if the channel is empty and disconnected.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        // Mostly there is an item, and upstream's `try_recv` takes it faster than its `recv`.
        let result = match self.inner.try_recv() {
            Err(TryRecvError::Empty) => self.inner.recv(),
            result => result.map_err(|_| RecvError),
        };
        self.counted(result)
    }

    /// Receives, and blocks for `timeout` at most while the channel is empty.
    ///
    /// # Errors
    /// As upstream: `Timeout` or `Disconnected`.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.counted(self.inner.recv_timeout(timeout))
    }

    /// Receives, and blocks until `deadline` at most while the channel is empty.
    ///
    /// # Errors
    /// As upstream: `Timeout` or `Disconnected`.
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.counted(self.inner.recv_deadline(deadline))
    }

    #[inline(always)]
    fn counted<E>(&self, result: Result<T, E>) -> Result<T, E> {
        if result.is_ok() {
            self.received();
        }
        result
    }

    #[inline(always)]
    pub(super) fn received(&self) {
        let Membership { credit, shared } = &self.membership;
        let tracked = &shared.tracked;
        if let Some(totals) = &tracked.totals {
            count(totals);
        }
        let depth = || self.inner.len() as u64;
        shared.emit(tracked.flow.after_receive(credit, thread_key(), depth));
    }

    pub(super) fn upstream(&self) -> &crossbeam_channel::Receiver<T> {
        &self.inner
    }

    pub(super) fn shared(&self) -> &Registered<Shared<T>> {
        &self.membership.shared
    }

    /// Depth, marks, waiters and refused sends, now; with
    /// [`flow_totals`](crate::Limit::flow_totals) also what has gone through.
    #[inline]
    pub fn reading(&self) -> ChannelReading {
        self.shared().reading(|| self.inner.len() as u64)
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

    /// Items as they come, blocking, until the channel is empty and disconnected.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// The items that are there, without blocking.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// Whether both receive from one channel.
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.membership.shared.clone())
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Receiver { .. }")
    }
}

/// Counts a receive in the totals.
// Out of line, so that a channel without totals passes by it.
#[cold]
fn count(totals: &Totals) {
    totals.received.count(thread_key());
}

/// That a receiver is one of its channel's; ends after the upstream handle has been dropped.
struct Membership<T> {
    credit: Credit,
    shared: Registered<Shared<T>>,
}

impl<T> Drop for Membership<T> {
    fn drop(&mut self) {
        self.shared.tracked.flow.leave_receiver(&mut self.credit);
        self.shared.leave();
    }
}

receiver_iterators!();
