//! The engine that pools of guests share.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::{Config, Engine, WasmFeatures};

use crate::allocator::Room;
use crate::allowance::{Allowance, Grant};
use crate::clock::{Clock, Ticker};
use crate::error::{AllowanceError, EngineError, ProgramError};
use crate::meter::{Meter, Mode};
use crate::running::Running;

/// A wasmtime [`Engine`] with the pooling allocator, and room for a number of instances.
///
/// Several pools, of several programs, may share one; clones are handles to the same one. While there
/// is a pool or a [`Meter`] of it, a thread advances its clock and its epoch.
///
/// It is closed by default: garbage collection, exceptions and component-model async are asked for by
/// name, whatever features of wasmtime the program is built with. Stack switching and memories that
/// threads share cannot be metered and are in no engine.
///
/// An engine for N instances holds N at once of every program that it admits (METER-6).
///
/// ```
/// use plimsoll_wasmtime::WasmEngine;
///
/// let engine = WasmEngine::builder().instances(8).quota(4 << 20).build()?;
/// let module = wasmtime::Module::new(engine.wasmtime(), "(module (memory 1))");
/// assert!(module.is_ok());
/// # Ok::<(), plimsoll_wasmtime::EngineError>(())
/// ```
#[derive(Clone)]
pub struct WasmEngine(Arc<Shared>);

struct Shared {
    engine: Engine,
    room: Room,
    clock: Arc<Clock>,
    meters_fuel: bool,
    reserved: AtomicUsize,
    ticker: Mutex<Weak<Ticker>>,
}

/// Settings of a [`WasmEngine`].
#[must_use = "it has no effect until `build`"]
pub struct WasmEngineBuilder {
    config: Config,
    room: Room,
    tick: Duration,
    meters_fuel: bool,
    has_gc: bool,
    has_exceptions: bool,
}

/// What async functions of components need, with their proposals.
const CONCURRENT: WasmFeatures = WasmFeatures::CM_ASYNC
    .union(WasmFeatures::CM_ASYNC_STACKFUL)
    .union(WasmFeatures::CM_MORE_ASYNC_BUILTINS);

/// Handles that a component has at most by default.
pub(crate) const HANDLES_MAX: usize = 10_000;

const TICK_MIN: Duration = Duration::from_micros(100);
const TICK_MAX: Duration = Duration::from_secs(60);

impl WasmEngineBuilder {
    /// How many instances there are at one time at most, those of all pools together; 64 by
    /// default.
    ///
    /// Address space is reserved for them at once, and no memory.
    pub fn instances(mut self, max: usize) -> Self {
        self.room.instances = max;
        self
    }

    /// How many bytes the memories, tables and garbage-collected heaps of one instance have together
    /// at most; 64 MiB by default. A pool may set less.
    ///
    /// Of a quota for garbage-collected heaps about a third is of use to the guest: the collector
    /// copies from one half to the other, and a doubling that the quota refuses is not asked for
    /// smaller.
    pub fn quota(mut self, bytes: u64) -> Self {
        self.room.quota = bytes;
        self
    }

    /// How many memories an instance has at most; 2 by default. For a component, those of all its
    /// core instances.
    pub fn memories(mut self, max: u32) -> Self {
        self.room.memories = max;
        self
    }

    /// How many tables an instance has at most; 4 by default. For a component, those of all its
    /// core instances.
    pub fn tables(mut self, max: u32) -> Self {
        self.room.tables = max;
        self
    }

    /// How many elements each table has at most, should the quota allow as many; 20,000 by default.
    pub fn table_elements(mut self, max: usize) -> Self {
        self.room.table_elements = max;
        self
    }

    /// How many core instances a component consists of at most; 16 by default.
    pub fn core_instances(mut self, max: u32) -> Self {
        self.room.core_instances = max;
        self
    }

    /// How many bytes of each memory stay in the host's memory when its instance goes, cleared for
    /// the next one; 1 MiB by default. More makes large guests faster. It has no effect on systems
    /// that cannot tell which pages were touched (Linux can, since 6.7).
    pub fn keep_resident(mut self, bytes: usize) -> Self {
        self.room.keep_resident = bytes;
        self
    }

    /// How many stores of its own the host has on this engine at one time, outside all pools; none by
    /// default. Each takes the room of an instance. Without this, such a store takes an instance of a
    /// pool's, and that pool's build fails with
    /// [`InstantiateError::NoRoom`](crate::InstantiateError::NoRoom).
    pub fn reserve_stores(mut self, stores: usize) -> Self {
        self.room.stores = stores;
        self
    }

    /// How deep host functions call a guest back, which takes a stack for each; 1 by default. A host
    /// function that does so holds a [`Meter::call_back`] meanwhile, by which a guest that goes deeper is
    /// ended.
    pub fn reentrancy(mut self, depth: u32) -> Self {
        self.room.reentrancy = depth;
        self
    }

