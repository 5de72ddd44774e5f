//! Both sides of an unbounded channel.

use ::std::future::{Future, poll_fn};
use ::std::pin::pin;
use ::std::task::{Context, Poll};

use ::tokio::sync::mpsc;
use ::tokio::sync::mpsc::error::{SendError, TryRecvError};
use ::tokio::task::coop::unconstrained;
use plimsoll_core::Watermarks;

use super::receiving::receiver_methods;
use super::sending::sender_methods;
use crate::channel::counted::{Counted, ReceiverSide, SenderSide};
use crate::channel::level::has_level;
use crate::{Limit, RegisterError, Registry};

/// A channel without a bound, tracked under `limit`: depth and high-water mark are kept, nothing is
/// ever raised.
///
/// # Errors
/// What [`Registry`] refuses: a bad name, too many entries.
pub fn unbounded_channel<T>(
    registry: &Registry,
    limit: impl Into<Limit>,
) -> Result<(UnboundedSender<T>, UnboundedReceiver<T>), RegisterError> {
    let shared = Counted::track(registry, limit.into(), Watermarks::unbounded(), false)?;
    let (tx, rx) = mpsc::unbounded_channel();
    let side = ReceiverSide::new(shared.clone());
    let receiver = UnboundedReceiver { inner: rx, side };
    Ok((UnboundedSender { inner: tx, side: SenderSide::new(shared) }, receiver))
}

/// How many items may be taken out before they are counted.
const BATCH: usize = 64;

/// The sending side of a tracked channel: `tokio::sync::mpsc::UnboundedSender` with a gauge.
pub struct UnboundedSender<T> {
    inner: mpsc::UnboundedSender<T>,
    side: SenderSide,
}

has_level!(UnboundedSender, side.shared);

impl<T> UnboundedSender<T> {
    /// Sends.
    ///
    /// # Errors
    /// As upstream: the item comes back if the channel is closed.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let sending = self.side.sending();
        let result = self.inner.send(message);
        sending.end(result.is_ok());
        result.map_err(|error| self.side.closed(error))
    }
}

sender_methods!(UnboundedSender, WeakUnboundedSender);

/// The receiving side of a tracked channel: `tokio::sync::mpsc::UnboundedReceiver` with a gauge.
/// Also a [`Stream`](futures_core::Stream) of the items.
pub struct UnboundedReceiver<T> {
    // Dropped before `side`, which then finds the channel gone.
    inner: mpsc::UnboundedReceiver<T>,
    side: ReceiverSide,
}

has_level!(UnboundedReceiver, side.shared);

impl<T> UnboundedReceiver<T> {
    /// Receives if there is an item now.
    ///
    /// # Errors
    /// As upstream: `Empty` or `Disconnected`.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let result = self.inner.try_recv();
        self.side.received(usize::from(result.is_ok()));
        result
    }

    /// Receives from outside of a runtime, and blocks while the channel is empty.
    ///
    /// # Panics
    /// As upstream: inside of a runtime.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        let item = self.inner.blocking_recv();
        self.side.received(usize::from(item.is_some()));
        item
    }

    /// Polls for an item.
    // Nobody is woken once an item is out: no sender waits. So a panic leaves nothing to be
    // counted.
    #[inline]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let poll = self.inner.poll_recv(cx);
        self.side.received(usize::from(matches!(poll, Poll::Ready(Some(_)))));
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
        let batch = |inner: &mut mpsc::UnboundedReceiver<T>, buffer: &mut Vec<T>, limit| {
            Poll::Ready(inner.blocking_recv_many(buffer, limit))
        };
        self.in_batches(buffer, limit, batch, batch).unwrap_or(0)
    }

    /// Polls for up to `limit` items.
    pub fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        let waker = cx.waker();
        let first = |inner: &mut mpsc::UnboundedReceiver<T>, buffer: &mut Vec<T>, limit| {
            inner.poll_recv_many(&mut Context::from_waker(waker), buffer, limit)
        };
        // Upstream's one call costs one unit of the task's budget, whatever it returns (CHAN-4).
        let more = |inner: &mut mpsc::UnboundedReceiver<T>, buffer: &mut Vec<T>, limit| {
            let batch = poll_fn(|cx| inner.poll_recv_many(cx, buffer, limit));
            pin!(unconstrained(batch)).poll(&mut Context::from_waker(waker))
        };
        match self.in_batches(buffer, limit, first, more) {
            Some(items) => Poll::Ready(items),
            None => Poll::Pending,
        }
    }

    /// Receives up to `limit` items, [`BATCH`] at once, by `first` and then by `more`: `None` if
    /// `first` is pending.
    ///
    /// Upstream goes on for as long as a producer keeps up. What it has taken out meanwhile is
    /// counted when it returns, and until then reads as depth.
    fn in_batches(
        &mut self,
        buffer: &mut Vec<T>,
        limit: usize,
        first: impl FnOnce(&mut mpsc::UnboundedReceiver<T>, &mut Vec<T>, usize) -> Poll<usize>,
        more: impl Fn(&mut mpsc::UnboundedReceiver<T>, &mut Vec<T>, usize) -> Poll<usize>,
    ) -> Option<usize> {
        let Self { inner, side, .. } = self;
        let batch = |total: usize| BATCH.min(limit - total);
        let taking = side.taking(buffer);
        let Poll::Ready(mut items) = first(inner, taking.buffer, batch(0)) else { return None };
        drop(taking);
        let mut total = items;
        while items == BATCH && total < limit && !inner.is_empty() {
            let taking = side.taking(buffer);
            let Poll::Ready(next) = more(inner, taking.buffer, batch(total)) else { break };
            items = next;
            total += items;
        }
        Some(total)
    }
}

receiver_methods!(UnboundedReceiver);
