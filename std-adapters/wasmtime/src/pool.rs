//! A pool of guests.

use std::fmt;
use std::time::Duration;

use super::bill::{Account, Ledgers};
use super::builder::WasmPoolBuilder;
use super::engine::WasmEngine;
use super::error::{ExportError, ProgramError};
use super::exports::{ComponentExports, Exports};
use super::host::{Host, HostState};
use super::lease::WasmLease;
use super::meter::{Allowance, Usage};
use super::program::{GuestManager, Program};
use plimsoll::pool::{CheckoutError, Pool, PoolCounts, PoolStats, Principal, PrincipalError};

/// Lends instances of one program, a core module or a component, to principals.
///
/// `H` is the [`Host`]; `X` is whatever is looked up among the guest's exports, once for each
/// instance. Clones are handles to the same pool; with the last one it closes.
///
/// ```
/// use plimsoll_wasmtime::{WasmEngine, WasmPool};
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
/// let look_up = |exports: &mut plimsoll_wasmtime::Exports<'_, ()>| exports.func::<(), i32>("count");
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
    allowance: Allowance,
    ledgers: Ledgers,
}

/// Somebody whom a [`WasmPool`] lends to, with their account in the pool's ledgers.
///
/// Keep it where a principal comes often. Clones are the same principal.
#[derive(Clone)]
pub struct WasmPrincipal {
    principal: Principal,
    account: Account,
}

impl<H: Host, X: Send + Sync + 'static> WasmPool<H, X> {
    /// Settings for a pool of a core module. `look_up` finds the exports of each instance.
    ///
    /// # Errors
    /// [`ProgramError`]: more memories or tables than the engine allows, an import that the linker
    /// does not have, a module or linker of another engine.
    pub fn module(
        engine: &WasmEngine,
        host: H,
        linker: &wasmtime::Linker<HostState<H>>,
        module: &wasmtime::Module,
        look_up: impl Fn(&mut Exports<'_, H>) -> Result<X, ExportError> + Send + Sync + 'static,
    ) -> Result<WasmPoolBuilder<H, X>, ProgramError> {
        let program = Program::core(engine, linker, module, Box::new(look_up))?;
        Ok(WasmPoolBuilder::new(engine, host, program))
    }

    /// Settings for a pool of a component. `look_up` finds the exports of each instance.
    ///
    /// # Errors
    /// [`ProgramError`]: more memories or tables than the engine allows, an import that the linker
    /// does not have, a component or linker of another engine.
    pub fn component<F>(
        engine: &WasmEngine,
        host: H,
        linker: &wasmtime::component::Linker<HostState<H>>,
        component: &wasmtime::component::Component,
        look_up: F,
    ) -> Result<WasmPoolBuilder<H, X>, ProgramError>
    where
        F: Fn(&mut ComponentExports<'_, H>) -> Result<X, ExportError> + Send + Sync + 'static,
    {
        let program = Program::component(engine, linker, component, Box::new(look_up))?;
        Ok(WasmPoolBuilder::new(engine, host, program))
    }

    pub(super) fn new(
        pool: Pool<GuestManager<H, X>>,
        allowance: Allowance,
        ledgers: Ledgers,
    ) -> Self {
        Self { pool, allowance, ledgers }
    }

    /// The principal of that id, of 1 to 64 bytes without control characters.
    ///
    /// # Errors
    /// An id that can not be.
    pub fn principal(&self, id: &str) -> Result<WasmPrincipal, PrincipalError> {
        let (principal, account) = (self.pool.principal(id)?, self.ledgers.account(id)?);
        Ok(WasmPrincipal { principal, account })
    }

    /// Leases an instance, and waits for one as a task.
    ///
    /// # Errors
    /// Any [`CheckoutError`] but `Exhausted`.
    ///
    /// # Cancellation
    /// Safe: the place in the line is given up, and an instance that was granted goes to the next.
    pub async fn checkout<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        let lease = self.pool.checkout(&principal.principal).await?;
        Ok(WasmLease::begin(lease, principal, self.allowance))
    }

    /// Leases an instance, and blocks the thread until there is one.
    ///
    /// # Errors
    /// Any [`CheckoutError`] but `Exhausted`.
    pub fn checkout_blocking<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        let lease = self.pool.checkout_blocking(&principal.principal)?;
        Ok(WasmLease::begin(lease, principal, self.allowance))
    }

    /// Leases an instance if one is idle and nobody waits.
    ///
    /// # Errors
    /// As of [`Pool::try_checkout`].
    pub fn try_checkout<'a>(
        &'a self,
        principal: &'a WasmPrincipal,
    ) -> Result<WasmLease<'a, H, X>, CheckoutError> {
        let lease = self.pool.try_checkout(&principal.principal)?;
        Ok(WasmLease::begin(lease, principal, self.allowance))
    }

    /// Closes the pool; see [`Pool::close`].
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
    /// Whether that was so in time.
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

impl WasmPrincipal {
    /// The id.
    pub fn id(&self) -> &str {
        self.principal.id()
    }

    /// How many faults are held against it.
    pub fn faults(&self) -> u32 {
        self.principal.faults()
    }

    #[inline]
    pub(super) fn charge(&self, usage: Usage) {
        self.account.charge(usage);
    }
}

impl<H: Host, X: Send + Sync + 'static> Clone for WasmPool<H, X> {
    fn clone(&self) -> Self {
        let Self { pool, allowance, ledgers } = self;
        Self { pool: pool.clone(), allowance: *allowance, ledgers: ledgers.clone() }
    }
}

impl<H: Host, X: Send + Sync + 'static> fmt::Debug for WasmPool<H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmPool");
        debug.field("pool", &self.pool).field("allowance", &self.allowance).finish_non_exhaustive()
    }
}

impl fmt::Debug for WasmPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.principal.fmt(f)
    }
}
