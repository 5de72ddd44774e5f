//! The receiving end.

use std::fmt;
use std::future::poll_fn;
#[cfg(feature = "tokio")]
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use plimsoll_core::error_type::error_type;

use super::shared::{Item, ItemRoom, Shared};
use crate::budget::handle::Budget;
use crate::park::block_on;

error_type! {
    /// Why there is no item.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum TryRecvError {
        /// None is there now.
        #[error("the channel is empty")]
        Empty,
        /// None is there, and none will come.
        #[error("the channel is empty, and no item will come")]
        Disconnected,
    }
}

/// The handle that receives. Its drop closes the channel, and drops what is in it.
pub struct Receiver<T>(pub(super) Arc<Shared<T>>);

impl<T> Receiver<T> {
    /// Receives the next item, and gives its room back; `None` once all senders are gone, or after
    /// [`close`](Self::close), and the channel is empty.
    ///
    /// # Cancellation
    /// Nothing is lost: an item is taken out when the future ends.
    pub async fn recv(&mut self) -> Option<T> {
        self.recv_with_room().await.map(|(value, _room)| value)
    }

    /// Receives the next item with its room, which is given back when that is dropped: for an item that
    /// takes its memory until it is worked off.
    ///
    /// # Cancellation
    /// As of [`recv`](Self::recv).
    pub async fn recv_with_room(&mut self) -> Option<(T, ItemRoom)> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// Polls for the next item with its room.
    pub fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<(T, ItemRoom)>> {
        self.0.poll_pop(context.waker()).map(|item| item.map(|Item { value, room }| (value, room)))
    }

    /// Receives the next item on a thread, which waits as long as it takes.
    pub fn blocking_recv(&mut self) -> Option<T> {
        block_on(Box::pin(self.recv()), None).flatten()
    }

    /// Receives the next item on a thread, which waits for `timeout` at most.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] if none came in time.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, TryRecvError> {
        match block_on(Box::pin(self.recv()), Some(timeout)) {
            Some(item) => item.ok_or(TryRecvError::Disconnected),
            None => self.try_recv(),
        }
    }

    /// Receives the next item, if there is one.
    ///
    /// # Errors
    /// [`TryRecvError`].
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.0.pop() {
            Poll::Ready(Some(item)) => Ok(item.value),
            Poll::Ready(None) => Err(TryRecvError::Disconnected),
            Poll::Pending => Err(TryRecvError::Empty),
        }
    }

    /// Takes no more items; those that are there can be received still.
    pub fn close(&mut self) {
        self.0.close();
    }

    /// How many items are in the channel.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no item is in the channel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The budget of the weight.
    pub fn budget(&self) -> &Budget {
        &self.0.weight
    }

    /// The budget of the number of items.
    pub fn item_budget(&self) -> &Budget {
        &self.0.count
    }
}

/// The items in turn, each of which gives its room back.
#[cfg(feature = "tokio")]
impl<T> futures_core::Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_item(context).map(|item| item.map(|(value, _room)| value))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("weight", &self.0.weight).finish_non_exhaustive()
    }
}
