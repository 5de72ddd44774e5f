//! The program that all guests run, and the two pools of its instances.

use std::time::Duration;

use plimsoll::budget::Budget;
use plimsoll::catalog::SandboxLimit;
use plimsoll::ledger::{PeakLedger, SumLedger};
use plimsoll::{Limit, PressureRule, Registry};
use plimsoll_wasmtime::{ExportError, Exports, Meter, WasmEngine, WasmPool};
use wasmtime::{Linker, Module, TypedFunc};

use crate::Failure;

/// How the registry calls the pool of the tenants.
pub(crate) const TENANT_POOL: &str = "tenant_instances";
/// Instances of the streaming guests at one time.
pub(crate) const GUESTS_MAX: usize = 16;
/// Instances of the tenants at one time.
const TENANTS_MAX: usize = 8;

pub(crate) const MIB: u64 = 1 << 20;
/// What an instance of a tenant may have of memory.
pub(crate) const TENANT_BYTES: u64 = 4 * MIB;
/// The most that a streaming guest may have; each has a quota of its own.
pub(crate) const GUEST_BYTES: u64 = 16 * MIB;
/// What each instance has at its start, which is one page.
pub(crate) const START_BYTES: u64 = 64 << 10;
/// What the tenants' instances may have together: one of them can grow by 3 MiB.
const TENANTS_BYTES: u64 = TENANTS_MAX as u64 * START_BYTES + 3 * MIB;
/// What all guests may have together.
const HOST_BYTES: u64 = GUESTS_MAX as u64 * START_BYTES + GUEST_BYTES + TENANTS_BYTES;

/// How long a tenant's call may run, and how long a streaming guest may, in time of its own. The
/// latter is longer than its window: a guest in an endless loop is known to be silent before it is
/// stopped.
const TENANT_DEADLINE: Duration = Duration::from_millis(50);
pub(crate) const GUEST_DEADLINE: Duration = Duration::from_millis(500);
/// A call runs for about this much fuel before others have their turn.
const TURN_FUEL: u64 = 20_000;

/// Principals that the ledgers are made for: many more than there are here, as a host would.
const LEDGER_CAPACITY: usize = 1_024;

/// A step of a streaming guest: the time in milliseconds, to a frame and the rest after it.
pub(crate) type Step = TypedFunc<i64, (i64, i32)>;

/// What the host calls.
pub(crate) struct Program {
    pub(crate) steady: Step,
    pub(crate) burst: Step,
    pub(crate) hog: Step,
    pub(crate) spin: Step,
    pub(crate) sink: TypedFunc<i64, i32>,
    pub(crate) answer: TypedFunc<i64, (i64, i64)>,
    pub(crate) hoard: TypedFunc<(), i32>,
    pub(crate) endless: TypedFunc<(), ()>,
}

impl Program {
    fn look_up(exports: &mut Exports<'_, Meter>) -> Result<Self, ExportError> {
        Ok(Self {
            steady: exports.func("steady")?,
            burst: exports.func("burst")?,
            hog: exports.func("hog")?,
            spin: exports.func("spin")?,
            sink: exports.func("sink")?,
            answer: exports.func("answer")?,
            hoard: exports.func("hoard")?,
            endless: exports.func("loop")?,
        })
    }
}

pub(crate) type Pool = WasmPool<(), Program>;

/// Each lease has an instance that nobody has used. What the leases use is in the ledgers.
pub(crate) struct Pools {
    pub(crate) guests: Pool,
    pub(crate) tenants: Pool,
    _ledgers: (PeakLedger, SumLedger),
    /// Of all guests, and of the tenants.
    _budgets: [Budget; 2],
}

impl Pools {
    /// Compiles the program, and makes both pools on one engine.
    ///
    /// # Errors
    /// What the engine, the program or the registry say.
    pub(crate) fn new(registry: &Registry) -> Result<Self, Failure> {
        let instances = GUESTS_MAX + TENANTS_MAX;
        let engine = WasmEngine::builder().instances(instances).quota(GUEST_BYTES).build()?;
        let module = Module::new(engine.wasmtime(), include_str!("guests.wat"))?;
        let linker = Linker::new(engine.wasmtime());
        let memory = registry.peak_ledger(Limit::memory("guest_memory_bytes"), LEDGER_CAPACITY)?;
        // In wasmtime's units, about one for each instruction.
        let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), LEDGER_CAPACITY)?;
        let host_bytes = registry.budget(Limit::memory("host_memory_bytes"), HOST_BYTES)?;
        let tenant_bytes = Limit::memory("tenant_memory_bytes");
        let tenant_bytes = host_bytes.child(tenant_bytes, TENANTS_BYTES)?;
        let pool = |budget: &Budget| -> Result<_, Failure> {
            let pool = WasmPool::module(&engine, (), &linker, &module, Program::look_up)?;
            let pool = pool.budget(budget);
            Ok(pool.yield_interval(TURN_FUEL).bytes_ledger(&memory).fuel_ledger(&fuel))
        };

        let of = registry.clone();
        let guests =
            pool(&host_bytes)?.max(GUESTS_MAX).deadline(GUEST_DEADLINE).pool(move |pool| {
                // Several tasks lease for a principal, and none holds a lease while it waits for one. A
                // guest that was stopped rests anyway.
                pool.wait_for_own_leases()
                    .no_fault_backoff()
                    .registry(&of, SandboxLimit::VmProcesses)
            });
        let of = registry.clone();
        // They are all in use for a moment now and then: only what lasts becomes an event.
        let limit =
            Limit::resource(TENANT_POOL).pressure(PressureRule::hold(Duration::from_millis(100)));
        let tenants = pool(&tenant_bytes)?.max(TENANTS_MAX).quota(TENANT_BYTES);
        let tenants = tenants.deadline(TENANT_DEADLINE);
        let tenants = tenants.pool(move |pool| {
            pool.warm(TENANTS_MAX)
                .per_principal_cap(2)
                .wait_for_own_leases()
                .fault_backoff(4, Duration::from_millis(200), Duration::from_secs(2))
                .registry(&of, limit)
        });
        Ok(Self {
            guests: guests.build()?,
            tenants: tenants.build()?,
            _ledgers: (memory, fuel),
            _budgets: [host_bytes, tenant_bytes],
        })
    }

    /// Waits until no instance is left.
    ///
    /// # Errors
    /// An instance that stays.
    pub(crate) fn close(&self) -> Result<(), Failure> {
        for pool in [&self.guests, &self.tenants] {
            pool.close();
            if !pool.wait_drained(Duration::from_secs(5)) {
                return Err(format!("instances are left: {:?}", pool.counts()).into());
            }
        }
        Ok(())
    }
}
