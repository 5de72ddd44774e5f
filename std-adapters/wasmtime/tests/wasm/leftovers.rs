//! What a guest leaves running ends with its lease, or its instance is discarded (POOL-14).

use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{
    ComponentExports, Host, Meter, Metered, NewLease, WasmEngine, WasmPool, WasmPoolBuilder,
};
use wasmtime::StoreContextMut;
use wasmtime::component::{Component, Linker, TypedFunc};

use crate::common::{builder, ms};

struct Log;

struct Data {
    meter: Meter,
    logged: Vec<u32>,
}

impl Metered for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl Host for Log {
    type Data = Data;
    type Lease = Vec<u32>;

    fn lease(&self, _new: NewLease<'_>) -> Vec<u32> {
        Vec::new()
    }

    fn data(&self, meter: Meter, logged: Vec<u32>) -> Data {
        Data { meter, logged }
    }

    fn lease_of(data: &mut Data) -> &mut Vec<u32> {
        &mut data.logged
    }

    fn has_handles(_logged: &mut Vec<u32>) -> bool {
        false
    }
}

/// `go` returns and goes on: it logs its number three times, each after a thousand turns of a loop.
const GUEST: &str = r#"(component
    (import "log" (func $log (param "number" u32)))
    (core func $log (canon lower (func $log)))
    (core func $return (canon task.return))
    (core module $m
        (import "" "log" (func $log (param i32)))
        (import "" "return" (func $return))
        (global $number (mut i32) (i32.const 0))
        (global $left (mut i32) (i32.const 3))
        (func (export "go") (param i32) (result i32)
            (global.set $number (local.get 0))
            (call $return)
            (i32.const 1))
        (func (export "go-on") (param i32 i32 i32) (result i32) (local $n i32)
            (local.set $n (i32.const 1000))
            (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (call $log (global.get $number))
            (global.set $left (i32.sub (global.get $left) (i32.const 1)))
            (i32.ne (global.get $left) (i32.const 0)))
        (func (export "nop") (result i32) (i32.const 1))
        (func (export "nop-on") (param i32 i32 i32) (result i32) (call $return) (i32.const 0)))
    (core instance $i (instantiate $m
        (with "" (instance (export "log" (func $log)) (export "return" (func $return))))))
    (func (export "go") async (param "number" u32)
        (canon lift (core func $i "go") async (callback (func $i "go-on"))))
    (func (export "nop") async (canon lift (core func $i "nop") async (callback (func $i "nop-on")))))"#;

/// `run(1)` returns and leaves a task that goes on for ever; `run(0)` leaves nothing.
pub(crate) const LEAVES_TASKS: &str = r#"(component
    (core func $return (canon task.return))
    (core module $m
        (import "" "return" (func $return))
        (func (export "run") (param i32) (result i32) (call $return) (local.get 0))
        (func (export "on") (param i32 i32 i32) (result i32) (i32.const 1)))
    (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
    (func (export "run") async (param "leave" u32)
        (canon lift (core func $i "run") async (callback (func $i "on")))))"#;

struct Guest {
    go: TypedFunc<(u32,), ()>,
    nop: TypedFunc<(), ()>,
}

fn guests(engine: &WasmEngine) -> WasmPoolBuilder<Log, Guest> {
    let component = Component::new(engine.wasmtime(), GUEST).unwrap();
    let mut linker = Linker::new(engine.wasmtime());
    let log = |mut store: StoreContextMut<'_, Data>, (number,): (u32,)| {
        store.data_mut().logged.push(number);
        Ok(())
    };
    linker.root().func_wrap("log", log).unwrap();
    let look_up = |exports: &mut ComponentExports<'_, Data>| {
        Ok(Guest { go: exports.func("go")?, nop: exports.func("nop")? })
    };
    WasmPool::component(engine, Log, &linker, &component, look_up).unwrap().max(1)
}

const ALL: [Isolation; 3] = [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared];

#[test]
fn pool_14_a_task_of_one_lease_does_not_run_in_the_next() {
    let engine = builder().instances(1).component_model_async(32).build().unwrap();
    for isolation in ALL {
        for next in ["alice", "bob"] {
            let pool = guests(&engine).isolation(isolation).build().unwrap();
            let [alice, next] = ["alice", next].map(|id| pool.principal(id).unwrap());
            let mut lease = pool.checkout_blocking(&alice).unwrap();
            lease.call_blocking(|guest| &guest.go, (7,)).unwrap();
            lease.complete();

            let mut lease = pool.checkout_blocking(&next).unwrap();
            for _ in 0..4 {
                lease.call_blocking(|guest| &guest.nop, ()).unwrap();
            }
            let fuel = lease.usage().fuel;
            assert!(fuel < 500, "{isolation:?}: billed for {fuel}");
            assert_eq!(lease.uses(), 1, "{isolation:?}: the instance is discarded");
            assert_eq!(lease.complete(), [0; 0], "{isolation:?}");
            pool.close();
            assert!(pool.wait_drained(ms(10_000)));
        }
    }
}

#[test]
fn pool_14_without_leftovers_an_instance_is_kept_with_concurrency_on_too() {
    let engine = builder().instances(1).component_model_async(32).build().unwrap();
    let pool = guests(&engine).isolation(Isolation::PerPrincipal).build().unwrap();
    let alice = pool.principal("alice").unwrap();
    for uses in 1..=3 {
        let mut lease = pool.checkout_blocking(&alice).unwrap();
        assert_eq!(lease.uses(), uses);
        lease.call_blocking(|guest| &guest.nop, ()).unwrap();
        lease.complete();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_14_a_call_that_is_cancelled_leaves_no_task() {
    let engine = builder().instances(1).component_model_async(32).build().unwrap();
    let builder = guests(&engine).isolation(Isolation::Shared);
    let pool = builder.pool(|pool| pool.no_fault_backoff()).build_async().await.unwrap();
    let [alice, bob] = ["alice", "bob"].map(|id| pool.principal(id).unwrap());
    for _ in 0..10 {
        let mut lease = pool.checkout(&alice).await.unwrap();
        lease.call(|guest| &guest.go, (7,)).await.unwrap();
        {
            let mut call = Box::pin(lease.call(|guest| &guest.nop, ()));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = call.as_mut().poll(&mut context);
        }
        lease.complete();
        let mut lease = pool.checkout(&bob).await.unwrap();
        lease.call(|guest| &guest.nop, ()).await.unwrap();
        assert_eq!(lease.complete(), [0; 0]);
    }
}

/// An instance has one lease at a time; within it a host runs calls concurrently.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_14_calls_of_one_lease_run_concurrently_and_leave_nothing() {
    let engine = builder().instances(1).component_model_async(32).build().unwrap();
    let builder = guests(&engine).isolation(Isolation::PerPrincipal);
    let pool = builder.build_async().await.unwrap();
    let alice = pool.principal("alice").unwrap();
    for uses in 1..=2 {
        let mut lease = pool.checkout(&alice).await.unwrap();
        assert_eq!(lease.uses(), uses);
        let both = lease.run(|store, guest| {
            Box::pin(async move {
                let calls = async |accessor: &wasmtime::component::Accessor<Data>| {
                    let first = guest.nop.call_concurrent(accessor, ());
                    let second = guest.nop.call_concurrent(accessor, ());
                    tokio::join!(first, second)
                };
                let (first, second) = store.run_concurrent(calls).await?;
                first.and(second)
            })
        });
        both.await.unwrap();
        lease.complete();
    }
}
