//! A pool of wasm guests, one of which never ends, and another of which asks for too much memory: each
//! is ended, billed and named, and the next lease begins with a fresh instance.
//!
//! `cargo run -p plimsoll-wasmtime --example greedy_guest`

use std::error::Error;
use std::time::Duration;

use plimsoll::{Limit, Registry};
use plimsoll_wasmtime::{CallError, Exports, Meter, WasmEngine, WasmPool};
use wasmtime::{Linker, Module};

const PAGE: u64 = 65_536;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    let fuel = registry.sum_ledger(Limit::cpu("wasm_fuel"), 100)?;
    let engine = WasmEngine::builder().instances(4).quota(4 * PAGE).build()?;
    let module = Module::new(
        engine.wasmtime(),
        r#"(module (memory 1)
            (func (export "run") (param $pages i32) (result i32)
                (if (i32.eqz (local.get $pages)) (then (loop $l (br $l))))
                (memory.grow (local.get $pages))))"#,
    )?;
    let look_up = |exports: &mut Exports<'_, Meter>| exports.func::<i32, i32>("run");
    let linker = Linker::new(engine.wasmtime());
    let pool = WasmPool::module(&engine, (), &linker, &module, look_up)?;
    let pool = pool.fuel(1_000_000).deadline(Duration::from_millis(100)).fuel_ledger(&fuel);
    let pool = pool.max(4).build()?;

    let modest = pool.principal("modest")?;
    let mut lease = pool.checkout_blocking(&modest)?;
    assert_eq!(lease.call_blocking(|run| run, 2)?, 1, "it had one page, and has three");
    lease.complete();

    let greedy = pool.principal("greedy")?;
    let mut lease = pool.checkout_blocking(&greedy)?;
    assert_eq!(lease.call_blocking(|run| run, 9)?, -1, "the quota is four pages");
    let ended = lease.call_blocking(|run| run, 0).unwrap_err();
    assert!(matches!(ended, CallError::OutOfFuel { .. }), "{ended}");
    drop(lease);

    let by_fuel =
        fuel.get("greedy")?.value().unwrap_or(0) > fuel.get("modest")?.value().unwrap_or(0);
    assert!(by_fuel, "the guest that loops pays");
    println!("{ended}\n\n{}", registry.snapshot());
    Ok(())
}
