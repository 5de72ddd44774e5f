//! Tracked `tokio::sync::mpsc`: bounded [`channel`] and [`unbounded_channel`].
//!
//! Items sent and received are counted, each side on a cache line of its own. A slot that is reserved
//! by a permit, or promised to a party that waits, is no item: it is not counted in the depth until
//! the item is there.
//!
//! Upstream wakes the other side in the middle of an operation. If that waker panics, the item is in,
//! or out, and so it is counted (CHAN-3).
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
use ::std::sync::Arc;

use ::tokio::sync::mpsc;
use ::tokio::sync::mpsc::error::TrySendError;
use ::tokio::task::coop::has_budget_remaining;
use plimsoll_core::{Credit, SplitCount, WatermarkError, Watermarks};

use super::totals::Sampled;
use super::{ChannelReading, Tracked, is_narrow, thread_key};
use crate::source::{Source, SourceReading};
use crate::{Limit, RegisterError, Registry};

/// What the handles of one channel share.
struct Shared {
    tracked: Tracked,
    count: SplitCount,
    /// Whether a receive is counted by a read-modify-write: see `count_received`.
    is_narrow: bool,
}

impl Shared {
    /// Registers a channel.
    fn track(
        registry: &Registry,
        limit: Limit,
        watermarks: Watermarks,
    ) -> Result<Arc<Self>, RegisterError> {
        let shared = Arc::new(Self {
            tracked: Tracked::register(registry, limit, watermarks)?,
            count: SplitCount::new(),
            is_narrow: is_narrow(&watermarks),
        });
        shared.tracked.attach(&shared);
        Ok(shared)
    }

    /// Counts a receive, which has itself ended in a read-modify-write.
    ///
    /// A plain store is one that others can still miss, and then a depth is judged too high by it.
    /// By one item that matters only if the next lower depth is the low watermark already.
    #[inline(always)]
    fn count_received(&self, items: usize) {
        if items > 1 || self.is_narrow {
            self.count.on_received_shared(items as u64);
        } else {
            self.count.on_received(items as u64);
        }
    }

    /// What a handle tells of the channel.
    fn reading(&self) -> ChannelReading {
        self.tracked.reading(self.depth(), |_| self.count.totals())
    }

    /// Items in the channel. A receive that is not counted yet can make it look overfull.
    fn depth(&self) -> u64 {
        let capacity = self.tracked.flow.gauge().watermarks().capacity();
        self.count.depth().min(capacity.unwrap_or(u64::MAX))
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
        self.tracked.source_reading(self.tracked.flow.gauge().reading_at(self.depth()))
    }

    fn take_high_water(&self) -> u64 {
        self.tracked.flow.take_high_water(|| self.depth())
    }

    fn waiting(&self) -> u64 {
        self.tracked.waiters.waiting()
    }
}

/// One sending handle's part of the channel.
struct SenderSide {
    credit: Credit,
    shared: Arc<Shared>,
}

impl SenderSide {
    fn new(shared: Arc<Shared>) -> Self {
        Self { credit: shared.tracked.flow.join_sender(), shared }
    }

    /// Polls `operation`, and counts it as waiting from when it finds no room (CHAN-4).
    ///
    /// A poll that began without budget is pending too, though there may be room: it says nothing, and
    /// the task is woken at once for one that does. A poll that found no room has its budget back.
    fn waiting<'a, F: Future>(
        &'a self,
        mut operation: Pin<&'a mut F>,
    ) -> impl Future<Output = F::Output> {
        let mut blocked = None;
        poll_fn(move |cx| {
            let poll = operation.as_mut().poll(cx);
            if poll.is_pending() && blocked.is_none() && has_budget_remaining() {
                blocked = Some(self.shared.tracked.block());
            }
            poll
        })
    }

    /// Notes a refusal for want of room.
    #[cold]
    fn noted<T>(&self, error: TrySendError<T>) -> TrySendError<T> {
        if let TrySendError::Full(_) = error {
            self.shared.tracked.waiters.refuse();
        }
        error
    }

    /// Counts an item even if the send is cut short: upstream puts the item in, then wakes the receiver,
    /// whose waker may panic.
    #[inline(always)]
    fn sending(&self) -> Sending<'_> {
        Sending(self)
    }

    /// After an item went into the channel.
    #[inline(always)]
    fn sent(&self) {
        self.shared.count.on_sent(1);
        let tracked = &self.shared.tracked;
        let depth = || self.shared.depth();
        tracked.emit(tracked.flow.after_send(&self.credit, thread_key(), depth));
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

impl Drop for SenderSide {
    fn drop(&mut self) {
        self.shared.tracked.flow.leave_sender(&mut self.credit);
    }
}

/// The receiving handle's part of the channel; ends after the upstream handle has been dropped.
struct ReceiverSide {
    credit: Credit,
    shared: Arc<Shared>,
}

impl ReceiverSide {
    fn new(shared: Arc<Shared>) -> Self {
        Self { credit: shared.tracked.flow.join_receiver(), shared }
    }

    /// Counts what upstream adds to `buffer` when the guard drops: it puts items there, then wakes
    /// senders, whose wakers may panic.
    #[inline(always)]
    fn taking<'a, T>(&'a self, buffer: &'a mut Vec<T>) -> Taking<'a, T> {
        Taking { side: self, before: buffer.len(), buffer }
    }

    /// After a receive that a panic has cut short, with `len` items left: whether an item had come out,
    /// the counts tell, but for a send that has not been counted yet.
    #[cold]
    fn received_in_panic(&self, len: usize) {
        let is_missing = self.shared.count.depth() > len as u64;
        self.received(usize::from(is_missing));
    }

    /// After items came out of the channel.
    #[inline(always)]
    fn received(&self, items: usize) {
        if items == 0 {
            return;
        }
        self.shared.count_received(items);
        let tracked = &self.shared.tracked;
        let (credit, thread) = (&self.credit, thread_key());
        let depth = || self.shared.depth();
        tracked.emit(match items {
            1 => tracked.flow.after_receive(credit, thread, depth),
            _ => tracked.flow.after_receive_many(credit, thread, items as u64, depth),
        });
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

impl Drop for ReceiverSide {
    fn drop(&mut self) {
        let Shared { tracked, count, .. } = &*self.shared;
        tracked.flow.leave_receiver(&mut self.credit);
        count.close();
        tracked.emit(tracked.flow.settle(|| 0));
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
    let shared = Shared::track(registry, limit.into(), watermarks)?;
    let (tx, rx) = mpsc::channel(usize::try_from(capacity).unwrap_or(usize::MAX));
    Ok((Sender::new(tx, SenderSide::new(shared.clone())), Receiver::new(rx, shared)))
}
