//! The engine that pools of guests share.

mod builder;

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use wasmtime::{Engine, ResourcesRequired, Store};

use crate::allocator::Room;
use crate::allowance::{Allowance, Grant};
use crate::clock::{Clock, Ticker};
use crate::error::{AllowanceError, InstanceLimit, ProgramError};
use crate::meter::{Meter, Metered};
use crate::mode::Mode;
use crate::running::Running;

pub use builder::WasmEngineBuilder;

/// A wasmtime [`Engine`] with the pooling allocator, and room for a number of instances.
///
/// Several pools, of several programs, may share one; clones are handles to the same one. While there
/// is a pool or a [`Meter`] of it, a thread advances its clock and its epoch.
///
/// It is closed by default: garbage collection, exceptions and component-model async are asked for by
/// name, whatever features of wasmtime the program is built with. Components are in no engine without this
/// crate's feature `component-model`. Stack switching and memories that
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

impl WasmEngine {
    /// An engine with settings to be made.
    pub fn builder() -> WasmEngineBuilder {
        WasmEngineBuilder::new()
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
        let meter = Meter::new(
            self.wasmtime(),
            self.room(),
            grant,
            Mode::default(),
            Arc::new(self.running()),
        );
        Ok(meter.keeping(self.ticker()?))
    }

    /// A store of the host's own, under a [`meter`](Self::meter) that is installed. `data` makes what is in
    /// it. Instantiate within [`Meter::run`] or [`Meter::run_async`], so that a start function that traps
    /// or loops ends as any call does.
    ///
    /// # Errors
    /// As of [`meter`](Self::meter).
    pub fn store<T: Metered>(
        &self,
        allowance: &Allowance,
        data: impl FnOnce(Meter) -> T,
    ) -> Result<Store<T>, ProgramError> {
        let mut store = Store::new(self.wasmtime(), data(self.meter(allowance)?));
        Meter::install(&mut store);
        Ok(store)
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

    /// Whether a program and its linker are of this engine.
    pub(crate) fn check_made_for(&self, engines: [&Engine; 2]) -> Result<(), ProgramError> {
        let is_same = engines.into_iter().all(|other| Engine::same(self.wasmtime(), other));
        if is_same { Ok(()) } else { Err(ProgramError::ForeignEngine) }
    }

    /// Whether an instance has room for what a program needs.
    pub(crate) fn check_room(&self, needed: &ResourcesRequired) -> Result<(), ProgramError> {
        let memories = (InstanceLimit::Memories, needed.num_memories);
        for (limit, needed) in [memories, (InstanceLimit::Tables, needed.num_tables)] {
            let allowed = self.room().allowed(limit);
            if u64::from(needed) > allowed {
                return Err(ProgramError::TooMany { limit, needed: needed.into(), allowed });
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
