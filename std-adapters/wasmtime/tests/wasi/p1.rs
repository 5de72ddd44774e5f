//! Core modules of WASI preview 1.

use plimsoll::pool::Isolation;
use plimsoll::{Limit, channel};
use plimsoll_wasmtime::{
    ExportError, Exports, Host, Meter, Metered, NewLease, WasmEngine, WasmPool, WasmPoolBuilder,
};
use wasmtime::{Linker, Module, TypedFunc};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder, WasiView};

use crate::command::VISITOR;
use crate::example::{Output, Tools, Visit};
use crate::place::{Folders, ISOLATIONS, Place, engine};

/// [`Tools`] for modules.
struct ModuleTools(Tools);

struct Data {
    meter: Meter,
    request: Request,
}

struct Request {
    wasi: WasiP1Ctx,
    output: channel::tokio::Receiver<Vec<u8>>,
}

impl Metered for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl Host for ModuleTools {
    type Data = Data;
    type Lease = Request;

    fn lease(&self, new: NewLease<'_>) -> Request {
        let limit = Limit::queue("guest_output");
        let (sender, output) = channel::tokio::channel(&self.0.registry, limit, 4).unwrap();
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(Output(sender));
        if let Some(folder) = new.principal().and_then(|id| self.0.folders.get(id)) {
            wasi.preopened_dir(folder, "/", FsPerms::ReadWrite).unwrap();
        }
        Request { wasi: wasi.build_p1(), output }
    }

    fn data(&self, meter: Meter, request: Request) -> Data {
        Data { meter, request }
    }

    fn lease_of(data: &mut Data) -> &mut Request {
        &mut data.request
    }

    fn has_handles(request: &mut Request) -> bool {
        !request.wasi.ctx().table.is_empty()
    }
}

fn modules<X: Send + Sync + 'static>(
    engine: &WasmEngine,
    folders: &Folders,
    (wat, is_async): (&str, bool),
    look_up: fn(&mut Exports<'_, Data>) -> Result<X, ExportError>,
) -> WasmPoolBuilder<ModuleTools, X> {
    let module = Module::new(engine.wasmtime(), wat).unwrap();
    let mut linker = Linker::<Data>::new(engine.wasmtime());
    match is_async {
        true => p1::add_to_linker_async(&mut linker, |data| &mut data.request.wasi).unwrap(),
        false => p1::add_to_linker_sync(&mut linker, |data| &mut data.request.wasi).unwrap(),
    }
    WasmPool::module(engine, ModuleTools(folders.tools()), &linker, &module, look_up).unwrap()
}

#[test]
fn pool_10_a_module_finds_its_principals_files_and_nothing_of_other_leases() {
    for place in Place::all() {
        for isolation in ISOLATIONS {
            let (engine, folders) = (engine(), Folders::new());
            let start = |exports: &mut Exports<'_, Data>| exports.func::<(), ()>("_start");
            let settings = modules(&engine, &folders, (VISITOR, place.is_async()), start);
            let pool = place.build(settings.max(2).isolation(isolation));
            let [acme, other] = ["acme", "other"].map(|id| pool.principal(id).unwrap());
            let visits = [&acme, &other, &acme].map(|principal| {
                let mut lease = place.lease(&pool, principal);
                assert_eq!(lease.uses(), 1, "descriptors were in use: {place:?} {isolation:?}");
                place.call(&mut lease, |start| start, ()).unwrap();
                let mut request = lease.complete();
                let written = std::iter::from_fn(|| request.output.try_recv().ok());
                Visit::of(&written.flatten().collect::<Vec<u8>>()).unwrap()
            });
            assert_eq!(visits.each_ref().map(|visit| visit.earlier), [0, 0, 1]);
            assert!(visits[0].random != visits[2].random);
        }
    }
}

#[test]
fn pool_10_a_module_that_uses_no_descriptor_keeps_its_instance() {
    let wat = r#"(module
        (import "wasi_snapshot_preview1" "random_get"
            (func $random (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (global $calls (mut i32) (i32.const 0))
        (func (export "random") (result i64)
            (if (call $random (i32.const 0) (i32.const 8)) (then unreachable))
            (i64.load (i32.const 0)))
        (func (export "count") (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (global.get $calls)))"#;
    struct Guest {
        random: TypedFunc<(), i64>,
        count: TypedFunc<(), i32>,
    }
    let look_up = |exports: &mut Exports<'_, Data>| {
        Ok(Guest { random: exports.func("random")?, count: exports.func("count")? })
    };
    for place in Place::all() {
        for (isolation, last) in [(Isolation::Fresh, 1), (Isolation::PerPrincipal, 3)] {
            let (engine, folders) = (engine(), Folders::new());
            let settings = modules(&engine, &folders, (wat, place.is_async()), look_up);
            let pool = place.build(settings.max(1).isolation(isolation));
            let acme = pool.principal("acme").unwrap();
            let seen = [(); 3].map(|()| {
                let mut lease = place.lease(&pool, &acme);
                let random = place.call(&mut lease, |guest| &guest.random, ()).unwrap();
                let count = place.call(&mut lease, |guest| &guest.count, ()).unwrap();
                lease.complete();
                (random, count)
            });
            assert_eq!(seen[2].1, last, "{place:?} {isolation:?}");
            assert!(seen[0].0 != seen[1].0 && seen[1].0 != seen[2].0);
        }
    }
}
