//! Tenants: the principals whose instances the slots hold.

use crate::error_type::error_type;

/// The number of a principal, as a pool's slots know it: 1 to 2^40 - 1, or [`NONE`](Self::NONE).
///
/// Numbers are the caller's to give out; one that is given to a second principal gives that one the
/// first one's instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(u64);

impl Tenant {
    /// Nobody: of an instance that has run no tenant yet, or is shared by all.
    pub const NONE: Tenant = Tenant(0);

    /// The largest number.
    pub const MAX: Tenant = Tenant((1 << 40) - 1);

    /// The tenant of this number.
    ///
    /// # Errors
    /// The number is 0, which stands for no tenant, or above that of [`MAX`](Self::MAX).
    pub const fn new(number: u64) -> Result<Tenant, TenantError> {
        if number == Self::NONE.0 || number > Self::MAX.0 {
            return Err(TenantError { number });
        }
        Ok(Tenant(number))
    }

    /// Its number; 0 for nobody.
    #[inline(always)]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether this is [`NONE`](Self::NONE).
    #[inline(always)]
    pub const fn is_none(self) -> bool {
        self.0 == Self::NONE.0
    }

    /// Of a number that has been checked.
    #[inline(always)]
    pub(super) const fn from_field(number: u64) -> Tenant {
        Tenant(number)
    }
}

error_type! {
    /// A number that is no tenant's.
    #[error("the number of a tenant is 1 to {} (got {number})", Tenant::MAX.get())]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TenantError {
        /// The number.
        pub number: u64,
    }
}
