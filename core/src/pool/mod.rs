//! Slots of a fixed number of instances: which are lent, to whom, and which are kept warm.
//!
//! The words of a pool without its objects: [`PoolSlots`] are the life cycles of the slots, and
//! [`Demand`] counts the waiters and says whether the pool is closed. The objects belong to the caller,
//! who moves them in and out as the tokens that are handed out here allow: the holder of a slot's token
//! has exclusive use of the slot's object.
//!
//! ```
//! use plimsoll_core::pool::{PoolId, PoolSlot, PoolSlots, Tenant};
//! use plimsoll_core::keepalive::Tick;
//!
//! static SLOTS: PoolSlots<[PoolSlot; 2]> = PoolSlots::new(PoolId::new(1));
//!
//! let (ours, theirs) = (Tenant::new(1)?, Tenant::new(2)?);
//! let building = SLOTS.reserve(ours).expect("a place is vacant");
//! SLOTS.finish(building, Tick::new(10))?;
//!
//! assert!(SLOTS.take(theirs, None).is_none(), "what ran one tenant is not lent to another");
//! let lease = SLOTS.take(ours, None).expect("an idle one");
//! SLOTS.give_back(lease, Tick::new(11))?;
//!
//! let old = SLOTS.evict(Tick::new(11)).expect("idle for long enough");
//! assert_eq!(SLOTS.counts().live(), 1, "it counts until its object is gone");
//! SLOTS.vacate(old)?;
//! assert_eq!(SLOTS.counts().live(), 0);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # No waiter sleeps beside an idle slot
//! A waiter that finds no slot [arrives](Demand::arrive), and then reads the slots *again* before it
//! sleeps. A releaser that has made a slot idle or vacant then
//! [reads the demand](Demand::look_after_release). Each writes its own word by a
//! read-modify-write, passes a fence, and then reads the other's. Take the order of the two fences.
//! If the waiter's is the earlier one, the releaser reads its arrival, and wakes it. If the
//! releaser's is, the waiter reads the slot as it was released, or as another thread has changed it
//! since, which releases it in turn. So no waiter sleeps for ever while a slot is idle (POOL-6).
//!
//! [Closing](Demand::close) is the same with the closer in the waiter's place: either it finds the
//! idle slot and evicts it, or the releaser finds the pool closed, and evicts it (POOL-9).

mod counts;
mod demand;
mod error;
mod evict;
mod moment;
mod revoke;
mod slot;
mod slots;
mod table;
mod tenant;
mod token;
mod word;

pub use counts::{PoolCounts, SlotView};
pub use demand::{Demand, DemandReading};
pub use error::{ClaimError, ForeignToken, PoolClosed, PoolSlotsError};
pub use moment::Moment;
pub use slot::PoolSlot;
pub use slots::PoolSlots;
pub use table::SlotTable;
pub use tenant::{Tenant, TenantError};
pub use token::{Building, Condemned, Leased, Observed, PoolId, SlotId, Token};
pub use word::SlotState;
