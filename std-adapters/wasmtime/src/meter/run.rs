//! Calls under a meter, and the reasons for their end.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{AsContextMut, Store, StoreContextMut, Trap};

use super::{Meter, Metered, set_yield_interval};
use crate::blame;
use crate::error::CallError;
use crate::mode::YIELD_INTERVAL;
use crate::running::Running;

/// A call that a task runs.
pub type BoxedCall<'s, R> =
    std::pin::Pin<Box<dyn Future<Output = wasmtime::Result<R>> + Send + 's>>;

impl Meter {
    /// Runs a call on the caller's stack, and says what ended it. wasmtime does not show how much fuel a
    /// guest has used that is ended there by its deadline, a full GC heap, or most traps: it is charged
    /// with all of its fuel if that is bounded, and otherwise with what wasmtime shows.
    ///
    /// Not after [`run_async`](Self::run_async) if the engine meters fuel: wasmtime runs nothing on its
    /// caller's stack in a store that was once set to yield, and says so as [`CallError::NotInPlace`].
    ///
    /// # Errors
    /// [`CallError`]; the store is not to be used any more.
    pub fn run<T: Metered, R>(
        store: &mut Store<T>,
        call: impl FnOnce(StoreContextMut<'_, T>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        let running = Self::switch_mode(store, false)?;
        let result = running.time_in_place(|| call(store.as_context_mut()));
        Self::end(store, result)
    }

    /// Runs a call as a task. What it awaits does not count against the deadline. What the closure captures
    /// is moved into it: it cannot borrow from its caller.
    ///
    /// ```
    /// # use plimsoll_wasmtime::{Allowance, Meter, WasmEngine};
    /// # use wasmtime::{Instance, Module};
    /// # let engine = WasmEngine::builder().instances(1).reserve_stores(1).build()?;
    /// # let module = Module::new(engine.wasmtime(), r#"(module (func (export "run") (param i32)))"#)?;
    /// # pollster::block_on(async {
    /// let mut store = engine.store(&Allowance::new(), |meter| meter)?;
    /// let run = Meter::run_async(&mut store, |mut store| {
    ///     Box::pin(async move {
    ///         let instance = Instance::new_async(&mut store, &module, &[]).await?;
    ///         instance.get_typed_func::<i32, ()>(&mut store, "run")
    ///     })
    /// });
    /// let run = run.await?;
    /// let call = Meter::run_async(&mut store, |store| {
    ///     Box::pin(async move { run.call_async(store, 7).await })
    /// });
    /// call.await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CallError`]; the store is not to be used any more.
    ///
    /// # Cancellation
    /// Safe for the host; the store is not to be used any more.
    pub async fn run_async<T: Metered, R>(
        store: &mut Store<T>,
        call: impl for<'s> FnOnce(StoreContextMut<'s, T>) -> BoxedCall<'s, R>,
    ) -> Result<R, CallError> {
        let running = Self::switch_mode(store, true)?;
        let account = store.data_mut().meter().account.clone();
        let call = call(store.as_context_mut());
        let result = running.time(call, || account.charge_growth(&running)).await;
        Self::end(store, result)
    }

    /// Calls run as tasks from now on, or on their callers' stacks.
    ///
    /// # Errors
    /// The meter is not installed.
    fn switch_mode<T: Metered>(
        store: &mut Store<T>,
        yields: bool,
    ) -> Result<Arc<Running>, CallError> {
        let meter = store.data_mut().meter();
        if !meter.is_installed {
            return Err(CallError::NotInstalled);
        }
        let running = meter.running.clone();
        if meter.mode.is_in_place() == yields {
            meter.mode.yield_interval = yields.then_some(YIELD_INTERVAL);
            let (interval, meters_fuel) = (meter.mode.yield_interval, meter.grant.fuel.is_some());
            if meters_fuel {
                set_yield_interval(store, interval);
            }
        }
        Ok(running)
    }

    /// Ends a call: `None` is one that its wall-clock limit has ended.
    // Inlined as far as the good end goes: so results are not moved.
    #[inline(always)]
    pub(crate) fn end<T: Metered, R>(
        store: &mut Store<T>,
        result: Option<wasmtime::Result<R>>,
    ) -> Result<R, CallError> {
        let meter = store.data_mut().meter();
        match result {
            // A guest whose last work was one long operation has passed no check since (METER-8).
            Some(Ok(results)) if !meter.running.is_over() && !meter.running.is_wall_over() => {
                // It may rest for long now: what it has grown is to show (METER-10).
                meter.account.charge_growth(&meter.running);
                Ok(results)
            }
            Some(Ok(_)) => Err(meter.end_late()),
            Some(Err(cause)) => Err(Self::end_short(store, cause)),
            None => Err(meter.over_wall()),
        }
    }

    /// A call was cut short by an error: it may not have written down what it used.
    #[cold]
    #[inline(never)]
    fn end_short<T: Metered>(store: &mut Store<T>, cause: wasmtime::Error) -> CallError {
        let error = store.data_mut().meter().judge(cause);
        let left = store.get_fuel().unwrap_or(0);
        store.data_mut().meter().on_end(&error, left);
        error
    }

    /// A call has returned beyond its time.
    #[cold]
    #[inline(never)]
    fn end_late(&self) -> CallError {
        if self.running.is_over() { self.over_deadline() } else { self.over_wall() }
    }

    fn over_deadline(&self) -> CallError {
        CallError::DeadlineExceeded { deadline: Duration::from_nanos(self.grant.deadline_ns) }
    }

    #[cold]
    fn over_wall(&self) -> CallError {
        CallError::WallLimit { limit: Duration::from_nanos(self.grant.wall_limit_ns) }
    }

    /// What an error of the guest's says (METER-7).
    pub(crate) fn judge(&self, cause: wasmtime::Error) -> CallError {
        match cause.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) if self.running.is_over() => self.over_deadline(),
            Some(Trap::Interrupt) if self.running.is_wall_over() => self.over_wall(),
            Some(Trap::OutOfFuel) if self.grant.fuel.is_some() => {
                CallError::OutOfFuel { fuel: self.grant.fuel.unwrap_or(0) }
            }
            _ => blame::classify(cause),
        }
    }

    /// A call has ended in this error: bills what wasmtime does not show.
    ///
    /// A guest writes down what it has used before it calls the host, when it yields, and when it
    /// executes `unreachable`. Ended elsewhere, it may have used as much as it could since.
    fn on_end(&mut self, error: &CallError, fuel_left: u64) {
        let is_noted = match error {
            CallError::DeadlineExceeded { .. } | CallError::GcHeapFull => false,
            CallError::WallLimit { .. } => !self.mode.is_in_place(),
            CallError::Trapped { trap } => {
                matches!(trap, Trap::UnreachableCodeReached | Trap::StackOverflow)
            }
            _ => true,
        };
        if is_noted || self.grant.fuel.is_none() {
            return;
        }
        self.unseen_fuel = match (self.mode.yield_interval, error) {
            // Without a bound on its fuel there is no most that it may have used.
            (None, _) if self.grant.fuel == Some(u64::MAX) => 0,
            (None, _) => fuel_left,
            (Some(interval), CallError::GcHeapFull) => interval.min(fuel_left),
            (Some(_), _) => 0,
        };
    }
}
