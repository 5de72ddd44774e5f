//! The sending end.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::shared::{Item, ItemRoom, Shared};
use crate::budget::handle::Budget;
use crate::budget::lease::Lease;
use crate::budget::refused::Refused;

/// A handle that sends. The channel ends with the last of its clones.
pub struct Sender<T>(pub(super) Arc<Shared<T>>);

impl<T> Sender<T> {
    /// Sends an item, and waits for room for it, in turn.
    ///
    /// # Errors
    /// The item comes back if it is heavier than a capacity, or the receiver is gone.
    ///
    /// # Cancellation
    /// The item is dropped with the future, and takes no room.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        let weight = (self.0.weigh)(&value);
        let room = async {
            let count = self.0.count.reserve(1).await?;
            let of_weight =
                if weight > 0 { Some(self.0.weight.reserve(weight).await?) } else { None };
            Ok(ItemRoom::new(count, of_weight))
        };
        let room = room.await;
        self.end(value, weight, room)
    }

    /// Sends an item from a thread, which waits for room for it, in turn.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        self.send_with(value, Budget::reserve_blocking)
    }

    /// Sends an item, if there is room for it now and nobody waits for that.
    ///
    /// # Errors
    /// The item comes back; the [`Refused`] with it says why.
    pub fn try_send(&self, value: T) -> Result<(), SendError<T>> {
        self.send_with(value, Budget::try_reserve)
    }

    fn send_with(
        &self,
        value: T,
        reserve: impl Fn(&Budget, u64) -> Result<Lease, Refused>,
    ) -> Result<(), SendError<T>> {
        let weight = (self.0.weigh)(&value);
        let room = reserve(&self.0.count, 1).and_then(|count| {
            let of_weight = (weight > 0).then(|| reserve(&self.0.weight, weight)).transpose()?;
            Ok(ItemRoom::new(count, of_weight))
        });
        self.end(value, weight, room)
    }

    fn end(
        &self,
        value: T,
        weight: u64,
        room: Result<ItemRoom, Refused>,
    ) -> Result<(), SendError<T>> {
        let disconnected = |value| {
            let refused = self.0.closed(weight);
            SendError { value, refused, is_disconnected: true }
        };
        match room {
            Ok(room) => self.0.push(Item { value, room }).map_err(|item| disconnected(item.value)),
            Err(_) if self.0.is_closed() => Err(disconnected(value)),
            Err(refused) => Err(SendError { value, refused, is_disconnected: false }),
        }
    }

    /// Whether the receiver is closed or gone.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
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

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.add_sender();
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.remove_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("weight", &self.0.weight).finish_non_exhaustive()
    }
}

/// Why an item was not sent, and the item.
#[derive(Clone, PartialEq)]
pub struct SendError<T> {
    value: T,
    refused: Refused,
    is_disconnected: bool,
}

impl<T> SendError<T> {
    /// The item.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Whether the receiver is closed or gone, so that no item will ever be received.
    pub fn is_disconnected(&self) -> bool {
        self.is_disconnected
    }

    /// What refused it: the limit of the weight, or one above it; or that of the number of items, whose
    /// name ends with `_items`.
    pub fn refused(&self) -> &Refused {
        &self.refused
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_disconnected {
            return write!(f, "not sent: the receiver is closed or gone");
        }
        write!(f, "not sent: {}", self.refused)
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("refused", &self.refused).finish_non_exhaustive()
    }
}

impl<T> Error for SendError<T> {}
