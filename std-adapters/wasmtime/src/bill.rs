//! The charges of principals, and the ledgers that get them.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use plimsoll::ledger::{
    PeakLedger, PeakPrincipal, PrincipalError as LedgerPrincipalError, SumLedger, SumPrincipal,
};
use plimsoll::pool::PrincipalError;

use crate::running::Running;

/// What a lease has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Fuel, to within a yield interval if the guest did not return; 0 if the engine meters none. On its
    /// caller's stack, a guest that is ended by its deadline or most traps has used all of it: see
    /// [`Meter::run`](crate::Meter::run).
    pub fuel: u64,
    /// Bytes of all memories, tables and GC heaps. They never shrink, so this is the lease's peak.
    pub bytes: u64,
    /// Bytes by which they grew in the lease, or since [`Meter::charge_to`](crate::Meter::charge_to) in it.
    pub grown_bytes: u64,
}

/// The ledgers that usage is written to; none by default.
///
/// ```
/// use plimsoll::{Limit, Registry};
/// use plimsoll_wasmtime::Ledgers;
///
/// let registry = Registry::new();
/// let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 64)?;
/// let account = Ledgers::default().fuel(&fuel).account("acme")?;
/// # let _ = account;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "it has no effect until it is used"]
pub struct Ledgers {
    pub(crate) bytes: Option<PeakLedger>,
    pub(crate) growth: Option<PeakLedger>,
    pub(crate) fuel: Option<SumLedger>,
}

/// A principal's places in them.
struct Places {
    bytes: Option<PeakPrincipal>,
    growth: Option<PeakPrincipal>,
    fuel: Option<SumPrincipal>,
}

/// A principal's account in some [`Ledgers`]; by default it pays nothing.
#[derive(Clone, Default)]
pub struct Account(Option<Arc<Known>>);

struct Known {
    ledgers: Ledgers,
    id: Box<str>,
    places: Mutex<Places>,
}

impl Ledgers {
    /// Records the size of the store, what was there before the lease included (METER-2).
    pub fn bytes(mut self, ledger: &PeakLedger) -> Self {
        self.bytes = Some(ledger.clone());
        self
    }

    /// Records by how much the lease has grown the store (METER-2).
    pub fn growth(mut self, ledger: &PeakLedger) -> Self {
        self.growth = Some(ledger.clone());
        self
    }

    /// Records the fuel (METER-4).
    pub fn fuel(mut self, ledger: &SumLedger) -> Self {
        self.fuel = Some(ledger.clone());
        self
    }

    /// A principal's account.
    ///
    /// # Errors
    /// [`PrincipalError`], if that is no principal's id.
    pub fn account(&self, id: &str) -> Result<Account, PrincipalError> {
        if self.bytes.is_none() && self.growth.is_none() && self.fuel.is_none() {
            return Ok(Account(None));
        }
        let peak = |ledger: &Option<PeakLedger>| {
            ledger.as_ref().map(|ledger| ledger.principal(id)).transpose()
        };
        let fuel = self.fuel.as_ref().map(|ledger| ledger.principal(id)).transpose();
        let places = Mutex::new(Places {
            bytes: peak(&self.bytes).map_err(from_ledger)?,
            growth: peak(&self.growth).map_err(from_ledger)?,
            fuel: fuel.map_err(from_ledger)?,
        });
        Ok(Account(Some(Arc::new(Known { ledgers: self.clone(), id: id.into(), places }))))
    }
}

/// Both ask the same of an id.
fn from_ledger(error: LedgerPrincipalError) -> PrincipalError {
    match error {
        LedgerPrincipalError::TooLong { bytes } => PrincipalError::Length { bytes },
        LedgerPrincipalError::ControlCharacter { at } => PrincipalError::Character { at },
        // Empty.
        _ => PrincipalError::Length { bytes: 0 },
    }
}

