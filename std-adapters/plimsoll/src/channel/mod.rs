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
//! # Invariants
//! - CHAN-1: upstream's behaviour is untouched.
//! - CHAN-2: GAUGE-1 (the depth is the number of items really there) and GAUGE-2 (never more than the
//!   capacity; who is blocked is a number of its own) hold through every path in and out.

#[cfg(feature = "crossbeam")]
pub mod crossbeam;
#[cfg(any(feature = "crossbeam", feature = "std-channel"))]
mod iter;
#[cfg(feature = "std-channel")]
pub mod mpsc;
#[cfg(feature = "tokio")]
pub mod tokio;

use ::std::num::NonZeroU64;
use ::std::time::Duration;

#[cfg(any(feature = "std-channel", feature = "tokio"))]
use plimsoll_core::Level;
use plimsoll_core::{Edge, FlowGauge, Reading, ThreadKey, Waiters, Watermarks};

use crate::clock;
use crate::source::{Registration, SourceReading};

/// What the handles of a tracked channel share, whatever the channel.
#[derive(Debug)]
pub(crate) struct Tracked {
    flow: FlowGauge,
    waiters: Waiters,
    registration: Registration,
}

impl Tracked {
    fn new(watermarks: Watermarks, registration: Registration) -> Self {
        Self { flow: FlowGauge::new(watermarks), waiters: Waiters::new(), registration }
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
        let waiting = self.waiters.waiting();
        // The clock would cost more than all the rest, and matters only to those who wait.
        let now_us = if waiting > 0 { clock::now_us() } else { 0 };
        let blocked = Duration::from_micros(self.waiters.blocked_us(now_us));
        SourceReading::new(reading, waiting, blocked)
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
