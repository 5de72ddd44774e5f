//! Calls of a guest's functions.

use std::fmt;
use std::future::Future;

use wasmtime::component::{ComponentNamedList, Lift, Lower, TypedFunc as ComponentFunc};
use wasmtime::{AsContextMut, StoreContextMut, TypedFunc, WasmParams, WasmResults};

use super::error::CallError;
use super::host::{Host, HostState};
use super::program::Guest;

/// A guest's function whose parameters and results are known: a `TypedFunc` of a core module or of
/// a component.
pub trait GuestFunc: sealed::Sealed {
    /// What it takes.
    type Params;
    /// What it returns.
    type Results;

    /// Calls it on the caller's stack.
    #[doc(hidden)]
    fn call_in_place<T: Send + 'static>(
        &self,
        store: StoreContextMut<'_, T>,
        params: Self::Params,
    ) -> wasmtime::Result<Self::Results>;

    /// Calls it on a stack of its own, so that it may wait.
    #[doc(hidden)]
    fn call_in<T: Send + 'static>(
        &self,
        store: StoreContextMut<'_, T>,
        params: Self::Params,
    ) -> impl Future<Output = wasmtime::Result<Self::Results>> + Send;
}

mod sealed {
    pub trait Sealed {}

    impl<P, R> Sealed for wasmtime::TypedFunc<P, R> {}
    impl<P, R> Sealed for wasmtime::component::TypedFunc<P, R> {}
}

/// Both kinds of function have methods of the same names, and no trait in common.
macro_rules! calls_of_wasmtime {
    () => {
        type Params = P;
        type Results = R;

        #[inline]
        fn call_in_place<T: Send + 'static>(
            &self,
            store: StoreContextMut<'_, T>,
            params: P,
        ) -> wasmtime::Result<R> {
            self.call(store, params)
        }

        fn call_in<T: Send + 'static>(
            &self,
            store: StoreContextMut<'_, T>,
            params: P,
        ) -> impl Future<Output = wasmtime::Result<R>> + Send {
            self.call_async(store, params)
        }
    };
}

impl<P, R> GuestFunc for TypedFunc<P, R>
where
    P: WasmParams + Sync,
    R: WasmResults + Sync,
{
    calls_of_wasmtime!();
}

impl<P, R> GuestFunc for ComponentFunc<P, R>
where
    P: ComponentNamedList + Lower + Send + Sync + 'static,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    calls_of_wasmtime!();
}

/// A guest that is in use. Unless it is [left](Self::leave), the instance will be discarded: a call
/// that trapped, or whose future was dropped, never returns it to the pool.
#[must_use = "a guest that is not left is discarded"]
pub struct Entered<'l, H: Host, X> {
    guest: &'l mut Guest<H, X>,
}

impl<H: Host, X> Guest<H, X> {
    pub(super) fn enter(&mut self) -> Result<Entered<'_, H, X>, CallError> {
        if !std::mem::replace(&mut self.is_usable, false) {
            return Err(CallError::Unusable);
        }
        Ok(Entered { guest: self })
    }

    /// Calls a function on a stack of its own.
    pub(super) async fn call<F: GuestFunc>(
        &mut self,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        if self.is_in_place() {
            return self.call_in_place(func, params);
        }
        let mut entered = self.enter()?;
        let (store, exports) = entered.parts();
        let result = func(exports).call_in(store, params).await;
        entered.end(result)
    }

    /// Calls a function on the caller's stack.
    pub(super) fn call_in_place<F: GuestFunc>(
        &mut self,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        let mut entered = self.enter()?;
        let (store, exports) = entered.parts();
        let result = func(exports).call_in_place(store, params);
        entered.end(result)
    }

    #[inline]
    pub(super) fn is_in_place(&self) -> bool {
        self.store.data().meter.is_in_place()
    }
}

impl<H: Host, X> Entered<'_, H, X> {
    /// The store.
    pub fn store(&mut self) -> StoreContextMut<'_, HostState<H>> {
        self.guest.store.as_context_mut()
    }

    /// What was looked up when the instance was built.
    pub fn exports(&self) -> &X {
        &self.guest.exports
    }

    /// Store and exports, for a call.
    pub fn parts(&mut self) -> (StoreContextMut<'_, HostState<H>>, &X) {
        (self.guest.store.as_context_mut(), &self.guest.exports)
    }

    /// Says that all calls have returned and the instance is as it should be.
    pub fn leave(self) {
        self.guest.is_usable = true;
    }

    fn end<R>(self, result: wasmtime::Result<R>) -> Result<R, CallError> {
        match result {
            Ok(results) => {
                self.leave();
                Ok(results)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Leaves it for good, and says what an error of wasmtime's was.
    pub fn failed(self, error: wasmtime::Error) -> CallError {
        let meter = &mut self.guest.store.data_mut().meter;
        let error = meter.judge(error);
        meter.on_end(&error);
        self.guest.is_faulty |= error.is_fault();
        error
    }
}

impl<H: Host, X> fmt::Debug for Entered<'_, H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").field("state", self.guest.store.data()).finish_non_exhaustive()
    }
}

/// Waits for a future on this thread.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    pollster::block_on(future)
}
