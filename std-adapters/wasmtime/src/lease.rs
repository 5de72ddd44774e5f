//! A guest, lent.

use std::fmt;

use wasmtime::AsContextMut;

use super::call::{Entered, GuestFunc, block_on};
use super::error::CallError;
use super::host::{Host, HostState};
use super::meter::{self, Allowance, Usage};
use super::pool::WasmPrincipal;
use super::program::{Guest, GuestManager};
use super::scrap::Scrap;
use plimsoll::pool::Lease;

/// A guest, lent for as long as this lives.
///
/// Dropping it discards the instance; [`complete`](Self::complete) is the only way back into the
/// pool. Either way the principal is charged with what the lease has used (METER-2, METER-4), and
/// the instance is torn down later if it is not kept: in the background, or by a checkout that needs
/// its room.
///
/// What a discarded lease leaves behind, its [`Host::Lease`] and handles, is dropped with the
/// instance, where a panic is contained.
#[must_use = "dropping a lease discards its instance: complete it"]
pub struct WasmLease<'a, H: Host, X: Send + Sync + 'static> {
    lease: Option<Lease<'a, GuestManager<H, X>>>,
    principal: &'a WasmPrincipal,
}

impl<'a, H: Host, X: Send + Sync + 'static> WasmLease<'a, H, X> {
    #[inline]
    pub(super) fn begin(
        mut lease: Lease<'a, GuestManager<H, X>>,
        principal: &'a WasmPrincipal,
        allowance: Allowance,
    ) -> Self {
        let state = lease.store.data_mut();
        let own = state.shared().lease(principal.id());
        state.begin(own);
        meter::arm(lease.store.as_context_mut(), allowance);
        Self { lease: Some(lease), principal }
    }

    fn guest(&self) -> &Guest<H, X> {
        self.lease.as_ref().expect("a lease has its guest until it ends")
    }

    fn guest_mut(&mut self) -> &mut Guest<H, X> {
        self.lease.as_mut().expect("a lease has its guest until it ends")
    }

    /// Calls a function of the guest: `lease.call(|exports| &exports.run, (1, 2)).await`.
    ///
    /// # Errors
    /// [`CallError`]; the instance will be discarded.
    ///
    /// # Cancellation
    /// Safe for the host, and final for the instance: if the future is dropped before it is done,
    /// the guest stops where it is and the instance will be discarded. What it has used is charged.
    pub async fn call<F: GuestFunc>(
        &mut self,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        self.guest_mut().call(func, params).await
    }

    /// Calls a function of the guest and blocks the thread until it returns. Host functions that
    /// need an async runtime do not find one, unless this is called on a thread that has entered
    /// it.
    ///
    /// # Errors
    /// [`CallError`]; the instance will be discarded.
    pub fn call_blocking<F: GuestFunc>(
        &mut self,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        let guest = self.guest_mut();
        if guest.is_in_place() {
            return guest.call_in_place(func, params);
        }
        block_on(guest.call(func, params))
    }

    /// Enters the guest, for what one call does not do: to write into its memory, call and read the
    /// answer. Unless it is [left](Entered::leave), the instance will be discarded.
    ///
    /// # Errors
    /// [`CallError::Unusable`], if an earlier call did not return.
    pub fn enter(&mut self) -> Result<Entered<'_, H, X>, CallError> {
        self.guest_mut().enter()
    }

    /// What lives as long as this lease.
    pub fn state(&self) -> &H::Lease {
        self.guest().store.data().lease().expect("a lease has begun")
    }

    /// What lives as long as this lease.
    pub fn state_mut(&mut self) -> &mut H::Lease {
        self.guest_mut().store.data_mut().lease_mut().expect("a lease has begun")
    }

    /// All that the host keeps for this guest.
    pub fn host_state(&mut self) -> &mut HostState<H> {
        self.guest_mut().store.data_mut()
    }

    /// What the lease has used so far.
    pub fn usage(&self) -> Usage {
        meter::usage(&self.guest().store)
    }

    /// For whom it is lent.
    pub fn principal(&self) -> &WasmPrincipal {
        self.principal
    }

    /// The number of leases that the instance has had, this one included: 1 for one that nobody has
    /// used.
    pub fn uses(&self) -> u32 {
        self.lease.as_ref().expect("a lease has its guest until it ends").uses()
    }

    /// The guest has misbehaved in a way that only the host can tell: its instance is discarded, and the
    /// fault counts against the principal as a trap does.
    pub fn fault(mut self) {
        self.guest_mut().is_faulty = true;
    }

    /// The work with the guest has come to a clean end: the instance may be lent again, as the
    /// pool's isolation allows. One in which a call did not return is discarded nevertheless.
    ///
    /// # Returns
    /// What lived as long as the lease. The handles are dropped here.
    ///
    /// # Panics
    /// If the drop of an object behind a handle does. The instance is discarded then.
    pub fn complete(mut self) -> H::Lease {
        let mut lease = self.lease.take().expect("a lease has its guest until it ends");
        self.principal.charge(meter::usage(&lease.store));
        let mut scrap = Scrap::default();
        let Some(state) = lease.store.data_mut().end(&mut scrap) else {
            // Before the panic goes on: no more of the host's drops may run in it.
            drop(lease);
            scrap.end();
            unreachable!("a lease has begun");
        };
        match (lease.is_usable, lease.is_faulty) {
            (true, _) => lease.complete(),
            (false, true) => lease.fault(),
            (false, false) => drop(lease),
        }
        state
    }
}

impl<H: Host, X: Send + Sync + 'static> Drop for WasmLease<'_, H, X> {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else { return };
        self.principal.charge(meter::usage(&lease.store));
        if lease.is_faulty {
            lease.fault();
        }
    }
}

impl<H: Host, X: Send + Sync + 'static> fmt::Debug for WasmLease<'_, H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmLease");
        debug.field("lease", &self.lease).finish_non_exhaustive()
    }
}
