//! The lock-free core of [Plimsoll], the load line for programs that host untrusted guests.
//!
//! `no_std`, no allocation, no clock, no callback, no lock, no `unsafe`: every operation returns what
//! happened, and the caller acts on it.
//!
//! - [`Gauge`] counts one bounded thing in and out; [`SampledGauge`] reads the depth of a thing
//!   that knows it; [`FlowGauge`] does so for a channel with many handles at next to no cost.
//! - [`Watermarks`] say where a [`Level`] begins and ends; an [`Edge`] says that it has.
//!   [`Hysteresis`] is the same rule as a plain machine for one thread.
//! - [`SplitCount`] is the depth of a channel that cannot report it.
//! - [`Ring`] hands records of events from hot paths to the thread that delivers them; [`Sustain`]
//!   says which edges are worth an event.
//! - [`Waiters`] counts who is blocked, and for how long; [`Tally`] counts events at next to no cost
//!   for the thread that sees most of them.
//! - A [`Tracker`](keepalive::Tracker) is notified of every frame and says when its guest has fallen
//!   silent by a [`Rule`](keepalive::Rule); a [`Wheel`](keepalive::Wheel) says which of a million trackers
//!   to check.
//! - A [`PeakLedger`](ledger::PeakLedger) and a [`SumLedger`](ledger::SumLedger) follow the largest users
//!   of something among millions, in fixed memory; see [`ledger`].
//! - A [`Node`](budget::Node) is a limit that refuses, alone or within others; see [`budget`].
//! - [`PoolSlots`](pool::PoolSlots) say which of a fixed number of instances are lent, and to whom; see
//!   [`pool`].
//!
//! ```
//! use plimsoll_core::{Gauge, Watermarks};
//!
//! static FRAMES: Gauge = Gauge::new(Watermarks::percent(1024, 80, 50));
//!
//! if let Some(edge) = FRAMES.add(1) {
//!     println!("{:?} at {} of {:?}", edge.kind(), edge.depth(), edge.capacity());
//! }
//! assert_eq!(FRAMES.depth(), 1);
//! ```
//!
//! # Word index
//! Every atomic word of this crate is loaded and stored in one file, that of the type it is part of.
//!
//! | Word | Width | File | Writers | Readers | Invariants |
//! |---|---|---|---|---|---|
//! | `Gauge::state` | 64 | `gauge/mod.rs` | add, sub, set, edges, takers | all | GAUGE-1, GAUGE-3, GAUGE-4, GAUGE-6 |
//! | `Gauge::sequence` | 64 | `gauge/mod.rs` | edges | edges, add while raised | GAUGE-3 |
//! | `SampledGauge::state` | 64 | `sampled/mod.rs` | edges | all | GAUGE-3, GAUGE-4, GAUGE-7 |
//! | `HighWater::window` | 64 | `high_water.rs` | new marks, takers | all | GAUGE-5 |
//! | `HighWater::lifetime` | 64 | `high_water.rs` | takers | readers | GAUGE-5 |
//! | `Peak::0` | 64 | `high_water.rs` | edges, new peaks while raised | edges, looks while raised | GAUGE-5 |
//! | `CreditPool::pool` | 64 | `credit.rs` | grants, edges, takers | sends, receives | GAUGE-4, GAUGE-5 |
//! | `CreditPool::holders` | 64 | `credit.rs` | handles that come and go | grants | GAUGE-4, GAUGE-5 |
//! | `Credit::owner` | 64 | `credit.rs` | looks | sends, receives | GAUGE-4, GAUGE-5 |
//! | `Credit::left` | 64 | `credit.rs` | the owner | sends, receives | GAUGE-4, GAUGE-5 |
//! | `Credit::seen` | 64 | `credit.rs` | looks of others | looks of others | none: a hint |
//! | `Ring::push_at` | 64 | `ring.rs` | pushes | pushes | REG-4 |
//! | `Ring::pop_at` | 64 | `ring.rs` | pops | pops | REG-4 |
//! | `Ring::dropped` | 64 | `ring.rs` | refused pushes | readers | REG-4 |
//! | `RingSlot::stamp` | 64 | `ring.rs` | pushes, pops | pushes, pops | REG-4 |
//! | `RingSlot::words` | 4 x 64 | `ring.rs` | pushes | pops | REG-4 |
//! | `SplitCount::sent` | 64 | `split_count.rs` | senders | looks, readers | GAUGE-1, GAUGE-5 |
//! | `SplitCount::received` | 64 | `split_count.rs` | receivers | looks, readers | GAUGE-1, GAUGE-5 |
//! | `Waiters::waiting` | 64 | `waiters.rs` | the blocked | readers | GAUGE-2 |
//! | `Waiters::ended` | 64 | `waiters.rs` | the blocked | readers | GAUGE-2 |
//! | `Waiters::refused` | 64 | `waiters.rs` | the refused | readers | GAUGE-2 |
//! | `Tally::owner` | 64 | `tally.rs` | the first to count | all | CHAN-5 |
//! | `Tally::own` | 64 | `tally.rs` | the owner | readers | CHAN-5 |
//! | `Tally::others` | 64 | `tally.rs` | all but the owner | readers | CHAN-5 |
//! | `Tracker::word` | 64 | `keepalive/mod.rs` | the first notifications of a tick, reports, pauses, closers | all | LIVE-1, LIVE-2, LIVE-3, LIVE-4, LIVE-7, LIVE-10 |
//! | `Slot::word` | 64 | `ledger/slot.rs` | raises, admissions, removals | all | LEDGER-3, LEDGER-5, LEDGER-12 |
//! | `Cell::meta` | 64 | `ledger/cell.rs` | who has taken the cell | all | LEDGER-6, LEDGER-7 |
//! | `Cell::words` | WORDS x 64 | `ledger/cell.rs` | who has taken the cell | all | LEDGER-7 |
//! | `CellPool::taken` | 64 | `ledger/cell.rs` | admissions, removals | admissions | LEDGER-7 |
//! | `Hints::words` | WORDS x 64 | `ledger/hints.rs` | admissions, looks | looks | none: a hint |
//! | `NotedFloor::value` | 64 | `ledger/floor.rs` | admissions | records | LEDGER-4, LEDGER-11 |
//! | `Ceiling::value` | 64 | `ledger/ceiling.rs` | raises, admissions | raises, admissions, readers of the largest | LEDGER-2, LEDGER-3 |
//! | `Bound::word` | 64 | `ledger/bound.rs` | merges, evictions from merged sums | sums, readers | LEDGER-2, LEDGER-11 |
//! | `PoolSlot::word` | 64 | `pool/slot.rs` | takers, evictors, builders; the holder | all | POOL-2, POOL-3, POOL-8, POOL-10 |
//! | `PoolSlot::since` | 64 | `pool/slot.rs` | the holder | takers, evictors, readers | POOL-8 |
//! | `Demand::word` | 64 | `pool/demand.rs` | waiters, closers | takers, releasers | POOL-6, POOL-9 |
//! | `Usage::word` | 64 | `budget/usage.rs` | asks, releases, resizes, waiters | all | BUDGET-1, BUDGET-4 |
//! | `Usage::capacity` | 64 | `budget/usage.rs` | resizes | all | BUDGET-1, BUDGET-4 |
//! | `Judge::state` | 64 | `budget/judge.rs` | edges | all | BUDGET-2, GAUGE-3, GAUGE-4 |
//!
//! # Features and targets
//! No features. Targets without 64-bit atomics are served by `portable-atomic`; those without
//! compare-and-swap need its `critical-section` feature or `single-core` configuration. Built with
//! `--cfg loom`, every type here is model-checkable, in a user's own models too; constructors are
//! then not `const`.
//!
//! [Plimsoll]: https://docs.rs/plimsoll
#![no_std]
#![forbid(unsafe_code)]

// The example of this page is compiled and run with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod budget;
mod credit;
mod edge;
#[doc(hidden)]
pub mod error_type;
mod flow;
mod gauge;
mod high_water;
mod hysteresis;
pub mod keepalive;
pub mod ledger;
#[cfg(loom)]
pub mod model;
pub mod pool;
mod reading;
mod ring;
mod sampled;
mod split_count;
#[cfg(shuttle)]
pub mod stepped;
mod sustain;
mod sync;
mod tally;
mod waiters;
mod watermarks;

pub use credit::{Credit, ThreadKey};
pub use edge::{Edge, EdgeKind, Level};
pub use flow::FlowGauge;
pub use gauge::{Gauge, MAX_STEP, Permit};
pub use hysteresis::Hysteresis;
pub use reading::Reading;
pub use ring::{Ring, RingError, RingFull, RingSlot};
pub use sampled::SampledGauge;
pub use split_count::SplitCount;
pub use sustain::{Notice, NoticeKind, Notices, Sustain};
pub use tally::Tally;
pub use waiters::Waiters;
pub use watermarks::{MAX_CAPACITY, WatermarkError, Watermarks};
