//! An engine for N instances holds N of every program that it admits (METER-6).

use plimsoll_wasmtime::{
    Allowance, CallError, InstantiateError, Meter, Metered, ProgramError, WasmEngine,
};
use wasmtime::component::Component;
use wasmtime::{Caller, Linker, Module, Store};

use crate::common::{builder, component, core, core_with, ms};

/// Leases all instances at once, each of which has `memories` memories and a GC heap.
fn lease_all(instances: usize, memories: usize) {
    let engine = WasmEngine::builder().instances(instances).quota(1 << 20).gc().build().unwrap();
    let wat = format!(
        "(module {} (type $node (struct (field i32)))
            (func (export \"run\") (result i32)
                (struct.get $node 0 (struct.new $node (i32.const 7)))))",
        "(memory 1) ".repeat(memories)
    );
    let pool = core::<(), i32>(&engine, &wat).unwrap().max(instances).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut leases = Vec::new();
    for number in 0..instances {
        let lease = pool.checkout_blocking(&acme);
        let mut lease = lease.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(lease.call_blocking(|run| run, ()).unwrap(), 7);
        leases.push(lease);
    }
}

#[test]
fn meter_6_gc_heaps_beside_as_many_memories_as_there_may_be() {
    lease_all(4, 2);
}

#[test]
fn meter_6_more_gc_heaps_than_wasmtime_has_by_default() {
    lease_all(1_100, 0);
}

/// A guest that calls itself through its host, `n` deep.
const DEEP: &str = r#"(module
    (import "host" "back" (func $back (param i32) (result i32)))
    (func (export "run") (param $n i32) (result i32)
        (if (result i32) (i32.eqz (local.get $n))
            (then (i32.const 0))
            (else (i32.add (i32.const 1)
                (call $back (i32.sub (local.get $n) (i32.const 1))))))))"#;

fn deep_linker(engine: &WasmEngine, is_careful: bool) -> Linker<Meter> {
    let mut linker = Linker::new(engine.wasmtime());
    linker
        .func_wrap_async("host", "back", move |mut caller: Caller<'_, Meter>, (n,): (i32,)| {
            Box::new(async move {
                let back = caller.data_mut().meter().call_back();
                let _back = if is_careful { Some(back?) } else { None };
                if n == 0 {
                    tokio::time::sleep(ms(300)).await;
                    return Ok(0);
                }
                let run = caller.get_export("run").and_then(|run| run.into_func());
                let run = run.ok_or(wasmtime::format_err!("no run"))?.typed::<i32, i32>(&caller)?;
                run.call_async(&mut caller, n).await
            })
        })
        .unwrap();
    linker
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meter_6_a_guest_is_called_back_as_deep_as_declared_and_no_deeper() {
    let engine = builder().instances(4).reentrancy(3).build().unwrap();
    let pool = core_with::<i32, i32>(&engine, &deep_linker(&engine, true), DEEP).unwrap().max(4);
    let pool = pool.build_async().await.unwrap();
    let deep = |who: &'static str, depth: i32| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let principal = pool.principal(who).unwrap();
            let mut lease = pool.checkout(&principal).await.unwrap();
            lease.call(|run| run, depth).await
        })
    };
    // Four at once, each as deep as it may go.
    let all = ["a", "b", "c", "d"].map(|who| deep(who, 3));
    for call in all {
        assert_eq!(call.await.unwrap().unwrap(), 3);
    }
    let [villain, other] = [deep("villain", 4), deep("other", 3)];
    let error = villain.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::TooDeep { allowed: 3 }), "{error:?}");
    assert!(error.is_fault());
    assert_eq!(other.await.unwrap().unwrap(), 3);
}

/// A host function that declares nothing takes the engine's stacks. It fails itself for want of them,
/// and no other principal's call does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meter_6_undeclared_calls_back_fail_no_other_principal() {
    let engine = builder().instances(4).build().unwrap();
    let pool = core_with::<i32, i32>(&engine, &deep_linker(&engine, false), DEEP).unwrap();
    let pool = pool.max(4).pool(|pool| pool.warm(4)).build_async().await.unwrap();
    for _ in 0..1_000 {
        if pool.counts().idle == 4 {
            break;
        }
        tokio::time::sleep(ms(1)).await;
    }
    let deep = |who: &'static str, depth: i32| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let principal = pool.principal(who).unwrap();
            let mut lease = pool.checkout(&principal).await.unwrap();
            lease.call(|run| run, depth).await
        })
    };
    let first = deep("villain-1", 4);
    tokio::time::sleep(ms(50)).await;
    let second = deep("villain-2", 10);
    tokio::time::sleep(ms(50)).await;
    let (acme, other) = (deep("acme", 1), deep("other", 0));
    assert_eq!(other.await.unwrap().unwrap(), 0);
    assert_eq!(acme.await.unwrap().unwrap(), 1);
    assert_eq!(first.await.unwrap().unwrap(), 4);
    let error = second.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::NoRoom { .. }), "{error:?}");
    assert!(!error.is_fault(), "the host has declared too little");
}

