//! Registration of ledgers.

use plimsoll_core::Watermarks;

use super::error::LedgerError;
use super::settings::LedgerSettings;
use super::tracked::{PeakLedger, SumLedger};
use super::window::WindowLedger;
use crate::registry::{Registration, Registry};
use crate::telemetry::{LedgerKind, Limit};

impl Registry {
    /// Registers a ledger of the largest peaks, for a number of principals, or by
    /// [settings](LedgerSettings).
    ///
    /// # Errors
    /// An invalid capacity, too little memory, an invalid name or scope, too many
    /// entries.
    pub fn peak_ledger(
        &self,
        limit: impl Into<Limit>,
        settings: impl Into<LedgerSettings>,
    ) -> Result<PeakLedger, LedgerError> {
        PeakLedger::made(Some(self.place(limit)?), settings.into(), LedgerKind::Peak)
    }

    /// Registers a ledger of the largest sums.
    ///
    /// # Errors
    /// As for [`peak_ledger`](Self::peak_ledger).
    pub fn sum_ledger(
        &self,
        limit: impl Into<Limit>,
        settings: impl Into<LedgerSettings>,
    ) -> Result<SumLedger, LedgerError> {
        SumLedger::made(Some(self.place(limit)?), settings.into(), LedgerKind::Sum)
    }

    /// Registers a ledger of the largest peaks of a window, such as the current minute.
    ///
    /// # Errors
    /// As for [`peak_ledger`](Self::peak_ledger).
    pub fn window_ledger(
        &self,
        limit: impl Into<Limit>,
        settings: impl Into<LedgerSettings>,
    ) -> Result<WindowLedger, LedgerError> {
        WindowLedger::made(Some(self.place(limit)?), settings.into())
    }

    /// A ledger has no watermarks, and makes no edges.
    fn place(&self, limit: impl Into<Limit>) -> Result<Registration, LedgerError> {
        Ok(self.reserve(limit, Watermarks::unbounded())?)
    }
}
