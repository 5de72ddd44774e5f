//! The receiving side of a bounded channel.

use ::std::fmt;
use ::std::pin::Pin;
use ::std::sync::Arc;
use ::std::task::{Context, Poll, ready};

use ::tokio::sync::mpsc;
use ::tokio::sync::mpsc::error::TryRecvError;
use futures_core::Stream;

use super::{ReceiverSide, Shared};

/// The receiving side of a tracked channel: `tokio::sync::mpsc::Receiver` with a gauge. Also a
/// [`Stream`] of the items.
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

    /// Receives, and waits while the channel is empty; `None` once it is empty and closed.
    pub async fn recv(&mut self) -> Option<T> {
        let item = self.inner.recv().await;
        self.side.received(usize::from(item.is_some()));
        item
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

    /// Receives if there is an item now.
    ///
    /// # Errors
    /// As upstream: `Empty` or `Disconnected`.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let item = self.inner.try_recv()?;
        self.side.received(1);
        Ok(item)
    }

    /// Receives from outside of a runtime, and blocks while the channel is empty.
    ///
    /// # Panics
    /// As upstream: inside of a runtime.
    pub fn blocking_recv(&mut self) -> Option<T> {
        let item = self.inner.blocking_recv();
        self.side.received(usize::from(item.is_some()));
        item
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

    /// Polls for an item.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let item = ready!(self.inner.poll_recv(cx));
        self.side.received(usize::from(item.is_some()));
        Poll::Ready(item)
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

    /// Closes the channel: what is in it can still be received.
    pub fn close(&mut self) {
        self.inner.close();
    }

    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Whether the channel is empty.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// How many items are in the channel.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Free slots now: neither taken by an item nor reserved.
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// Slots in all.
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }

    /// How many handles keep the channel open.
    pub fn sender_strong_count(&self) -> usize {
        self.inner.sender_strong_count()
    }

    /// How many weak handles there are.
    pub fn sender_weak_count(&self) -> usize {
        self.inner.sender_weak_count()
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_recv(cx)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("inner", &self.inner).finish_non_exhaustive()
    }
}
