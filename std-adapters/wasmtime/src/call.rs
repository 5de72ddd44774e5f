//! Calls of a guest's functions.

use std::future::Future;
use std::mem;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[cfg(feature = "component-model")]
use wasmtime::component::{ComponentNamedList, Lift, Lower};
use wasmtime::{AsContextMut, StoreContextMut, TypedFunc, WasmParams, WasmResults};

use crate::bill::Account;
use crate::error::CallError;
use crate::host::Host;
use crate::meter::{BoxedCall, Meter};
use crate::program::Guest;

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
    #[cfg(feature = "component-model")]
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

#[cfg(feature = "component-model")]
impl<P, R> GuestFunc for wasmtime::component::TypedFunc<P, R>
where
    P: ComponentNamedList + Lower + Send + Sync + 'static,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    calls_of_wasmtime!();
}

impl<H: Host, X> Guest<H, X> {
    /// A call begins: unless it returns, the instance is never lent again.
    fn enter(&mut self) -> Result<(), CallError> {
        match mem::replace(&mut self.is_usable, false) {
            true => Ok(()),
            false => Err(CallError::Unusable),
        }
    }

    /// Ends a call; `None` is one that its wall-clock limit has ended.
    #[inline]
    fn end<R>(&mut self, result: Option<wasmtime::Result<R>>) -> Result<R, CallError> {
        let result = Meter::end(&mut self.store, result);
        match &result {
            Ok(_) => self.is_usable = true,
            Err(error) => self.is_faulty |= error.is_fault(),
        }
        result
    }

    /// Runs a call as a task.
    pub(crate) async fn run<'g, R, F>(
        &'g mut self,
        account: &Account,
        call: impl FnOnce(StoreContextMut<'g, H::Data>, &'g X) -> F,
    ) -> Option<wasmtime::Result<R>>
    where
        F: Future<Output = wasmtime::Result<R>>,
    {
        let Self { store, exports, running, .. } = self;
        let call = pin!(call(store.as_context_mut(), exports));
        running.time(call, || account.charge_growth(running)).await
    }

    /// Runs a call on the caller's stack.
    #[inline]
    pub(crate) fn run_in_place<R>(
        &mut self,
        call: impl FnOnce(StoreContextMut<'_, H::Data>, &X) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        self.enter()?;
        let Self { store, exports, running, .. } = self;
        let result = running.time_in_place(|| call(store.as_context_mut(), exports));
        self.end(result)
    }

    /// Calls a function as the pool's guests run: as a task, or in place.
    pub(crate) async fn call<F: GuestFunc>(
        &mut self,
        account: &Account,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        if self.is_in_place {
            return self.call_in_place(func, params);
        }
        self.enter()?;
        let result = self.run(account, |store, exports| func(exports).call_in(store, params)).await;
        self.end(result)
    }

    /// Calls a function on the caller's stack.
    #[inline]
    pub(crate) fn call_in_place<F: GuestFunc>(
        &mut self,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        self.run_in_place(|store, exports| func(exports).call_in_place(store, params))
    }

    /// Runs a closure of the host's as a task.
    pub(crate) async fn run_task<R>(
        &mut self,
        account: &Account,
        call: impl for<'s> FnOnce(StoreContextMut<'s, H::Data>, &'s X) -> BoxedCall<'s, R>,
    ) -> Result<R, CallError> {
        self.enter()?;
        let result = self.run(account, call).await;
        self.end(result)
    }
}

/// Waits for a future on this thread.
#[inline]
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    // A waker of the thread costs an allocation, and most calls return without waiting. One that waits
    // is polled again at once, so it loses no wake-up.
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => pollster::block_on(future),
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_thread_that_waits_for_a_call_is_woken() {
        let is_done = Arc::new(AtomicBool::new(false));
        let call = poll_fn(|context| {
            if is_done.load(Ordering::Relaxed) {
                return Poll::Ready(7);
            }
            let (is_done, waker) = (is_done.clone(), context.waker().clone());
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(5));
                is_done.store(true, Ordering::Relaxed);
                waker.wake();
            });
            Poll::Pending
        });
        assert_eq!(block_on(call), 7);
    }
}
