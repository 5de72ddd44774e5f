//! Guests that want more memory than they may have.

use plimsoll_wasmtime::{Exports, Meter, Usage, WasmEngine, WasmLease, WasmPool};
use wasmtime::{Config, Linker, Module, TypedFunc};

use crate::villain::{Desk, PAGE, Villain, assert_next_is_pristine, builder, engine, pool_of_one};

/// What wasm says to a growth that is refused.
const REFUSED: i32 = -1;

/// The bytes of the table at the start: four elements.
const TABLE: u64 = 4 * size_of::<usize>() as u64;

type Lease<'p> = WasmLease<'p, Desk, Villain>;

fn grow(
    lease: &mut Lease<'_>,
    func: impl FnOnce(&Villain) -> &TypedFunc<i32, i32>,
    by: i32,
) -> i32 {
    lease.call_blocking(func, by).unwrap()
}

fn bytes(lease: &mut Lease<'_>) -> (u64, u64) {
    let Usage { bytes, grown_bytes, .. } = lease.usage();
    (bytes, grown_bytes)
}

#[test]
fn meter_1_two_memories_and_a_table_have_one_quota() {
    let pool = pool_of_one();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    assert_eq!(bytes(&mut lease), (2 * PAGE + TABLE, 0));
    assert_eq!(grow(&mut lease, |guest| &guest.grow, 1), 1);
    // Each memory alone would be within the quota of 4 pages.
    assert_eq!(grow(&mut lease, |guest| &guest.grow_other, 1), REFUSED);
    assert_eq!(bytes(&mut lease), (3 * PAGE + TABLE, PAGE));
    let elements = ((PAGE - TABLE) / size_of::<usize>() as u64) as i32;
    assert_eq!(grow(&mut lease, |guest| &guest.grow_table, elements + 1), REFUSED);
    assert_eq!(grow(&mut lease, |guest| &guest.grow_table, elements), 4);
    assert_eq!(grow(&mut lease, |guest| &guest.grow_table, 1), REFUSED);
    assert_eq!(bytes(&mut lease), (4 * PAGE, 2 * PAGE - TABLE));
    // A growth that is refused is no fault: the guest has been told, and ends well.
    lease.complete();
    assert_next_is_pristine(&pool);
}

#[test]
fn meter_1_growths_that_cannot_be_neither_use_up_the_quota_nor_give_any_back() {
    let pool = builder(&engine()).quota(8 * PAGE).fuel(u64::MAX).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    // A table of at most 100,000 elements; a memory of at most 65,536 pages.
    for _ in 0..50 {
        assert_eq!(grow(&mut lease, |guest| &guest.grow_table, 99_997), REFUSED);
        assert_eq!(grow(&mut lease, |guest| &guest.grow, 65_536), REFUSED);
    }
    assert_eq!(bytes(&mut lease), (2 * PAGE + TABLE, 0));
    for pages in 1..=5 {
        assert_eq!(grow(&mut lease, |guest| &guest.grow, 1), pages);
        assert_eq!(grow(&mut lease, |guest| &guest.grow, 65_535), REFUSED);
        assert_eq!(grow(&mut lease, |guest| &guest.grow, i32::MAX), REFUSED);
        assert_eq!(grow(&mut lease, |guest| &guest.grow_table, -1), REFUSED);
    }
    assert_eq!(bytes(&mut lease), (7 * PAGE + TABLE, 5 * PAGE));
    assert_eq!(grow(&mut lease, |guest| &guest.grow, 1), REFUSED, "the quota of 8 pages holds");
    lease.complete();
    assert_next_is_pristine(&pool);
}

#[test]
fn meter_1_the_quota_of_each_lease_is_whole() {
    let pool = pool_of_one();
    let acme = pool.principal("acme").unwrap();
    for _ in 0..10 {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        assert_eq!(grow(&mut lease, |guest| &guest.grow_other, 1), 1);
        assert_eq!(grow(&mut lease, |guest| &guest.grow_other, 1), REFUSED);
        lease.complete();
    }
    assert_next_is_pristine(&pool);
}

/// wasmtime reports these growths as failed without having asked: 2^64 elements, and a memory of
/// one-byte pages of 2^32 bytes. Taken for the growth before, each would give that one back.
#[test]
fn meter_1_a_failure_that_nobody_was_asked_about_gives_no_quota_back() {
    let mut config = Config::new();
    config.wasm_custom_page_sizes(true);
    // Elements cost fuel, and so many cost more than there can be.
    let engine = WasmEngine::builder().instances(1).quota(10_000).config(config).no_fuel();
    let engine = engine.build().unwrap();
    let wat = r#"(module
        (memory $bytes 0 (pagesize 1))
        (table $table i64 0 funcref)
        (func (export "memory") (result i32)
            (drop (memory.grow $bytes (i32.const 1000)))
            (drop (memory.grow $bytes (i32.const -1)))
            (memory.size $bytes))
        (func (export "table") (result i64)
            (drop (table.grow $table (ref.null func) (i64.const 100)))
            (drop (table.grow $table (ref.null func) (i64.const -1)))
            (table.size $table)))"#;
    let module = Module::new(engine.wasmtime(), wat).unwrap();
    let look_up = |exports: &mut Exports<'_, Meter>| {
        Ok((exports.func::<(), i32>("memory")?, exports.func::<(), i64>("table")?))
    };
    let linker = Linker::new(engine.wasmtime());
    let pool = WasmPool::module(&engine, (), &linker, &module, look_up).unwrap().max(1);
    let pool = pool.build().unwrap();
    let acme = pool.principal("acme").unwrap();

    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let sizes = [(); 20].map(|()| lease.call_blocking(|guest| &guest.0, ()).unwrap());
    assert_eq!((sizes[9], sizes[19]), (10_000, 10_000));
    lease.complete();
    let mut lease = pool.checkout_blocking(&acme).unwrap();
    let sizes = [(); 20].map(|()| lease.call_blocking(|guest| &guest.1, ()).unwrap());
    assert!(sizes[19] as usize * size_of::<usize>() <= 10_000, "{sizes:?}");
    assert!(lease.usage().bytes > 9_000);
    lease.complete();
}
