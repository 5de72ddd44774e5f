//! The receiving side of a bounded channel.

use ::std::future::poll_fn;
use ::std::mem;
use ::std::task::{Context, Poll};

use ::tokio::sync::mpsc;
use ::tokio::sync::mpsc::error::TryRecvError;

use super::receiving::{Slot, receiver_methods};
use crate::channel::counted::{Counted, ReceiverSide};
use crate::channel::level::has_level;
use crate::registry::Registered;

/// The receiving side of a tracked channel: `tokio::sync::mpsc::Receiver` with a gauge. Also a
/// [`Stream`](futures_core::Stream) of the items.
///
/// # Cancellation
/// As upstream: a receive that is dropped has taken and counted nothing.
pub struct Receiver<T> {
    // Dropped before `side`, which then finds the channel gone.
    inner: mpsc::Receiver<T>,
    slot: Slot<T>,
    side: ReceiverSide,
}

has_level!(Receiver, side.shared);

impl<T> Receiver<T> {
    pub(super) fn new(inner: mpsc::Receiver<T>, shared: Registered<Counted>) -> Self {
        Self { inner, slot: Slot::new(), side: ReceiverSide::new(shared) }
    }

    /// Receives if there is an item now.
    ///
    /// # Errors
    /// As upstream: `Empty` or `Disconnected`.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let Self { inner, side, .. } = self;
        let trying = Trying { inner, side };
        let result = trying.inner.try_recv();
        mem::forget(trying);
        side.received(usize::from(result.is_ok()));
        result
    }

    /// Receives from outside of a runtime, and blocks while the channel is empty.
    ///
    /// # Panics
    /// As upstream: inside of a runtime.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        let Self { inner, slot, side } = self;
        let receive = |buffer: &mut Vec<T>| Poll::Ready(inner.blocking_recv_many(buffer, 1));
        match slot.receive(side, receive) {
            Poll::Ready(item) => item,
            Poll::Pending => None,
        }
    }

    /// Polls for an item.
    #[inline]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { inner, slot, side } = self;
        // Taking an item out wakes a sender that waits, if there is one, and its waker may panic:
        // the slot, which costs more, tells for certain whether the item was out.
        if side.shared.tracked.waiters.waiting() > 0 {
            return slot.receive(side, |buffer| inner.poll_recv_many(cx, buffer, 1));
        }
        let trying = Trying { inner, side };
        let poll = trying.inner.poll_recv(cx);
        mem::forget(trying);
        side.received(usize::from(matches!(poll, Poll::Ready(Some(_)))));
        poll
    }

    /// Receives up to `limit` items into `buffer`, and waits while the channel is empty.
    ///
    /// # Returns
    /// How many came; 0 if the channel is empty and closed, or `limit` is 0.
    pub async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        poll_fn(|cx| self.poll_recv_many(cx, buffer, limit)).await
    }

    /// Receives up to `limit` items from outside of a runtime, and blocks while the channel is
    /// empty.
    ///
    /// # Panics
    /// As upstream: inside of a runtime.
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let taking = self.side.taking(buffer);
        self.inner.blocking_recv_many(taking.buffer, limit)
    }

    /// Polls for up to `limit` items.
    pub fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        let taking = self.side.taking(buffer);
        self.inner.poll_recv_many(cx, taking.buffer, limit)
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

/// Counts, when it drops, what a receive has taken that a panicking waker has cut short.
struct Trying<'a, T> {
    inner: &'a mut mpsc::Receiver<T>,
    side: &'a ReceiverSide,
}

impl<T> Drop for Trying<'_, T> {
    #[cold]
    fn drop(&mut self) {
        self.side.received_in_panic(self.inner.len());
    }
}

receiver_methods!(Receiver);