    /// Allows garbage-collected types and `externref`. Their heap takes the place of one more memory for
    /// each instance, and counts into its quota.
    #[cfg(feature = "gc")]
    pub fn gc(mut self) -> Self {
        self.has_gc = true;
        self
    }

    /// Allows exceptions. They live in a heap as [`gc`](Self::gc) has it.
    #[cfg(feature = "gc")]
    pub fn exceptions(mut self) -> Self {
        self.has_exceptions = true;
        self
    }

    /// Allows async functions of components, each with so many tasks, subtasks and waitables at one time:
    /// some three for each call under way. Each takes room for a stack. With 0, they are not allowed.
    ///
    /// An instance that still has one of them when its lease ends is discarded (POOL-14). A host
    /// function cannot call the component back whose call it serves: wasmtime refuses that with
    /// `CannotEnterComponent` where concurrency is on.
    #[cfg(feature = "component-model-async")]
    pub fn component_model_async(mut self, tasks: u32) -> Self {
        self.room.tasks = tasks;
        self
    }

    /// Address space for each memory, a multiple of 64 KiB and no less than the quota. By default it
    /// depends on the number of instances: 4 GiB as long as there is room for that, else the quota.
    ///
    /// A precompiled program is refused by an engine with another reservation. State it where programs
    /// are compiled on one machine and run on others.
    pub fn memory_reservation(mut self, bytes: u64) -> Self {
        self.room.reservation = Some(bytes);
        self
    }

    /// How often the clock ticks, and so how finely time is counted: from 100 us to 1 min; 10 ms by
    /// default.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick;
        self
    }

    /// Compiles guests without fuel metering. They run somewhat faster; what they use is not
    /// billed, and only the deadline ends an endless loop.
    pub fn without_fuel(mut self) -> Self {
        self.meters_fuel = false;
        self
    }

    /// What else to set. Allocation, memory layout, fuel, epochs, stack zeroing, and the proposals that
    /// this builder has methods for are set by [`build`](Self::build), whatever this says of them. Stack
    /// switching, shared memories, legacy exceptions and, without [`gc`](Self::gc), typed references to
    /// functions are off.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Makes the engine.
    ///
    /// # Errors
    /// [`EngineError`]: numbers out of range, more than the address space has room for, or what
    /// wasmtime refuses.
    pub fn build(self) -> Result<WasmEngine, EngineError> {
        let Self { mut config, mut room, tick, meters_fuel, has_gc, has_exceptions } = self;
        if !(TICK_MIN..=TICK_MAX).contains(&tick) {
            return Err(EngineError::Tick { tick });
        }
        room.has_gc = has_gc || has_exceptions;
        room.apply(&mut config)?;
        for (feature, is_on) in [
            (WasmFeatures::GC_TYPES, room.has_gc),
            (WasmFeatures::GC | WasmFeatures::FUNCTION_REFERENCES, has_gc),
            (WasmFeatures::EXCEPTIONS, has_exceptions),
            (CONCURRENT, room.tasks > 0),
            (WasmFeatures::STACK_SWITCHING | WasmFeatures::LEGACY_EXCEPTIONS, false),
            (WasmFeatures::SHARED_EVERYTHING_THREADS, false),
        ] {
            config.wasm_features(feature, is_on);
        }
        config.concurrency_support(room.tasks > 0);
        config.consume_fuel(meters_fuel).epoch_interruption(true);
        // Clears stacks, so that no guest reads what another has left there.
        config.async_stack_zeroing(true);
        // wasmtime does not ask the limiter about memories that threads share.
        config.shared_memory(false);
        let engine = Engine::new(&config).map_err(|cause| EngineError::Refused { cause })?;
        let clock = Arc::new(Clock::new(tick));
        let (reserved, ticker) = (AtomicUsize::new(0), Mutex::new(Weak::new()));
        Ok(WasmEngine(Arc::new(Shared { engine, room, clock, meters_fuel, reserved, ticker })))
    }
}

impl WasmEngine {
    /// An engine with settings to be made.
    pub fn builder() -> WasmEngineBuilder {
        WasmEngineBuilder {
            config: Config::new(),
            room: Room::default(),
            tick: Duration::from_millis(10),
            meters_fuel: true,
            has_gc: false,
            has_exceptions: false,
        }
    }

