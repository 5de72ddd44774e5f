//! Budgets: limits that refuse, in a tree (a guest within its host).
//!
//! A [`Node`] is one limit. An ask names the path from its leaf to the root and takes its amount at
//! each node of it, or at none: [`try_reserve`] and [`release`]. Who waits, and in which order, is
//! left to the caller: a node only keeps a flag that one does.
//!
//! A node is first checked and then exchanged, so its usage is never above its capacity. On a path
//! of several nodes an ask is *in flight* from its first exchange until the last node has taken it,
//! or has refused it: then what it took is given back. Meanwhile it may show in the usage and may
//! refuse another that does not fit beside it, but it makes no edge and no high-water mark.
//!
//! What that costs: while asks are in flight at a node, its level and mark wait for the last of them to
//! end. A thread that is stopped in flight delays the edges of the nodes below the root for as long;
//! usage and refusals are never delayed.
//!
//! # Invariants
//! - BUDGET-1: no node's usage is ever led above its capacity; only a resize can leave it there.
//! - BUDGET-2: all nodes of the path take the amount, or none keeps any of it. An ask in flight
//!   makes no edge and no high-water mark, and what it gives back is said to waiters as a release
//!   is.
//! - BUDGET-3: while a node has the flag of waiters, newcomers are refused, and each release says
//!   so: by this the caller serves waiters in order, and none misses a release.
//! - BUDGET-4: after a resize below the usage, asks are refused until they fit.
//! - BUDGET-5: amounts and capacities reach [`MAX_AMOUNT`]; beyond it there is a typed error.
//! - BUDGET-6: uncontended, an ask is one read-modify-write at the root and two at each node below
//!   it; a release is one at each. Both are lock-free, as long as fewer than 15 asks are stopped in
//!   flight at one node.
//! - BUDGET-7: a refusal says which node refused, its usage and capacity, and what helps.
//!
//! Why two at a node below the root: after the first, this node's word is the same before and after
//! the root has taken the amount. The root's word does not tell which, since other branches move it
//! too. The second one ends the ask, and so says that the amount is really reserved.
//!
//! # Example
//! ```
//! use plimsoll_core::budget::{Asker, Node, PercentWatermarks, Refusal, release, try_reserve};
//!
//! let host = Node::new(100, PercentWatermarks::new());
//! let (one, two) = (Node::new(80, PercentWatermarks::new()), Node::new(80, PercentWatermarks::new()));
//!
//! let duties = try_reserve([&one, &host].into_iter(), 60, Asker::Newcomer).unwrap();
//! assert!(duties.is_none());
//! let refused = try_reserve([&two, &host].into_iter(), 60, Asker::Newcomer).unwrap_err();
//! assert_eq!(refused.refusal, Refusal::NoRoom { place: 1, asked: 60, usage: 60, capacity: 100 });
//! assert_eq!((two.usage(), host.usage()), (0, 60));
//!
//! assert!(release([&one, &host].into_iter(), 60).unwrap().is_none());
//! ```

mod asker;
mod duties;
mod error;
mod judge;
mod node;
mod path;
mod percent;
mod reading;
mod state;
mod usage;

pub use asker::Asker;
pub use duties::Duties;
pub use error::{CapacityError, Refusal, Refused, ReleaseError};
pub use node::Node;
pub use path::{release, try_reserve};
pub use percent::PercentWatermarks;
pub use reading::Reading;

/// The largest amount and the largest capacity: 2^56 (64 PiB, counted in bytes).
pub const MAX_AMOUNT: u64 = 1 << 56;
