//! Hosts that panic: it costs the instance, and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::Isolation;
use plimsoll::{Limit, Registry};
use plimsoll_wasmtime::{Exports, Handles, Host, Meter, Metered, NewLease, WasmPool};
use wasmtime::{Caller, Linker, Module, TypedFunc};

use crate::villain::engine;

/// A host that panics while this is set.
///
/// The second flag is for what stands between two leases.
struct Nervous(Arc<AtomicBool>, Arc<AtomicBool>);

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

/// The data of a store.
struct Data {
    meter: Meter,
    is_nervous: Arc<AtomicBool>,
    lease: Handles,
}

impl Metered for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl Host for Nervous {
    type Data = Data;
    type Lease = Handles;

    fn lease(&self, new: NewLease<'_>) -> Handles {
        let panics = new.principal() == Some("unlucky") && self.panics();
        assert!(!panics, "no lease for the unlucky");
        let panics = new.principal().is_none() && self.1.load(Ordering::Relaxed);
        assert!(!panics, "nothing for the time between two leases");
        new.handles(10)
    }

    fn data(&self, meter: Meter, lease: Handles) -> Data {
        Data { meter, is_nervous: self.0.clone(), lease }
    }

    fn lease_of(data: &mut Data) -> &mut Handles {
        &mut data.lease
    }

    fn has_handles(_lease: &mut Handles) -> bool {
        false
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
    let call = |mut caller: Caller<'_, Data>| {
        let data = caller.data_mut();
        assert!(!data.is_nervous.load(Ordering::Relaxed), "the host is nervous");
        data.lease.insert(Bomb(data.is_nervous.clone()))?;
        wasmtime::Result::Ok(())
    };
    linker.func_wrap("host", "call", call).unwrap();
    let registry = Registry::new();
    let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 8).unwrap();
    let look_up = |exports: &mut Exports<'_, Data>| exports.func("run");
    let fears_the_end = Arc::new(AtomicBool::new(false));
    let host = Nervous(is_nervous.clone(), fears_the_end.clone());
    let builder = WasmPool::module(&engine, host, &linker, &module, look_up).unwrap();
    let builder = builder.max(1).isolation(Isolation::Shared).fuel_ledger(&fuel);
    let pool: WasmPool<_, TypedFunc<i32, ()>> =
        builder.pool(|pool| pool.no_fault_backoff()).build().unwrap();
    let panics = |id: &str, run: &dyn Fn(&str)| {
        let panicked = catch_unwind(AssertUnwindSafe(|| run(id)));
        assert!(panicked.is_err(), "{id}");
        assert_eq!(pool.principal(id).unwrap().faults(), 0, "METER-7: {id}");
        is_nervous.store(false, Ordering::Relaxed);
        fears_the_end.store(false, Ordering::Relaxed);
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
    panics("the end of a lease", &|id| {
        let principal = pool.principal(id).unwrap();
        let mut lease = pool.checkout_blocking(&principal).unwrap();
        lease.call_blocking(|run| run, 1_000).unwrap();
        fears_the_end.store(true, Ordering::Relaxed);
        lease.complete();
    });
    for id in ["a host function", "the end of a lease"] {
        assert!(fuel.get(id).unwrap().value().unwrap() > 1_000, "{id}");
    }
}

#[test]
fn pool_7_what_a_discarded_lease_leaves_panics_in_the_background() {
    let is_nervous = Arc::new(AtomicBool::new(false));
    let engine = engine();
    let module = Module::new(engine.wasmtime(), "(module)").unwrap();
    let linker = Linker::new(engine.wasmtime());
    let host = Nervous(is_nervous.clone(), Arc::default());
    let pool = WasmPool::module(&engine, host, &linker, &module, |_| Ok(())).unwrap();
    let pool = pool.max(1).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    lease.state().insert(Bomb(is_nervous.clone())).unwrap();
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
