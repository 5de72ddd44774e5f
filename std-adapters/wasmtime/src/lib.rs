//! Thousands of untrusted guests on a few warm instances, without one reading, starving or
//! poisoning the next: a [`Pool`](plimsoll::pool::Pool) of wasmtime stores.
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
//! # Example
//! A host function, what a lease keeps, and what it has used. As a task: `pool.checkout(&acme).await`
//! and `lease.call(..).await`, with a pool of `build_async().await`.
//! ```
//! use std::time::Duration;
//!
//! use plimsoll_wasmtime::{Exports, Host, Meter, Metered, NewLease, WasmEngine, WasmPool};
//! use wasmtime::component::ResourceTable;
//! use wasmtime::{Caller, Linker, Module};
//!
//! struct Desk;
//!
//! /// The data of a store: the host's own type.
//! struct Data {
//!     meter: Meter,
//!     written: Vec<i32>, // by this lease
//! }
//!
//! impl Metered for Data {
//!     fn meter(&mut self) -> &mut Meter {
//!         &mut self.meter
//!     }
//! }
//!
//! impl Host for Desk {
//!     type Data = Data;
//!     type Lease = Vec<i32>;
//!
//!     fn lease(&self, _new: NewLease<'_>) -> Vec<i32> {
//!         Vec::new()
//!     }
//!
//!     fn data(&self, meter: Meter, written: Vec<i32>) -> Data {
//!         Data { meter, written }
//!     }
//!
//!     fn lease_of(data: &mut Data) -> &mut Vec<i32> {
//!         &mut data.written
//!     }
//!
//!     fn table(_written: &mut Vec<i32>) -> Option<&mut ResourceTable> {
//!         None
//!     }
//! }
//!
//! let engine = WasmEngine::builder().instances(4).build()?;
//! let mut linker = Linker::new(engine.wasmtime());
//! linker.func_wrap("desk", "write", |mut caller: Caller<'_, Data>, value: i32| {
//!     caller.data_mut().written.push(value);
//! })?;
//! let module = Module::new(
//!     engine.wasmtime(),
//!     r#"(module
//!         (import "desk" "write" (func $write (param i32)))
//!         (func (export "run") (param i32) (call $write (local.get 0))))"#,
//! )?;
//! let look_up = |exports: &mut Exports<'_, Data>| exports.func::<i32, ()>("run");
//! let pool = WasmPool::module(&engine, Desk, &linker, &module, look_up)?;
//! let pool = pool.max(4).fuel(1_000_000).deadline(Duration::from_millis(100)).build()?;
//!
//! let acme = pool.principal("acme")?;
//! let mut lease = pool.checkout_blocking(&acme)?;
//! lease.call_blocking(|run| run, 7)?;
//! assert!(lease.usage().fuel > 0);
//! assert_eq!(lease.complete(), [7]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What does not hold
//! - A guest may hold the processor for a yield interval, and a host function for as long as it
//!   likes: epochs end guests, not hosts. For those, put a timeout around the call.
//! - Caches of the processor are not cleared between principals.
//! - Memories that threads share are refused: wasmtime does not meter them.

#![forbid(unsafe_code)]

mod allocator;
mod allowance;
mod bill;
mod blame;
mod builder;
mod call;
mod clock;
mod cpu;
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
mod running;

pub use allowance::{Allowance, Grant};
pub use bill::{Account, Ledgers};
pub use builder::WasmPoolBuilder;
pub use call::GuestFunc;
pub use engine::{WasmEngine, WasmEngineBuilder};
pub use error::{
    AllowanceError, CallError, EngineError, ExportError, ExportProblem, Feature, InstanceLimit,
    InstantiateError, ProgramError, TooDeep,
};
pub use exports::{ComponentExports, Exports};
pub use handles::{HandleError, Handles};
pub use host::{Host, NewLease};
pub use lease::WasmLease;
pub use meter::{BoxedCall, Meter, Metered, Usage};
pub use pool::{WasmPool, WasmPrincipal};
pub use program::{Guest, GuestManager};
pub use running::{CalledBack, HostTime};