#[test]
fn meter_6_imported_core_modules_are_held_to_what_is_reserved() {
    let engine = builder().build().unwrap();
    let importer = |copies: usize| {
        let instances = "(core instance (instantiate $m))".repeat(copies);
        format!(
            r#"(component (import "m" (core module $m (export "run" (func (result i32)))))
                (core instance $i (instantiate $m)) {instances}
                (func (export "run") (result u32) (canon lift (core func $i "run"))))"#
        )
    };
    let build = |copies: usize| {
        let imported = r#"(module (memory 1) (func (export "run") (result i32) i32.const 7))"#;
        let module = Module::new(engine.wasmtime(), imported)?;
        let mut linker = wasmtime::component::Linker::new(engine.wasmtime());
        linker.root().module("m", &module).unwrap();
        let component = Component::new(engine.wasmtime(), importer(copies))?;
        assert!(component.resources_required().is_none(), "nothing is known beforehand");
        let look_up = |exports: &mut plimsoll_wasmtime::ComponentExports<'_, Meter>| {
            exports.func::<(), (u32,)>("run")
        };
        let pool =
            plimsoll_wasmtime::WasmPool::component(&engine, (), &linker, &component, look_up)?;
        pool.max(8).build()
    };
    let pool = build(1).unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut leases = Vec::new();
    for _ in 0..8 {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        assert_eq!(lease.call_blocking(|run| run, ()).unwrap(), (7,));
        leases.push(lease);
    }
    drop(leases);
    pool.close();
    assert!(pool.wait_drained(ms(10_000)));
    // Three memories, where an instance may have two.
    let error = build(2).map(drop).unwrap_err();
    let ProgramError::Instance(InstantiateError::TooMany { .. }) = &error else {
        panic!("{error:?}");
    };
    assert!(error.to_string().contains("memory count"), "{error}");
}

#[test]
fn meter_6_stores_of_the_hosts_own_have_room_of_their_own() {
    let wat = r#"(module (memory 1) (memory 1) (func (export "run") (result i32) i32.const 7))"#;
    let engine = builder().instances(2).reserve_stores(2).build().unwrap();
    let module = Module::new(engine.wasmtime(), wat).unwrap();
    let store = || {
        let meter = engine.meter(&Allowance::new().fuel(1_000)).unwrap();
        let mut store = Store::new(engine.wasmtime(), meter);
        Meter::install(&mut store);
        wasmtime::Instance::new(&mut store, &module, &[]).map(|_| store)
    };
    let _own = [store().unwrap(), store().unwrap()];
    let pool = core::<(), i32>(&engine, wat).unwrap().max(2).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut leases = [(); 2].map(|()| pool.checkout_blocking(&acme).unwrap());
    for lease in &mut leases {
        assert_eq!(lease.call_blocking(|run| run, ()).unwrap(), 7);
    }
}

#[test]
fn meter_6_undeclared_stores_are_reported_as_the_hosts() {
    let wat = r#"(module (memory 1) (memory 1) (func (export "run") (result i32) i32.const 7))"#;
    let engine = builder().instances(1).build().unwrap();
    let module = Module::new(engine.wasmtime(), wat).unwrap();
    let mut store = Store::new(engine.wasmtime(), engine.meter(&Allowance::new()).unwrap());
    Meter::install(&mut store);
    wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    let error = core::<(), i32>(&engine, wat).unwrap().build().map(drop).unwrap_err();
    let ProgramError::Instance(InstantiateError::NoRoom { .. }) = &error else {
        panic!("{error:?}");
    };
    assert!(error.to_string().contains("did not declare"), "{error}");
}

#[test]
fn meter_6_tasks_of_a_component_are_bounded_for_each_instance() {
    // Each call starts a task that waits for ever; the instance's table of tasks is full at some time,
    // and the guest ends there, while another instance goes on.
    let engine = builder().instances(2).component_model_async(12).build().unwrap();
    let wat = super::leftovers::LEAVES_TASKS;
    let pool = component::<(u32,), ()>(&engine, wat).unwrap().max(2).build().unwrap();
    let [villain, acme] = ["villain", "acme"].map(|id| pool.principal(id).unwrap());
    let mut hoarder = pool.checkout_blocking(&villain).unwrap();
    let mut ended = None;
    for _ in 0..100 {
        if let Err(error) = hoarder.call_blocking(|run| run, (1,)) {
            ended = Some(error);
            break;
        }
    }
    let error = ended.expect("a hundred tasks in a table of twelve");
    assert!(error.is_fault(), "{error:?}");
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    lease.call_blocking(|run| run, (0,)).unwrap();
    drop(hoarder);
}
