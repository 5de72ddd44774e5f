//! Programs and settings that cannot be. Each error names what is wrong, and the engine stays
//! usable, which `refusal_of` sees to.

use std::time::Duration;

use plimsoll::pool::PoolError;
use plimsoll_wasmtime::{
    AllowanceError, CallError, EngineError, ExportError, ExportProblem, Feature, InstanceLimit,
    InstantiateError, ProgramError, WasmEngine, WasmPoolBuilder,
};
use wasmtime::Trap;

use crate::villain::{Desk, Villain, builder, engine, refusal_of};

fn refusal(wat: &str) -> ProgramError {
    refusal_of(&engine(), wat)
}

#[test]
fn a_program_that_is_not_valid() {
    let error = refusal("(module (func (result i32)))");
    assert!(matches!(error, ProgramError::Malformed { .. }), "{error:?}");
    let error = refusal("no wasm at all");
    assert!(matches!(error, ProgramError::Malformed { .. }), "{error:?}");
}

#[test]
fn a_program_that_does_not_fit() {
    let error = refusal("(module (memory 1) (memory 1) (memory 1))");
    assert_eq!(error.to_string(), "the program has 3 memories, where the engine allows 2");
    let tables = "(table 1 funcref)".repeat(5);
    let error = refusal(&format!("(module {tables})"));
    let limit = InstanceLimit::Tables;
    assert!(
        matches!(error, ProgramError::TooMany { limit: at, needed: 5, allowed: 4 } if at == limit)
    );
    let error = refusal("(module (table 30000 funcref))");
    assert!(matches!(error, ProgramError::TooLarge { .. }), "{error:?}");
    assert!(error.to_string().contains("30000"), "{error}");
    assert!(error.to_string().contains("20000"), "{error}");
}

#[test]
fn a_program_that_starts_with_more_than_its_quota() {
    let error = refusal("(module (memory 1000) (memory 25))");
    let ProgramError::Instance(InstantiateError::OverQuota { needed, quota }) = error else {
        panic!("{error:?}");
    };
    assert_eq!((needed, quota), (1025 << 16, 64 << 20));
}

