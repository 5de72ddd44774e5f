//! A principal that remembers its slot.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use plimsoll_core::ledger::{Aggregate, Peak, Sum};
use plimsoll_core::ledger::{Entry, Key, LedgerHandle, Lookup, Recorded};

use super::error::PrincipalError;
use super::id::PrincipalId;
use super::tracked::{BoxedLedger, Ledger, Shared};

/// A principal of a [`PeakLedger`](super::PeakLedger).
pub type PeakPrincipal = Principal<Peak>;

/// A principal of a [`SumLedger`](super::SumLedger).
pub type SumPrincipal = Principal<Sum>;

/// A principal of a ledger, with the slot where it was last found: a record costs a few
/// nanoseconds. It stays right when the slot changes hands.
///
/// It is for one thread at a time; a principal may have several. It keeps the ledger registered.
///
/// ```
/// use plimsoll::{Limit, Registry};
///
/// let registry = Registry::new();
/// let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 1_024)?;
/// let mut guest = fuel.principal("guest-7")?;
/// guest.record(1_000);
/// guest.record(500);
/// assert_eq!(guest.get().value(), Some(1_500));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Principal<A> {
    shared: Arc<Shared<A>>,
    handle: LedgerHandle<Lead<A>>,
}

/// Leads to the core's ledger, and keeps it.
struct Lead<A>(Arc<Shared<A>>);

impl<A> Deref for Lead<A> {
    type Target = BoxedLedger<A>;

    #[inline(always)]
    fn deref(&self) -> &BoxedLedger<A> {
        &self.0.core
    }
}

impl<A> Clone for Lead<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Aggregate> Ledger<A> {
    /// A principal that remembers its slot, for code that records again and again.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    pub fn principal<'k, P>(&self, principal: P) -> Result<Principal<A>, PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        let id = principal.try_into()?;
        Ok(Principal::new(&self.0, id.key().into()))
    }
}

impl<A: Aggregate> Principal<A> {
    pub(super) fn new(shared: &Arc<Shared<A>>, key: Key) -> Self {
        let handle = LedgerHandle::new(Lead(shared.clone()), key);
        Self { shared: shared.clone(), handle }
    }

    /// Records an amount, as [`Ledger::record`](super::Ledger::record) does.
    ///
    /// # Progress
    /// Lock-free.
    #[inline]
    pub fn record(&mut self, amount: u64) -> Recorded {
        self.shared.noted(self.handle.record(amount), amount)
    }

    /// Records as [`Ledger::record_evicting`](super::Ledger::record_evicting) does.
    pub fn record_evicting(&mut self, amount: u64) -> (Recorded, Option<Entry>) {
        let (recorded, evicted) = self.handle.record_evicting(amount);
        (self.shared.noted(recorded, amount), evicted)
    }

    /// Removes the principal, as [`Ledger::remove`](super::Ledger::remove) does.
    pub fn remove(&mut self) -> Option<Entry> {
        self.handle.remove()
    }

    /// What was recorded for the principal, here and elsewhere.
    pub fn get(&self) -> Lookup {
        self.handle.get()
    }

    /// Whose it is.
    pub fn key(&self) -> &Key {
        self.handle.key()
    }
}

impl<A> Clone for Principal<A> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), handle: self.handle.clone() }
    }
}

impl<A: Aggregate> fmt::Debug for Principal<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Principal");
        debug.field("key", self.key()).field("recorded", &self.get()).finish_non_exhaustive()
    }
}
