//! Tracked channels: drop-in for those in common use, each with a gauge.
//!
//! A tracked channel *is* the upstream channel: no thread, no buffer and no capacity is added, and
//! methods, errors, order, fairness and blocking are upstream's. Around each operation stands a
//! [`FlowGauge`], which most of the time costs a few plain loads.
//!
//! | module | in place of |
//! |---|---|
//! | `crossbeam` | `crossbeam_channel::{bounded, unbounded}` |
//! | `mpsc` | `std::sync::mpsc::sync_channel` |
//! | `tokio` | `tokio::sync::mpsc::{channel, unbounded_channel}` |
//!
//! Each handle tells its channel's [`ChannelReading`] by `reading()`. How much has gone through and
//! how old the oldest item is are counted on request: see [`Limit::flow_totals`].
//!
//! ```
//! use plimsoll::{Limit, Registry, channel::mpsc};
//!
//! let registry = Registry::new();
//! let (tx, rx) = mpsc::sync_channel::<u32>(&registry, Limit::queue("replies").flow_totals(), 2)?;
//! tx.send(1)?;
//! tx.send(2)?;
//! assert!(tx.try_send(3).is_err());
//! rx.recv()?;
//! let reading = rx.reading();
//! assert_eq!((reading.depth, reading.high_water, reading.refused), (1, 2, 1));
//! assert_eq!((reading.sent, reading.received), (Some(2), Some(1)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//! - CHAN-1: upstream's behaviour is untouched.
//! - CHAN-2: GAUGE-1 (the depth is the number of items really there) and GAUGE-2 (never more than
//!   the capacity; who is blocked is a number of its own) hold through every path in and out.
//! - CHAN-3: so they do if a waker, a drop or a clone of the user's panics on the way.
//! - CHAN-4: a task that has to yield does not wait, and a tracked operation costs the cooperative
//!   budget that upstream's does.

#[cfg(any(feature = "std-channel", feature = "tokio"))]
mod counted;
#[cfg(feature = "crossbeam")]
pub mod crossbeam;
#[cfg(any(feature = "crossbeam", feature = "std-channel"))]
mod iter;
mod level;
#[cfg(feature = "std-channel")]
pub mod mpsc;
mod reading;
#[cfg(feature = "tokio")]
pub mod tokio;
mod totals;

pub use reading::ChannelReading;

use ::std::num::NonZeroU64;
use ::std::sync::atomic::{AtomicU64, Ordering};
use ::std::time::Duration;

use plimsoll_core::{FlowGauge, Reading, ThreadKey, Waiters, Watermarks};

use crate::Limit;
use crate::clock;
use crate::registry::{Registered, Registration};
use crate::telemetry::{AtRest, RefusedSends, SnapshotFlow, Source, SourceReading};
use totals::{Sampled, Totals};

/// How often a send into a full channel spins, twice as long each time, before it is counted as waiting
/// and upstream blocks it: half a microsecond in all. For room that comes at once it is not worth being
/// counted. Upstream spins and yields before it parks, so here it only spins, and not as long.
#[cfg(any(feature = "crossbeam", feature = "std-channel"))]
const SPINS: u32 = 5;

/// How full a tracked channel is, who waits, and what it has refused.
// In the order that crossbeam's `Shared` explains.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Tracked {
    waiters: Waiters,
    refusals: Refusals,
    /// What has gone through, if that is asked for.
    totals: Option<Box<Totals>>,
    flow: FlowGauge,
}

impl Tracked {
    fn new(limit: &Limit, watermarks: Watermarks) -> Self {
        Self {
            flow: FlowGauge::new(watermarks),
            waiters: Waiters::new(),
            refusals: Refusals::default(),
            totals: limit.has_flow_totals().then(Box::default),
        }
    }

    /// There was no room for a send that does not wait.
    #[cold]
    fn refuse(&self, depth: impl FnOnce() -> u64) {
        self.waiters.refuse();
        self.flow.note_full(depth);
    }

