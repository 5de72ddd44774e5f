//! Errors of a pool's slots.

use core::fmt;

use super::tenant::Tenant;
use super::token::{Leased, PoolId, Token};
use crate::error_type::error_type;

error_type! {
    /// Why slots could not be made.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum PoolSlotsError {
        /// There are none.
        #[error("a pool has at least 1 slot (got 0)")]
        NoSlots,
        /// There are more than a [`SlotId`](super::SlotId) can number.
        #[error("a pool has up to {max} slots (got {slots})")]
        TooManySlots {
            /// How many there were.
            slots: usize,
            /// How many there may be.
            max: u64,
        },
    }
}

pub(super) const SLOTS_MAX: u64 = u32::MAX as u64;

pub(super) const fn check_slots(slots: usize) -> Result<(), PoolSlotsError> {
    match slots {
        0 => Err(PoolSlotsError::NoSlots),
        _ if slots as u64 > SLOTS_MAX => {
            Err(PoolSlotsError::TooManySlots { slots, max: SLOTS_MAX })
        }
        _ => Ok(()),
    }
}

/// A token was given to a pool that has not made it. The pool is as it was before.
#[derive(Debug, PartialEq, Eq)]
pub struct ForeignToken<T> {
    /// The token, for the pool that has made it.
    pub token: T,
    /// The pool that it was given to.
    pub pool: PoolId,
}

impl<T: Token> fmt::Display for ForeignToken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (slot, maker) = (self.token.held().slot().index(), self.token.pool().get());
        let pool = self.pool.get();
        write!(f, "a token of slot {slot} of pool {maker} does not fit into pool {pool}")
    }
}

impl<T: Token + fmt::Debug> core::error::Error for ForeignToken<T> {}

error_type! {
    /// Why a lease could not be claimed for a tenant. The lease goes on.
    #[derive(Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum ClaimError {
        /// It is another pool's.
        #[error(transparent)]
        Foreign(ForeignToken<Leased>),
        /// The slot is another tenant's already (POOL-10).
        #[error(
            "slot {} is tenant {}'s, and not tenant {}'s",
            lease.slot().index(),
            lease.tenant().get(),
            tenant.get()
        )]
        Claimed {
            /// The lease as it was.
            lease: Leased,
            /// Who has asked for it.
            tenant: Tenant,
        },
    }
    source = Self::foreign
}

impl ClaimError {
    fn foreign(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Foreign(foreign) => Some(foreign),
            Self::Claimed { .. } => None,
        }
    }

    /// The lease, to be used or given back as before.
    pub fn into_lease(self) -> Leased {
        match self {
            Self::Foreign(foreign) => foreign.token,
            Self::Claimed { lease, .. } => lease,
        }
    }
}

error_type! {
    /// The pool takes no more arrivals.
    #[error("the pool is closed")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PoolClosed;
}
