//! Many principals on few instances: a [`Pool`] over a [`Manager`] that makes, resets and retires
//! what is lent.
//!
//! A pool is asked for an instance in the name of a [`Principal`], and lends it as a [`Lease`].
//! Instances are built and retired in the background, which is threads of the pool's own, a tokio
//! runtime, or the caller: [`Background`]. What is made in microseconds a checkout makes itself rather
//! than wait: [`Manager::may_run_inline`]. Who may be lent what another has used is the pool's
//! [`Isolation`]: nobody, by default.
//!
//! # When should I use it?
//! - For instances that are costly to make and must not be shared at a moment: interpreters,
//!   sandboxes, connections; and where one principal must not read, starve or poison another.
//!
//! # When not?
//! - For buffers of one trusted program a plain stack of them does.
//! - Where an instance may be used by many at once, nothing is to be lent.

mod after;
mod atomics;
mod background;
mod board;
mod builder;
mod calls;
mod checkout;
mod config;
mod contain;
mod dispatch;
mod drain;
mod ending;
mod error;
mod handle;
mod hands;
mod histogram;
mod idle;
mod inline;
mod insert;
mod lease;
mod live;
mod maintain;
mod manager;
mod many;
mod moments;
mod own;
mod pace;
mod principal;
mod principals;
mod queue;
mod resize;
mod room;
mod running;
#[cfg(feature = "serde")]
mod ser;
mod shared;
mod stats;
mod table;
mod turnstile;
mod waiter;
mod waiting;
mod work;

pub use builder::PoolBuilder;
pub use checkout::Checkout;
pub use config::{Background, Isolation};
pub use drain::Drained;
pub use error::{BuildFailure, CheckoutError, PoolError, PrincipalError, Quota, Stage};
pub use handle::Pool;
pub use histogram::Histogram;
pub use insert::InsertError;
pub use lease::{Lease, OwnedLease};
pub use manager::Manager;
pub use many::CheckoutMany;
pub use plimsoll_core::pool::{PoolCounts, Tenant};
pub use principal::Principal;
pub use stats::{DiscardReason, PoolStats};
