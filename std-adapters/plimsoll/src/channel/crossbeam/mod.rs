//! Tracked `crossbeam_channel::{bounded, unbounded}`.
//!
//! The gauge asks the channel for its length, so it needs no counter of its own. Once the last
//! receiver is gone the depth is 0: nobody can receive what is left. An unbounded channel drops it
//! then. A bounded one keeps it until its last *sender* is gone, as upstream does: items that
//! matter when they are dropped (a reply to be sent, a permit, memory) live as long as a producer
//! does, `len` still counts them, and their drops may panic in a sender's.
//!
//! The constructors ask for `T: Send + 'static`, which upstream's do not: the registry keeps a receiver
//! to ask for the length with, and asks from whichever thread takes a snapshot. The other channels
//! count both sides, so that the registry never sees an item; they take any `T`.
//!
//! [`Select`] takes tracked handles. In upstream's `select!` and `select_biased!`, name a tracked
//! handle by its `watched()`:
//!
//! ```
//! use plimsoll::{Registry, channel::crossbeam};
//!
//! let registry = Registry::new();
//! let (tx, rx) = crossbeam::bounded::<u32>(&registry, "replies", 8)?;
//! tx.send(7)?;
//! crossbeam_channel::select! {
//!     recv(rx.watched()) -> reply => assert_eq!(reply, Ok(7)),
//!     default => unreachable!(),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod receiver;
mod select;
mod sender;
mod watched;

pub use crossbeam_channel::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError,
    SendTimeoutError, TryReadyError, TryRecvError, TrySelectError, TrySendError,
};
pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use select::{ReceiveHandle, Select, SelectedOperation, SendHandle};
pub use sender::Sender;
pub use watched::{WatchedReceiver, WatchedSender};

use ::std::mem::offset_of;
use ::std::panic::{RefUnwindSafe, UnwindSafe};
use ::std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use plimsoll_core::Watermarks;

use super::totals::Sampled;
use super::{Channel, ChannelReading, Tracked, watermarks_for};
use crate::registry::Registered;
use crate::telemetry::{AtRest, Seen, Source, SourceReading};
use crate::{Limit, RegisterError, Registry};

/// What the handles of one channel share.
// On cache lines of its own: probe, waiters and refused sends fill the first, and what receivers read for each item
// is on the second. A snapshot of a channel at rest needs these two, and upstream's. Senders' looks write the fourth.
#[repr(C, align(64))]
struct Shared<T> {
    /// A receiver to ask for the length with. It goes with the last of the user's, so that senders
    /// see the channel disconnect just when they would without it.
    probe: Mutex<Option<crossbeam_channel::Receiver<T>>>,
    tracked: Tracked,
    receivers: AtomicUsize,
}

#[cfg(all(target_pointer_width = "64", not(shuttle)))]
const _: () = assert!(
    offset_of!(Shared<()>, tracked) + offset_of!(Tracked, totals) == 64
        && offset_of!(Tracked, flow) == 48
);

// As of upstream's handles.
impl<T> UnwindSafe for Shared<T> {}
impl<T> RefUnwindSafe for Shared<T> {}

impl<T> Shared<T> {
    fn depth(&self) -> u64 {
        self.probe.lock().as_ref().map_or(0, |probe| probe.len() as u64)
    }

    /// Whether there is a receiver; without one, a send that came just before is no depth either.
    fn is_receivable(&self) -> bool {
        // Relaxed: ordered by the fences of the gauge.
        self.receivers.load(Ordering::Relaxed) > 0
    }

    /// One receiver more.
    fn join(&self) {
        // Relaxed: the handle that is being cloned keeps the count above 0.
        self.receivers.fetch_add(1, Ordering::Relaxed);
    }

    /// The reading that a handle returns of the channel, which asks it for its `depth`.
    #[inline]
    fn reading(&self, depth: impl Fn() -> u64) -> ChannelReading {
        self.tracked.reading(depth(), |totals| totals.at(&depth))
    }
}

impl<T> Registered<Shared<T>> {
    /// Looks at the depth, whatever credit there is.
    fn settle(&self) {
        self.emit(self.tracked.flow.settle(|| self.depth()));
    }

