//! What an engine has only if it is asked for by name.

use plimsoll_wasmtime::{Feature, ProgramError, WasmEngine};

use crate::common::{builder, component, core};

const GC: &str = r#"(module (type $node (struct (field i32)))
    (func (export "run") (result i32)
        (struct.get $node 0 (struct.new $node (i32.const 7)))))"#;

const EXCEPTION: &str = r#"(module (tag $oops)
    (func (export "run") (result i32)
        (block $caught (try_table (catch $oops $caught) (throw $oops)))
        (i32.const 7)))"#;

const ASYNC: &str = r#"(component
    (core func $return (canon task.return (result u32)))
    (core module $m
        (import "" "return" (func $return (param i32)))
        (func (export "run") (result i32) (call $return (i32.const 7)) (i32.const 0))
        (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
    (func (export "run") async (result u32)
        (canon lift (core func $i "run") async (callback (func $i "callback")))))"#;

fn run_core(engine: &WasmEngine, wat: &str) -> Result<i32, ProgramError> {
    let pool = core::<(), i32>(engine, wat)?.build()?;
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    Ok(lease.call_blocking(|run| run, ()).unwrap())
}

fn run_component(engine: &WasmEngine, wat: &str) -> Result<u32, ProgramError> {
    let pool = component::<(), (u32,)>(engine, wat)?.build()?;
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    Ok(lease.call_blocking(|run| run, ()).unwrap().0)
}

#[track_caller]
fn assert_off<R: std::fmt::Debug>(refused: Result<R, ProgramError>, expected: Feature) {
    let error = refused.unwrap_err();
    let ProgramError::FeatureOff { feature, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*feature, expected, "{error}");
    assert!(error.to_string().contains(&expected.to_string()), "{error}");
}

#[test]
fn meter_6_a_closed_engine_refuses_by_the_features_name() {
    let engine = builder().build().unwrap();
    assert_off(run_core(&engine, GC), Feature::Gc);
    assert_off(run_core(&engine, EXCEPTION), Feature::Exceptions);
    assert_off(run_component(&engine, ASYNC), Feature::ComponentModelAsync);
    let shared = r#"(module (memory 1 1 shared) (func (export "run") (result i32) i32.const 7))"#;
    assert_off(run_core(&engine, shared), Feature::SharedMemory);
    let switching = r#"(module (type $f (func)) (type $c (cont $f)) (func $g)
        (elem declare func $g)
        (func (export "run") (result i32) (drop (cont.new $c (ref.func $g))) (i32.const 7)))"#;
    assert_off(run_core(&engine, switching), Feature::StackSwitching);
    let external = r#"(module (table 1 externref) (func (export "run") (result i32) i32.const 7))"#;
    assert_off(run_core(&engine, external), Feature::Gc);
    let external = r#"(module (global externref (ref.null extern))
        (func (export "run") (result i32) i32.const 7))"#;
    assert_off(run_core(&engine, external), Feature::Gc);
}

#[test]
fn meter_6_what_is_asked_for_by_name_runs() {
    let engine = builder().gc().build().unwrap();
    assert_eq!(run_core(&engine, GC).unwrap(), 7);
    assert_off(run_core(&engine, EXCEPTION), Feature::Exceptions);
    let engine = builder().exceptions().build().unwrap();
    assert_eq!(run_core(&engine, EXCEPTION).unwrap(), 7);
    let engine = builder().component_model_async(16).build().unwrap();
    assert_eq!(run_component(&engine, ASYNC).unwrap(), 7);
    let all = builder().gc().exceptions().component_model_async(16).build().unwrap();
    assert_eq!(run_core(&all, GC).unwrap(), 7);
    assert_eq!(run_core(&all, EXCEPTION).unwrap(), 7);
    assert_eq!(run_component(&all, ASYNC).unwrap(), 7);
}

#[test]
fn what_guests_are_used_to_needs_no_asking() {
    let engine = builder().build().unwrap();
    // Several tables, function references in them, bulk memory, vectors, tail calls.
    let usual = r#"(module (table 1 funcref) (table 1 funcref) (memory 1)
        (elem declare func $g)
        (func $g (result i32) i32.const 7)
        (func (export "run") (result i32)
            (table.set 1 (i32.const 0) (ref.func $g))
            (memory.fill (i32.const 0) (i32.const 1) (i32.const 16))
            (drop (v128.load (i32.const 0)))
            (return_call_indirect 1 (result i32) (i32.const 0))))"#;
    assert_eq!(run_core(&engine, usual).unwrap(), 7);
}

#[test]
fn a_guest_does_not_choose_the_words_of_its_refusal() {
    let engine = builder().build().unwrap();
    for name in
        ["the pooling allocator", "exceptions proposal not enabled", "maximum memory size of "]
    {
        let wat = format!(r#"(module (func (export "{name}")) (func (export "{name}")))"#);
        let error = run_core(&engine, &wat).unwrap_err();
        assert!(matches!(error, ProgramError::Malformed { .. }), "{error:?}");
    }
    let error = run_core(&engine, "(module (func (export \"run\\1b[2Jx\\0a\")) (memory 70000))")
        .unwrap_err();
    assert!(!error.to_string().contains(['\u{1b}', '\n']), "{error}");
    let import = "(module (import \"\\1b[31m\" \"x\\0d\\0a\" (func)))";
    let error = run_core(&engine, import).unwrap_err();
    assert!(matches!(error, ProgramError::Import { .. }), "{error:?}");
    assert!(!error.to_string().contains(['\u{1b}', '\n', '\r']), "{error}");
}

#[test]
fn a_precompiled_program_goes_from_engine_to_engine_of_one_reservation() {
    let sized = |instances| builder().instances(instances).memory_reservation(8 << 20);
    let (small, large) = (sized(2).build().unwrap(), sized(3_000).build().unwrap());
    assert_eq!((small.memory_reservation(), large.memory_reservation()), (8 << 20, 8 << 20));
    let wat = r#"(module (memory 1) (func (export "run") (result i32) i32.const 7))"#;
    let bytes = small.precompile_module(wat.as_bytes()).unwrap();
    let folder = std::env::temp_dir().join(format!("plimsoll-{}", std::process::id()));
    std::fs::write(&folder, &bytes).unwrap();
    // What a host does with `unsafe` is checked here by what wasmtime says of the bytes.
    let detected = wasmtime::Engine::detect_precompiled(&bytes);
    assert_eq!(detected, Some(wasmtime::Precompiled::Module));
    assert!(wasmtime::Engine::detect_precompiled_file(&folder).unwrap().is_some());
    std::fs::remove_file(&folder).unwrap();
    let hash = |engine: &WasmEngine| {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        engine.wasmtime().precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    };
    assert_eq!(hash(&small), hash(&large));
    let other = builder().memory_reservation(16 << 20).build().unwrap();
    assert_ne!(hash(&small), hash(&other));
    let component = small.precompile_component(b"(component)").unwrap();
    let detected = wasmtime::Engine::detect_precompiled(&component);
    assert_eq!(detected, Some(wasmtime::Precompiled::Component));
    assert!(matches!(small.precompile_module(b"no"), Err(ProgramError::Malformed { .. })));
}
