//! The guests, and the host that they call.

use std::error::Error;
use std::time::Duration;

use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{
    ComponentExports, ExportError, Exports, Handles, Host, Meter, Metered, NewLease, WasmEngine,
    WasmPool,
};
use wasmtime::component;
use wasmtime::{Caller, Linker, Module, TypedFunc};

/// Instances of each pool.
pub(crate) const INSTANCES: usize = 8;

/// Bytes that an instance may have.
const QUOTA: u64 = 1 << 20;

pub(crate) type Guests = WasmPool<Desk, Guest>;

pub(crate) struct Guest {
    pub(crate) seek: TypedFunc<(), i64>,
    pub(crate) hide: TypedFunc<i64, ()>,
    pub(crate) work: TypedFunc<i32, ()>,
    pub(crate) hog: TypedFunc<(), ()>,
    pub(crate) trap: TypedFunc<(), ()>,
    pub(crate) throw: TypedFunc<(), ()>,
    pub(crate) litter: TypedFunc<(), ()>,
    pub(crate) hoard: TypedFunc<(), ()>,
    pub(crate) spin: TypedFunc<(), ()>,
    pub(crate) recurse: TypedFunc<(), ()>,
    pub(crate) rest: TypedFunc<(), ()>,
}

/// The host: it opens handles, which go with the lease.
pub(crate) struct Desk;

/// The data of a store.
pub(crate) struct Data {
    meter: Meter,
    visit: Visit,
}

/// What goes with a lease.
pub(crate) struct Visit {
    principal: Box<str>,
    handles: Handles,
}

impl Metered for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl Host for Desk {
    type Data = Data;
    type Lease = Visit;

    fn lease(&self, new: NewLease<'_>) -> Visit {
        let principal = new.principal().unwrap_or_default().into();
        Visit { principal, handles: new.handles(1_000) }
    }

    fn data(&self, meter: Meter, visit: Visit) -> Data {
        Data { meter, visit }
    }

    fn lease_of(data: &mut Data) -> &mut Visit {
        &mut data.visit
    }

    fn has_handles(_visit: &mut Visit) -> bool {
        false
    }
}

fn look_up(exports: &mut Exports<'_, Data>) -> Result<Guest, ExportError> {
    Ok(Guest {
        seek: exports.func("seek")?,
        hide: exports.func("hide")?,
        work: exports.func("work")?,
        hog: exports.func("hog")?,
        trap: exports.func("trap")?,
        throw: exports.func("throw")?,
        litter: exports.func("litter")?,
        hoard: exports.func("hoard")?,
        spin: exports.func("spin")?,
        recurse: exports.func("recurse")?,
        rest: exports.func("rest")?,
    })
}

fn linker(engine: &WasmEngine) -> wasmtime::Result<Linker<Data>> {
    let mut linker = Linker::new(engine.wasmtime());
    linker.func_wrap("host", "open", |mut caller: Caller<'_, Data>| {
        let visit = &mut caller.data_mut().visit;
        wasmtime::Result::Ok(visit.handles.insert(visit.principal.clone())?)
    })?;
    linker.func_wrap_async("host", "rest", |_caller: Caller<'_, Data>, (): ()| {
        Box::new(tokio::time::sleep(Duration::from_micros(100)))
    })?;
    Ok(linker)
}

pub(crate) fn pool(engine: &WasmEngine, isolation: Isolation) -> Result<Guests, Box<dyn Error>> {
    let module = Module::new(engine.wasmtime(), include_str!("guest.wat"))?;
    let builder = WasmPool::module(engine, Desk, &linker(engine)?, &module, look_up)?;
    let builder = builder.max(INSTANCES).isolation(isolation).quota(QUOTA);
    let builder = builder.deadline(Duration::from_millis(3)).yield_interval(20_000);
    Ok(builder
        .pool(|pool| pool.no_fault_backoff().retirement_jitter(20).retire_after_uses(1_000))
        .build()?)
}

/// `run(1)` returns and leaves a task that goes on for ever; `run(0)` leaves nothing.
const LEAVER: &str = r#"(component
    (core func $return (canon task.return))
    (core module $m
        (import "" "return" (func $return))
        (func (export "run") (param i32) (result i32) (call $return) (local.get 0))
        (func (export "on") (param i32 i32 i32) (result i32) (i32.const 1)))
    (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
    (func (export "run") async (param "leave" u32)
        (canon lift (core func $i "run") async (callback (func $i "on")))))"#;

pub(crate) type Leavers = WasmPool<(), component::TypedFunc<(u32,), ()>>;

/// Components that leave tasks behind.
pub(crate) fn leavers(engine: &WasmEngine) -> Result<Leavers, Box<dyn Error>> {
    let component = component::Component::new(engine.wasmtime(), LEAVER)?;
    let linker = component::Linker::new(engine.wasmtime());
    let look_up = |exports: &mut ComponentExports<'_, Meter>| exports.func("run");
    let builder = WasmPool::component(engine, (), &linker, &component, look_up)?;
    Ok(builder.max(INSTANCES).isolation(Isolation::Shared).build()?)
}