    /// There was no room for a send: the caller is blocked until the guard drops.
    fn block(&self, depth: impl FnOnce() -> u64) -> Blocked<'_> {
        self.flow.note_full(depth);
        let since_us = clock::now_us();
        self.waiters.enter(since_us);
        Blocked { waiters: &self.waiters, since_us }
    }

    /// Counts a send that waited in vain. Those of std have no timeout.
    #[cfg(any(feature = "crossbeam", feature = "tokio"))]
    #[cold]
    fn on_timeout(&self) {
        self.refusals.timed_out.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a send after the last receiver has gone.
    #[cold]
    fn on_closed(&self) {
        self.refusals.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// What has gone through, and what has not.
    #[inline]
    fn passed(&self, depth: u64, totals: impl FnOnce(&Totals) -> (u64, u64)) -> SnapshotFlow {
        let (sent, received, oldest_age) = self.gone_through(depth, totals);
        let refused = RefusedSends {
            full: self.waiters.refused(),
            timed_out: self.refusals.timed_out.load(Ordering::Relaxed),
            closed: self.refusals.closed.load(Ordering::Relaxed),
        };
        SnapshotFlow { sent, received, oldest_age, refused }
    }

    /// The depth, if the channel has had no edge and no waiter, has refused no send and counts no totals.
    #[inline(always)]
    fn at_rest(&self, depth: impl FnOnce() -> u64) -> Option<AtRest> {
        if self.totals.is_some() || !self.waiters.is_untouched() || !self.refusals.is_none() {
            return None;
        }
        self.flow.depths_before_edges(depth).map(AtRest::channel)
    }

    /// Items sent and received, and the age of the oldest one, if they are counted.
    #[inline(always)]
    fn gone_through(
        &self,
        depth: u64,
        totals: impl FnOnce(&Totals) -> (u64, u64),
    ) -> (Option<u64>, Option<u64>, Option<Duration>) {
        let Some(kept) = &self.totals else { return (None, None, None) };
        let (sent, received) = totals(kept);
        let oldest_age = (depth > 0).then(|| kept.oldest_age(received));
        (Some(sent), Some(received), oldest_age)
    }

    #[inline]
    fn source_reading(&self, reading: Reading) -> SourceReading {
        let (waiting, blocked) = self.waits();
        SourceReading::new(reading, waiting, blocked)
    }

    /// How many waiters there are, and how long waiters have waited.
    #[inline]
    fn waits(&self) -> (u64, Duration) {
        let waiting = self.waiters.waiting();
        // The clock costs more than all the rest: without a waiter, any time will do.
        let now_us = if waiting > 0 { clock::now_us() } else { 0 };
        let blocked_us = self.waiters.blocked_us(now_us);
        // To divide by a million is the next thing.
        let blocked =
            if blocked_us > 0 { Duration::from_micros(blocked_us) } else { Duration::ZERO };
        (waiting, blocked)
    }

    /// The reading that a handle returns of the channel, with `totals` sent and received.
    #[inline(always)]
    fn reading(&self, depth: u64, totals: impl FnOnce(&Totals) -> (u64, u64)) -> ChannelReading {
        let gauge = self.flow.gauge();
        let Reading { depth, high_water, level, .. } = gauge.reading_at(depth);
        let (waiting, blocked) = self.waits();
        let refused = self.waiters.refused() + self.refusals.timed_out.load(Ordering::Relaxed);
        let (sent, received, oldest_age) = self.gone_through(depth, totals);
        ChannelReading {
            depth,
            high_water,
            level,
            capacity: gauge.watermarks().capacity(),
            waiting,
            blocked,
            refused,
            sent,
            received,
            oldest_age,
        }
    }

    /// Notes the totals of this tick.
    fn note(&self, now_us: u64, totals: impl FnOnce(&Totals) -> (u64, u64)) {
        if let Some(flow) = &self.totals {
            flow.note(now_us, totals(flow));
        }
    }
}

/// What the handles of a channel share, whatever the channel.
trait Channel: Source + Sampled + Sized + 'static {
    fn tracked(&self) -> &Tracked;

    /// Begins to show this in a registry.
    fn register(self, registration: Registration) -> Registered<Self> {
        let channel = Registered::new(registration, self);
        if channel.tracked().totals.is_some() {
            totals::sample(channel.handles(), channel.source());
        }
        channel
    }
}

/// Sends that came to nothing, but for those that found no room and did not wait: `Waiters` has
/// them. Every access is Relaxed: numbers of their own.
#[derive(Debug, Default)]
struct Refusals {
    timed_out: AtomicU64,
    closed: AtomicU64,
}

impl Refusals {
    #[inline(always)]
    fn is_none(&self) -> bool {
        let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
        load(&self.timed_out) | load(&self.closed) == 0
    }
}

/// Counts a waiter for as long as it lives, a cancelled future or an unwinding stack
/// included.
struct Blocked<'a> {
    waiters: &'a Waiters,
    since_us: u64,
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        self.waiters.exit(self.since_us, clock::now_us());
    }
}

/// Tells the calling thread from all others that live: the address of a thread-local.
#[inline(always)]
fn thread_key() -> ThreadKey {
    ::std::thread_local!(static KEY: u8 = const { 0 });
    KEY.with(|key| NonZeroU64::new(::std::ptr::from_ref(key).addr() as u64))
        .unwrap_or(NonZeroU64::MIN)
}

/// Watermarks for a channel of `capacity` items: the default pair, or none for a rendezvous.
#[cfg(any(feature = "crossbeam", feature = "std-channel"))]
fn watermarks_for(capacity: usize) -> Result<Watermarks, plimsoll_core::WatermarkError> {
    match capacity {
        0 => Ok(Watermarks::rendezvous()),
        capacity => Watermarks::try_new(capacity as u64),
    }
}
