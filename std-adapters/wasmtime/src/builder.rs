//! The builder of a pool of guests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll::budget::Budget;
use plimsoll::ledger::{PeakLedger, SumLedger};
use plimsoll::pool::{Isolation, Pool, PoolBuilder};

use crate::allowance::{Allowance, Grant};
use crate::bill::Ledgers;
use crate::call::block_on;
use crate::clock::NEVER;
#[cfg(feature = "component-model")]
use crate::component::{ComponentExports, ComponentProgram};
use crate::engine::WasmEngine;
use crate::error::{AllowanceError, ExportError, InstantiateError, ProgramError};
use crate::exports::Exports;
use crate::host::Host;
use crate::limiter::PoolBudget;
use crate::mode::{HANDLES_MAX, Mode, YIELD_INTERVAL};
use crate::pool::{Terms, WasmPool};
use crate::program::{GuestManager, Program};

type PoolSettings<H, X> =
    dyn FnOnce(PoolBuilder<GuestManager<H, X>>) -> PoolBuilder<GuestManager<H, X>> + Send;

/// Settings of a [`WasmPool`].
#[must_use = "it has no effect until `build`"]
pub struct WasmPoolBuilder<H: Host, X: Send + Sync + 'static> {
    engine: WasmEngine,
    host: H,
    program: Program<H::Data, X>,
    max: usize,
    isolation: Isolation,
    allowance: Allowance,
    yield_interval: u64,
    is_in_place: bool,
    start_deadline: Duration,
    start_wall_limit: Duration,
    handles_max: usize,
    keeps_on_drop: bool,
    budget: Option<Budget>,
    ledgers: Ledgers,
    settings: Option<Box<PoolSettings<H, X>>>,
}

