//! The engine that pools of guests share.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::{Config, Engine};

use super::allocator::Room;
use super::error::{EngineError, ProgramError};
use super::ticker::Ticker;

/// A wasmtime [`Engine`] with the pooling allocator, and room for a number of instances.
///
/// Several pools, of several programs, may share one; clones are handles to the same one. While
/// there is a pool, a thread advances its epoch.
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
    tick: Duration,
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
}

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

    /// How many bytes the memories and tables of one instance have together at most; 64 MiB by
    /// default. A pool may set less.
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
    /// that can not tell which pages were touched (Linux can, since 6.7).
    pub fn keep_resident(mut self, bytes: usize) -> Self {
        self.room.keep_resident = bytes;
        self
    }

    /// How often the epoch advances, and so how finely deadlines are told; 10 ms by default.
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

    /// What else to set. Allocation, memory layout, fuel, epochs and stack zeroing are set by
    /// [`build`](Self::build), whatever this says of them.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Makes the engine.
    ///
    /// # Errors
    /// [`EngineError`]: numbers that can not be, more than the address space has room for, or what
    /// wasmtime refuses.
    pub fn build(self) -> Result<WasmEngine, EngineError> {
        let Self { mut config, room, tick, meters_fuel } = self;
        if !(TICK_MIN..=TICK_MAX).contains(&tick) {
            return Err(EngineError::Tick { tick });
        }
        room.apply(&mut config)?;
        config.consume_fuel(meters_fuel).epoch_interruption(true);
        // What a guest leaves on its stack is nobody else's.
        config.async_stack_zeroing(true);
        // wasmtime does not ask the limiter about memories that threads share.
        config.shared_memory(false);
        let engine = Engine::new(&config).map_err(|cause| EngineError::Refused { cause })?;
        let (reserved, ticker) = (AtomicUsize::new(0), Mutex::new(Weak::new()));
        Ok(WasmEngine(Arc::new(Shared { engine, room, tick, meters_fuel, reserved, ticker })))
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
        }
    }

    /// The engine to compile and link with.
    pub fn wasmtime(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn room(&self) -> &Room {
        &self.0.room
    }

    pub(super) fn tick(&self) -> Duration {
        self.0.tick
    }

    pub(super) fn meters_fuel(&self) -> bool {
        self.0.meters_fuel
    }

    /// Room for a pool of so many instances, and the clock that runs while somebody has some.
    pub(super) fn reserve(&self, instances: usize) -> Result<Reservation, ProgramError> {
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
        let started = Ticker::start(&self.0.engine, self.0.tick);
        let started = Arc::new(started.map_err(|cause| ProgramError::Thread { cause })?);
        *ticker = Arc::downgrade(&started);
        Ok(started)
    }
}

/// A pool's part of an engine. When the last one goes, the epoch stands still.
#[derive(Debug)]
pub(super) struct Reservation {
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
        debug.field("room", &self.room).field("tick", &self.tick);
        debug.field("reserved", &self.reserved).finish_non_exhaustive()
    }
}

impl fmt::Debug for WasmEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmEngine");
        debug.field("room", &self.0.room).field("tick", &self.0.tick);
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
