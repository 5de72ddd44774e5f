//! Guests that run on their caller's stack.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plimsoll::pool::Isolation;
use plimsoll::{Limit, Registry};
use plimsoll_wasmtime::{
    CallError, Exports, Meter, ProgramError, WasmEngine, WasmPool, WasmPoolBuilder,
};
use wasmtime::{Linker, Module, Trap, TypedFunc};

use crate::common::{core, ms};
use crate::villain::{builder, engine};

struct Worker {
    count: TypedFunc<(), i32>,
    spin: TypedFunc<(), ()>,
    trap: TypedFunc<(), ()>,
    stray: TypedFunc<(), ()>,
}

const FUEL: u64 = 1 << 40;

fn workers(engine: &WasmEngine) -> WasmPoolBuilder<(), Worker> {
    let wat = r#"(module
        (global $calls (mut i32) (i32.const 0))
        (func (export "count") (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (global.get $calls))
        (func (export "spin") (loop (br 0)))
        (func (export "trap") unreachable)
        (memory 1)
        (func (export "stray") (local $turns i32)
            (loop $again
                (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $turns) (i32.const 1000000))))
            (drop (i32.load (i32.const -4)))))"#;
    let module = Module::new(engine.wasmtime(), wat).unwrap();
    let look_up = |exports: &mut Exports<'_, Meter>| {
        let (count, spin) = (exports.func("count")?, exports.func("spin")?);
        let (trap, stray) = (exports.func("trap")?, exports.func("stray")?);
        Ok(Worker { count, spin, trap, stray })
    };
    let linker = Linker::new(engine.wasmtime());
    let builder = WasmPool::module(engine, (), &linker, &module, look_up).unwrap();
    builder.max(1).fuel(FUEL).in_place().pool(|pool| pool.no_fault_backoff())
}

#[test]
fn pool_10_leases_in_place_are_as_isolated() {
    for (isolation, expected) in [(Isolation::Fresh, 1), (Isolation::PerPrincipal, 3)] {
        let pool = workers(&engine()).isolation(isolation).build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut last = 0;
        for _ in 0..3 {
            let mut lease = pool.checkout_blocking(&acme).unwrap();
            last = lease.call_blocking(|guest| &guest.count, ()).unwrap();
            lease.complete();
        }
        assert_eq!(last, expected);
    }
}

#[test]
fn meter_4_a_guest_that_is_stopped_in_place_is_charged_with_all_its_fuel() {
    let registry = Registry::new();
    let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 8).unwrap();
    let settings = workers(&engine()).deadline(Duration::from_millis(10)).fuel_ledger(&fuel);
    let pool = settings.build().unwrap();
    let [looper, other] = ["looper", "other"].map(|id| pool.principal(id).unwrap());
    let mut lease = pool.checkout_blocking(&looper).unwrap();
    let error = lease.call_blocking(|guest| &guest.spin, ()).unwrap_err();
    assert!(matches!(error, CallError::DeadlineExceeded { .. }), "{error}");
    drop(lease);
    assert_eq!(fuel.get("looper").unwrap().value(), Some(FUEL));
    // A trap that the processor raises says no more of what was used.
    let strayer = pool.principal("strayer").unwrap();
    let mut lease = pool.checkout_blocking(&strayer).unwrap();
    let error = lease.call_blocking(|guest| &guest.stray, ()).unwrap_err();
    assert!(matches!(error, CallError::Trapped { trap: Trap::MemoryOutOfBounds }), "{error}");
    drop(lease);
    assert_eq!(fuel.get("strayer").unwrap().value(), Some(FUEL));
    // A guest that returns or gives up by itself is charged with what it used.
    let mut lease = pool.checkout_blocking(&other).unwrap();
    assert_eq!(lease.call_blocking(|guest| &guest.count, ()).unwrap(), 1);
    let error = lease.call_blocking(|guest| &guest.trap, ()).unwrap_err();
    assert!(matches!(error, CallError::Trapped { trap: Trap::UnreachableCodeReached }), "{error}");
    let error = lease.call_blocking(|guest| &guest.count, ()).unwrap_err();
    assert!(matches!(error, CallError::Unusable), "{error}");
    lease.complete();
    assert!((1..100).contains(&fuel.get("other").unwrap().value().unwrap()));
}

#[test]
fn a_task_that_calls_in_place_is_done_at_the_first_poll() {
    let pool = workers(&engine()).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let polled = {
        let call = pin!(lease.call(|guest| &guest.count, ()));
        call.poll(&mut Context::from_waker(Waker::noop()))
    };
    assert!(matches!(polled, Poll::Ready(Ok(1))));
    lease.complete();
}

#[test]
fn what_cannot_run_in_place_is_refused() {
    let engine = engine();
    // The villain imports an async function.
    let error = builder(&engine).in_place().build().unwrap_err();
    assert!(matches!(error, ProgramError::Instance(_)), "{error:?}");
    assert!(error.to_string().contains("async"), "{error}");
    let module = Module::new(engine.wasmtime(), "(module)").unwrap();
    let linker = Linker::new(engine.wasmtime());
    let pool = WasmPool::module(&engine, (), &linker, &module, |_| Ok(())).unwrap();
    let error = pool.in_place().build().unwrap_err();
    assert!(matches!(error, ProgramError::NoFuel), "{error:?}");
}

#[test]
fn meter_4_in_place_a_guest_that_returns_after_its_deadline_is_charged_what_it_used() {
    let engine = WasmEngine::builder().instances(1).tick(ms(1)).build().unwrap();
    // 64 MiB that nobody has touched, in one piece.
    let wat = r#"(module (memory 1024)
        (func (export "run") (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000))))"#;
    let pool = core::<(), ()>(&engine, wat).unwrap().in_place().fuel(1 << 50);
    let pool = pool.deadline(ms(1)).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    // A busy machine's clock may sleep through some of them.
    let error = (0..1_000).find_map(|_| lease.call_blocking(|run| run, ()).err()).unwrap();
    assert!(matches!(error, CallError::DeadlineExceeded { .. }), "{error:?}");
    let used = lease.usage().fuel;
    assert!((64 << 20..1 << 40).contains(&used), "it has returned: {used}");
}

#[test]
fn meter_4_in_place_a_host_that_waits_to_its_end_by_the_wall_costs_its_guest_no_fuel() {
    let engine = WasmEngine::builder().instances(1).tick(ms(1)).build().unwrap();
    let wat = r#"(module (func (export "run")))"#;
    let pool = core::<(), ()>(&engine, wat).unwrap().in_place().fuel(FUEL).wall_limit(ms(20));
    let pool = pool.build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let waits = lease.run(|mut store, run| {
        Box::pin(async move {
            run.call_async(&mut store, ()).await?;
            std::future::pending::<wasmtime::Result<()>>().await
        })
    });
    let error = runtime.block_on(waits).unwrap_err();
    assert!(matches!(error, CallError::WallLimit { .. }), "{error:?}");
    assert!(lease.usage().fuel < 100, "{:?}", lease.usage());
}