#[test]
fn imports_that_nobody_has() {
    let error = refusal(r#"(module (import "host" "format_disk" (func)))"#);
    assert!(matches!(error, ProgramError::Import { .. }), "{error:?}");
    assert!(error.to_string().contains("format_disk"), "{error}");
    let error = refusal(r#"(module (import "host" "open" (func (param f64))))"#);
    assert!(matches!(error, ProgramError::Import { .. }), "{error:?}");
    assert!(error.to_string().contains("open"), "{error}");
}

#[test]
fn exports_that_are_missing_or_something_else() {
    let name = || "run".to_owned();
    let error = refusal("(module)");
    let ProgramError::Instance(InstantiateError::Export(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error, ExportError { name: name(), problem: ExportProblem::Missing });
    assert_eq!(error.to_string(), "the guest exports no `run`");

    for wat in [
        r#"(module (func (export "run") (param i64) (result i32) i32.const 0))"#,
        r#"(module (memory (export "run") 1))"#,
    ] {
        let error = refusal(wat);
        let ProgramError::Instance(InstantiateError::Export(error)) = error else {
            panic!("{error:?}");
        };
        assert!(matches!(error.problem, ExportProblem::WrongType { .. }), "{error:?}");
        assert!(error.to_string().starts_with("the export `run` is of another type: "), "{error}");
    }
}

const RUN: &str = r#"(func (export "run") (param i32) (result i32) i32.const 0)"#;

fn start_failure(start: &str) -> CallError {
    let error = refusal(&format!("(module {RUN} {start})"));
    match error {
        ProgramError::Instance(InstantiateError::Start { cause }) => cause,
        error => panic!("{error:?}"),
    }
}

#[test]
fn start_functions_that_trap_or_loop() {
    let error = start_failure("(func $start unreachable) (start $start)");
    assert!(
        matches!(error, CallError::Trapped { trap: Trap::UnreachableCodeReached }),
        "{error:?}"
    );
    let error = start_failure("(func $start (loop (br 0))) (start $start)");
    let deadline_ms = Duration::from_millis(20);
    assert!(
        matches!(error, CallError::DeadlineExceeded { deadline } if deadline == deadline_ms),
        "{error:?}"
    );
    let error = start_failure(r#"(memory 1) (data (i32.const 65536) "over the edge")"#);
    assert!(matches!(error, CallError::Trapped { trap: Trap::MemoryOutOfBounds }), "{error:?}");
}

#[test]
fn what_a_function_body_needs_is_named() {
    let engine = crate::common::builder().build().unwrap();
    for (body, feature, method) in [
        ("(drop (ref.i31 (i32.const 1)))", Feature::Gc, "`gc`"),
        ("(drop (ref.null any))", Feature::Gc, "`gc`"),
        ("(drop (ref.null extern))", Feature::Gc, "`gc`"),
        ("(block $l (try_table (catch_all $l) (nop)))", Feature::Exceptions, "`exceptions`"),
    ] {
        let wat = format!(r#"(module (func (export "run") {body}))"#);
        let error = crate::common::core::<(), ()>(&engine, &wat).map(drop).unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, ProgramError::FeatureOff { feature: at, .. } if at == feature),
            "{body}: {error:?}"
        );
        assert!(text.contains(method), "{text}");
    }
}

#[test]
fn an_in_place_pool_says_that_imports_may_not_be_async() {
    let engine = crate::common::builder().build().unwrap();
    let mut linker = wasmtime::Linker::<plimsoll_wasmtime::Meter>::new(engine.wasmtime());
    linker
        .func_wrap_async("host", "wait", |_: wasmtime::Caller<'_, _>, (): ()| Box::new(async {}))
        .unwrap();
    let wat = r#"(module (import "host" "wait" (func $wait))
        (func (export "run") (call $wait)))"#;
    let pool = crate::common::core_with::<(), ()>(&engine, &linker, wat).unwrap().fuel(1_000);
    let error = pool.in_place().build().map(drop).unwrap_err();
    let expected = matches!(error, ProgramError::Instance(InstantiateError::AsyncInPlace));
    assert!(expected, "{error:?}");

    let pool = crate::common::core::<(), ()>(&engine, r#"(module (func (export "run")))"#).unwrap();
    let pool = pool.build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let error = lease.run_blocking(|store, run| run.call(store, ())).unwrap_err();
    assert!(matches!(error, CallError::NotInPlace) && !error.is_fault(), "{error:?}");
}

/// In wasmtime's words; to load such a program takes unsafe code.
#[test]
fn a_program_that_was_precompiled_for_another_engine() {
    let words = "Module was compiled with a memory reservation of '8388608'";
    let error = ProgramError::from(wasmtime::format_err!("{words}"));
    assert!(matches!(error, ProgramError::CompiledOtherwise { .. }), "{error:?}");
    assert!(error.to_string().starts_with("the program was compiled for another engine: Module"));
}

#[test]
fn a_reactor_is_initialized_once_for_each_instance() {
    let engine = crate::common::builder().build().unwrap();
    let wat = r#"(module (global $n (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 41))))
        (func (export "run") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            (global.get $n)))"#;
    for is_in_place in [false, true] {
        let pool = crate::common::core::<(), i32>(&engine, wat).unwrap().fuel(10_000);
        let pool = if is_in_place { pool.in_place() } else { pool }.build().unwrap();
        let acme = pool.principal("acme").unwrap();
        for _ in 0..2 {
            let mut lease = pool.checkout_blocking(&acme).unwrap();
            assert_eq!(lease.call_blocking(|run| run, ()).unwrap(), 42);
            lease.complete();
        }
    }
    let traps = r#"(module (func (export "_initialize") unreachable) (func (export "run")))"#;
    let error = crate::common::core::<(), ()>(&engine, traps).unwrap().build().unwrap_err();
    let ProgramError::Instance(InstantiateError::Start { cause }) = error else {
        panic!("{error:?}");
    };
    assert!(matches!(cause, CallError::Trapped { .. }), "{cause:?}");
}

#[test]
fn a_start_function_finds_no_lease() {
    let wat = r#"(module (import "host" "open" (func $open (result i32)))
        (func $start (drop (call $open))) (start $start))"#;
    let error = refusal(wat);
    assert!(matches!(error, ProgramError::Instance(InstantiateError::Failed { .. })), "{error:?}");
    assert!(error.to_string().contains("no lease has begun"), "{error}");
}

#[test]
fn settings_that_contradict_or_are_out_of_range() {
    let engine = engine();
    type Builder = WasmPoolBuilder<Desk, Villain>;
    let refused = |set: fn(Builder) -> Builder| {
        set(builder(&engine)).build().expect_err("settings that cannot be").to_string()
    };
    assert_eq!(refused(|pool| pool.fuel(0)), "the fuel must be above zero");
    assert_eq!(refused(|pool| pool.yield_interval(0)), "the yield interval must be above zero");
    assert_eq!(refused(|pool| pool.deadline(Duration::ZERO)), "the deadline must be above zero");
    assert_eq!(
        refused(|pool| pool.start_deadline(Duration::ZERO)),
        "the deadline must be above zero"
    );
    let text = "a quota of 67108865 bytes is above the engine's of 67108864";
    assert_eq!(refused(|pool| pool.quota((64 << 20) + 1)), text);
    let text = "a pool of 9 instances does not fit into an engine with room for 8 more of 8";
    assert_eq!(refused(|pool| pool.max(9)), text);
    let error = builder(&engine).max(0).build().unwrap_err();
    assert!(matches!(error, ProgramError::Pool(PoolError::Max { max: 0 })), "{error:?}");
    let error = builder(&engine).pool(|pool| pool.warm(2)).build().unwrap_err();
    let above = PoolError::WarmAboveMax { warm: 2, max: 1 };
    assert_eq!(error.to_string(), above.to_string());
    assert!(builder(&engine).max(8).build().is_ok(), "nothing of the room is lost");
}

#[test]
fn an_engine_that_meters_no_fuel_has_deadlines() {
    let tick = Duration::from_millis(1);
    let engine = WasmEngine::builder().instances(1).tick(tick).no_fuel().build().unwrap();
    let error = builder(&engine).build().unwrap_err();
    let expected = AllowanceError::NoFuelMeter;
    assert!(
        matches!(&error, ProgramError::Allowance(refused) if *refused == expected),
        "{error:?}"
    );
}

#[test]
fn engines_that_are_refused() {
    let error = WasmEngine::builder().tick(Duration::ZERO).build().unwrap_err();
    assert_eq!(error.to_string(), "a tick lasts from 100 us to 1 min (asked 0ns)");
    let error = WasmEngine::builder().instances(usize::MAX).build().unwrap_err();
    assert!(matches!(error, EngineError::Instances { asked: usize::MAX }), "{error:?}");
    let error = WasmEngine::builder().instances(1 << 20).quota(1 << 32).build().unwrap_err();
    assert!(matches!(error, EngineError::AddressSpace { .. }), "{error:?}");
}

/// wasmtime itself has components here, as in a program in which another crate asks for them.
#[cfg(not(feature = "component-model"))]
#[test]
fn meter_6_components_that_cannot_be_metered_are_in_no_engine() {
    let error = wasmtime::component::Component::new(engine().wasmtime(), "(component)");
    let error = ProgramError::from(error.err().unwrap());
    assert!(matches!(error, ProgramError::Malformed { .. }), "{error:?}");
    assert!(error.to_string().contains("component model feature is not enabled"), "{error}");
}
