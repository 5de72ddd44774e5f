//! Who is to blame for an end, and what it costs (METER-4, METER-7, METER-9, METER-10).

use plimsoll::{Limit, Registry};
use plimsoll_wasmtime::{CallError, InstantiateError, Meter, ProgramError, WasmEngine};
use wasmtime::Linker;

use crate::common::{builder, component, core, core_with, ms};

fn all_on() -> WasmEngine {
    builder().gc().exceptions().component_model_async(32).build().unwrap()
}

/// Ends that are the guest's, each with what says so.
#[test]
fn meter_7_ends_of_the_guests_are_its_faults_and_are_billed() {
    let engine = all_on();
    let registry = Registry::new();
    let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 64).unwrap();
    type Is = fn(&CallError) -> bool;
    let modules: [(&str, &str, Is); 4] = [
        ("trap", "unreachable", |error| matches!(error, CallError::Trapped { .. })),
        ("exception", "(throw $t)", |error| matches!(error, CallError::UncaughtException)),
        ("heap", "(drop (array.new_default $a (i32.const 30000000)))", |error| {
            matches!(error, CallError::GcHeapFull)
        }),
        ("loop", "(loop $l (br $l))", |error| matches!(error, CallError::OutOfFuel { .. })),
    ];
    for in_place in [false, true] {
        for (what, body, is) in &modules {
            let wat = format!(
                r#"(module (tag $t) (type $a (array (mut i64)))
                    (func $work (local $n i32) (local.set $n (i32.const 1000))
                        (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
                    (func (export "run") (call $work) {body}))"#
            );
            let mut pool = core::<(), ()>(&engine, &wat).unwrap().fuel(1_000_000_000);
            pool = pool.fuel_ledger(&fuel).no_deadline();
            if in_place {
                pool = pool.in_place();
            }
            let pool = pool.build().unwrap();
            let id = format!("{what}-{in_place}");
            let principal = pool.principal(&id).unwrap();
            let mut lease = pool.checkout_blocking(&principal).unwrap();
            let error = lease.call_blocking(|run| run, ()).unwrap_err();
            assert!(is(&error), "{id}: {error:?}");
            assert!(error.is_fault(), "{id}: {error}");
            lease.complete();
            assert_eq!(principal.faults(), 1, "{id}");
            let billed = fuel.get(id.as_str()).unwrap().value().unwrap_or(0);
            assert!(billed > 1_000, "{id}: billed {billed}");
        }
    }
}

const HANDLES: &str = r#"(component
    (type $r (resource (rep i32)))
    (core func $new (canon resource.new $r))
    (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (func (export "run") (local $n i32)
            (local.set $n (i32.const 100000))
            (loop $l
                (drop (call $new (local.get $n)))
                (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (func (export "run") (canon lift (core func $i "run"))))"#;

/// Returns a string that lies beyond its memory.
const BEYOND: &str = r#"(component
    (core module $m (memory (export "mem") 1)
        (func (export "run") (result i32)
            (i32.store (i32.const 0) (i32.const 60000))
            (i32.store (i32.const 4) (i32.const 60000))
            (i32.const 0)))
    (core instance $i (instantiate $m))
    (func (export "run") (result string)
        (canon lift (core func $i "run") (memory $i "mem"))))"#;

/// Returns `n` strings of `len` bytes that all lie in the same place.
const STRINGS: &str = r#"(component
    (core module $m (memory (export "mem") 2)
        (func (export "run") (param $n i32) (param $len i32) (result i32) (local $at i32)
            (local.set $at (i32.const 1024))
            (loop $next
                (i32.store (local.get $at) (i32.const 70000))
                (i32.store offset=4 (local.get $at) (local.get $len))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br_if $next (i32.lt_u (local.get $at)
                    (i32.add (i32.const 1024) (i32.mul (local.get $n) (i32.const 8))))))
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (local.get $n))
            (i32.const 0)))
    (core instance $i (instantiate $m))
    (func (export "run") (param "n" u32) (param "len" u32) (result (list string))
        (canon lift (core func $i "run") (memory $i "mem"))))"#;