    /// One receiver less. The last one takes the probe along, and with it what an unbounded channel
    /// holds; a bounded one keeps that, out of reach, until its last sender is gone.
    fn leave(&self) {
        // AcqRel: the last one to leave comes after all others.
        if self.receivers.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        // Items are dropped with the probe, and may panic: the gauge is settled whatever happens.
        let _settled = Settle(self);
        let probe = self.probe.lock().take();
        if let (Some(probe), Some(totals)) = (&probe, &self.tracked.totals) {
            totals.lose(probe.len() as u64);
        }
        drop(probe);
    }
}

struct Settle<'a, T>(&'a Registered<Shared<T>>);

impl<T> Drop for Settle<'_, T> {
    fn drop(&mut self) {
        self.0.settle();
    }
}

impl<T: Send + 'static> Channel for Shared<T> {
    fn tracked(&self) -> &Tracked {
        &self.tracked
    }
}

impl<T: Send> Sampled for Shared<T> {
    fn sample(&self, now_us: u64) {
        self.tracked.note(now_us, |totals| totals.at(|| self.depth()));
    }
}

impl<T: Send> Source for Shared<T> {
    #[inline(always)]
    fn at_rest(&self) -> Option<AtRest> {
        self.tracked.at_rest(|| self.depth())
    }

    #[inline(always)]
    fn look(&self) -> Option<SourceReading> {
        let (reading, edge) = self.tracked.flow.reading(|| self.depth());
        Some(self.tracked.source_reading(reading).with_edge(edge))
    }

    fn read_into(&self, seen: &mut Seen<'_>) {
        if let Some(reading) = self.look() {
            let depth = reading.depth;
            seen.depth(reading);
            seen.flow(self.tracked.passed(depth, |totals| totals.at(|| self.depth())));
        }
    }

    fn take_high_water(&self) -> u64 {
        self.tracked.flow.take_high_water(|| self.depth())
    }

    fn waiting(&self) -> u64 {
        self.tracked.waiters.waiting()
    }
}

/// A channel that holds up to `capacity` items, tracked under `limit`. Capacity 0 is a rendezvous:
/// it never has depth, and shows its waiters.
///
/// The watermarks are 80 % and 50 % of the capacity; [`bounded_with`] takes others.
///
/// # Errors
/// What [`Registry`] refuses: a bad name, too many entries; a capacity above 2^46.
pub fn bounded<T: Send + 'static>(
    registry: &Registry,
    limit: impl Into<Limit>,
    capacity: usize,
) -> Result<(Sender<T>, Receiver<T>), RegisterError> {
    track(registry, limit.into(), watermarks_for(capacity)?, || {
        crossbeam_channel::bounded(capacity)
    })
}

/// A channel as [`bounded`] makes it, with watermarks of the caller's choice; their capacity is the
/// channel's.
///
/// # Errors
/// What [`Registry`] refuses: a bad name, too many entries.
pub fn bounded_with<T: Send + 'static>(
    registry: &Registry,
    limit: impl Into<Limit>,
    watermarks: Watermarks,
) -> Result<(Sender<T>, Receiver<T>), RegisterError> {
    track(registry, limit.into(), watermarks, || match watermarks.capacity() {
        // More than this target can address is left to upstream, which panics as it always does.
        Some(capacity) => {
            crossbeam_channel::bounded(usize::try_from(capacity).unwrap_or(usize::MAX))
        }
        None => crossbeam_channel::unbounded(),
    })
}

/// A channel without a bound, tracked under `limit`: depth and high-water mark are kept, nothing is
/// ever raised.
///
/// # Errors
/// What [`Registry`] refuses: a bad name, too many entries.
pub fn unbounded<T: Send + 'static>(
    registry: &Registry,
    limit: impl Into<Limit>,
) -> Result<(Sender<T>, Receiver<T>), RegisterError> {
    track(registry, limit.into(), Watermarks::unbounded(), crossbeam_channel::unbounded)
}

fn track<T: Send + 'static>(
    registry: &Registry,
    limit: Limit,
    watermarks: Watermarks,
    channel: impl FnOnce() -> (crossbeam_channel::Sender<T>, crossbeam_channel::Receiver<T>),
) -> Result<(Sender<T>, Receiver<T>), RegisterError> {
    let tracked = Tracked::new(&limit, watermarks);
    let registration = registry.reserve(limit, watermarks)?;
    let (tx, rx) = channel();
    let probe = Mutex::new(Some(rx.clone()));
    let shared = Shared { tracked, probe, receivers: AtomicUsize::new(0) }.register(registration);
    Ok((Sender::new(tx, shared.clone()), Receiver::new(rx, shared)))
}
