//! A pool that is closed and drained has given all of its engine's room back (POOL-16).

use plimsoll_wasmtime::WasmEngine;

use crate::common::{builder, core, ms};

const WAT: &str = r#"(module (memory 1) (memory 1)
    (func (export "run") (param i32) (result i32) (local.get 0)))"#;

/// An engine with room for just the instances of the pool.
fn exact() -> WasmEngine {
    builder().instances(4).build().unwrap()
}

#[test]
fn pool_16_reload_on_an_exact_engine_works_every_time_with_threads() {
    let engine = exact();
    for lap in 0..500 {
        let pool = core::<i32, i32>(&engine, WAT).unwrap().max(4).build();
        let pool = pool.unwrap_or_else(|error| panic!("lap {lap}: {error}"));
        std::thread::scope(|scope| {
            for id in ["a", "b"] {
                let pool = &pool;
                scope.spawn(move || {
                    let principal = pool.principal(id).unwrap();
                    let mut lease = pool.checkout_blocking(&principal).unwrap();
                    assert_eq!(lease.call_blocking(|run| run, lap).unwrap(), lap);
                    if lap % 2 == 0 {
                        lease.complete();
                    }
                });
            }
        });
        pool.close();
        assert!(pool.wait_drained(ms(10_000)), "lap {lap}");
        // The next one is built while handles to this one are still there.
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_16_reload_on_an_exact_engine_works_every_time_with_tokio() {
    let engine = exact();
    for lap in 0..500 {
        let pool = core::<i32, i32>(&engine, WAT).unwrap().max(4).build_async().await;
        let pool = pool.unwrap_or_else(|error| panic!("lap {lap}: {error}"));
        let calls = ["a", "b"].map(|id| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let principal = pool.principal(id).unwrap();
                let mut lease = pool.checkout(&principal).await.unwrap();
                assert_eq!(lease.call(|run| run, lap).await.unwrap(), lap);
                if lap % 2 == 0 {
                    lease.complete();
                }
            })
        });
        if lap % 3 > 0 {
            for call in calls {
                call.await.unwrap();
            }
        } else {
            // Closed while calls are under way, or have not begun.
            calls.iter().for_each(tokio::task::JoinHandle::abort);
        }
        pool.close();
        tokio::time::timeout(ms(10_000), pool.drained())
            .await
            .unwrap_or_else(|_| panic!("lap {lap}"));
    }
}
