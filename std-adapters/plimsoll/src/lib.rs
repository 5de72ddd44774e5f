//! The load line for programs that host untrusted guests.
//!
//! Plimsoll tells, at the cost of a few plain loads on the hot path, which bounded queue or limit
//! is about to run full and who is blocked on it.
//!
//! - A [`Registry`] lists what is limited. Its [`Snapshot`] shows depth, high-water mark, level and
//!   who waits; its [subscribers](Registry::subscribe) and `tracing` get an event when a level
//!   changes.
//! - Tracked channels are drop-in for crossbeam's, std's and tokio's.
//! - A [`TrackedGauge`] counts anything else in and out, or is set; a [`RecordedGauge`] is set to
//!   what was measured; an [`ObservedGauge`] asks a function.
//! - A keep-alive [watcher](keepalive) tells which guest has fallen silent.
//! - A [pool] lends a bounded number of instances to many principals, so that none reads, starves or
//!   poisons the next.
//! - A [budget] is reserved before it is used, and refuses what does not fit, by the guest and by the host.
//! - A [pressure] joins levels into a state that code reads by one load, and waits for.
//! - [Probes](probes) measure the memory of the cgroup and of the process, and the stalls that the
//!   kernel counts.
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
//! for one `tracing` event per event, `keepalive` to watch guests, `pool` to lend instances,
//! `budget` to refuse what does not fit, `pressure` to act on levels, `probes` for what the kernel measures. Off by
//! default: `serde` to write snapshots and events, and read them
//! back (`docs/SNAPSHOT.md` has their form), `cloudevents` for a silence as a CloudEvent,
//! `tower` for [middleware](pressure::tower) that sheds or holds back requests. Pools of wasm guests
//! and fleets of hosts are packages of their own, `plimsoll-wasmtime` and `plimsoll-fleet`.
#![forbid(unsafe_code)]

// The examples of these pages are compiled and run with those of the documentation.
#[cfg(all(doctest, feature = "crossbeam", feature = "budget", feature = "pressure"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct PackageReadme;

#[cfg(all(
    doctest,
    feature = "std-channel",
    feature = "keepalive",
    feature = "pool",
    feature = "pressure"
))]
#[doc = include_str!("../../../docs/EMBEDDING.md")]
struct Embedding;

#[cfg(all(
    doctest,
    feature = "std-channel",
    feature = "keepalive",
    feature = "pool",
    feature = "budget"
))]
#[doc = include_str!("../../../docs/COMING_FROM.md")]
struct ComingFrom;

#[cfg(feature = "budget")]
pub mod budget;
#[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
pub mod channel;
mod clock;
mod contain;
mod gauge;
#[cfg(feature = "keepalive")]
pub mod keepalive;
pub mod ledger;
mod observed;
#[cfg(any(
    feature = "budget",
    feature = "keepalive",
    feature = "pool",
    feature = "pressure",
    feature = "tokio"
))]
mod park;
#[cfg(feature = "pool")]
pub mod pool;
#[cfg(feature = "pressure")]
pub mod pressure;
#[cfg(feature = "probes")]
pub mod probes;
mod registry;
mod sync;
mod telemetry;
mod worker;

pub use gauge::{RecordedGauge, TrackedGauge, TrackedPermit};
pub use observed::ObservedGauge;
pub use plimsoll_core::{
    Edge, EdgeKind, Gauge, Hysteresis, Level, MAX_CAPACITY, MAX_STEP, Permit, Reading, RingError,
    SampledGauge, WatermarkError, Watermarks,
};
pub use registry::{
    ChartPoint, Delivery, DeliveryThread, History, Registry, RegistryBuilder, Subscription,
    WeakRegistry,
};
#[cfg(feature = "pool")]
pub use telemetry::SnapshotPool;
pub use telemetry::{
    BuildError, Category, Event, EventKind, EventRate, ExhaustedEvent, GuestChange, GuestEvent,
    InLine, LaggingEvent, LevelTotal, LevelTotals, Limit, PressureChange, PressureEvent,
    PressureRule, PressureShare, RefusedSends, RegisterError, RegistryStats, Silence, Snapshot,
    SnapshotEntry, SnapshotFlow, SnapshotLedger, SnapshotRecent, SnapshotUser, SnapshotWatcher,
    SuspectEvent, catalog,
};
#[cfg(feature = "serde")]
pub use telemetry::{ReadError, SNAPSHOT_VERSION};
