//! Thousands of untrusted guests on a few warm instances, without one reading, starving or
//! poisoning the next: a [`Pool`](crate::pool::Pool) of wasmtime stores.
//!
//! - A [`WasmEngine`] has room for a number of instances: wasmtime's pooling allocator, sized by
//!   their number and quota.
//! - A [`WasmPool`] lends instances of one program, a core module or a component, in the name of a
//!   [`WasmPrincipal`], as a [`WasmLease`].
//! - A [`Host`] says what is kept for guests, split by how long it lives: for ever, with an
//!   instance, or with a lease.
//!
//! # Invariants
//! - POOL-10: by default every lease gets an instance that nobody has used, built ahead and torn
//!   down in the background, or by a checkout that would else have to wait for that. Whatever the isolation, [`Host::Lease`] is replaced whole, and
//!   [`Handles`] of one lease name nothing in the next.
//! - POOL-3: an instance in which a call trapped, or was dropped before it returned, is never lent
//!   again: such a store is poisoned.
//! - METER-1: all memories and tables of an instance together are held to a quota, and a growth
//!   that failed is rolled back.
//! - METER-2: memory is charged twice: its size, and how much the lease has grown it, so that
//!   nobody is charged for what others left there.
//! - METER-3: limiter, fuel, deadline and yield interval are set anew for each lease.
//! - METER-4: fuel is charged however a lease ends, to within one yield interval.
//!
//! # What does not hold
//! - A guest may hold the processor for a yield interval, and a host function for as long as it
//!   likes: epochs end guests, not hosts. For those, put a timeout around the call.
//! - Caches of the processor are not cleared between principals.
//! - Memories that threads share are refused: wasmtime does not meter them.

mod allocator;
mod bill;
mod builder;
mod call;
mod engine;
mod error;
mod exports;
mod handles;
mod host;
mod lease;
mod limiter;
mod meter;
mod pool;
mod program;
mod scrap;
mod ticker;

pub use builder::WasmPoolBuilder;
pub use call::{Entered, GuestFunc};
pub use engine::{WasmEngine, WasmEngineBuilder};
pub use error::{
    CallError, EngineError, ExportError, ExportProblem, InstanceLimit, InstantiateError, NoLease,
    ProgramError,
};
pub use exports::{ComponentExports, Exports};
pub use handles::{HandleError, Handles};
pub use host::{Host, HostState, Parts};
pub use lease::WasmLease;
pub use meter::Usage;
pub use pool::{WasmPool, WasmPrincipal};
pub use program::{Guest, GuestManager};
