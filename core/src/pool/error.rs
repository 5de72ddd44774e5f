//! What a pool's slots refuse.

use core::fmt;

use super::tenant::Tenant;
use super::token::{Leased, PoolId, Token};

/// Why slots could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolSlotsError {
    /// There are none.
    NoSlots,
    /// There are more than a [`SlotId`](super::SlotId) can number.
    TooManySlots {
        /// How many there were.
        slots: usize,
        /// How many there may be.
        max: u64,
    },
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

impl fmt::Display for PoolSlotsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSlots => f.write_str("a pool has at least 1 slot (got 0)"),
            Self::TooManySlots { slots, max } => {
                write!(f, "a pool has up to {max} slots (got {slots})")
            }
        }
    }
}

impl core::error::Error for PoolSlotsError {}

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

/// Why a lease could not be claimed for a tenant. The lease goes on.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// It is another pool's.
    Foreign(ForeignToken<Leased>),
    /// The slot is another tenant's already (POOL-10).
    Claimed {
        /// The lease as it was.
        lease: Leased,
        /// Who has asked for it.
        tenant: Tenant,
    },
}

impl ClaimError {
    /// The lease, to be used or given back as before.
    pub fn into_lease(self) -> Leased {
        match self {
            Self::Foreign(foreign) => foreign.token,
            Self::Claimed { lease, .. } => lease,
        }
    }
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(foreign) => foreign.fmt(f),
            Self::Claimed { lease, tenant } => {
                let (slot, owner) = (lease.slot().index(), lease.tenant().get());
                write!(f, "slot {slot} is tenant {owner}'s, and not tenant {}'s", tenant.get())
            }
        }
    }
}

impl core::error::Error for ClaimError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Foreign(foreign) => Some(foreign),
            Self::Claimed { .. } => None,
        }
    }
}

/// The pool takes no more arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolClosed;

impl fmt::Display for PoolClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool is closed")
    }
}

impl core::error::Error for PoolClosed {}
