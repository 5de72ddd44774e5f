//! Tracked `tokio::sync::mpsc`: bounded [`channel`] and [`unbounded_channel`].
//!
//! Items sent and received are counted, each side on a cache line of its own. A slot that is
//! reserved by a permit, or promised to a waiter, is no item: it is not counted in the
//! depth until the item is there.
//!
//! Upstream wakes the other side in the middle of an operation. If that waker panics, the item is
//! in, or out, and so it is counted (CHAN-3).
//!
//! ```
//! use plimsoll::{Registry, channel::tokio};
//!
//! # ::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let registry = Registry::new();
//! let (tx, mut rx) = tokio::channel::<u32>(&registry, "replies", 8)?;
//! tx.send(7).await?;
//! assert_eq!(registry.snapshot().entries()[0].depth, 1);
//! assert_eq!(rx.recv().await, Some(7));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod permit;
mod receiver;
mod receiving;
mod sender;
mod sending;
mod unbounded;

pub use permit::{OwnedPermit, Permit, PermitIterator};
pub use receiver::Receiver;
pub use sender::{Sender, WeakSender};
pub use unbounded::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel};

/// Upstream's errors.
pub use ::tokio::sync::mpsc::error;

use ::std::future::{Future, poll_fn};
use ::std::mem;
use ::std::pin::Pin;

use ::tokio::sync::mpsc;
use ::tokio::sync::mpsc::error::{SendError, TrySendError};
use ::tokio::task::coop::has_budget_remaining;
use plimsoll_core::{WatermarkError, Watermarks};

use super::counted::{Counted, ReceiverSide, SenderSide};
use crate::{Limit, RegisterError, Registry};

impl SenderSide {
    /// Polls `operation`, and counts it as waiting from when it finds no room (CHAN-4).
    ///
    /// A poll that began without budget is pending too, though there may be room: it says nothing,
    /// and the task is woken at once for one that does. A poll that found no room has its budget
    /// back.
    fn waiting<'a, F: Future>(
        &'a self,
        mut operation: Pin<&'a mut F>,
    ) -> impl Future<Output = F::Output> {
        let mut blocked = None;
        poll_fn(move |cx| {
            let poll = operation.as_mut().poll(cx);
            if poll.is_pending() && blocked.is_none() && has_budget_remaining() {
                blocked = Some(self.shared.block());
            }
            poll
        })
    }

    /// Counts what came back.
    #[cold]
    fn noted<T>(&self, error: TrySendError<T>) -> TrySendError<T> {
        match error {
            TrySendError::Full(_) => self.shared.refuse(),
            TrySendError::Closed(_) => self.shared.tracked.on_closed(),
        }
        error
    }

    /// Counts what came back since the channel is closed.
    #[cold]
    fn closed<T>(&self, error: SendError<T>) -> SendError<T> {
        self.shared.tracked.on_closed();
        error
    }

    /// Counts an item even if the send is cut short: upstream puts the item in, then wakes the
    /// receiver, whose waker may panic.
    #[inline(always)]
    fn sending(&self) -> Sending<'_> {
        Sending(self)
    }
}

/// See [`SenderSide::sending`].
struct Sending<'a>(&'a SenderSide);

impl Sending<'_> {
    /// Upstream has returned: the item is in, or has come back.
    #[inline(always)]
    fn end(self, is_in: bool) {
        let side = self.0;
        mem::forget(self);
        if is_in {
            side.sent();
        }
    }
}

impl Drop for Sending<'_> {
    #[cold]
    fn drop(&mut self) {
        self.0.sent();
    }
}

impl ReceiverSide {
    /// Counts what upstream adds to `buffer` when the guard drops: it puts items there, then wakes
    /// senders, whose wakers may panic.
    #[inline(always)]
    fn taking<'a, T>(&'a self, buffer: &'a mut Vec<T>) -> Taking<'a, T> {
        Taking { side: self, before: buffer.len(), buffer }
    }

    /// After a receive that a panic has cut short, with `len` items left: whether an item had come
    /// out, the counts tell, but for a send that has not been counted yet.
    #[cold]
    fn received_in_panic(&self, len: usize) {
        let is_missing = self.shared.count.depth() > len as u64;
        self.received(usize::from(is_missing));
    }
}

/// See [`ReceiverSide::taking`].
struct Taking<'a, T> {
    side: &'a ReceiverSide,
    before: usize,
    buffer: &'a mut Vec<T>,
}

impl<T> Drop for Taking<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.side.received(self.buffer.len() - self.before);
    }
}

/// A channel that holds up to `buffer` items, tracked under `limit`.
///
/// The watermarks are 80 % and 50 % of the capacity; [`channel_with`] takes others.
///
/// # Errors
/// What [`Registry`] refuses: a bad name, too many entries; a capacity above 2^46, or of 0, where
/// upstream panics.
///
/// # Panics
/// As upstream: if `buffer` is larger than its semaphore can count.
pub fn channel<T>(
    registry: &Registry,
    limit: impl Into<Limit>,
    buffer: usize,
) -> Result<(Sender<T>, Receiver<T>), RegisterError> {
    channel_with(registry, limit, Watermarks::try_new(buffer as u64)?)
}

/// A channel as [`channel`] makes it, with watermarks of the caller's choice; their capacity is the
/// channel's.
///
/// # Errors
/// What [`Registry`] refuses: a bad name, too many entries; watermarks without a capacity, or with
/// one of 0.
///
/// # Panics
/// As upstream: if the capacity is larger than its semaphore can count.
pub fn channel_with<T>(
    registry: &Registry,
    limit: impl Into<Limit>,
    watermarks: Watermarks,
) -> Result<(Sender<T>, Receiver<T>), RegisterError> {
    let capacity = watermarks.capacity().filter(|capacity| *capacity > 0);
    let capacity = capacity.ok_or(WatermarkError::NoCapacity)?;
    let shared = Counted::track(registry, limit.into(), watermarks, false)?;
    let (tx, rx) = mpsc::channel(usize::try_from(capacity).unwrap_or(usize::MAX));
    Ok((Sender::new(tx, SenderSide::new(shared.clone())), Receiver::new(rx, shared)))
}