impl<H: Host, X: Send + Sync + 'static> WasmPoolBuilder<H, X> {
    pub(crate) fn new(engine: &WasmEngine, host: H, program: Program<H::Data, X>) -> Self {
        Self {
            engine: engine.clone(),
            host,
            program,
            max: 16,
            isolation: Isolation::default(),
            allowance: Allowance::new().deadline(Duration::from_secs(1)),
            yield_interval: YIELD_INTERVAL,
            is_in_place: false,
            start_deadline: Duration::from_secs(1),
            start_wall_limit: Duration::from_secs(30),
            handles_max: HANDLES_MAX,
            keeps_on_drop: false,
            budget: None,
            ledgers: Ledgers::default(),
            settings: None,
        }
    }

    /// How many instances there are at most; 16 by default.
    pub fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// To which principals an instance may be lent that was used before. By default to none: an instance
    /// serves one lease (POOL-10).
    ///
    /// With [`PerPrincipal`](Isolation::PerPrincipal), a guest's memory, globals and tables stay from
    /// lease to lease of one principal, and so does what else the [`Host::Data`] has. With
    /// [`Shared`](Isolation::Shared) they stay for everybody: whatever one principal leaves in a
    /// guest, the next one can read and has to live with. What a guest caches in its own memory stays
    /// with it, such as the number of a handle, and so does an `externref` or a function of the host's that
    /// it keeps in a global or a table: unlike a number, it goes on naming its object, so give objects of a
    /// lease as [`Handles`](crate::Handles). [`Host::Lease`] and its handles never stay, but with
    /// [`keep_on_drop`](Self::keep_on_drop).
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// How many bytes the memories, tables and garbage-collected heaps of one instance have together at
    /// most (METER-1); the engine's quota by default. A table's element counts as a pointer.
    ///
    /// It also bounds how long a guest may hold its thread at a stretch: an operation such as
    /// `memory.fill` on all of its memory is done in one piece, which takes some milliseconds for each
    /// 10 MiB, more on a busy machine and on memory that nobody has touched.
    pub fn quota(mut self, bytes: u64) -> Self {
        self.allowance = self.allowance.quota(bytes);
        self
    }

    /// A budget that the bytes of all instances are reserved of, beside the quota of each: a host gives one
    /// to several pools, so that all guests together have no more than it holds.
    ///
    /// The pool reserves what its instances have at their start at once, for as many as there can be: a
    /// greedy guest prevents no other from starting. What an instance grows by is reserved until it is
    /// destroyed, so idle ones keep theirs. A growth for which there is no room is refused, and the guest
    /// runs on.
    ///
    /// [`build`](Self::build) fails with [`OverBudget`](InstantiateError::OverBudget) if there is no room for
    /// the starts, and so does the build of a later instance whose start takes more than the first one's.
    ///
    /// ```
    /// use plimsoll::Limit;
    /// use plimsoll::budget::Budget;
    /// use plimsoll_wasmtime::{Exports, Meter, WasmEngine, WasmPool};
    /// use wasmtime::{Linker, Module};
    ///
    /// let engine = WasmEngine::builder().instances(2).build()?;
    /// let program = r#"(module (memory 1) (func (export "grow") (param i32) (result i32)
    ///     (memory.grow (local.get 0))))"#;
    /// let module = Module::new(engine.wasmtime(), program)?;
    /// let look_up = |exports: &mut Exports<'_, Meter>| exports.func::<i32, i32>("grow");
    /// let linker = Linker::new(engine.wasmtime());
    /// let pages = |pages: u64| pages * 65_536;
    /// let budget = Budget::new(Limit::memory("guest_bytes"), pages(11))?;
    /// let pool = WasmPool::module(&engine, (), &linker, &module, look_up)?;
    /// let pool = pool.max(2).budget(&budget).build()?;
    ///
    /// assert_eq!(budget.usage(), pages(2), "two instances of one page can start");
    /// let one = pool.principal("one")?;
    /// let mut lease = pool.checkout_blocking(&one)?;
    /// assert_eq!(lease.call_blocking(|grow| grow, 8)?, 1, "it had one page");
    /// assert_eq!((budget.usage(), lease.usage().bytes), (pages(10), pages(9)));
    /// assert_eq!(lease.call_blocking(|grow| grow, 2)?, -1, "there is room for one more");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// How much fuel each lease has. By default it has no bound (`u64::MAX`), and is metered all the same.
    ///
    /// Most instructions take one unit. `memory.fill`, `memory.copy`, `table.grow` and
    /// `array.new_default` take one for each byte or element, before they begin; `memory.grow` takes
    /// one, whatever its size.
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.allowance = self.allowance.fuel(fuel);
        self
    }

    /// How much fuel a guest uses before it lets other tasks run; 100,000 by default, which is some
    /// 100 us. It also does so at each tick of the engine's clock, however little fuel its instructions
    /// take. A guest that does not return is charged to within as much (METER-4).
    pub fn yield_interval(mut self, fuel: u64) -> Self {
        self.yield_interval = fuel;
        self
    }

    /// Runs guests on their caller's stack, where calls are cheapest, and blocks the thread until
    /// they return, also from [`WasmLease::call`](super::WasmLease::call): they do not yield, cannot
    /// be cancelled, and may not import async functions.
    ///
    /// [Fuel](Self::fuel) has to be set, unless the engine meters none. wasmtime does not show how much fuel
    /// a guest has used that is ended by its deadline, by its wall-clock limit while it runs, by a full GC
    /// heap, or by a trap other than `unreachable` and a full stack. Such a guest is charged with all of it.
    pub fn in_place(mut self) -> Self {
        self.is_in_place = true;
        self
    }

    /// How long the guest may run in each lease, in time of its own; 1 s by default (METER-5).
    ///
    /// Own time is the processor time of the thread that runs the guest, from when a call is polled to when
    /// that poll returns. What the host does between calls, what a host function awaits or sleeps, and what
    /// others do between two polls does not count, nor does time in which the processor is taken away
    /// within one. What a host function computes does count, unless it holds a
    /// [`Meter::host_time`](crate::Meter::host_time). It is measured from the first
    /// [tick](crate::WasmEngineBuilder::tick) on that comes by within a call, or from when the call first
    /// yields or waits; what a guest uses before that counts for nothing, a tick on average. (On systems
    /// other than Linux and Android, wall-clock time stands in for processor time.)
    ///
    /// A deadline ends a guest no sooner, and up to two ticks of its own time later (METER-8), whatever
    /// the length of the deadline. That bound is one for each call: a lease of many calls that are shorter
    /// than a tick may run longer in all. A guest that is within a single long operation then, or returns
    /// from it, is ended after that operation: see [`quota`](Self::quota).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.allowance = self.allowance.deadline(deadline);
        self
    }

    /// Lets guests run for ever, unless their fuel ends them.
    pub fn no_deadline(mut self) -> Self {
        self.allowance = self.allowance.no_deadline();
        self
    }

    /// The wall-clock time after the checkout at which calls are ended; none by default. That is no fault of
    /// the guest's.
    ///
    /// A call that runs is ended at the next tick, and so is one that waits in an async host function. One
    /// that returns after that tick has no result, and one that begins after it is not run at all. A lease
    /// that rests is not ended, and a host function that blocks its thread is not ended before it returns.
    pub fn wall_limit(mut self, limit: Duration) -> Self {
        self.allowance = self.allowance.wall_limit(limit);
        self
    }

    /// How many bytes one call may lift, which is to copy them from the guest into the host: as results, or
    /// as parameters of host functions. By default as many as the quota, from 64 KiB to 128 MiB (METER-9).
    /// It has no effect on core modules.
    pub fn max_lift(mut self, bytes: usize) -> Self {
        self.allowance = self.allowance.max_lift(bytes);
        self
    }

    /// How much time of its own an instance may use at its start; 1 s by default. It has a lease's fuel as
    /// well.
    pub fn start_deadline(mut self, deadline: Duration) -> Self {
        self.start_deadline = deadline;
        self
    }

    /// After how long, by the wall clock, the start of an instance is ended that waits in an async host
    /// function; 30 s by default.
    pub fn start_wall_limit(mut self, limit: Duration) -> Self {
        self.start_wall_limit = limit;
        self
    }

    /// How many handles a component has at most at one time; 10,000 by default. It has no effect on core
    /// modules.
    pub fn handles(mut self, max: usize) -> Self {
        self.handles_max = max;
        self
    }

    /// Keeps the instance when a lease is dropped between calls, with the part of the data that belonged
    /// to it, for the next lease: for a pool of one whose principal has its own instance
    /// ([`PerPrincipal`](Isolation::PerPrincipal)), where the guest's resources are to outlive a caller that
    /// is cancelled. A lease that is dropped within a call is discarded all the same: wasmtime has no way
    /// to go on.
    ///
    /// [`complete`](crate::WasmLease::complete) ends such a lease as any other.
    pub fn keep_on_drop(mut self) -> Self {
        self.keeps_on_drop = true;
        self
    }

    /// Where the absolute size of the instances that a principal has used is recorded: what it
    /// inherited from earlier leases is included.
    pub fn bytes_ledger(mut self, ledger: &PeakLedger) -> Self {
        self.ledgers = self.ledgers.bytes(ledger);
        self
    }

    /// Where it is recorded by how much a principal's leases have grown their instances.
    pub fn growth_ledger(mut self, ledger: &PeakLedger) -> Self {
        self.ledgers = self.ledgers.growth(ledger);
        self
    }

    /// Where the fuel that a principal has used is recorded. The start of an instance is the pool's
    /// own, and charged to no principal.
    ///
    /// All three are written when a lease ends, and before that: bytes and growth when a call returns, waits
    /// or yields, and a tick after they stand at the latest (METER-10); fuel at ticks, as far as wasmtime
    /// shows it.
    pub fn fuel_ledger(mut self, ledger: &SumLedger) -> Self {
        self.ledgers = self.ledgers.fuel(ledger);
        self
    }

    /// What else to set, such as the warm minimum, timeouts, or the registry: `.pool(|pool|
    /// pool.warm(8))`. Maximum and isolation are those of this builder, and `max_abandoned` is 0. A
    /// second call of this replaces the first.
    pub fn pool(
        mut self,
        settings: impl FnOnce(PoolBuilder<GuestManager<H, X>>) -> PoolBuilder<GuestManager<H, X>>
        + Send
        + 'static,
    ) -> Self {
        self.settings = Some(Box::new(settings));
        self
    }

    /// Makes the pool, and one instance first, so that a program that cannot run fails here.
    ///
    /// # Errors
    /// [`ProgramError`]: settings out of range or that contradict each other, an engine without room, a start
    /// function that traps or does not end, exports that are missing or of another type.
    ///
    /// # Panics
    /// If [`Host::lease`], [`Host::data`] or a host function that the start function calls does.
    ///
    /// # Progress
    /// Blocks the thread while that first instance is built; see
    /// [`build_async`](Self::build_async).
    pub fn build(self) -> Result<WasmPool<H, X>, ProgramError> {
        block_on(self.build_async())
    }

    /// [`build`](Self::build), as a task.
    ///
    /// # Errors
    /// As of [`build`](Self::build).
    ///
    /// # Panics
    /// As of [`build`](Self::build).
    ///
    /// # Cancellation
    /// Safe: there is no pool then.
    pub async fn build_async(self) -> Result<WasmPool<H, X>, ProgramError> {
        if self.keeps_on_drop && (self.max, self.isolation) != (1, Isolation::PerPrincipal) {
            let (max, isolation) = (self.max, self.isolation);
            return Err(ProgramError::KeepOnDrop { max, isolation });
        }
        let grant = self.grant()?;
        let start = Allowance::new().deadline(self.start_deadline);
        let start = start.wall_limit(self.start_wall_limit);
        let mut start = grant.with(&start, self.engine.room().quota)?;
        if self.is_in_place {
            // It waits for nothing there, and has its deadline.
            start.wall_limit_ns = NEVER;
        }
        let mut manager = GuestManager {
            start,
            mode: self.mode(),
            keeps_on_drop: self.keeps_on_drop,
            budget: None,
            _reservation: self.engine.reserve(self.max)?,
            program: self.program,
            host: Arc::new(self.host),
            engine: self.engine.clone(),
        };
        let start_bytes = manager.guest().await?.running.bytes();
        if let Some(budget) = self.budget {
            let reserved = PoolBudget::reserve(budget, start_bytes, self.max);
            let reserved = reserved.map_err(|refused| InstantiateError::OverBudget { refused })?;
            manager.budget = Some(reserved);
        }
        let mut builder = Pool::builder(manager);
        if let Some(settings) = self.settings {
            builder = settings(builder);
        }
        let pool = builder.max(self.max).isolation(self.isolation).max_abandoned(0).build()?;
        let (engine, ledgers) = (self.engine, self.ledgers);
        Ok(WasmPool::new(pool, Terms { engine, grant, start_bytes, ledgers }))
    }

    fn mode(&self) -> Mode {
        let yield_interval = (!self.is_in_place).then_some(self.yield_interval);
        Mode { yield_interval, handles_max: self.handles_max }
    }

    fn grant(&self) -> Result<Grant, ProgramError> {
        if self.yield_interval == 0 {
            return Err(AllowanceError::Zero { setting: "yield interval" }.into());
        }
        let (quota, meters_fuel) = (self.engine.room().quota, self.engine.meters_fuel());
        if meters_fuel && self.is_in_place && self.allowance.fuel.is_none() {
            return Err(ProgramError::NoFuel);
        }
        Ok(Grant::all(quota, meters_fuel).with(&self.allowance, quota)?)
    }
}

