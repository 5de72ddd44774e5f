//! Deadlines count the guest's own time (METER-5) and are punctual (METER-8).

use std::thread;
use std::time::{Duration, Instant};

use plimsoll_wasmtime::{CallError, Meter, Metered, WasmEngine};
use wasmtime::{Caller, Linker};

use crate::common::{builder, core, core_with, ms};

fn linker(engine: &WasmEngine) -> Linker<Meter> {
    let mut linker = Linker::new(engine.wasmtime());
    linker
        .func_wrap_async("host", "fetch", |_caller: Caller<'_, Meter>, (time,): (u32,)| {
            Box::new(tokio::time::sleep(ms(time.into())))
        })
        .unwrap();
    linker
        .func_wrap("host", "read", |mut caller: Caller<'_, Meter>, time: u32| {
            let _host = caller.data_mut().meter().host_time();
            thread::sleep(ms(time.into()));
        })
        .unwrap();
    linker
}

/// Calls a host function, then a function of its own, where deadlines are looked at; then loops for ever
/// if asked to.
fn asks(host: &str) -> String {
    format!(
        r#"(module (import "host" "{host}" (func $host (param i32)))
            (func $after (result i32) (i32.const 5))
            (func (export "run") (param $time i32) (param $spins i32) (result i32)
                (call $host (local.get $time))
                (loop $l (br_if $l (local.get $spins)))
                (call $after)))"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meter_5_the_hosts_time_is_not_the_guests() {
    let engine = builder().build().unwrap();
    for host in ["fetch", "read"] {
        let pool = core_with::<(i32, i32), i32>(&engine, &linker(&engine), &asks(host)).unwrap();
        let pool = pool.deadline(ms(60)).build_async().await.unwrap();
        let acme = pool.principal("acme").unwrap();
        for _ in 0..3 {
            let mut lease = pool.checkout(&acme).await.unwrap();
            tokio::time::sleep(ms(150)).await; // The host reads a request.
            assert_eq!(lease.call(|run| run, (150, 0)).await.unwrap(), 5, "{host}");
            tokio::time::sleep(ms(100)).await; // And writes the answer.
            assert_eq!(lease.call(|run| run, (0, 0)).await.unwrap(), 5, "{host}");
            lease.complete();
        }
        assert_eq!(acme.faults(), 0, "{host}");
        // The deadline is still there.
        let mut lease = pool.checkout(&acme).await.unwrap();
        let error = lease.call(|run| run, (150, 1)).await.unwrap_err();
        assert!(matches!(error, CallError::DeadlineExceeded { .. }), "{host}: {error:?}");
        assert!(error.is_fault());
        drop(lease);
        pool.close();
        pool.drained().await;
    }
}

/// A loop of so many turns.
const WORK: &str = r#"(module (func (export "run") (param $n i32)
    (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;

#[tokio::test]
async fn meter_5_honest_guests_on_one_thread_are_all_served() {
    let engine = builder().build().unwrap();
    let pool = core::<i32, ()>(&engine, WORK).unwrap().max(5).no_deadline();
    let pool = pool.build_async().await.unwrap();
    // How many turns take 30 ms on this machine, now.
    let acme = pool.principal("acme").unwrap();
    let mut turns = 1_000_000;
    loop {
        let mut lease = pool.checkout(&acme).await.unwrap();
        let began = Instant::now();
        lease.call(|run| run, turns).await.unwrap();
        lease.complete();
        if began.elapsed() >= ms(15) {
            turns = (f64::from(turns) * 0.030 / began.elapsed().as_secs_f64()) as i32;
            break;
        }
        turns *= 2;
    }
    // Each takes some 30 ms of its own and five times that on the wall; a busy machine doubles both.
    let allowed = pool.allow(&plimsoll_wasmtime::Allowance::new().deadline(ms(100))).unwrap();
    let local = tokio::task::LocalSet::new();
    let began = Instant::now();
    let guests: Vec<_> = (0..5)
        .map(|number| {
            let pool = pool.clone();
            local.spawn_local(async move {
                let principal = pool.principal(&format!("guest-{number}")).unwrap();
                let mut lease = pool.checkout_with(&principal, &allowed).await.unwrap();
                lease.call(|run| run, turns).await.map(|()| lease.complete())
            })
        })
        .collect();
    local.await;
    let wall = began.elapsed();
    for guest in guests {
        guest.await.unwrap().unwrap_or_else(|error| panic!("{error}, all took {wall:?}"));
    }
}

#[test]
fn meter_5_the_wall_clock_limit_is_no_fault() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let engine = builder().build().unwrap();
    let pool = core_with::<(i32, i32), i32>(&engine, &linker(&engine), &asks("fetch")).unwrap();
    let pool = pool.no_deadline().wall_limit(ms(60)).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    // It waits in the host, or runs.
    for (time, spins) in [(60_000, 0), (0, 1)] {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        let began = Instant::now();
        let error = lease.call_blocking(|run| run, (time, spins)).unwrap_err();
        assert!(matches!(error, CallError::WallLimit { limit } if limit == ms(60)), "{error:?}");
        assert!(began.elapsed() >= ms(59) && began.elapsed() < ms(30_000), "{:?}", began.elapsed());
        assert!(!error.is_fault());
        lease.complete();
    }
    assert_eq!(acme.faults(), 0);
    // A call that begins later is not run.
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    std::thread::sleep(ms(70));
    let error = lease.call_blocking(|run| run, (0, 0)).unwrap_err();
    assert!(matches!(error, CallError::WallLimit { .. }), "{error:?}");
    drop(lease);
    // The lease after it has its own time.
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    assert_eq!(lease.call_blocking(|run| run, (1, 0)).unwrap(), 5);
    assert_eq!(lease.uses(), 1);
}

