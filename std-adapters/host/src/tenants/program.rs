//! The program that tenants run, and the pool of its instances.

use std::time::Duration;

use plimsoll::{Limit, PressureRule, Registry};
use plimsoll_wasmtime::{ExportError, Exports, Meter, WasmEngine, WasmPool};
use wasmtime::{Linker, Module, TypedFunc};

use crate::Failure;
use crate::ledgers::Ledgers;

/// How the registry calls the pool.
pub(crate) const POOL: &str = "tenant_instances";

/// Instances, for all tenants.
const INSTANCES: usize = 8;
/// Instances that one tenant holds at a time.
const PER_TENANT: usize = 2;
/// What an instance may have of memory.
pub(crate) const QUOTA_BYTES: u64 = 4 << 20;
/// How long a call may run.
const DEADLINE: Duration = Duration::from_millis(100);
/// A call runs for about this much fuel before others have their turn.
const TURN_FUEL: u64 = 20_000;

/// What tenants call.
pub(super) struct Program {
    pub(super) answer: TypedFunc<i64, (i64, i64)>,
    pub(super) hoard: TypedFunc<(), i32>,
    pub(super) spin: TypedFunc<(), ()>,
}

impl Program {
    fn look_up(exports: &mut Exports<'_, Meter>) -> Result<Self, ExportError> {
        Ok(Self {
            answer: exports.func("answer")?,
            hoard: exports.func("hoard")?,
            spin: exports.func("spin")?,
        })
    }
}

/// The pool that serves the tenants.
pub(super) type Pool = WasmPool<(), Program>;

/// A pool that is told to the registry, and writes what tenants use into the ledgers.
///
/// # Errors
/// What the engine, the guest or the registry say.
pub(super) fn pool(registry: &Registry, ledgers: &Ledgers) -> Result<Pool, Failure> {
    let engine = WasmEngine::builder().instances(INSTANCES).quota(QUOTA_BYTES).build()?;
    let module = Module::new(engine.wasmtime(), include_str!("../guests/tenant.wat"))?;
    let linker = Linker::new(engine.wasmtime());
    // The instances are all in use for a moment now and then: only what lasts becomes an event.
    let limit = Limit::resource(POOL).pressure(PressureRule::held_for(Duration::from_millis(100)));
    let registry = registry.clone();
    let builder = WasmPool::module(&engine, (), &linker, &module, Program::look_up)?
        .max(INSTANCES)
        .deadline(DEADLINE)
        .yield_interval(TURN_FUEL)
        .bytes_ledger(&ledgers.memory_bytes)
        .fuel_ledger(&ledgers.tenant_fuel)
        .pool(move |pool| {
            pool.warm(INSTANCES)
                .per_principal_cap(PER_TENANT)
                // Several tasks call for a tenant, and none holds a lease while it waits for one.
                .wait_for_own_leases()
                .fault_backoff(4, Duration::from_millis(200), Duration::from_secs(2))
                .registry(&registry, limit)
        });
    Ok(builder.build()?)
}