impl Account {
    /// Whether anything is written for it.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Charges what has grown since this was last asked, while the store is with its guest (METER-10).
    #[inline]
    pub(crate) fn charge_growth(&self, running: &Running) {
        if self.is_open() && running.take_growth() {
            let (bytes, grown_bytes) = (running.bytes(), running.grown_bytes());
            self.charge(Usage { fuel: 0, bytes, grown_bytes });
        }
    }

    /// Charges what a lease has used (METER-2, METER-4).
    #[inline]
    pub(crate) fn charge(&self, usage: Usage) {
        if let Some(known) = &self.0 {
            known.charge(usage);
        }
    }
}

impl Known {
    fn charge(&self, usage: Usage) {
        // Another thread may charge the same principal: then the ledger is asked where it is.
        match self.places.try_lock() {
            Some(mut places) => places.record(usage),
            None => self.ledgers.record(&self.id, usage),
        }
    }
}

impl Places {
    fn record(&mut self, usage: Usage) {
        if let Some(bytes) = &mut self.bytes {
            bytes.record(usage.bytes);
        }
        if let Some(growth) = &mut self.growth {
            growth.record(usage.grown_bytes);
        }
        if let Some(fuel) = self.fuel.as_mut().filter(|_| usage.fuel > 0) {
            fuel.record(usage.fuel);
        }
    }
}

impl Ledgers {
    #[cold]
    fn record(&self, id: &str, usage: Usage) {
        let peaks = [(&self.bytes, usage.bytes), (&self.growth, usage.grown_bytes)];
        for (ledger, amount) in peaks {
            if let Some(ledger) = ledger {
                // The id was taken when the account was opened.
                let _ = ledger.record(id, amount);
            }
        }
        if let Some(fuel) = self.fuel.as_ref().filter(|_| usage.fuel > 0) {
            let _ = fuel.record(id, usage.fuel);
        }
    }
}

impl fmt::Debug for Ledgers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Ledgers");
        debug.field("bytes", &self.bytes.is_some()).field("growth", &self.growth.is_some());
        debug.field("fuel", &self.fuel.is_some()).finish()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Account").field(&self.0.as_ref().map(|known| &known.id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll::ledger::Lookup;
    use plimsoll::{Limit, Registry};

    #[test]
    fn meter_4_a_charge_is_written_also_while_another_is() {
        let registry = Registry::new();
        let fuel = registry.sum_ledger(Limit::cpu("fuel"), 8).unwrap();
        let growth = registry.peak_ledger(Limit::memory("growth"), 8).unwrap();
        let ledgers =
            Ledgers { bytes: None, growth: Some(growth.clone()), fuel: Some(fuel.clone()) };
        let account = ledgers.account("acme").unwrap();
        account.charge(Usage { fuel: 5, bytes: 900, grown_bytes: 7 });
        let other_thread = account.0.as_ref().unwrap().places.lock();
        account.charge(Usage { fuel: 6, bytes: 900, grown_bytes: 3 });
        drop(other_thread);
        assert_eq!(fuel.get("acme").unwrap(), Lookup::Present { value: 11, error: 0 });
        assert_eq!(growth.get("acme").unwrap(), Lookup::Present { value: 7, error: 0 });
    }

    #[test]
    fn an_id_that_is_none_is_refused_in_the_pools_words() {
        let registry = Registry::new();
        let fuel = registry.sum_ledger(Limit::cpu("fuel"), 8).unwrap();
        let ledgers = Ledgers { fuel: Some(fuel), ..Ledgers::default() };
        let error = |id: &str| ledgers.account(id).err();
        assert_eq!(error(""), Some(PrincipalError::Length { bytes: 0 }));
        assert_eq!(error(&"x".repeat(65)), Some(PrincipalError::Length { bytes: 65 }));
        assert_eq!(error("a\n"), Some(PrincipalError::Character { at: 1 }));
        assert!(Ledgers::default().account("").is_ok(), "nobody asks");
    }
}
