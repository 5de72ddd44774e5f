//! What a principal or a lease may use, leases without a borrow, and a pool of one that keeps its instance.

use plimsoll::pool::Isolation;
use plimsoll::{Limit, Registry};
use plimsoll_wasmtime::{
    Allowance, AllowanceError, CallError, Ledgers, Meter, ProgramError, WasmLease, WasmPool,
};
use wasmtime::{Module, Store, TypedFunc};

use crate::common::{builder, core, ms};
use crate::villain;

const GROW: &str = r#"(module (memory 1)
    (func (export "run") (param i32) (result i32) (memory.grow (local.get 0))))"#;

#[test]
fn meter_11_quota_fuel_and_deadline_of_a_principal_and_of_a_lease() {
    let engine = builder().quota(1 << 20).build().unwrap();
    let pool = core::<i32, i32>(&engine, GROW).unwrap().quota(2 << 16).max(4);
    let pool = pool.isolation(Isolation::PerPrincipal).build().unwrap();
    let large = pool.allow(&Allowance::new().quota(4 << 16)).unwrap();
    let [small, big] =
        [pool.principal("small").unwrap(), pool.principal_with("big", &large).unwrap()];
    for (principal, pages) in [(&small, 1), (&big, 3)] {
        let mut lease = pool.checkout_blocking(principal).unwrap();
        assert_eq!(lease.call_blocking(|run| run, pages + 1).unwrap(), -1);
        assert_eq!(lease.call_blocking(|run| run, pages).unwrap(), 1);
        lease.complete();
    }
    // Its instance has four pages: a lease that may have two gets another one.
    let less = pool.allow(&Allowance::new().quota(2 << 16)).unwrap();
    let mut lease = pool.checkout_blocking_with(&big, &less).unwrap();
    assert_eq!(lease.uses(), 1);
    assert_eq!(lease.call_blocking(|run| run, 2).unwrap(), -1);
    assert_eq!(lease.usage().bytes, 1 << 16);
    lease.complete();

    let below = pool.allow(&Allowance::new().quota(100)).unwrap_err();
    assert_eq!(below, AllowanceError::QuotaBelowStart { asked: 100, needed: 1 << 16 });
    let above = pool.allow(&Allowance::new().quota(2 << 20)).unwrap_err();
    assert_eq!(above, AllowanceError::QuotaAboveEngine { asked: 2 << 20, max: 1 << 20 });
}

#[test]
fn meter_11_a_leases_fuel_and_deadline_end_it() {
    let engine = builder().build().unwrap();
    let spin = r#"(module (func (export "run") (loop $l (br $l))))"#;
    let pool = core::<(), ()>(&engine, spin).unwrap().deadline(ms(60_000)).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let fuel = pool.allow(&Allowance::new().fuel(10_000)).unwrap();
    let mut lease = pool.checkout_blocking_with(&acme, &fuel).unwrap();
    let error = lease.call_blocking(|run| run, ()).unwrap_err();
    assert!(matches!(error, CallError::OutOfFuel { fuel: 10_000 }), "{error:?}");
    drop(lease);
    let soon = pool.allow(&Allowance::new().deadline(ms(10))).unwrap();
    let hasty = pool.principal_with("hasty", &soon).unwrap();
    let mut lease = pool.checkout_blocking(&hasty).unwrap();
    let error = lease.call_blocking(|run| run, ()).unwrap_err();
    assert!(matches!(error, CallError::DeadlineExceeded { deadline } if deadline == ms(10)));
    drop(lease);
}

#[test]
fn meter_11_each_lease_of_an_instance_has_its_own_grant() {
    let engine = builder().quota(8 << 16).build().unwrap();
    let pool = core::<i32, i32>(&engine, GROW).unwrap().isolation(Isolation::PerPrincipal);
    let pool = pool.build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let [small, large] = [2, 8].map(|pages| {
        let allowance = Allowance::new().quota(pages << 16).fuel(pages * 1_000);
        pool.allow(&allowance).unwrap()
    });
    let grants = [(small, 2), (small, 2), (large, 8), (small, 2), (large, 8), (large, 8)];
    for (uses, (grant, pages)) in (1..).zip(grants) {
        let mut lease = pool.checkout_blocking_with(&acme, &grant).unwrap();
        assert_eq!(lease.uses(), uses);
        assert_eq!(lease.call_blocking(|run| run, pages).unwrap(), -1);
        assert!((1..100).contains(&lease.usage().fuel), "{:?}", lease.usage());
        lease.complete();
    }
    let mut lease = pool.checkout_blocking_with(&acme, &large).unwrap();
    assert_eq!(lease.call_blocking(|run| run, 7).unwrap(), 1);
    lease.complete();
}

