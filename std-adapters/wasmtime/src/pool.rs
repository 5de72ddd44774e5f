//! A pool of guests.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll::pool::{
    BuildFailure, CheckoutError, Lease, Pool, PoolCounts, PoolError, PoolStats, PrincipalError,
    Shrink,
};
use plimsoll::pressure::Pressure;

use crate::allowance::{Allowance, Grant};
use crate::bill::Ledgers;
use crate::engine::WasmEngine;
use crate::error::{AllowanceError, InstantiateError};
use crate::host::Host;
use crate::lease::WasmLease;
use crate::principal::WasmPrincipal;
use crate::program::GuestManager;

/// Lends instances of one program, a core module or a component, to principals.
///
/// `H` is the [`Host`]; `X` is whatever is looked up among the guest's exports, once for each
/// instance. Clones are handles to the same pool; with the last one it closes.
///
/// ```
/// use plimsoll_wasmtime::{Exports, Meter, WasmEngine, WasmPool};
/// use wasmtime::{Linker, Module};
///
/// let engine = WasmEngine::builder().instances(4).build()?;
/// let module = Module::new(
///     engine.wasmtime(),
///     r#"(module
///         (global $calls (mut i32) (i32.const 0))
///         (func (export "count") (result i32)
///             (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
///             (global.get $calls)))"#,
/// )?;
/// let linker = Linker::new(engine.wasmtime());
/// let look_up = |exports: &mut Exports<'_, Meter>| exports.func::<(), i32>("count");
/// let pool = WasmPool::module(&engine, (), &linker, &module, look_up)?.max(4).build()?;
///
/// for principal in ["acme", "other", "acme"] {
///     let principal = pool.principal(principal)?;
///     let mut lease = pool.checkout_blocking(&principal)?;
///     assert_eq!(lease.call_blocking(|count| count, ())?, 1, "nobody has used this one");
///     lease.complete();
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WasmPool<H: Host, X: Send + Sync + 'static> {
    pool: Pool<GuestManager<H, X>>,
    terms: Arc<Terms>,
}

/// What a pool grants, and where it writes what was used.
pub(crate) struct Terms {
    pub(crate) engine: WasmEngine,
    pub(crate) grant: Grant,
    /// Bytes that an instance has from its start.
    pub(crate) start_bytes: u64,
    pub(crate) ledgers: Ledgers,
}

