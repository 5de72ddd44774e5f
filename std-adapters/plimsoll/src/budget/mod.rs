//! Budgets: limits that are reserved before they are used, and refuse what does not fit.
//!
//! A gauge watches, a budget decides. A [`Budget`] is a gauge that can refuse, with a parent if it is
//! within another one: a guest within the host, a channel within a guest. [`try_reserve`] answers at
//! once with a [`Lease`] or a [`Refused`]; [`reserve`] and [`reserve_blocking`] wait for their turn.
//!
//! - [`PrincipalBudgets`]: one within another for each principal, made on demand.
//! - [`Semaphore`]: a budget by the names of tokio's, with 64-bit permits.
//! - [`channel`]: a channel that is bounded by the weight of its items.
//! - [`Admission`]: by what is granted and by what is measured.
//!
//! ```
//! use plimsoll::{Limit, Registry};
//!
//! let registry = Registry::new();
//! let host = registry.budget(Limit::memory("host_bytes"), 1_000)?;
//! let guest = host.child(Limit::memory("guest_bytes").scope("guest-7"), 800)?;
//! let lease = guest.try_reserve(700)?;
//! let refused = guest.try_reserve(200).unwrap_err();
//! assert_eq!(
//!     refused.to_string(),
//!     "memory guest_bytes[guest-7] has no room for 200: 700 of 800 used; \
//!      `Budget::resize` to 900 makes room",
//! );
//! let waiting = std::thread::spawn(move || guest.reserve_blocking(200));
//! drop(lease);
//! assert_eq!(waiting.join().expect("no panic")?.amount(), 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`try_reserve`]: Budget::try_reserve
//! [`reserve`]: Budget::reserve
//! [`reserve_blocking`]: Budget::reserve_blocking
//!
//! # When should I use it?
//! - For what must not be exceeded: bytes in flight, memory of guests, connections, whatever can be asked
//!   for before it is used.
//! - Where a limit for each guest has to hold together with one for the host.
//!
//! # When not?
//! - For what happens anyhow and is only to be seen, use a [gauge](crate::TrackedGauge).
//! - Leases that grow step by step can wait for each other; reserve all at once, or with a timeout.
//!
//! # Invariants
//! - BUDGET-1: no level's usage is ever above its capacity, but after a resize below it.
//! - BUDGET-2: an ask takes of all levels, or of none.
//! - BUDGET-3: waiters are served in order. Who comes later gets nothing before one who waits at a level
//!   that both pass; a large ask is not starved by small ones; one that is cancelled loses nothing. A full
//!   guest holds up none of another guest.
//! - BUDGET-4: after a resize below the usage a budget refuses until it fits; a resize serves who fits
//!   now, and refuses who never will.
//! - BUDGET-5: amounts reach [`MAX_AMOUNT`], whatever the width of `usize`; above it is an error.
//! - BUDGET-6: while nobody waits, a reserve or a release takes no lock and allocates nothing.
//! - BUDGET-7: each refusal names the limit that refused, its usage and capacity, and how it is raised.
//!
//! # Locks
//! A tree of budgets has one lock, for those who wait; it is taken only if an ask has to wait, or a
//! release finds that one does. Under it that of a single waiter may be taken, and no other. Wakers,
//! subscribers and drops run with neither held.
//! A waker that polls at once, and drops at once what it was granted, serves the next one within that
//! call: so many of them in a row take so much of the stack.

mod admission;
mod bounds;
pub mod channel;
#[cfg(feature = "pressure")]
mod condition;
mod error;
mod handle;
mod lease;
mod level;
mod line;
mod node;
mod principals;
mod refused;
mod reserve;
mod semaphore;
mod taking;
mod waiter;

pub use admission::Admission;
pub use bounds::Bounds;
pub use error::BudgetError;
pub use handle::Budget;
pub use lease::{Lease, LeaseError, MergeError};
pub use plimsoll_core::budget::{MAX_AMOUNT, PercentWatermarks, Reading};
pub use principals::{PrincipalBudgets, PrincipalsBuilder};
pub use refused::{Refused, RefusedReason};
pub use reserve::{Grow, Reserve};
pub use semaphore::{Acquire, Semaphore, SemaphorePermit};

/// Levels that a tree has at most, the root included.
pub const LEVELS_MAX: usize = 8;