    /// The engine to compile and link with.
    pub fn wasmtime(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn room(&self) -> &Room {
        &self.0.room
    }

    /// A module, precompiled for `Module::deserialize` on engines with the same
    /// [`memory_reservation`](Self::memory_reservation), fuel metering, features and version of wasmtime,
    /// for the same target and features of the processor. `deserialize` is unsafe: it trusts the bytes,
    /// so it is for those that the host itself has precompiled and kept.
    ///
    /// # Errors
    /// [`ProgramError`]: it is not valid, or needs what the engine does not have.
    #[cfg(feature = "cranelift")]
    pub fn precompile_module(&self, wasm: &[u8]) -> Result<Vec<u8>, ProgramError> {
        Ok(self.wasmtime().precompile_module(wasm)?)
    }

    /// A component, precompiled for `Component::deserialize` on engines as
    /// [`precompile_module`](Self::precompile_module) says.
    ///
    /// # Errors
    /// [`ProgramError`]: it is not valid, or needs what the engine does not have.
    #[cfg(feature = "cranelift")]
    pub fn precompile_component(&self, wasm: &[u8]) -> Result<Vec<u8>, ProgramError> {
        Ok(self.wasmtime().precompile_component(wasm)?)
    }

    /// Address space for each memory, in bytes.
    pub fn memory_reservation(&self) -> u64 {
        // The engine was built with it.
        self.0.room.reservation().unwrap_or(0)
    }

    /// A meter for a store of the host's own, which has to fit into what
    /// [`reserve_stores`](WasmEngineBuilder::reserve_stores) keeps. What the allowance does not say is
    /// the engine's quota, all the fuel there can be, and no deadline.
    ///
    /// # Errors
    /// [`ProgramError`]: what the allowance asks cannot be granted, or there is no thread for the clock.
    pub fn meter(&self, allowance: &Allowance) -> Result<Meter, ProgramError> {
        let grant = self.grant(allowance)?;
        let meter = Meter::new(self, grant, Mode::default(), Arc::new(self.running()));
        Ok(meter.keeping(self.ticker()?))
    }

    /// A grant for [`Meter::begin`], for stores of the host's own. What the allowance does not say is as
    /// [`meter`](Self::meter) has it.
    ///
    /// # Errors
    /// [`AllowanceError`]: above what the engine has room for, zero, or fuel where none is metered.
    pub fn grant(&self, allowance: &Allowance) -> Result<Grant, AllowanceError> {
        let quota = self.0.room.quota;
        Grant::all(quota, self.0.meters_fuel).with(allowance, quota)
    }

    pub(crate) fn running(&self) -> Running {
        Running::new(self.0.clock.clone(), self.0.room.reentrancy)
    }

    pub(crate) fn meters_fuel(&self) -> bool {
        self.0.meters_fuel
    }

    /// Reserves room for a pool's instances, and keeps the clock running.
    pub(crate) fn reserve(&self, instances: usize) -> Result<Reservation, ProgramError> {
        let of = self.0.room.instances;
        let mut left = 0;
        let take = |reserved: usize| {
            left = of - reserved;
            (instances <= left).then(|| reserved + instances)
        };
        // Relaxed: a count, which publishes nothing.
        let taken = self.0.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map_err(|_| ProgramError::EngineFull { asked: instances, left, of })?;
        let mut reservation = Reservation { shared: self.0.clone(), instances, ticker: None };
        reservation.ticker = Some(self.ticker()?);
        Ok(reservation)
    }

    fn ticker(&self) -> Result<Arc<Ticker>, ProgramError> {
        let mut ticker = self.0.ticker.lock();
        if let Some(running) = ticker.upgrade() {
            return Ok(running);
        }
        let started = Ticker::start(&self.0.engine, &self.0.clock);
        let started = started.map_err(|cause: io::Error| ProgramError::Thread { cause })?;
        let started = Arc::new(started);
        *ticker = Arc::downgrade(&started);
        Ok(started)
    }
}

/// A pool's part of an engine. When the last one goes, the epoch stands still.
#[derive(Debug)]
pub(crate) struct Reservation {
    shared: Arc<Shared>,
    instances: usize,
    ticker: Option<Arc<Ticker>>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // Relaxed: a count, which publishes nothing.
        self.shared.reserved.fetch_sub(self.instances, Ordering::Relaxed);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Shared");
        debug.field("room", &self.room).field("clock", &self.clock);
        debug.field("reserved", &self.reserved).finish_non_exhaustive()
    }
}

impl fmt::Debug for WasmEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmEngine");
        debug.field("room", &self.0.room).field("clock", &self.0.clock);
        debug.field("reserved", &self.0.reserved).finish_non_exhaustive()
    }
}

impl fmt::Debug for WasmEngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmEngineBuilder");
        debug.field("room", &self.room).field("tick", &self.tick).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_share_the_room_and_the_clock_that_stops_with_the_last_of_them() {
        let tick = Duration::from_millis(1);
        let engine = WasmEngine::builder().instances(4).tick(tick).build().unwrap();
        let first = engine.reserve(3).unwrap();
        let refused = engine.reserve(2).unwrap_err();
        let text = "a pool of 2 instances does not fit into an engine with room for 1 more of 4";
        assert_eq!(refused.to_string(), text);
        let second = engine.reserve(1).unwrap();
        drop(first);
        assert!(engine.0.ticker.lock().upgrade().is_some());
        drop(second);
        assert!(engine.0.ticker.lock().upgrade().is_none(), "nobody is left to time");
        assert_eq!(engine.reserve(4).unwrap().instances, 4);
    }
}
