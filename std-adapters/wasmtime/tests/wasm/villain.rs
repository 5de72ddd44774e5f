//! A guest that tries everything, the host that lets it, and what is done to its pool.

use std::time::Duration;

use plimsoll_wasmtime::{
    ExportError, Exports, Handles, Host, Meter, Metered, NewLease, ProgramError, WasmEngine,
    WasmPool, WasmPoolBuilder,
};
use wasmtime::{Caller, Linker, Module, TypedFunc};

/// What the tests call.
pub(crate) struct Villain {
    pub(crate) hide: TypedFunc<i64, ()>,
    pub(crate) seek: TypedFunc<(), i64>,
    pub(crate) kept: TypedFunc<(), i64>,
    pub(crate) guess: TypedFunc<i32, i64>,
    pub(crate) open: TypedFunc<(), i32>,
    pub(crate) trap: TypedFunc<(), ()>,
    pub(crate) spin: TypedFunc<(), ()>,
    pub(crate) recurse: TypedFunc<(), ()>,
    pub(crate) stray: TypedFunc<(), ()>,
    pub(crate) grow: TypedFunc<i32, i32>,
    pub(crate) grow_other: TypedFunc<i32, i32>,
    pub(crate) grow_table: TypedFunc<i32, i32>,
    pub(crate) wait: TypedFunc<i32, ()>,
    pub(crate) work: TypedFunc<i32, ()>,
}

impl Villain {
    fn look_up(exports: &mut Exports<'_, Data>) -> Result<Self, ExportError> {
        Ok(Self {
            hide: exports.func("hide")?,
            seek: exports.func("seek")?,
            kept: exports.func("kept")?,
            guess: exports.func("guess")?,
            open: exports.func("open")?,
            trap: exports.func("trap")?,
            spin: exports.func("spin")?,
            recurse: exports.func("recurse")?,
            stray: exports.func("stray")?,
            grow: exports.func("grow")?,
            grow_other: exports.func("grow_other")?,
            grow_table: exports.func("grow_table")?,
            wait: exports.func("wait")?,
            work: exports.func("work")?,
        })
    }
}

/// The host: it opens files for whom a lease is.
pub(crate) struct Desk;

/// The data of a store.
#[derive(Debug)]
pub(crate) struct Data {
    meter: Meter,
    visit: Visit,
}

/// What goes with a lease.
#[derive(Debug)]
pub(crate) struct Visit {
    /// `None` while nobody has the instance.
    pub(crate) principal: Option<String>,
    /// What the guest read through handles; nothing of it may be there in the next lease.
    pub(crate) read: Vec<u64>,
    pub(crate) handles: Handles,
}

impl Data {
    /// The part that belongs to the lease, and whose it is.
    pub(crate) fn visit(&mut self) -> wasmtime::Result<(&mut Visit, u64)> {
        let principal = self.visit.principal.as_deref();
        let content = content_of(principal.ok_or(wasmtime::format_err!("no lease has begun"))?);
        Ok((&mut self.visit, content))
    }
}

impl Metered for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

/// A file of a principal's: its content is a number that tells whose it is.
pub(crate) struct File(pub(crate) u64);

/// The number in a principal's files.
pub(crate) fn content_of(principal: &str) -> u64 {
    principal.bytes().fold(17, |sum, byte| sum * 31 + u64::from(byte))
}

impl Host for Desk {
    type Data = Data;
    type Lease = Visit;

    fn lease(&self, new: NewLease<'_>) -> Visit {
        let principal = new.principal().map(str::to_owned);
        Visit { principal, read: Vec::new(), handles: new.handles(1_000) }
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

/// What `read` says of a handle that names nothing.
pub(crate) const NOTHING: i64 = -1;

fn linker(engine: &WasmEngine) -> Linker<Data> {
    let mut linker = Linker::new(engine.wasmtime());
    let open = |mut caller: Caller<'_, Data>| {
        let (visit, content) = caller.data_mut().visit()?;
        wasmtime::Result::Ok(visit.handles.insert(File(content))?)
    };
    let read = |mut caller: Caller<'_, Data>, handle: u32| {
        let (visit, _) = caller.data_mut().visit()?;
        let Ok(File(content)) = visit.handles.get(handle) else { return Ok(NOTHING) };
        visit.read.push(*content);
        wasmtime::Result::Ok(*content as i64)
    };
    linker.func_wrap("host", "open", open).unwrap();
    linker.func_wrap("host", "read", read).unwrap();
    linker
        .func_wrap_async("host", "wait", |_caller: Caller<'_, Data>, (): ()| {
            Box::new(tokio::task::yield_now())
        })
        .unwrap();
    linker
}

pub(crate) fn engine() -> WasmEngine {
    WasmEngine::builder().instances(8).tick(Duration::from_millis(1)).build().unwrap()
}

/// Settings for a pool of villains, of one instance, with little of everything.
pub(crate) fn builder(engine: &WasmEngine) -> WasmPoolBuilder<Desk, Villain> {
    let module = Module::new(engine.wasmtime(), include_str!("villain.wat")).unwrap();
    let builder = WasmPool::module(engine, Desk, &linker(engine), &module, Villain::look_up);
    // In a pool of one, the next lease has the very memory of the last one.
    builder.unwrap().max(1).quota(4 * PAGE).fuel(20_000_000).yield_interval(10_000)
}

pub(crate) const PAGE: u64 = 65_536;

pub(crate) type Villains = WasmPool<Desk, Villain>;

/// A pool of one villain whose faults are forgiven.
pub(crate) fn pool_of_one() -> Villains {
    builder(&engine()).pool(|pool| pool.no_fault_backoff()).build().unwrap()
}

/// The next lease of another principal succeeds and sees the image that every instance begins with.
pub(crate) fn assert_next_is_pristine(pool: &Villains) {
    let other = pool.principal("the next one").unwrap();
    let mut lease = pool.checkout_blocking(&other).unwrap();
    assert_eq!(lease.uses(), 1);
    assert_eq!(lease.call_blocking(|guest| &guest.seek, ()).unwrap(), 0);
    assert_eq!((lease.usage().grown_bytes, lease.state().handles.len()), (0, 0));
    for handle in 0..100 {
        assert_eq!(lease.call_blocking(|guest| &guest.guess, handle).unwrap(), NOTHING);
    }
    let visit = lease.complete();
    assert_eq!((visit.principal.as_deref(), visit.read.len()), (Some("the next one"), 0));
}

/// The error of wasm text that makes no pool.
pub(crate) fn refusal_of(engine: &WasmEngine, wat: &str) -> ProgramError {
    let build = || {
        let module = Module::new(engine.wasmtime(), wat)?;
        let look_up = |exports: &mut Exports<'_, Data>| exports.func::<i32, i32>("run");
        let builder = WasmPool::module(engine, Desk, &linker(engine), &module, look_up)?;
        let start_deadline = Duration::from_millis(20);
        builder.max(1).fuel(50_000_000_000).start_deadline(start_deadline).build()
    };
    let refused = build().expect_err("this is no program");
    // Whatever it was, the engine has room for another pool, and instances for it.
    assert_next_is_pristine(&builder(engine).max(8).build().unwrap());
    refused
}