const SPIN: &str = r#"(module (func (export "run") (loop $l (br $l))))"#;

/// Lateness does not grow with the deadline, whatever the number of its ticks, while others work: a guest
/// is ended within a few ticks of its own time.
#[test]
#[cfg(target_os = "linux")]
fn meter_8_a_long_deadline_is_as_punctual_as_a_short_one() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn own_time() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }

    let stop = Arc::new(AtomicBool::new(false));
    let busy = [(); 4].map(|()| {
        let stop = stop.clone();
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        })
    });
    let late = |tick, deadline, in_place| {
        let engine = WasmEngine::builder().instances(1).tick(tick).build().unwrap();
        let mut pool = core::<(), ()>(&engine, SPIN).unwrap().fuel(u64::MAX / 4);
        if in_place {
            pool = pool.in_place();
        }
        let pool = pool.deadline(deadline).build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        let (began, wall) = (own_time(), Instant::now());
        let error = lease.call_blocking(|run| run, ()).unwrap_err();
        let took = own_time() - began;
        assert!(matches!(error, CallError::DeadlineExceeded { .. }), "{error:?}");
        let wall = wall.elapsed();
        assert!(took + ms(1) >= deadline, "ended after {took:?} of its own, {wall:?}");
        took.saturating_sub(deadline)
    };
    for (tick, deadline) in
        [(ms(1), ms(50)), (ms(1), ms(600)), (Duration::from_micros(100), ms(300))]
    {
        for in_place in [true, false] {
            // A tick of its own time, one until it is seen, and what the ticker itself waits for the
            // processor: the best of three.
            let mut tries = (0..3).map(|_| late(tick, deadline, in_place));
            assert!(tries.any(|late| late < ms(25)), "{tick:?} {deadline:?} {in_place}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn meter_8_a_call_that_ends_with_a_long_operation_past_its_deadline_is_ended() {
    let engine = WasmEngine::builder().instances(1).tick(ms(1)).build().unwrap();
    // 64 MiB that nobody has touched, filled ten times, with no check in between.
    let fills = "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000))".repeat(10);
    let wat = format!(r#"(module (memory 1024) (func (export "run") {fills}))"#);
    for in_place in [false, true] {
        let mut pool = core::<(), ()>(&engine, &wat).unwrap().deadline(ms(2)).fuel(u64::MAX / 4);
        if in_place {
            pool = pool.in_place();
        }
        let pool = pool.build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        let error = lease.call_blocking(|run| run, ()).unwrap_err();
        assert!(matches!(error, CallError::DeadlineExceeded { .. }), "{error:?}");
        assert!(lease.usage().fuel > 64 << 20, "billed before it begins: {:?}", lease.usage());
        drop(lease);
        pool.close();
        assert!(pool.wait_drained(ms(10_000)));
    }
}

/// `memory.grow` takes one unit of fuel, however long it takes: a tick makes its guest yield.
#[test]
fn meter_8_a_loop_of_failing_growths_yields_at_each_tick() {
    let engine = builder().build().unwrap();
    let wat = r#"(module (memory 1)
        (func (export "run") (loop $l (drop (memory.grow (i32.const 60000))) (br $l))))"#;
    let pool = core::<(), ()>(&engine, wat).unwrap().yield_interval(1 << 40).deadline(ms(200));
    let pool = pool.build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut call = Box::pin(lease.call(|run| run, ()));
    let mut polls = 0;
    let ended = loop {
        polls += 1;
        if let std::task::Poll::Ready(ended) = call.as_mut().poll(&mut context) {
            break ended;
        }
    };
    assert!(matches!(ended, Err(CallError::DeadlineExceeded { .. })), "{ended:?}");
    // Two hundred ticks; a busy machine takes some of them together.
    assert!(polls > 10, "{polls} polls");
}