#[test]
fn meter_7_a_component_that_uses_up_its_handles_or_breaks_its_contract() {
    for engine in [all_on(), builder().build().unwrap()] {
        let pool = component::<(), ()>(&engine, HANDLES).unwrap().build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        let error = lease.call_blocking(|run| run, ()).unwrap_err();
        assert!(matches!(error, CallError::OutOfHandles), "{error:?}");
        assert!(lease.usage().fuel > 1_000, "{:?}", lease.usage());
        lease.complete();
        assert_eq!(acme.faults(), 1);

        let pool = component::<(), (String,)>(&engine, BEYOND).unwrap().build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        let error = lease.call_blocking(|run| run, ()).unwrap_err();
        assert!(matches!(error, CallError::BrokenAbi { .. }), "{error:?}");
        lease.complete();
        assert_eq!(acme.faults(), 1);
    }
}

#[test]
fn meter_9_what_a_guest_makes_its_host_take_is_bounded_by_its_quota() {
    let engine = builder().instances(2).quota(128 << 10).build().unwrap();
    let pool = component::<(u32, u32), (Vec<String>,)>(&engine, STRINGS).unwrap().build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let error = lease.call_blocking(|run| run, (8_000, 16_000)).unwrap_err();
    assert!(matches!(error, CallError::TooMuchHandedOver), "{error:?}");
    assert!(error.is_fault() && lease.usage().fuel > 8_000);
    lease.complete();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let (strings,) = lease.call_blocking(|run| run, (10, 1_000)).unwrap();
    assert_eq!(strings.iter().map(String::len).sum::<usize>(), 10_000);
    lease.complete();
    // A host that wants more says so.
    let more = plimsoll_wasmtime::Allowance::new().max_lift(128 << 20);
    let more = pool.allow(&more).unwrap();
    let mut lease = pool.checkout_blocking_with(&acme, &more).unwrap();
    let (strings,) = lease.call_blocking(|run| run, (1_000, 16_000)).unwrap();
    assert_eq!(strings.len(), 1_000);
}

fn with_database(wat: &str) -> Result<(), ProgramError> {
    let engine = builder().quota(1 << 20).build().unwrap();
    let mut linker = Linker::<Meter>::new(engine.wasmtime());
    let down = || -> wasmtime::Result<()> { Err(wasmtime::format_err!("the database is down")) };
    linker.func_wrap("host", "query", down).unwrap();
    core_with::<(), ()>(&engine, &linker, wat)?.build().map(drop)
}

#[test]
fn meter_7_a_failure_of_the_host_at_the_start_is_told_as_such() {
    let error = with_database(
        r#"(module (import "host" "query" (func $query)) (memory 0)
            (func $start (drop (memory.grow (i32.const 1000))) (call $query)) (start $start)
            (func (export "run")))"#,
    );
    let error = error.unwrap_err();
    let ProgramError::Instance(InstantiateError::Failed { .. }) = &error else {
        panic!("{error:?}");
    };
    assert!(error.to_string().contains("the database is down"), "{error}");
    let error = with_database(r#"(module (memory 1000) (func (export "run")))"#).unwrap_err();
    let over = InstantiateError::OverQuota { needed: 1000 << 16, quota: 1 << 20 };
    assert_eq!(error.to_string(), over.to_string());
}

