//! Hosts that panic: it costs the instance, and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{Exports, Host, HostState, WasmPool};
use plimsoll::{Limit, Registry};
use wasmtime::{Caller, Linker, Module, TypedFunc};

use crate::villain::engine;

/// A host that panics while this is set.
struct Nervous(Arc<AtomicBool>);

/// What panics when it is dropped.
struct Bomb(Arc<AtomicBool>);

impl Nervous {
    fn panics(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.0.load(Ordering::Relaxed), "a bomb");
    }
}

impl Host for Nervous {
    type Instance = ();
    type Lease = Bomb;

    fn instance(&self) {}

    fn lease(&self, principal: &str) -> Bomb {
        assert!(!(principal == "unlucky" && self.panics()), "no lease for the unlucky");
        Bomb(self.0.clone())
    }
}

#[test]
fn pool_3_a_host_that_panics_costs_an_instance_and_the_guest_is_charged() {
    let is_nervous = Arc::new(AtomicBool::new(false));
    let engine = engine();
    let wat = r#"(module (import "host" "call" (func $call))
        (func (export "run") (param $steps i32)
            (loop $again
                (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
                (br_if $again (i32.gt_s (local.get $steps) (i32.const 0))))
            (call $call)))"#;
    let module = Module::new(engine.wasmtime(), wat).unwrap();
    let mut linker = Linker::new(engine.wasmtime());
    let call = |mut caller: Caller<'_, HostState<Nervous>>| {
        let parts = caller.data_mut().parts()?;
        assert!(!parts.shared.panics(), "the host is nervous");
        parts.handles.insert(Bomb(parts.shared.0.clone()))?;
        wasmtime::Result::Ok(())
    };
    linker.func_wrap("host", "call", call).unwrap();
    let registry = Registry::new();
    let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 8).unwrap();
    let look_up = |exports: &mut Exports<'_, Nervous>| exports.func("run");
    let host = Nervous(is_nervous.clone());
    let builder = WasmPool::module(&engine, host, &linker, &module, look_up).unwrap();
    let builder = builder.max(1).isolation(Isolation::Shared).fuel_ledger(&fuel);
    let pool: WasmPool<_, TypedFunc<i32, ()>> =
        builder.pool(|pool| pool.no_fault_backoff()).build().unwrap();
    let panics = |id: &str, run: &dyn Fn(&str)| {
        let panicked = catch_unwind(AssertUnwindSafe(|| run(id)));
        assert!(panicked.is_err(), "{id}");
        is_nervous.store(false, Ordering::Relaxed);
        // The next one has another instance, in a pool of one.
        let next = pool.principal("next").unwrap();
        let mut lease = pool.checkout_blocking(&next).unwrap();
        assert_eq!(lease.uses(), 1, "{id}");
        lease.call_blocking(|run| run, 1).unwrap();
        drop(lease);
    };

    panics("unlucky", &|id| {
        is_nervous.store(true, Ordering::Relaxed);
        let _lease = pool.checkout_blocking(&pool.principal(id).unwrap()).map(drop);
    });
    panics("a host function", &|id| {
        let principal = pool.principal(id).unwrap();
        let mut lease = pool.checkout_blocking(&principal).unwrap();
        is_nervous.store(true, Ordering::Relaxed);
        let _ = lease.call_blocking(|run| run, 1_000);
    });
    panics("a handle", &|id| {
        let principal = pool.principal(id).unwrap();
        let mut lease = pool.checkout_blocking(&principal).unwrap();
        // Several of them: two panics in one unwinding would abort the process.
        lease.call_blocking(|run| run, 1_000).unwrap();
        lease.call_blocking(|run| run, 1_000).unwrap();
        is_nervous.store(true, Ordering::Relaxed);
        lease.complete();
    });
    for id in ["a host function", "a handle"] {
        assert!(fuel.get(id).unwrap().value().unwrap() > 1_000, "{id}");
    }
}

#[test]
fn pool_7_what_a_discarded_lease_leaves_panics_in_the_background() {
    let is_nervous = Arc::new(AtomicBool::new(false));
    let engine = engine();
    let module = Module::new(engine.wasmtime(), "(module)").unwrap();
    let linker = Linker::new(engine.wasmtime());
    let host = Nervous(is_nervous.clone());
    let pool = WasmPool::module(&engine, host, &linker, &module, |_| Ok(())).unwrap();
    let pool = pool.max(1).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    for _ in 0..3 {
        lease.host_state().handles_mut().insert(Bomb(is_nervous.clone())).unwrap();
    }
    is_nervous.store(true, Ordering::Relaxed);
    drop(lease);
    let deadline = Instant::now() + Duration::from_secs(10);
    while pool.stats().panics == 0 {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(1));
    }
    is_nervous.store(false, Ordering::Relaxed);
    let lease = pool.checkout_blocking(&acme).unwrap();
    drop(lease.complete());
}
