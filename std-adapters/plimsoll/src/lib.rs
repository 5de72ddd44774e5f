//! The load line for programs that host untrusted guests.
//!
//! Plimsoll tells, at the cost of a few plain loads on the hot path, which bounded queue or limit
//! is about to run full and who is blocked on it.
//!
//! - A [`Registry`] lists what is limited. Its [`Snapshot`] shows depth, high-water mark, level and
//!   who waits; its [subscribers](Registry::subscribe) and `tracing` are told when a level changes.
//! - Tracked channels are drop-in for crossbeam's, std's and tokio's.
//! - A [`TrackedGauge`] counts anything else in and out, or is set; a [`RecordedGauge`] is told what it
//!   measures; an [`ObservedGauge`] asks a function.
//! - A keep-alive [watcher](keepalive) tells which guest has fallen silent.
//! - A [pool] lends a bounded number of instances to many principals, so that none reads, starves or
//!   poisons the next.
//! - A [ledger] tells who uses the most, when guests come and go by the million.
//! - A [catalog](limits) declares the names of limits once; [`SandboxLimit`](catalog::SandboxLimit)
//!   is one that is ready made.
//! - The gauges themselves, for statics and hot paths, come from `plimsoll-core`, which is `no_std`
//!   and does not allocate.
//!
//! ```
//! use plimsoll::{PressureRule, Registry, Watermarks};
//!
//! let registry = Registry::new();
//! let frames = registry.gauge("stdout_frames", Watermarks::percent(1024, 80, 50))?;
//! let _subscription = registry.subscribe(|event| eprintln!("{event}"));
//! let permit = frames.permit(900); // queue stdout_frames raised to elevated: 900 of 1024
//! println!("{}", registry.snapshot());
//! # Ok::<(), plimsoll::RegisterError>(())
//! ```
//!
//! # Features
//! On by default: `crossbeam`, `std-channel` and `tokio` for the channels of these, `tracing`
//! for one `tracing` event per event, `keepalive` to watch guests, `pool` to lend instances. Off by
//! default: `serde` to serialize snapshots and events, `cloudevents` for a silence as a CloudEvent. Pools of wasm guests are a package of their own, `plimsoll-wasmtime`.
#![forbid(unsafe_code)]

// The examples of these pages are compiled and run with those of the documentation.
#[cfg(all(doctest, feature = "crossbeam", feature = "keepalive", feature = "pool"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "std-channel", feature = "keepalive", feature = "pool"))]
#[doc = include_str!("../../../docs/COMING_FROM.md")]
struct ComingFrom;

pub mod catalog;
#[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
pub mod channel;
mod clock;
mod error;
mod event;
mod gauge;
mod in_line;
#[cfg(feature = "keepalive")]
pub mod keepalive;
pub mod ledger;
mod limit;
mod observed;
#[cfg(any(feature = "keepalive", feature = "pool", feature = "tokio"))]
mod park;
#[cfg(feature = "pool")]
pub mod pool;
mod pressure;
mod registry;
mod report;
#[cfg(feature = "serde")]
mod ser;
mod snapshot;
mod source;
mod tag;
#[cfg(feature = "tracing")]
mod trace;

pub use error::{BuildError, RegisterError};
pub use event::{Event, EventKind};
pub use gauge::{RecordedGauge, TrackedGauge, TrackedPermit};
pub use limit::{Category, Limit};
pub use observed::ObservedGauge;
pub use plimsoll_core::{
    Edge, EdgeKind, Gauge, Hysteresis, Level, MAX_CAPACITY, MAX_STEP, Permit, Reading, RingError,
    SampledGauge, WatermarkError, Watermarks,
};
pub use pressure::{EventRate, PressureRule, PressureShare};
pub use registry::{Delivery, DeliveryThread, Registry, RegistryBuilder, Subscription};
#[cfg(feature = "pool")]
pub use snapshot::SnapshotPool;
pub use snapshot::{RegistryStats, Snapshot, SnapshotEntry, SnapshotLedger, SnapshotUser};
