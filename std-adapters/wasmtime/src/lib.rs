//! Pools of wasmtime stores: thousands of untrusted guests on a few warm instances, by default without
//! one reading, starving or poisoning the next. On top of [`plimsoll::pool`].
//!
//! - A [`WasmEngine`] has room for a number of instances: wasmtime's pooling allocator, sized by
//!   their number and quota, closed to what is not asked for by name.
//! - A [`WasmPool`] lends instances of one program, a core module or a component, in the name of a
//!   [`WasmPrincipal`], as a [`WasmLease`].
//! - A [`Host`] makes the data of the stores, a type of the host's own, and the part of it that belongs
//!   to a lease. So WASI and `bindgen!` worlds link as their documentation says.
//! - A [`Meter`] holds a guest to its quota, fuel and time, and says who pays; in a pool, and for stores
//!   outside any pool.
//!
//! Components need the feature `component-model`, which is on by default, and so does WASI, preview 1 too.
//! Without it an engine admits core modules only, whatever features of wasmtime are on.
//!
//! With feature `wasi-http`, [`wasi_http`] bounds the requests of a `ProxyHandler` of
//! `wasmtime-wasi-http`, and ends its idle instances under pressure.
//!
//! All that follows holds with wasmtime's default features, which `wasmtime = "48"` in a host's manifest
//! switches on for the whole program.
//!
//! # Invariants
//! - POOL-3: an instance in which a call trapped, or was dropped before it returned, is never lent
//!   again: such a store is poisoned. A closure of [`WasmLease::run`] says so by its error.
//! - POOL-10: by default every lease gets an instance that nobody has used. Whatever the isolation,
//!   [`Host::Lease`] is replaced whole (unless a lease is dropped between calls and the pool
//!   [keeps](WasmPoolBuilder::keep_on_drop) all of it). An instance whose lease leaves resources behind, as
//!   [`Host::has_handles`] says, is discarded, and numbers of [`NewLease::handles`] never come twice: a handle
//!   of one lease names nothing in the next.
//! - POOL-14: tasks that a component leaves behind do not run in the next lease: its instance is
//!   discarded.
//! - METER-1: all memories, tables and garbage-collected heaps of an instance together are held to a
//!   quota, and a growth that failed is rolled back.
//! - METER-2: memory is charged twice: its size, and how much the lease has grown it, so that
//!   nobody is charged for what others left there.
//! - METER-3: limiter, fuel, deadline and yield interval are set anew for each lease.
//! - METER-4: fuel is charged however a lease ends, to within one yield interval;
//!   [in place](WasmPoolBuilder::in_place), some ends cost all of it.
//! - METER-5: a deadline counts the guest's own time: processor time within its calls. What a host
//!   function computes counts too, unless it holds a [`Meter::host_time`]; what it awaits does not, nor
//!   what others run.
//! - METER-6: an engine for N instances holds N of every program that it admits, garbage-collected
//!   heaps, stacks, calls back and tasks included; what cannot be known is declared.
//! - METER-7: each end is the guest's or the host's, by [`CallError::is_fault`].
//! - METER-8: a deadline ends a guest within two ticks of its own time, whatever its length, or after the
//!   one long operation that it is in.
//! - METER-9: what one call copies from the guest into the host, which is to lift it, is bounded by
//!   [`max_lift`](WasmPoolBuilder::max_lift), by default the quota held to 64 KiB to 128 MiB.
//! - METER-10: growth is in the ledgers when the call returns, yields or waits, and a tick after it stands
//!   at the latest; a growth that failed never is.
//! - METER-11: quota, fuel and deadline may be set for each principal and each lease.
//!
//! # Example
//! A host function, what a lease keeps, and what it has used. As a task: `pool.checkout(&acme).await`
//! and `lease.call(..).await`, with a pool of `build_async().await`.
//! ```
//! use std::time::Duration;
//!
//! use plimsoll_wasmtime::{Exports, Host, Meter, Metered, NewLease, WasmEngine, WasmPool};
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
//!     fn has_handles(_written: &mut Vec<i32>) -> bool {
//!         false // no table of resources in it
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
//! # Replacing a program
//! The room of an old pool is free when it is drained: `old.close(); old.drained().await; drop(old);`, or
//! [`WasmPool::wait_drained`] on a thread. Then the new one is built. To build that first, so that no
//! checkout fails meanwhile, give the engine room for both. A pool that is only dropped gives its room back
//! some time later.
//!
//! # What does not hold
//! - A guest may hold its thread for a yield interval or a tick, whichever comes first, and for as long as
//!   one operation on all of its memory takes (`memory.fill`, `memory.copy`): some milliseconds for each
//!   10 MiB of quota. wasmtime looks at nothing within such an operation. A guest in place holds its
//!   thread until its deadline.
//! - A host function holds its thread for as long as it likes: deadlines end guests, not hosts.
//! - How much a component lifts is bounded, but wasmtime does not tell how much it was: it is in no
//!   ledger.
//! - Futures that a *host* spawns into a store (`Store::spawn`) are the host's: they are not found when a
//!   lease ends.
//! - Concurrent leases of one instance (WASIp3): an instance has one lease at a time. Within it, a host may
//!   run several calls concurrently by [`WasmLease::run`] with `run_concurrent`; their time and fuel are
//!   counted together.
//! - Caches of the processor are not cleared between principals.
//! - wasmtime's `ResourceTable` uses numbers again within a lease: the number that was freed last is given
//!   first.

#![forbid(unsafe_code)]

mod allocator;
mod allowance;
mod bill;
mod blame;
mod builder;
mod call;
mod clock;
#[cfg(feature = "component-model")]
mod component;
mod cpu;
mod engine;
mod error;
mod exports;
mod guards;
mod handles;
mod held;
mod host;
mod lease;
mod limiter;
mod meter;
mod mode;
mod pool;
mod principal;
mod program;
mod running;
#[cfg(feature = "wasi-http")]
pub mod wasi_http;

pub use allowance::{Allowance, Grant};
pub use bill::{Account, Ledgers, Usage};
pub use builder::WasmPoolBuilder;
pub use call::GuestFunc;
#[cfg(feature = "component-model")]
pub use component::ComponentExports;
pub use engine::{WasmEngine, WasmEngineBuilder};
pub use error::{
    AllowanceError, CallError, EngineError, ExportError, ExportProblem, Feature, InstanceLimit,
    InstantiateError, ProgramError, TooDeep,
};
pub use exports::Exports;
pub use guards::{CalledBack, HostTime};
pub use handles::{HandleError, Handles};
pub use host::{Host, NewLease};
pub use lease::WasmLease;
pub use meter::{BoxedCall, Meter, Metered};
pub use pool::WasmPool;
pub use principal::WasmPrincipal;
pub use program::{Guest, GuestManager};
