//! Many principals on few instances: a [`Pool`] over a [`Manager`] that makes, resets and retires
//! the instances.
//!
//! A checkout asks for an instance in the name of a [`Principal`], and gets a [`Lease`] of it.
//! Instances are built and retired in the background, which is threads of the pool's own, a tokio
//! runtime, or the caller: [`Background`]. An object that is made in microseconds a checkout can
//! make itself rather than wait: [`Manager::may_run_inline`]. Whether a principal may lease what
//! another has used is the pool's [`Isolation`]; instances are single-use by default.
//!
//! # When should I use it?
//! - For instances that are costly to make and must not be shared at a moment: interpreters,
//!   sandboxes, connections; and where one principal must not read, starve or poison another.
//!
//! # When not?
//! - For buffers of one trusted program a plain stack of them does.
//! - For an instance that many may use at once, share it instead.

// Parts
// - The store: slots, the instances in them, and all of a lease that need not wait. No lock.
// - The scheduler: who waits, which slot is on its way to which waiter, and how much room there is.
//   It decides under its lock, and returns a list of actions.
// - The executor: carries those out once the lock is free. Jobs, workers, the timekeeper, and all
//   calls of the manager.
// - Around them the API.
//
// Lock order: the scheduler's lock first, then that of the jobs or of one waiter; every other is
// held alone. No code of the manager, no waker and no drop of an object runs under any of them
// (POOL-7). `locks` has the list; the locks carry their ranks, and debug builds check both.

mod blocking;
mod board;
mod builder;
mod checkout;
mod config;
mod drain;
mod ending;
mod error;
mod executor;
mod handle;
mod idle;
mod insert;
mod lease;
mod locks;
mod manager;
mod many;
mod opening;
mod principal;
mod principals;
mod resize;
mod scheduler;
mod shared;
mod shrink;
mod stats;
mod store;
mod turnstile;
mod waiter;
mod waiting;

pub use crate::telemetry::Histogram;
pub use builder::PoolBuilder;
pub use checkout::Checkout;
pub use config::{Background, Isolation};
pub use drain::Drained;
pub use error::{BuildFailure, CheckoutError, PoolError, PrincipalError, Quota, Stage};
pub use handle::Pool;
pub use insert::InsertError;
pub use lease::{Lease, OwnedLease};
pub use manager::Manager;
pub use many::CheckoutMany;
pub use plimsoll_core::pool::{PoolCounts, Tenant};
pub use principal::Principal;
pub use shrink::Shrink;
pub use stats::{DiscardReason, PoolCheckouts, PoolRefusals, PoolStats, PoolTimeouts};
