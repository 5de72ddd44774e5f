//! Principals of a pool of guests.

use std::fmt;
use std::sync::Arc;

use plimsoll::pool::Principal;

use crate::allowance::Grant;
use crate::bill::Account;

/// Whom a [`WasmPool`](crate::WasmPool) lends to: with its account in the pool's ledgers, and what its leases may use.
///
/// Keep it where a principal comes often. Clones are the same principal.
#[derive(Clone)]
pub struct WasmPrincipal {
    principal: Principal,
    account: Account,
    /// Not part of this, so that a handle is small.
    grant: Option<Arc<Grant>>,
}

impl WasmPrincipal {
    pub(crate) fn new(principal: Principal, account: Account) -> Self {
        Self { principal, account, grant: None }
    }

    pub(crate) fn granted(self, grant: &Grant) -> Self {
        Self { grant: Some(Arc::new(*grant)), ..self }
    }

    /// What its leases may use, if that is not as the pool has it.
    #[inline]
    pub(crate) fn grant(&self) -> Option<&Grant> {
        self.grant.as_deref()
    }

    /// As the pool below knows it.
    #[inline]
    pub(crate) fn in_pool(&self) -> &Principal {
        &self.principal
    }

    /// The id.
    pub fn id(&self) -> &str {
        self.principal.id()
    }

    /// How many faults are held against it.
    pub fn faults(&self) -> u32 {
        self.principal.faults()
    }

    #[inline]
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }
}

impl fmt::Debug for WasmPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.principal.fmt(f)
    }
}
