//! Components: resources of one lease are not those of the next.

use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{
    CallError, ComponentExports, ExportError, HandleError, Host, InstantiateError, Meter, Metered,
    NewLease, ProgramError, WasmEngine, WasmPool, WasmPoolBuilder,
};
use wasmtime::StoreContextMut;
use wasmtime::component::{Component, Linker, Resource, ResourceType, TypedFunc};

use crate::villain::{Data, Desk, File, PAGE, content_of, engine};

/// A component that keeps a resource, and a secret in its memory.
const KEEPER: &str = r#"(component
    (import "file" (type $file (sub resource)))
    (import "open" (func $open (result (own $file))))
    (import "content" (func $content (param "of" (borrow $file)) (result u64)))
    (core func $open (canon lower (func $open)))
    (core func $content (canon lower (func $content)))
    (core module $keeper
        (import "host" "open" (func $open (result i32)))
        (import "host" "content" (func $content (param i32) (result i64)))
        (memory 1)
        (global $kept (mut i32) (i32.const 0))
        (func (export "keep") (param i64)
            (i64.store (i32.const 4096) (local.get 0))
            (global.set $kept (call $open)))
        (func (export "seek") (result i64)
            (i64.or (i64.load (i32.const 4096)) (i64.extend_i32_u (global.get $kept))))
        (func (export "kept") (result i64) (call $content (global.get $kept)))
        (func (export "own") (result i64) (call $content (call $open)))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "trap") unreachable))
    (core instance $guest (instantiate $keeper
        (with "host" (instance (export "open" (func $open)) (export "content" (func $content))))))
    (func (export "keep") (param "secret" u64) (canon lift (core func $guest "keep")))
    (func (export "seek") (result u64) (canon lift (core func $guest "seek")))
    (func (export "kept") (result u64) (canon lift (core func $guest "kept")))
    (func (export "own") (result u64) (canon lift (core func $guest "own")))
    (func (export "grow") (param "pages" s32) (result s32) (canon lift (core func $guest "grow")))
    (func (export "trap") (canon lift (core func $guest "trap"))))"#;

struct Keeper {
    keep: TypedFunc<(u64,), ()>,
    seek: TypedFunc<(), (u64,)>,
    kept: TypedFunc<(), (u64,)>,
    own: TypedFunc<(), (u64,)>,
    grow: TypedFunc<(i32,), (i32,)>,
    trap: TypedFunc<(), ()>,
}

impl Keeper {
    fn look_up(exports: &mut ComponentExports<'_, Data>) -> Result<Self, ExportError> {
        Ok(Self {
            keep: exports.func("keep")?,
            seek: exports.func("seek")?,
            kept: exports.func("kept")?,
            own: exports.func("own")?,
            grow: exports.func("grow")?,
            trap: exports.func("trap")?,
        })
    }
}

fn linker(engine: &WasmEngine) -> Linker<Data> {
    let mut linker = Linker::new(engine.wasmtime());
    let mut root = linker.root();
    let gone = |mut store: StoreContextMut<'_, Data>, file: u32| {
        let _ = store.data_mut().visit()?.0.handles.remove::<File>(file);
        Ok(())
    };
    root.resource("file", ResourceType::host::<File>(), gone).unwrap();
    root.func_wrap("open", |mut store: StoreContextMut<'_, Data>, (): ()| {
        let (visit, content) = store.data_mut().visit()?;
        Ok((visit.handles.push(File(content))?,))
    })
    .unwrap();
    root.func_wrap(
        "content",
        |mut store: StoreContextMut<'_, Data>, (file,): (Resource<File>,)| {
            let (visit, _) = store.data_mut().visit()?;
            Ok((visit.handles.get::<File>(file.rep())?.0,))
        },
    )
    .unwrap();
    linker
}

fn keepers(engine: &WasmEngine) -> WasmPoolBuilder<Desk, Keeper> {
    let component = Component::new(engine.wasmtime(), KEEPER).unwrap();
    let builder =
        WasmPool::component(engine, Desk, &linker(engine), &component, Keeper::look_up).unwrap();
    builder.max(1).quota(2 * PAGE).pool(|pool| pool.no_fault_backoff())
}

fn assert_next_is_pristine(pool: &WasmPool<Desk, Keeper>) {
    let next = pool.principal("the next one").unwrap();
    let mut lease = pool.checkout_blocking(&next).unwrap();
    assert_eq!(lease.call_blocking(|guest| &guest.seek, ()).unwrap(), (0,));
    assert!(lease.state().handles.is_empty());
    lease.complete();
}

#[test]
fn pool_10_a_component_finds_nothing_of_the_last_lease() {
    let pool = keepers(&engine()).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    for _ in 0..10 {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        lease.call_blocking(|guest| &guest.keep, (0x5ec2e7,)).unwrap();
        let (content,) = lease.call_blocking(|guest| &guest.kept, ()).unwrap();
        assert_eq!(content, content_of("acme"));
        lease.complete();
        assert_next_is_pristine(&pool);
    }
}

