//! Settings of an engine.

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::{Config, Engine, WasmFeatures};

use super::{Shared, WasmEngine};
use crate::allocator::Room;
use crate::clock::Clock;
use crate::error::EngineError;
#[cfg(doc)]
use crate::meter::Meter;

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

const TICK_MIN: Duration = Duration::from_micros(100);
const TICK_MAX: Duration = Duration::from_secs(60);

impl WasmEngineBuilder {
    pub(super) fn new() -> Self {
        Self {
            config: Config::new(),
            room: Room::default(),
            tick: Duration::from_millis(10),
            meters_fuel: true,
            has_gc: false,
            has_exceptions: false,
        }
    }

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
    pub fn no_fuel(mut self) -> Self {
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
        #[cfg(not(feature = "component-model"))]
        // What wasmtime has of it would not be metered.
        config.wasm_features(WasmFeatures::COMPONENT_MODEL, false);
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

impl fmt::Debug for WasmEngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmEngineBuilder");
        debug.field("room", &self.room).field("tick", &self.tick).finish_non_exhaustive()
    }
}
