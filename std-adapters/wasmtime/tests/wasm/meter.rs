//! Who is charged with what.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plimsoll::ledger::{PeakLedger, SumLedger};
use plimsoll::pool::Isolation;
use plimsoll::{Limit, Registry};
use plimsoll_wasmtime::{CallError, WasmEngine, WasmLease};

use crate::villain::{Desk, PAGE, Villain, Villains, assert_next_is_pristine, builder, engine};

type Lease<'p> = WasmLease<'p, Desk, Villain>;

struct Books {
    bytes: PeakLedger,
    growth: PeakLedger,
    fuel: SumLedger,
    _registry: Registry,
}

const INTERVAL: u64 = 10_000;

fn pool_with_books(isolation: Isolation) -> (Villains, Books) {
    pool_with_books_on(&engine(), isolation)
}

fn pool_with_books_on(engine: &WasmEngine, isolation: Isolation) -> (Villains, Books) {
    let registry = Registry::new();
    let books = Books {
        bytes: registry.peak_ledger(Limit::memory("guest_bytes"), 8).unwrap(),
        growth: registry.peak_ledger(Limit::memory("guest_growth"), 8).unwrap(),
        fuel: registry.sum_ledger(Limit::cpu("guest_fuel"), 8).unwrap(),
        _registry: registry,
    };
    let settings = builder(engine).isolation(isolation).yield_interval(INTERVAL);
    let settings = settings.bytes_ledger(&books.bytes).growth_ledger(&books.growth);
    let settings = settings.fuel_ledger(&books.fuel).deadline(Duration::from_millis(50));
    let pool = settings.fuel(200_000_000).pool(|pool| pool.no_fault_backoff()).build().unwrap();
    (pool, books)
}

impl Books {
    fn fuel_of(&self, principal: &str) -> u64 {
        self.fuel.get(principal).unwrap().value().unwrap_or(0)
    }

    fn peaks_of(&self, principal: &str) -> [Option<u64>; 2] {
        [&self.bytes, &self.growth].map(|peaks| peaks.get(principal).unwrap().value())
    }
}

#[test]
fn meter_2_what_a_principal_inherits_is_not_its_growth() {
    let (pool, books) = pool_with_books(Isolation::Shared);
    let (acme, other) = (pool.principal("acme").unwrap(), pool.principal("other").unwrap());
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    lease.call_blocking(|guest| &guest.grow, 1).unwrap();
    let size = lease.usage().bytes;
    lease.complete();
    let mut lease = pool.checkout_blocking(&other).unwrap();
    lease.call_blocking(|guest| &guest.grow_table, 2).unwrap();
    lease.complete();
    let table = 2 * size_of::<usize>() as u64;
    assert_eq!(books.peaks_of("acme"), [Some(size), Some(PAGE)]);
    assert_eq!(books.peaks_of("other"), [Some(size + table), Some(table)]);
}

#[test]
fn meter_4_fuel_is_charged_on_every_exit() {
    let (pool, books) = pool_with_books(Isolation::Fresh);
    let charged = |id: &str, run: &dyn Fn(&mut Lease<'_>) -> Option<CallError>| {
        let principal = pool.principal(id).unwrap();
        let mut lease = pool.checkout_blocking(&principal).unwrap();
        let error = run(&mut lease);
        let used = lease.usage().fuel;
        match &error {
            None => drop(lease.complete()),
            Some(_) => drop(lease),
        }
        assert_eq!(books.fuel_of(id), used, "{id}");
        assert_next_is_pristine(&pool);
        (used, error)
    };
    let (used, _) = charged("returned", &|lease| {
        lease.call_blocking(|guest| &guest.work, 10_000).unwrap();
        None
    });
    assert!((10_000..1_000_000).contains(&used), "{used}");
    let (used, _) = charged("dropped", &|lease| {
        lease.call_blocking(|guest| &guest.work, 10_000).unwrap();
        Some(CallError::Unusable)
    });
    assert!(used > 10_000, "{used}");
    let (used, _) = charged("trapped", &|lease| {
        lease.call_blocking(|guest| &guest.work, 10_000).unwrap();
        Some(lease.call_blocking(|guest| &guest.trap, ()).unwrap_err())
    });
    assert!(used > 10_000, "{used}");
    // Without a yield interval, wasmtime knows nothing of what such a guest has used.
    let (used, error) =
        charged("looped", &|lease| Some(lease.call_blocking(|guest| &guest.spin, ()).unwrap_err()));
    assert!(matches!(error, Some(CallError::DeadlineExceeded { .. })), "{error:?}");
    assert!(used > 10 * INTERVAL, "{used}");
}

#[test]
fn meter_4_a_cancelled_call_is_charged_to_within_a_yield_interval() {
    // Calls yield at ticks as well: none comes by within this test.
    let engine = WasmEngine::builder().instances(8).tick(Duration::from_secs(60)).build().unwrap();
    let (pool, books) = pool_with_books_on(&engine, Isolation::Fresh);
    for polls in 1..=8 {
        let id = format!("cancelled-{polls}");
        let principal = pool.principal(&id).unwrap();
        let mut lease = pool.checkout_blocking(&principal).unwrap();
        {
            let mut call = pin!(lease.call(|guest| &guest.spin, ()));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                assert!(matches!(call.as_mut().poll(&mut context), Poll::Pending));
            }
        }
        lease.complete();
        let (charged, used) = (books.fuel_of(&id), polls * INTERVAL);
        assert!(charged.abs_diff(used) <= INTERVAL, "{charged} of {used}");
        assert_next_is_pristine(&pool);
    }
    assert!(books.fuel.total() >= 36 * INTERVAL - 8 * INTERVAL);
}
