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
//! Each handle tells its channel's [`ChannelReading`] by `reading()`. How much has gone through and how
//! old the oldest item is are counted on request: see [`Limit::flow_totals`].
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
//! - CHAN-2: GAUGE-1 (the depth is the number of items really there) and GAUGE-2 (never more than the
//!   capacity; who is blocked is a number of its own) hold through every path in and out.
//! - CHAN-3: so they do if a waker, a drop or a clone of the user's panics on the way.
//! - CHAN-4: a task that has to yield does not wait, and a tracked operation costs the cooperative
//!   budget that upstream's does.

#[cfg(feature = "crossbeam")]
pub mod crossbeam;
#[cfg(any(feature = "crossbeam", feature = "std-channel"))]
mod iter;
#[cfg(feature = "std-channel")]
pub mod mpsc;
mod reading;
#[cfg(feature = "tokio")]
pub mod tokio;
mod totals;

pub use reading::ChannelReading;

use ::std::num::NonZeroU64;
use ::std::sync::Arc;
use ::std::time::Duration;

#[cfg(any(feature = "std-channel", feature = "tokio"))]
use plimsoll_core::Level;
use plimsoll_core::{Edge, FlowGauge, Reading, ThreadKey, Waiters, Watermarks};

use crate::clock;
use crate::registry::Registration;
use crate::source::{Source, SourceReading};
use crate::{Limit, RegisterError, Registry};
use totals::{Sampled, Totals};

/// What the handles of a tracked channel share, whatever the channel.
#[derive(Debug)]
pub(crate) struct Tracked {
    flow: FlowGauge,
    waiters: Waiters,
    /// What has gone through, if that is asked for.
    totals: Option<Box<Totals>>,
    registration: Registration,
}

impl Tracked {
    /// Registers a channel.
    fn register(
        registry: &Registry,
        limit: Limit,
        watermarks: Watermarks,
    ) -> Result<Self, RegisterError> {
        let totals = limit.has_flow_totals().then(Box::default);
        Ok(Self {
            flow: FlowGauge::new(watermarks),
            waiters: Waiters::new(),
            totals,
            registration: registry.reserve(limit, watermarks)?,
        })
    }

    /// Hands an edge on to the registry.
    #[inline(always)]
    fn emit(&self, edge: Option<Edge>) {
        self.registration.emit(edge);
    }

    /// The calling party is blocked until the guard drops.
    fn block(&self) -> Blocked<'_> {
        let since_us = clock::now_us();
        self.waiters.enter(since_us);
        Blocked { waiters: &self.waiters, since_us }
    }

    #[inline]
    fn source_reading(&self, reading: Reading) -> SourceReading {
        let (waiting, blocked) = self.waits();
        SourceReading::new(reading, waiting, blocked)
    }

    /// How many parties wait, and how long parties have waited.
    #[inline]
    fn waits(&self) -> (u64, Duration) {
        let waiting = self.waiters.waiting();
        // The clock costs more than all the rest: without a party that waits, any time will do.
        let now_us = if waiting > 0 { clock::now_us() } else { 0 };
        let blocked_us = self.waiters.blocked_us(now_us);
        // To divide by a million is the next thing.
        let blocked =
            if blocked_us > 0 { Duration::from_micros(blocked_us) } else { Duration::ZERO };
        (waiting, blocked)
    }

    /// What a handle tells of the channel, with `totals` sent and received.
    #[inline]
    fn reading(&self, depth: u64, totals: impl FnOnce(&Totals) -> (u64, u64)) -> ChannelReading {
        let gauge = self.flow.gauge();
        let Reading { depth, high_water, level, .. } = gauge.reading_at(depth);
        let (waiting, blocked) = self.waits();
        let refused = self.waiters.refused();
        // The watermarks are copied once if no atomic is read between here and the end.
        let mut reading = ChannelReading {
            depth,
            high_water,
            level,
            watermarks: *gauge.watermarks(),
            waiting,
            blocked,
            refused,
            sent: None,
            received: None,
            oldest_age: None,
        };
        if let Some(flow) = &self.totals {
            let (sent, received) = totals(flow);
            (reading.sent, reading.received) = (Some(sent), Some(received));
            reading.oldest_age = (depth > 0).then(|| flow.oldest_age(received));
        }
        reading
    }

    /// Notes the totals of this tick.
    fn note(&self, now_us: u64, totals: impl FnOnce(&Totals) -> (u64, u64)) {
        if let Some(flow) = &self.totals {
            flow.note(now_us, totals(flow));
        }
    }

    /// Begins to show `channel`, which shares this.
    fn attach<C: Source + Sampled + 'static>(&self, channel: &Arc<C>) {
        self.registration.attach(channel);
        if self.totals.is_some() {
            totals::sample(channel);
        }
    }
}

/// Counts a blocked party for as long as it lives, a cancelled future or an unwinding stack included.
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

/// Whether the low watermark is the depth just below the high one.
#[cfg(any(feature = "std-channel", feature = "tokio"))]
fn is_narrow(watermarks: &Watermarks) -> bool {
    let (high, low) = (watermarks.high(Level::Elevated), watermarks.low(Level::Elevated));
    high.zip(low).is_some_and(|(high, low)| high - low <= 1)
}

/// Watermarks for a channel of `capacity` items: the default pair, or none for a rendezvous.
#[cfg(any(feature = "crossbeam", feature = "std-channel"))]
fn watermarks_for(capacity: usize) -> Result<Watermarks, plimsoll_core::WatermarkError> {
    match capacity {
        0 => Ok(Watermarks::rendezvous()),
        capacity => Watermarks::try_new(capacity as u64),
    }
}
