//! Entries that were evicted or removed.

use plimsoll_core::ledger::Aggregate;
use plimsoll_core::ledger::{Entry, Recorded};

use super::error::PrincipalError;
use super::id::PrincipalId;
use super::tracked::Ledger;

impl<A: Aggregate> Ledger<A> {
    /// Records as [`record`](Self::record) does, and says who had to go for it (LEDGER-12).
    ///
    /// # Returns
    /// What it did; and the entry that was evicted, if one was, as it was when it went.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    ///
    /// ```
    /// use plimsoll::ledger::{LedgerSettings, PeakLedger, PrincipalError};
    ///
    /// let heaps = PeakLedger::new(LedgerSettings::exact(1)).expect("one entry");
    /// heaps.record("acme", 100)?;
    /// let (_, evicted) = heaps.record_evicting("globex", 300)?;
    /// let evicted = evicted.expect("there is room for one");
    /// assert_eq!((evicted.key().as_str(), evicted.value()), (Some("acme"), 100));
    /// # Ok::<(), PrincipalError>(())
    /// ```
    pub fn record_evicting<'k, P>(
        &self,
        principal: P,
        amount: u64,
    ) -> Result<(Recorded, Option<Entry>), PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        let id = principal.try_into()?;
        let (recorded, evicted) = self.0.core.record_evicting(id.key(), amount);
        Ok((self.0.noted(recorded, amount), evicted))
    }

    /// Removes a principal that is gone, and forgets what was recorded for it: it is not listed any
    /// more, and comes back as one that was never seen.
    ///
    /// Its slot stays at its value, without an owner, until a newcomer with more takes it: floors do not fall
    /// (LEDGER-5). Where principals leave all the time, a [`WindowLedger`](super::WindowLedger) fits
    /// better: there the slot is free for everybody from the next window on.
    ///
    /// # Returns
    /// The entry as it was; `None` if the principal was not tracked.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    ///
    /// # Progress
    /// Lock-free, without allocation.
    pub fn remove<'k, P>(&self, principal: P) -> Result<Option<Entry>, PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        let id = principal.try_into()?;
        Ok(self.0.core.remove(id.key()))
    }
}
