//! The lease of a guest.

use std::fmt;
use std::mem;
use std::thread;

use plimsoll::pool::Lease;
use wasmtime::{AsContextMut, StoreContextMut};

use crate::allowance::Grant;
use crate::bill::Usage;
use crate::call::{GuestFunc, block_on};
use crate::error::CallError;
use crate::held::Held;
use crate::host::{Host, NewLease};
use crate::meter::{BoxedCall, Meter, Metered};
use crate::principal::WasmPrincipal;
use crate::program::{Guest, GuestManager};

/// A guest, lent for as long as this lives.
///
/// Dropping it discards the instance, unless the pool
/// [keeps it](crate::WasmPoolBuilder::keep_on_drop); [`complete`](Self::complete) is the way back into
/// the pool. Either way the principal is charged with what the lease has used (METER-2, METER-4), and
/// the instance is destroyed later if it is not kept: in the background, or by a checkout that needs its
/// room.
///
/// What a discarded lease leaves behind, its [`Host::Lease`], is dropped with the instance, where a
/// panic is contained.
#[must_use = "dropping a lease discards its instance: complete it"]
pub struct WasmLease<'a, H: Host, X: Send + Sync + 'static> {
    lease: Option<Held<'a, H, X>>,
}

impl<'a, H: Host, X: Send + Sync + 'static> WasmLease<'a, H, X> {
    #[inline(always)]
    pub(crate) fn begin(
        mut lease: Lease<'a, GuestManager<H, X>>,
        principal: &'a WasmPrincipal,
        grant: &Grant,
    ) -> Self {
        let guest = &mut *lease;
        if !mem::take(&mut guest.is_kept) {
            let own = guest.host.lease(NewLease::new(Some(principal.id()), &guest.running));
            *H::lease_of(guest.store.data_mut()) = own;
        }
        Meter::begin(guest.store.as_context_mut(), grant);
        if principal.account().is_open() {
            guest.store.data_mut().meter().set_account(principal.account().clone());
        }
        Self { lease: Some(Held::Borrowed(lease, principal)) }
    }

    /// The same lease without a borrow of its pool: for a spawned task, or a field of a struct. It does
    /// not keep the pool open.
    pub fn into_owned(mut self) -> WasmLease<'static, H, X> {
        let owned = match self.lease.take().expect(HELD) {
            Held::Borrowed(lease, principal) => Box::new((lease.into_owned(), principal.clone())),
            Held::Owned(owned) => owned,
        };
        WasmLease { lease: Some(Held::Owned(owned)) }
    }

    fn guest(&self) -> &Guest<H, X> {
        self.lease.as_ref().expect(HELD)
    }

    #[inline]
    fn guest_mut(&mut self) -> &mut Guest<H, X> {
        self.lease.as_mut().expect(HELD)
    }

    /// Calls a function of the guest: `lease.call(|exports| &exports.run, (1, 2)).await`.
    ///
    /// # Errors
    /// [`CallError`]; the instance will be discarded.
    ///
    /// # Panics
    /// If a host function does. The instance is discarded, and that is no fault of the principal's.
    ///
    /// # Cancellation
    /// Safe for the host, and final for the instance: if the future is dropped before it is done,
    /// the guest stops where it is and the instance will be discarded. What it has used is charged.
    pub async fn call<F: GuestFunc>(
        &mut self,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        let (guest, account) = self.lease.as_mut().expect(HELD).parts();
        guest.call(account, func, params).await
    }

    /// Calls a function of the guest and blocks the thread until it returns. Host functions that
    /// need an async runtime do not find one, unless this is called on a thread that has entered
    /// it.
    ///
    /// # Errors
    /// [`CallError`]; the instance will be discarded.
    ///
    /// # Panics
    /// As of [`call`](Self::call).
    #[inline]
    pub fn call_blocking<F: GuestFunc>(
        &mut self,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        let guest = self.guest_mut();
        if guest.is_in_place {
            return guest.call_in_place(func, params);
        }
        self.call_and_wait(func, params)
    }

    // Apart, so that a call in place has no room on the stack for a task.
    #[inline(never)]
    fn call_and_wait<F: GuestFunc>(
        &mut self,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        block_on(self.call(func, params))
    }

    /// Runs a closure with the store and the exports, as a task: for generated bindings, or to write into
    /// the guest's memory, call, and read the answer. Unless it returns `Ok`, the instance will be
    /// discarded.
    ///
    /// A closure that ignores the error of a call, or drops a call half way, is to return an error all the
    /// same: with `Ok` it says that the guest may go on, and nobody is blamed. What it computes itself is
    /// counted as the guest's time, unless it holds a [`Meter::host_time`]. What it captures is moved into
    /// it: it cannot borrow from its caller.
    ///
    /// ```no_run
    /// # use plimsoll_wasmtime::{CallError, WasmLease};
    /// # use wasmtime::{Memory, TypedFunc};
    /// struct Exports {
    ///     memory: Memory,
    ///     sum: TypedFunc<(i32, i32), i32>,
    /// }
    ///
    /// async fn sum(lease: &mut WasmLease<'_, (), Exports>, bytes: Vec<u8>) -> Result<i32, CallError> {
    ///     let sum = lease.run(|mut store, exports| {
    ///         Box::pin(async move {
    ///             exports.memory.write(&mut store, 0, &bytes)?;
    ///             exports.sum.call_async(&mut store, (0, bytes.len() as i32)).await
    ///         })
    ///     });
    ///     sum.await
    /// }
    /// # let _ = sum;
    /// ```
    ///
    /// # Errors
    /// [`CallError`]; the instance will be discarded.
    ///
    /// # Panics
    /// If the closure or a host function does, as of [`call`](Self::call).
    ///
    /// # Cancellation
    /// As of [`call`](Self::call).
    pub async fn run<R>(
        &mut self,
        call: impl for<'s> FnOnce(StoreContextMut<'s, H::Data>, &'s X) -> BoxedCall<'s, R>,
    ) -> Result<R, CallError> {
        let (guest, account) = self.lease.as_mut().expect(HELD).parts();
        guest.run_task(account, call).await
    }

    /// [`run`](Self::run) on the caller's stack. Functions of the guest can be called there if the pool
    /// runs its guests [in place](crate::WasmPoolBuilder::in_place).
    ///
    /// # Errors
    /// [`CallError`]; the instance will be discarded.
    ///
    /// # Panics
    /// If the closure or a host function does, as of [`call`](Self::call).
    pub fn run_blocking<R>(
        &mut self,
        call: impl FnOnce(StoreContextMut<'_, H::Data>, &X) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        self.guest_mut().run_in_place(call)
    }

    /// The part of the data that belongs to this lease.
    pub fn state(&mut self) -> &mut H::Lease {
        H::lease_of(self.data_mut())
    }

    /// The data of the store.
    pub fn data(&self) -> &H::Data {
        self.guest().store.data()
    }

    /// The data of the store.
    pub fn data_mut(&mut self) -> &mut H::Data {
        self.guest_mut().store.data_mut()
    }

    /// What the lease has used so far.
    pub fn usage(&mut self) -> Usage {
        Meter::usage(&mut self.guest_mut().store)
    }

    /// For whom it is lent.
    pub fn principal(&self) -> &WasmPrincipal {
        self.lease.as_ref().expect(HELD).principal()
    }

    /// The number of leases that the instance has had, this one included: 1 for one that nobody has
    /// used.
    pub fn uses(&self) -> u32 {
        self.lease.as_ref().expect(HELD).uses()
    }

    /// The guest has misbehaved in a way that only the host can tell: its instance is discarded, and the
    /// fault counts against the principal as a trap does.
    pub fn fault(mut self) {
        self.guest_mut().is_faulty = true;
    }

    /// The work with the guest has come to a clean end: the instance may be lent again, as the
    /// pool's isolation allows. It is discarded nevertheless if a call did not return, if tasks of the
    /// guest are left (POOL-14), or if its lease leaves [handles](Host::has_handles)
    /// behind.
    ///
    /// # Returns
    /// The part of the data that belonged to the lease.
    ///
    /// # Panics
    /// If [`Host::lease`] panics, which makes what takes the place of that part. The instance is discarded.
    #[inline(always)]
    pub fn complete(mut self) -> H::Lease {
        let guest = self.guest_mut();
        Meter::settle(&mut guest.store);
        let is_clean = guest.is_usable && !guest.has_tasks() && !guest.has_handles();
        // Until there is something in the place of the lease's part.
        guest.is_usable = false;
        let idle = guest.host.lease(NewLease::new(None, &guest.running));
        let own = mem::replace(H::lease_of(guest.store.data_mut()), idle);
        guest.is_usable = is_clean;
        if is_clean
            && !guest.is_faulty
            && let Some(lease) = self.lease.take()
        {
            // Nothing is left of it that could be dropped.
            mem::forget(self);
            lease.complete();
        }
        own
    }
}

/// Between its beginning and its end, a lease has its guest.
const HELD: &str = "a lease has its guest until it ends";

impl<H: Host, X: Send + Sync + 'static> Drop for WasmLease<'_, H, X> {
    fn drop(&mut self) {
        let Some(mut lease) = self.lease.take() else { return };
        Meter::settle(&mut lease.store);
        if lease.is_faulty {
            lease.fault();
        } else if lease.keeps_on_drop
            && lease.is_usable
            && !thread::panicking()
            && !lease.has_tasks()
        {
            lease.is_kept = true;
            lease.complete();
        } else {
            // A panic is the host's, wherever it came from (METER-7).
            lease.discard();
        }
    }
}

impl<H: Host, X: Send + Sync + 'static> fmt::Debug for WasmLease<'_, H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmLease");
        debug.field("principal", &self.lease.as_ref().map(Held::principal));
        debug.field("guest", &self.lease.as_deref());
        debug.finish_non_exhaustive()
    }
}
