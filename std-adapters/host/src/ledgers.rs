//! Who has used the most, over all runs: the memory each principal has had at one time, and the
//! time it has run in all. Tenants are billed for their fuel instead.

use plimsoll::ledger::{
    LedgerError, PeakLedger, PeakPrincipal, PrincipalError, SumLedger, SumPrincipal,
};
use plimsoll::{Limit, Registry};

pub(crate) const MEMORY: &str = "guest_memory_bytes";
pub(crate) const FUEL: &str = "guest_fuel_ms";
pub(crate) const TENANT_FUEL: &str = "tenant_fuel";

/// Principals that the ledgers are made for: many more than there are here, as a host would.
const CAPACITY: usize = 1_024;

/// The ledgers of the host.
pub(crate) struct Ledgers {
    pub(crate) memory_bytes: PeakLedger,
    fuel_ms: SumLedger,
    /// In wasmtime's units, about one for each instruction.
    pub(crate) tenant_fuel: SumLedger,
}

impl Ledgers {
    pub(crate) fn new(registry: &Registry) -> Result<Self, LedgerError> {
        Ok(Self {
            memory_bytes: registry.peak_ledger(Limit::memory(MEMORY), CAPACITY)?,
            fuel_ms: registry.sum_ledger(Limit::cpu(FUEL), CAPACITY)?,
            tenant_fuel: registry.sum_ledger(Limit::cpu(TENANT_FUEL), CAPACITY)?,
        })
    }

    /// Where one principal's use is recorded.
    pub(crate) fn usage(&self, name: &str) -> Result<Usage, PrincipalError> {
        Ok(Usage {
            memory_bytes: self.memory_bytes.principal(name)?,
            fuel_ms: self.fuel_ms.principal(name)?,
        })
    }
}

/// One principal in the ledgers. Each run takes copies.
pub(crate) struct Usage {
    pub(crate) memory_bytes: PeakPrincipal,
    pub(crate) fuel_ms: SumPrincipal,
}
