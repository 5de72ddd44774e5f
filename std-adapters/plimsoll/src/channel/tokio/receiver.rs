//! The receiving side of a bounded channel.

use ::std::sync::Arc;
use ::std::task::{Context, Poll, ready};

use ::tokio::sync::mpsc;

use super::receiving::receiver_methods;
use super::{ReceiverSide, Shared};

/// The receiving side of a tracked channel: `tokio::sync::mpsc::Receiver` with a gauge. Also a
/// [`Stream`](futures_core::Stream) of the items.
///
/// # Cancellation
/// As upstream: a receive that is dropped has taken and counted nothing.
pub struct Receiver<T> {
    // Dropped before `side`, which then finds the channel gone.
    inner: mpsc::Receiver<T>,
    side: ReceiverSide,
}

impl<T> Receiver<T> {
    pub(super) fn new(inner: mpsc::Receiver<T>, shared: Arc<Shared>) -> Self {
        Self { inner, side: ReceiverSide::new(shared) }
    }

    /// Receives up to `limit` items into `buffer`, and waits while the channel is empty.
    ///
    /// # Returns
    /// How many came; 0 if the channel is empty and closed, or `limit` is 0.
    pub async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let items = self.inner.recv_many(buffer, limit).await;
        self.side.received(items);
        items
    }

    /// Receives up to `limit` items from outside of a runtime, and blocks while the channel is empty.
    ///
    /// # Panics
    /// As upstream: inside of a runtime.
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let items = self.inner.blocking_recv_many(buffer, limit);
        self.side.received(items);
        items
    }

    /// Polls for up to `limit` items.
    pub fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        let items = ready!(self.inner.poll_recv_many(cx, buffer, limit));
        self.side.received(items);
        Poll::Ready(items)
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

receiver_methods!(Receiver);