impl<H: Host, X: Send + Sync + 'static> WasmPool<H, X> {
    pub(crate) fn new(pool: Pool<GuestManager<H, X>>, terms: Terms) -> Self {
        Self { pool, terms: Arc::new(terms) }
    }

    /// What a principal or a lease may use, where it is not as the pool has it (METER-11).
    ///
    /// # Errors
    /// [`AllowanceError`]: above what the engine has room for, below what an instance needs, zero, or
    /// fuel where none is metered.
    pub fn allow(&self, allowance: &Allowance) -> Result<Grant, AllowanceError> {
        let terms = &self.terms;
        let grant = terms.grant.with(allowance, terms.engine.room().quota)?;
        if grant.quota < terms.start_bytes {
            let (asked, needed) = (grant.quota, terms.start_bytes);
            return Err(AllowanceError::QuotaBelowStart { asked, needed });
        }
        Ok(grant)
    }

    /// The principal of that id, of 1 to 64 bytes without control characters.
    ///
    /// # Errors
    /// An id that is too long, empty, or has a control character.
    pub fn principal(&self, id: &str) -> Result<WasmPrincipal, PrincipalError> {
        let (principal, account) = (self.pool.principal(id)?, self.terms.ledgers.account(id)?);
        Ok(WasmPrincipal::new(principal, account))
    }

    /// The principal of that id, whose leases may use what [`allow`](Self::allow) has granted. Of a grant of
    /// another engine's pool, what this pool's engine has no room for is not granted.
    ///
    /// # Errors
    /// As of [`principal`](Self::principal).
    pub fn principal_with(&self, id: &str, grant: &Grant) -> Result<WasmPrincipal, PrincipalError> {
        Ok(self.principal(id)?.granted(grant))
    }

    /// Leases an instance, and waits for one as a task.
    ///
    /// # Errors
    /// Any [`CheckoutError`] but `Exhausted`.
    ///
    /// # Panics
    /// If [`Host::lease`] panics; the instance is discarded.
    ///
    /// # Cancellation
    /// Safe: the place in the line is given up, and an instance that was granted goes to the next.
    pub async fn checkout<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        self.checkout_with(principal, self.grant_of(principal)).await
    }

    /// Leases an instance for a lease that may use what [`allow`](Self::allow) has granted (METER-11). An
    /// instance that earlier leases have grown above the quota is discarded, and another one is leased. Of a grant
    /// of another engine's pool, what this pool's engine has no room for is not granted.
    ///
    /// # Errors
    /// As of [`checkout`](Self::checkout).
    ///
    /// # Panics
    /// As of [`checkout`](Self::checkout).
    ///
    /// # Cancellation
    /// As of [`checkout`](Self::checkout).
    pub async fn checkout_with<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
        grant: &Grant,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        loop {
            let lease = self.pool.checkout(principal.in_pool()).await?;
            if Self::fits(&lease, grant)? {
                return Ok(WasmLease::begin(lease, principal, grant));
            }
        }
    }

    /// Leases an instance, and blocks the thread until there is one.
    ///
    /// # Errors
    /// Any [`CheckoutError`] but `Exhausted`.
    ///
    /// # Panics
    /// If [`Host::lease`] panics; the instance is discarded.
    pub fn checkout_blocking<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        self.checkout_blocking_with(principal, self.grant_of(principal))
    }

    /// [`checkout_with`](Self::checkout_with), blocking the thread until there is an instance.
    ///
    /// # Errors
    /// As of [`checkout_blocking`](Self::checkout_blocking).
    ///
    /// # Panics
    /// As of [`checkout_blocking`](Self::checkout_blocking).
    pub fn checkout_blocking_with<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
        grant: &Grant,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        Self::begin(principal, grant, || self.pool.checkout_blocking(principal.in_pool()))
    }

    /// [`checkout_blocking`](Self::checkout_blocking), for so long at most, whatever the pool's own timeout.
    ///
    /// # Errors
    /// Any [`CheckoutError`] but `Exhausted`.
    ///
    /// # Panics
    /// As of [`checkout_blocking`](Self::checkout_blocking).
    pub fn checkout_blocking_for<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
        timeout: Duration,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        let began = Instant::now();
        Self::begin(principal, self.grant_of(principal), || {
            let left = timeout.saturating_sub(began.elapsed());
            self.pool.checkout_blocking_for(principal.in_pool(), left)
        })
    }

    /// Leases an instance if one is idle and nobody waits.
    ///
    /// # Errors
    /// As of [`Pool::try_checkout`].
    ///
    /// # Panics
    /// If [`Host::lease`] panics; the instance is discarded.
    pub fn try_checkout<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        self.try_checkout_with(principal, self.grant_of(principal))
    }

    /// [`checkout_with`](Self::checkout_with), if an instance is idle and nobody waits.
    ///
    /// # Errors
    /// As of [`Pool::try_checkout`].
    ///
    /// # Panics
    /// As of [`try_checkout`](Self::try_checkout).
    pub fn try_checkout_with<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
        grant: &Grant,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        Self::begin(principal, grant, || self.pool.try_checkout(principal.in_pool()))
    }

    #[inline]
    fn grant_of<'a>(&'a self, principal: &'a WasmPrincipal) -> &'a Grant {
        principal.grant().unwrap_or(&self.terms.grant)
    }

    /// Begins a lease of the first instance that may be lent under this grant.
    #[inline]
    fn begin<'a>(
        principal: &'a WasmPrincipal,
        grant: &Grant,
        mut checkout: impl FnMut() -> Result<Lease<'a, GuestManager<H, X>>, CheckoutError>,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        loop {
            let lease = checkout()?;
            if Self::fits(&lease, grant)? {
                return Ok(WasmLease::begin(lease, principal, grant));
            }
        }
    }

    /// Whether an instance may be lent under this grant: not if earlier leases have grown it above the
    /// quota. Then it is discarded, and another one is to be found.
    #[inline]
    fn fits(lease: &Lease<'_, GuestManager<H, X>>, grant: &Grant) -> Result<bool, CheckoutError> {
        let needed = lease.running.bytes();
        if needed <= grant.quota {
            return Ok(true);
        }
        Self::too_large(lease.uses(), needed, grant.quota)
    }

    #[cold]
    fn too_large(uses: u32, needed: u64, quota: u64) -> Result<bool, CheckoutError> {
        if uses > 1 {
            return Ok(false);
        }
        // Its start function has grown it by more than in the first one.
        let cause = BuildFailure::Manager(Arc::new(InstantiateError::OverQuota { needed, quota }));
        Err(CheckoutError::BuildFailed { cause })
    }

    /// Changes how many idle instances are kept; see [`Pool::set_warm`].
    ///
    /// # Errors
    /// More than the pool's maximum.
    pub fn set_warm(&self, idle: usize) -> Result<(), PoolError> {
        self.pool.set_warm(idle)
    }

    /// Changes how many instances there are at least; see [`Pool::set_min`].
    ///
    /// # Errors
    /// More than the pool's maximum.
    pub fn set_min(&self, instances: usize) -> Result<(), PoolError> {
        self.pool.set_min(instances)
    }

    /// Keeps fewer idle instances while `pressure` is on; see [`Pool::shrink_under`].
    ///
    /// # Errors
    /// An idle age of zero.
    pub fn shrink_under(&self, pressure: &Pressure, shrink: Shrink) -> Result<(), PoolError> {
        self.pool.shrink_under(pressure, shrink)
    }

    /// Ends [`shrink_under`](Self::shrink_under); see [`Pool::shrink_never`].
    pub fn shrink_never(&self) {
        self.pool.shrink_never();
    }

    /// Retires all instances that are idle now; see [`Pool::drop_idle`].
    ///
    /// # Returns
    /// How many there were.
    pub fn drop_idle(&self) -> usize {
        self.pool.drop_idle()
    }

    /// Whether the pool is closed.
    pub fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    /// Closes the pool: checkouts fail from here on, and what comes back is destroyed. Its room on the engine
    /// is free once it is [drained](Self::drained). See [`Pool::close`].
    ///
    /// # Returns
    /// Whether this call has closed it.
    pub fn close(&self) -> bool {
        self.pool.close()
    }

    /// Resolves when the pool is closed and no instance is left.
    pub async fn drained(&self) {
        self.pool.drained().await;
    }

    /// Blocks until the pool is closed and no instance is left.
    ///
    /// # Returns
    /// `false` if `timeout` passed first.
    pub fn wait_drained(&self, timeout: Duration) -> bool {
        self.pool.wait_drained(timeout)
    }

    /// How many instances are in which state.
    pub fn counts(&self) -> PoolCounts {
        self.pool.counts()
    }

    /// What the pool has done.
    pub fn stats(&self) -> PoolStats {
        self.pool.stats()
    }
}

impl<H: Host, X: Send + Sync + 'static> Clone for WasmPool<H, X> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), terms: self.terms.clone() }
    }
}

impl<H: Host, X: Send + Sync + 'static> fmt::Debug for WasmPool<H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmPool");
        debug.field("pool", &self.pool).field("grant", &self.terms.grant).finish_non_exhaustive()
    }
}