/// A field of a struct, moved into a task.
struct Session {
    lease: WasmLease<'static, (), TypedFunc<i32, i32>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_without_a_borrow_goes_into_a_struct_and_a_task() {
    let engine = builder().build().unwrap();
    let pool = core::<i32, i32>(&engine, GROW).unwrap().isolation(Isolation::PerPrincipal);
    let pool = pool.build_async().await.unwrap();
    for uses in 1..=2 {
        let acme = pool.principal("acme").unwrap();
        let lease = pool.checkout(&acme).await.unwrap().into_owned();
        drop(acme);
        let mut session = Session { lease };
        let task = tokio::spawn(async move {
            let grown = session.lease.call(|run| run, 0).await;
            let uses = session.lease.uses();
            session.lease.complete();
            (grown, uses)
        });
        let (grown, seen) = task.await.unwrap();
        assert_eq!((grown.unwrap(), seen), (1, uses));
    }
}

#[test]
fn pool_3_a_pool_of_one_that_keeps_its_instance() {
    let engine = villain::engine();
    let keeping = || villain::builder(&engine).isolation(Isolation::PerPrincipal).keep_on_drop();
    let pool = keeping().pool(|pool| pool.no_fault_backoff()).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let handle = lease.call_blocking(|guest| &guest.open, ()).unwrap();
    drop(lease); // Its caller was cancelled between two calls.
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    assert_eq!(lease.uses(), 2);
    let found = lease.call_blocking(|guest| &guest.guess, handle).unwrap();
    assert_eq!(found, villain::content_of("acme") as i64, "its resources are kept");
    lease.complete();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let found = lease.call_blocking(|guest| &guest.guess, handle).unwrap();
    assert_eq!((lease.uses(), found), (3, villain::NOTHING), "a lease that is completed ends them");
    // Dropped within a call: discarded.
    {
        let mut call = Box::pin(lease.call(|guest| &guest.wait, 5));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    drop(lease);
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    assert_eq!(lease.uses(), 1);
    lease.call_blocking(|guest| &guest.trap, ()).unwrap_err();
    drop(lease);
    assert_eq!(pool.checkout_blocking(&acme).unwrap().uses(), 1, "a trap is no drop between calls");
    // Another principal never finds it.
    let other = pool.principal("other").unwrap();
    let mut lease = pool.checkout_blocking(&other).unwrap();
    assert_eq!(lease.uses(), 1);
    assert_eq!(lease.call_blocking(|guest| &guest.guess, handle).unwrap(), villain::NOTHING);
    drop(lease);
    drop(pool);

    for contradiction in [keeping().max(2), keeping().isolation(Isolation::Shared)] {
        let error = contradiction.build().map(drop).unwrap_err();
        assert!(matches!(error, ProgramError::KeepOnDrop { .. }), "{error:?}");
    }
}

#[test]
fn meter_10_a_store_outside_any_pool_is_metered_and_charged() {
    let engine = builder().reserve_stores(1).build().unwrap();
    let registry = Registry::new();
    let bytes = registry.peak_ledger(Limit::memory("bytes"), 8).unwrap();
    let fuel = registry.sum_ledger(Limit::cpu("fuel"), 8).unwrap();
    let ledgers = Ledgers::default().bytes(&bytes).fuel(&fuel);
    let module = Module::new(engine.wasmtime(), GROW).unwrap();
    let allowance = Allowance::new().quota(3 << 16).fuel(10_000).deadline(ms(1_000));
    let mut store = Store::new(engine.wasmtime(), engine.meter(&allowance).unwrap());
    Meter::install(&mut store);
    Meter::charge_to(&mut store, ledgers.account("acme").unwrap());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    let mut grow = |pages| Meter::run(&mut store, |store| run.call(store, pages)).unwrap();
    assert_eq!([grow(1), grow(2), grow(1)], [1, -1, 2]);
    Meter::settle(&mut store);
    let used = Meter::usage(&mut store).fuel;
    assert!(used > 0);
    assert_eq!(bytes.get("acme").unwrap().value(), Some(3 << 16));
    assert_eq!(fuel.get("acme").unwrap().value(), Some(used));
    Meter::settle(&mut store);
    assert_eq!(fuel.get("acme").unwrap().value(), Some(used), "nothing is charged twice");

    // As a task.
    let mut store = Store::new(engine.wasmtime(), engine.meter(&allowance).unwrap());
    Meter::install(&mut store);
    let ran = run_task(async {
        Meter::run_async(&mut store, |mut store| {
            let module = module.clone();
            Box::pin(async move {
                let instance = wasmtime::Instance::new_async(&mut store, &module, &[]).await?;
                let run = instance.get_typed_func::<i32, i32>(&mut store, "run")?;
                run.call_async(&mut store, 1).await
            })
        })
        .await
    });
    assert_eq!(ran.unwrap(), 1);
}

fn run_task<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn meter_2_who_pays_later_pays_for_what_grows_later() {
    let engine = builder().reserve_stores(1).build().unwrap();
    let registry = Registry::new();
    let bytes = registry.peak_ledger(Limit::memory("bytes"), 8).unwrap();
    let growth = registry.peak_ledger(Limit::memory("growth"), 8).unwrap();
    let ledgers = Ledgers::default().bytes(&bytes).growth(&growth);
    let module = Module::new(engine.wasmtime(), GROW).unwrap();
    let mut store = Store::new(engine.wasmtime(), engine.meter(&Allowance::new()).unwrap());
    Meter::install(&mut store);
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    for (id, pages) in [("first", 4), ("idle", 0), ("third", 2)] {
        Meter::charge_to(&mut store, ledgers.account(id).unwrap());
        if pages > 0 {
            Meter::run(&mut store, |store| run.call(store, pages)).unwrap();
        }
        Meter::settle(&mut store);
    }
    let values = |ledger: &plimsoll::ledger::PeakLedger| {
        ["first", "idle", "third"]
            .map(|id| ledger.get(id).unwrap().value().map(|value| value >> 16))
    };
    assert_eq!(values(&growth), [Some(4), None, Some(2)]);
    assert_eq!(values(&bytes), [Some(5), Some(5), Some(7)]);
}

#[test]
fn meter_4_without_a_bound_on_its_fuel_a_store_in_place_is_charged_what_is_known() {
    let engine = builder().reserve_stores(1).build().unwrap();
    let registry = Registry::new();
    let fuel = registry.sum_ledger(Limit::cpu("fuel"), 8).unwrap();
    let spin = r#"(module (func (export "run") (loop $l (br $l))))"#;
    let module = Module::new(engine.wasmtime(), spin).unwrap();
    let allowance = Allowance::new().deadline(ms(5));
    let mut store = Store::new(engine.wasmtime(), engine.meter(&allowance).unwrap());
    Meter::install(&mut store);
    Meter::charge_to(&mut store, Ledgers::default().fuel(&fuel).account("acme").unwrap());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    let error = Meter::run(&mut store, |store| run.call(store, ())).unwrap_err();
    assert!(matches!(error, CallError::DeadlineExceeded { .. }), "{error:?}");
    Meter::settle(&mut store);
    let charged = fuel.get("acme").unwrap().value().unwrap_or(0);
    assert!(charged < 1 << 40, "{charged}");
}

#[test]
fn meter_7_a_meter_that_is_not_installed_is_the_hosts_mistake() {
    let engine = builder().reserve_stores(2).build().unwrap();
    let module = Module::new(engine.wasmtime(), GROW).unwrap();
    let mut store = Store::new(engine.wasmtime(), engine.meter(&Allowance::new()).unwrap());
    let error = Meter::run(&mut store, |store| wasmtime::Instance::new(store, &module, &[]));
    let error = error.unwrap_err();
    assert!(matches!(error, CallError::NotInstalled) && !error.is_fault(), "{error:?}");
    assert!(error.to_string().contains("Meter::install"), "{error}");

    let quota = Allowance::new().quota(2 << 16);
    let mut store = engine.store(&quota, |meter| meter).unwrap();
    let instance = Meter::run(&mut store, |store| wasmtime::Instance::new(store, &module, &[]));
    let run = instance.unwrap().get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    assert_eq!(Meter::run(&mut store, |store| run.call(store, 2)).unwrap(), -1);
    assert_eq!(Meter::usage(&mut store).bytes, 1 << 16);
}

/// Nothing but a check that pools of one type can be named by their hosts.
#[test]
fn a_pool_is_named_by_its_host_and_what_is_looked_up() {
    let engine = builder().build().unwrap();
    let pool: WasmPool<(), TypedFunc<i32, i32>> = core(&engine, GROW).unwrap().build().unwrap();
    assert_eq!(pool.counts().leased, 0);
}

const WORK: &str = r#"(module (func (export "run") (param $n i32)
    (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;

#[test]
fn meter_11_a_grant_of_another_pool_gives_no_more_than_the_engine_has() {
    let [large, small] = [16 << 20, 1 << 20].map(|quota| builder().quota(quota).build().unwrap());
    let [from, at] =
        [&large, &small].map(|engine| core::<i32, i32>(engine, GROW).unwrap().build().unwrap());
    let foreign = from.allow(&Allowance::new()).unwrap();
    let acme = at.principal_with("acme", &foreign).unwrap();
    let mut lease = at.checkout_blocking(&acme).unwrap();
    assert_eq!(lease.call_blocking(|run| run, 16).unwrap(), -1);
    assert_eq!(lease.call_blocking(|run| run, 15).unwrap(), 1);
    lease.complete();
}

#[test]
fn meter_4_a_grant_of_another_pool_is_metered_as_the_guest_is() {
    let (metered, unmetered) = (builder().build().unwrap(), builder().no_fuel().build().unwrap());
    let from = core::<i32, ()>(&metered, WORK).unwrap().build().unwrap();
    let at = core::<i32, ()>(&unmetered, WORK).unwrap().build().unwrap();
    let foreign = from.allow(&Allowance::new()).unwrap();
    let acme = at.principal("acme").unwrap();
    let mut lease = at.checkout_blocking_with(&acme, &foreign).unwrap();
    lease.call_blocking(|run| run, 100).unwrap();
    assert_eq!(lease.usage().fuel, 0);
    lease.complete();

    // The other way round there is as much fuel as the pool has.
    let foreign = at.allow(&Allowance::new()).unwrap();
    let from = core::<i32, ()>(&metered, WORK).unwrap().fuel(10_000).build().unwrap();
    let acme = from.principal("acme").unwrap();
    let mut lease = from.checkout_blocking_with(&acme, &foreign).unwrap();
    lease.call_blocking(|run| run, 100).unwrap();
    assert!(lease.usage().fuel > 100, "{:?}", lease.usage());
    let error = lease.call_blocking(|run| run, 10_000).unwrap_err();
    assert!(matches!(error, CallError::OutOfFuel { fuel: 10_000 }), "{error:?}");
}

#[test]
fn a_guest_yields_as_its_pool_says_whichever_pool_made_the_grant() {
    let engine = builder().build().unwrap();
    let in_place = core::<i32, ()>(&engine, WORK).unwrap().fuel(1 << 40).in_place();
    let [in_place, yields] =
        [in_place, core::<i32, ()>(&engine, WORK).unwrap()].map(|pool| pool.build().unwrap());
    let foreign = yields.allow(&Allowance::new()).unwrap();
    let acme = in_place.principal("acme").unwrap();
    let mut lease = in_place.checkout_blocking_with(&acme, &foreign).unwrap();
    lease.call_blocking(|run| run, 1_000_000).unwrap();
    lease.complete();

    let foreign = in_place.allow(&Allowance::new()).unwrap();
    let acme = yields.principal("acme").unwrap();
    let mut lease = yields.checkout_blocking_with(&acme, &foreign).unwrap();
    let mut call = Box::pin(lease.call(|run| run, 1_000_000));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending(), "it holds its thread");
}

#[test]
fn meter_10_a_store_outside_any_pool_is_charged_while_it_waits() {
    let engine = builder().reserve_stores(1).build().unwrap();
    let registry = Registry::new();
    let bytes = registry.peak_ledger(Limit::memory("bytes"), 8).unwrap();
    let wat = r#"(module (import "host" "wait" (func $wait)) (memory 1)
        (func (export "run") (drop (memory.grow (i32.const 2))) (call $wait)))"#;
    let module = Module::new(engine.wasmtime(), wat).unwrap();
    let mut linker = wasmtime::Linker::<Meter>::new(engine.wasmtime());
    linker
        .func_wrap_async("host", "wait", |_: wasmtime::Caller<'_, Meter>, (): ()| {
            Box::new(std::future::pending::<()>())
        })
        .unwrap();
    let mut store = Store::new(engine.wasmtime(), engine.meter(&Allowance::new()).unwrap());
    Meter::install(&mut store);
    Meter::charge_to(&mut store, Ledgers::default().bytes(&bytes).account("acme").unwrap());
    let mut call = Box::pin(Meter::run_async(&mut store, |mut store| {
        Box::pin(async move {
            let instance = linker.instantiate_async(&mut store, &module).await?;
            instance.get_typed_func::<(), ()>(&mut store, "run")?.call_async(store, ()).await
        })
    }));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..3 {
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(bytes.get("acme").unwrap().value(), Some(3 << 16));
}

#[test]
#[should_panic = "a meter of its own engine"]
fn a_store_takes_no_meter_of_another_engine() {
    let [engine, other] = [(); 2].map(|()| builder().reserve_stores(1).build().unwrap());
    let mut store = Store::new(engine.wasmtime(), other.meter(&Allowance::new()).unwrap());
    Meter::install(&mut store);
}
