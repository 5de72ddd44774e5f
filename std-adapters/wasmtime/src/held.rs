//! The holdings of a lease.

use std::ops::{Deref, DerefMut};

use plimsoll::pool::{Lease, OwnedLease};

use crate::bill::Account;
use crate::host::Host;
use crate::principal::WasmPrincipal;
use crate::program::{Guest, GuestManager};

/// The instance and for whom it is lent, with or without a borrow of the pool.
pub(crate) enum Held<'a, H: Host, X: Send + Sync + 'static> {
    Borrowed(Lease<'a, GuestManager<H, X>>, &'a WasmPrincipal),
    /// Boxed, so that a lease that borrows is small: each is moved several times.
    Owned(Box<(OwnedLease<GuestManager<H, X>>, WasmPrincipal)>),
}

impl<H: Host, X: Send + Sync + 'static> Held<'_, H, X> {
    #[inline(always)]
    pub(crate) fn complete(self) {
        match self {
            Self::Borrowed(lease, _) => lease.complete(),
            Self::Owned(owned) => owned.0.complete(),
        }
    }

    pub(crate) fn fault(self) {
        match self {
            Self::Borrowed(lease, _) => lease.fault(),
            Self::Owned(owned) => owned.0.fault(),
        }
    }

    pub(crate) fn discard(self) {
        match self {
            Self::Borrowed(lease, _) => lease.discard(),
            Self::Owned(owned) => owned.0.discard(),
        }
    }

    pub(crate) fn uses(&self) -> u32 {
        match self {
            Self::Borrowed(lease, _) => lease.uses(),
            Self::Owned(owned) => owned.0.uses(),
        }
    }

    pub(crate) fn principal(&self) -> &WasmPrincipal {
        match self {
            Self::Borrowed(_, principal) => principal,
            Self::Owned(owned) => &owned.1,
        }
    }

    /// The guest, and who pays.
    pub(crate) fn parts(&mut self) -> (&mut Guest<H, X>, &Account) {
        match self {
            Self::Borrowed(lease, principal) => (lease, principal.account()),
            Self::Owned(owned) => (&mut owned.0, owned.1.account()),
        }
    }
}

impl<H: Host, X: Send + Sync + 'static> Deref for Held<'_, H, X> {
    type Target = Guest<H, X>;

    #[inline]
    fn deref(&self) -> &Guest<H, X> {
        match self {
            Self::Borrowed(lease, _) => lease,
            Self::Owned(owned) => &owned.0,
        }
    }
}

impl<H: Host, X: Send + Sync + 'static> DerefMut for Held<'_, H, X> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Guest<H, X> {
        match self {
            Self::Borrowed(lease, _) => lease,
            Self::Owned(owned) => &mut owned.0,
        }
    }
}