#[test]
fn meter_7_a_host_functions_error_is_the_hosts() {
    let engine = builder().build().unwrap();
    let mut linker = Linker::<Meter>::new(engine.wasmtime());
    let down = || -> wasmtime::Result<()> { Err(wasmtime::format_err!("the database is down")) };
    linker.func_wrap("host", "query", down).unwrap();
    let wat =
        r#"(module (import "host" "query" (func $query)) (func (export "run") (call $query)))"#;
    let pool = core_with::<(), ()>(&engine, &linker, wat).unwrap().build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let error = lease.call_blocking(|run| run, ()).unwrap_err();
    assert!(matches!(error, CallError::Failed { .. }), "{error:?}");
    assert!(!error.is_fault());
    lease.complete();
    assert_eq!(acme.faults(), 0);
}

/// Grows and returns; then the host keeps the lease for long.
#[test]
fn meter_10_growth_is_charged_when_the_call_has_returned() {
    let engine = builder().build().unwrap();
    let registry = Registry::new();
    let grow = r#"(module (memory 1) (func (export "run") (drop (memory.grow (i32.const 3)))))"#;
    for is_in_place in [false, true] {
        let growth =
            registry.peak_ledger(Limit::memory(format!("growth_{is_in_place}")), 8).unwrap();
        let pool = core::<(), ()>(&engine, grow).unwrap().growth_ledger(&growth).fuel(1 << 30);
        let pool = if is_in_place { pool.in_place() } else { pool }.build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        lease.call_blocking(|run| run, ()).unwrap();
        assert_eq!(growth.get("acme").unwrap().value(), Some(3 << 16));
        lease.complete();
        assert_eq!(growth.get("acme").unwrap().value(), Some(3 << 16));
    }
}

#[test]
fn meter_5_a_start_that_waits_for_ever_is_ended() {
    let engine = builder().build().unwrap();
    let mut linker = Linker::<Meter>::new(engine.wasmtime());
    linker
        .func_wrap_async("host", "wait", |_: wasmtime::Caller<'_, Meter>, (): ()| {
            Box::new(std::future::pending::<()>())
        })
        .unwrap();
    let wat = r#"(module (import "host" "wait" (func $wait)) (start $wait) (func (export "run")))"#;
    let pool = core_with::<(), ()>(&engine, &linker, wat).unwrap().start_wall_limit(ms(30));
    let error = pool.build().map(drop).unwrap_err();
    let text = "at its start: the lease lasted longer than 30ms";
    assert_eq!(error.to_string(), text);
}

/// Grows, then runs or waits for long: the growth is in the ledger while the lease is not over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meter_10_growth_is_charged_a_tick_after_it_stands() {
    let engine = builder().build().unwrap();
    let registry = Registry::new();
    let wait = r#"(import "host" "wait" (func $wait))"#;
    for (what, import, forever) in
        [("runs", "", "(loop $l (br $l))"), ("waits", wait, "(call $wait)")]
    {
        let growth = registry.peak_ledger(Limit::memory(format!("growth_{what}")), 8).unwrap();
        let mut linker = Linker::<Meter>::new(engine.wasmtime());
        linker
            .func_wrap_async("host", "wait", |_: wasmtime::Caller<'_, Meter>, (): ()| {
                Box::new(std::future::pending::<()>())
            })
            .unwrap();
        let wat = format!(
            r#"(module {import} (memory 1)
                (func (export "run")
                    (drop (memory.grow (i32.const 3)))
                    (drop (memory.grow (i32.const 60000)))
                    {forever}))"#
        );
        let pool = core_with::<(), ()>(&engine, &linker, &wat).unwrap().no_deadline();
        let pool = pool.growth_ledger(&growth).build_async().await.unwrap();
        let running = pool.clone();
        let task = tokio::spawn(async move {
            let principal = running.principal("acme").unwrap();
            let mut lease = running.checkout(&principal).await.unwrap();
            lease.call(|run| run, ()).await
        });
        let charged = async {
            while growth.get("acme").unwrap().value() != Some(3 << 16) {
                tokio::time::sleep(ms(1)).await;
            }
        };
        let in_time = tokio::time::timeout(ms(10_000), charged).await;
        assert!(in_time.is_ok(), "{what}: {:?}", growth.get("acme"));
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
}
