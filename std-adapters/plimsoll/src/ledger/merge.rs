//! Merging ledgers.

use plimsoll_core::ledger::{Peak, PeakLedger as CorePeaks, Sum, SumLedger as CoreSums};

use super::error::LedgerError;
use super::settings::Sets;
use super::tracked::{BoxedLedger, Ledger, PeakLedger, SumLedger, boxed};

impl Ledger<Peak> {
    /// Takes over all that another ledger has seen: afterwards this one promises what it would if
    /// all of it had been recorded here. Both may be recorded into meanwhile.
    ///
    /// Of ledgers with the same seed and capacity, the certificate loses nothing; of others it
    /// covers fewer.
    pub fn merge(&self, other: &PeakLedger) {
        self.0.core.merge(&other.0.core);
    }

    /// One ledger of what both have seen, registered nowhere; both stay as they are.
    ///
    /// # Errors
    /// [`LedgerError::OutOfMemory`].
    pub fn merged_with(&self, other: &PeakLedger) -> Result<BoxedLedger<Peak>, LedgerError> {
        let both: CorePeaks<Sets> = boxed(&self.0.settings)?;
        both.merge(&self.0.core);
        both.merge(&other.0.core);
        Ok(both)
    }
}

impl Ledger<Sum> {
    /// One ledger of what both have seen, registered nowhere; both stay as they are. Sums and
    /// errors add up, and what one of them does not track it may have had up to its floor (Agarwal
    /// et al. 2012, "Mergeable summaries").
    ///
    /// Of ledgers with the same seed and capacity, bounds add up set by set; of others, errors are
    /// larger. What is recorded meanwhile is counted in or not.
    ///
    /// # Errors
    /// [`LedgerError::OutOfMemory`].
    pub fn merged_with(&self, other: &SumLedger) -> Result<BoxedLedger<Sum>, LedgerError> {
        let mut both: CoreSums<Sets> = boxed(&self.0.settings)?;
        both.merge(&self.0.core);
        both.merge(&other.0.core);
        Ok(both)
    }
}
