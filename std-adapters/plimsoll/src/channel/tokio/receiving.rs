//! The shared part of bounded and unbounded receivers.

use ::std::mem;
use ::std::sync::{Mutex, PoisonError};
use ::std::task::Poll;

use crate::channel::counted::ReceiverSide;

/// Where one item comes out of a bounded channel: empty between operations.
///
/// Upstream's `recv` takes an item and then wakes a sender; if that waker panics, nobody knows
/// whether an item was taken. Its `recv_many` puts the item into a buffer first.
// A mutex that is never locked: a receiver is `Sync` for every item that is `Send`, as upstream's.
pub(super) struct Slot<T>(Mutex<Vec<T>>);

// As upstream's receivers, whatever the item: nothing here is ever pinned.
impl<T> Unpin for Slot<T> {}

impl<T> Slot<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::with_capacity(1)))
    }

    /// Receives one item by `receive`, which puts it into the buffer.
    #[inline(always)]
    pub(super) fn receive(
        &mut self,
        side: &ReceiverSide,
        receive: impl FnOnce(&mut Vec<T>) -> Poll<usize>,
    ) -> Poll<Option<T>> {
        let buffer = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let cut_short = CutShort { side, buffer };
        let poll = receive(cut_short.buffer);
        mem::forget(cut_short);
        side.received(buffer.len());
        poll.map(|_| buffer.pop())
    }
}

/// Ends a receive that a panicking waker has cut short: an item that came out is counted, and
/// dropped as upstream does.
struct CutShort<'a, T> {
    side: &'a ReceiverSide,
    buffer: &'a mut Vec<T>,
}

impl<T> Drop for CutShort<'_, T> {
    #[cold]
    fn drop(&mut self) {
        self.side.received(self.buffer.len());
        self.buffer.clear();
    }
}

/// Defines it for the receiver `$name`, which has upstream's handle as `inner`, a `ReceiverSide` as
/// `side`, and methods `poll_recv`, `try_recv` and `blocking_recv` of its own.
macro_rules! receiver_methods {
    ($name:ident) => {
        impl<T> $name<T> {
            /// Receives, and waits while the channel is empty; `None` once it is empty and closed.
            pub async fn recv(&mut self) -> Option<T> {
                ::std::future::poll_fn(|cx| self.poll_recv(cx)).await
            }

            /// Depth, marks, waiters and refused sends, now; with
            /// [`flow_totals`](crate::Limit::flow_totals) also what has gone through.
            #[inline]
            pub fn reading(&self) -> crate::channel::ChannelReading {
                self.side.shared.reading()
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

            /// How many handles keep the channel open.
            pub fn sender_strong_count(&self) -> usize {
                self.inner.sender_strong_count()
            }

            /// How many weak handles there are.
            pub fn sender_weak_count(&self) -> usize {
                self.inner.sender_weak_count()
            }
        }

        impl<T> ::futures_core::Stream for $name<T> {
            type Item = T;

            fn poll_next(
                mut self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<Option<T>> {
                self.poll_recv(cx)
            }
        }

        impl<T> ::std::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("inner", &self.inner)
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(super) use receiver_methods;