#[test]
fn pool_10_a_resource_of_one_lease_names_nothing_in_the_next_of_the_same_instance() {
    for own_first in [false, true] {
        let pool = keepers(&engine()).isolation(Isolation::Shared).build().unwrap();
        let (acme, other) = (pool.principal("acme").unwrap(), pool.principal("other").unwrap());
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        lease.call_blocking(|guest| &guest.keep, (7,)).unwrap();
        lease.complete();
        let mut lease = pool.checkout_blocking(&other).unwrap();
        assert_eq!(lease.uses(), 2);
        if own_first {
            let (content,) = lease.call_blocking(|guest| &guest.own, ()).unwrap();
            assert_eq!(content, content_of("other"));
        }
        let error = lease.call_blocking(|guest| &guest.kept, ()).unwrap_err();
        let CallError::Failed { cause } = error else { panic!("{error:?}") };
        assert_eq!(cause.downcast_ref(), Some(&HandleError::Unknown { handle: 0 }));
        lease.complete();
        // A host function's error has poisoned the store: the next one has another.
        assert_next_is_pristine(&pool);
    }
}

#[test]
fn pool_3_a_component_that_traps_is_discarded_and_the_quota_holds() {
    let pool = keepers(&engine()).isolation(Isolation::PerPrincipal).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    for _ in 0..3 {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        assert_eq!(lease.call_blocking(|guest| &guest.grow, (1,)).unwrap(), (1,));
        assert_eq!(lease.call_blocking(|guest| &guest.grow, (1,)).unwrap(), (-1,), "METER-1");
        let error = lease.call_blocking(|guest| &guest.trap, ()).unwrap_err();
        assert!(matches!(error, CallError::Trapped { .. }), "{error:?}");
        lease.complete();
        assert_next_is_pristine(&pool);
    }
}

#[test]
fn a_component_without_an_export_or_an_import_is_refused() {
    let engine = engine();
    let build = |wat: &str| {
        let component = Component::new(engine.wasmtime(), wat)?;
        let look_up = Keeper::look_up;
        WasmPool::component(&engine, Desk, &linker(&engine), &component, look_up)?.max(1).build()
    };
    let refused = |wat: &str| build(wat).expect_err("this is no program");
    let error = refused("(component)");
    assert!(matches!(error, ProgramError::Instance(InstantiateError::Export(_))), "{error:?}");
    assert_eq!(error.to_string(), "the guest exports no `keep`");
    let error = refused(r#"(component (import "close" (func)))"#);
    assert!(matches!(error, ProgramError::Import { .. }), "{error:?}");
    let error = refused(
        "(component (core module $m (memory 1)) (core instance (instantiate $m))
        (core instance (instantiate $m)) (core instance (instantiate $m)))",
    );
    assert_eq!(error.to_string(), "the program has 3 memories, where the engine allows 2");
    let error = refused("(module)");
    assert!(matches!(error, ProgramError::Malformed { .. }), "{error:?}");
    assert_next_is_pristine(&build(KEEPER).unwrap());
}

/// A host whose guests keep processes running between calls.
struct Machine;

struct MachineData {
    meter: Meter,
    processes: Vec<String>,
    principal: String,
}

impl Metered for MachineData {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl Host for Machine {
    type Data = MachineData;
    type Lease = String;

    fn lease(&self, new: NewLease<'_>) -> String {
        new.principal().unwrap_or_default().to_owned()
    }

    fn data(&self, meter: Meter, principal: String) -> MachineData {
        MachineData { meter, processes: Vec::new(), principal }
    }

    fn lease_of(data: &mut MachineData) -> &mut String {
        &mut data.principal
    }

    fn has_handles(_principal: &mut String) -> bool {
        false
    }
}

fn machines(engine: &WasmEngine) -> WasmPoolBuilder<Machine, TypedFunc<(), (u32,)>> {
    let wat = r#"(component
        (import "spawn" (func $spawn (result u32)))
        (core func $spawn (canon lower (func $spawn)))
        (core module $m (import "" "spawn" (func $spawn (result i32)))
            (func (export "spawn") (result i32) (call $spawn)))
        (core instance $i (instantiate $m (with "" (instance (export "spawn" (func $spawn))))))
        (func (export "spawn") (result u32) (canon lift (core func $i "spawn"))))"#;
    let mut linker = Linker::new(engine.wasmtime());
    let spawn = |mut store: StoreContextMut<'_, MachineData>, (): ()| {
        let MachineData { processes, principal, .. } = store.data_mut();
        processes.push(format!("a process of {principal}"));
        Ok((processes.len() as u32,))
    };
    linker.root().func_wrap("spawn", spawn).unwrap();
    let component = Component::new(engine.wasmtime(), wat).unwrap();
    let look_up = |exports: &mut ComponentExports<'_, MachineData>| exports.func("spawn");
    WasmPool::component(engine, Machine, &linker, &component, look_up).unwrap().max(1)
}

#[test]
fn pool_4_what_a_guest_keeps_running_is_kept_in_its_instance_and_only_there() {
    let engine = engine();
    let spawned = |isolation| {
        let pool = machines(&engine).isolation(isolation).build().unwrap();
        let [acme, other] = ["acme", "other"].map(|id| pool.principal(id).unwrap());
        [&acme, &acme, &other, &acme].map(|principal| {
            let mut lease = pool.checkout_blocking(principal).unwrap();
            let (running,) = lease.call_blocking(|spawn| spawn, ()).unwrap();
            lease.complete();
            running
        })
    };
    assert_eq!(spawned(Isolation::Fresh), [1, 1, 1, 1]);
    // A pool of one has to give the instance up for the other principal.
    assert_eq!(spawned(Isolation::PerPrincipal), [1, 2, 1, 1]);
    assert_eq!(spawned(Isolation::Shared), [1, 2, 3, 4]);
}