impl<H: Host, X: Send + Sync + 'static> WasmPool<H, X> {
    /// Settings for a pool of a core module. `look_up` finds the exports of each instance.
    ///
    /// An instance is started by its start function, and after that by its export `_initialize` if it has
    /// one without parameters and results, as reactor modules of WASI preview 1 do.
    ///
    /// # Errors
    /// [`ProgramError`]: more memories or tables than the engine allows, an import that the linker
    /// does not have, a module or linker of another engine.
    pub fn module(
        engine: &WasmEngine,
        host: H,
        linker: &wasmtime::Linker<H::Data>,
        module: &wasmtime::Module,
        look_up: impl Fn(&mut Exports<'_, H::Data>) -> Result<X, ExportError> + Send + Sync + 'static,
    ) -> Result<WasmPoolBuilder<H, X>, ProgramError> {
        let program = Program::core(engine, linker, module, Box::new(look_up))?;
        Ok(WasmPoolBuilder::new(engine, host, program))
    }

    /// Settings for a pool of a component. `look_up` finds the exports of each instance, or makes the
    /// bindings of a `bindgen!` world.
    ///
    /// # Errors
    /// [`ProgramError`]: more memories or tables than the engine allows, an import that the linker
    /// does not have, a component or linker of another engine.
    #[cfg(feature = "component-model")]
    pub fn component<F>(
        engine: &WasmEngine,
        host: H,
        linker: &wasmtime::component::Linker<H::Data>,
        component: &wasmtime::component::Component,
        look_up: F,
    ) -> Result<WasmPoolBuilder<H, X>, ProgramError>
    where
        F: Fn(&mut ComponentExports<'_, H::Data>) -> Result<X, ExportError> + Send + Sync + 'static,
    {
        let program = ComponentProgram::new(engine, linker, component, Box::new(look_up))?;
        Ok(WasmPoolBuilder::new(engine, host, Program::Component(program)))
    }
}

impl<H: Host, X: Send + Sync + 'static> fmt::Debug for WasmPoolBuilder<H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmPoolBuilder");
        debug.field("max", &self.max).field("isolation", &self.isolation);
        debug.field("allowance", &self.allowance).finish_non_exhaustive()
    }
}
