//! A compiled and linked guest, and the builds of its instances.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use plimsoll::pool::Manager;
use wasmtime::{
    AsContextMut, ExternType, FuncType, InstancePre, Linker, Module, PoolConcurrencyLimitError,
    Store,
};

use crate::allowance::Grant;
#[cfg(feature = "component-model")]
use crate::component::ComponentProgram;
use crate::engine::{Reservation, WasmEngine};
use crate::error::{CallError, ExportError, InstantiateError, ProgramError};
use crate::exports::Exports;
use crate::host::{Host, NewLease};
use crate::limiter::{PoolBudget, Refusal};
use crate::meter::{Meter, Metered};
use crate::mode::Mode;
use crate::running::Running;

/// Looks up the exports of an instance of a core module.
type LookUp<T, X> = dyn Fn(&mut Exports<'_, T>) -> Result<X, ExportError> + Send + Sync;

/// What is instantiated, and what is looked up in each instance.
pub(crate) enum Program<T: 'static, X> {
    Core {
        pre: InstancePre<T>,
        look_up: Box<LookUp<T, X>>,
        /// Whether it is to be initialized before any other call, as a reactor of WASI preview 1.
        is_reactor: bool,
    },
    #[cfg(feature = "component-model")]
    Component(ComponentProgram<T, X>),
}

impl<T: Metered, X> Program<T, X> {
    pub(crate) fn core(
        engine: &WasmEngine,
        linker: &Linker<T>,
        module: &Module,
        look_up: Box<LookUp<T, X>>,
    ) -> Result<Self, ProgramError> {
        engine.check_made_for([module.engine(), linker.engine()])?;
        engine.check_room(&module.resources_required())?;
        let pre = linker.instantiate_pre(module);
        let pre = pre.map_err(|cause| ProgramError::Import { cause })?;
        Ok(Self::Core { pre, look_up, is_reactor: is_reactor(module) })
    }

    /// Instantiates on the caller's stack.
    fn instantiate(&self, store: &mut Store<T>) -> wasmtime::Result<Result<X, ExportError>> {
        Ok(match self {
            Self::Core { pre, look_up, is_reactor } => {
                let instance = pre.instantiate(&mut *store)?;
                if *is_reactor {
                    let init = instance.get_typed_func::<(), ()>(&mut *store, INITIALIZE)?;
                    init.call(&mut *store, ())?;
                }
                look_up(&mut Exports::new(store.as_context_mut(), instance))
            }
            #[cfg(feature = "component-model")]
            Self::Component(program) => program.instantiate(store)?,
        })
    }

    /// The same as a task.
    async fn instantiate_async(
        &self,
        store: &mut Store<T>,
    ) -> wasmtime::Result<Result<X, ExportError>> {
        Ok(match self {
            Self::Core { pre, look_up, is_reactor } => {
                let instance = pre.instantiate_async(&mut *store).await?;
                if *is_reactor {
                    let init = instance.get_typed_func::<(), ()>(&mut *store, INITIALIZE)?;
                    init.call_async(&mut *store, ()).await?;
                }
                look_up(&mut Exports::new(store.as_context_mut(), instance))
            }
            #[cfg(feature = "component-model")]
            Self::Component(program) => program.instantiate_async(store).await?,
        })
    }
}

/// The export that a reactor module of WASI preview 1 initializes itself by.
const INITIALIZE: &str = "_initialize";

fn is_reactor(module: &Module) -> bool {
    let is_call = |func: &FuncType| func.params().len() == 0 && func.results().len() == 0;
    matches!(module.get_export(INITIALIZE), Some(ExternType::Func(func)) if is_call(&func))
}

/// One instance, alone in its store.
pub struct Guest<H: Host, X> {
    pub(crate) store: Store<H::Data>,
    pub(crate) exports: X,
    pub(crate) host: Arc<H>,
    /// What is known while a call has the store.
    pub(crate) running: Arc<Running>,
    pub(crate) is_in_place: bool,
    /// Whether all calls so far have returned.
    pub(crate) is_usable: bool,
    /// Whether one ended by the guest's own fault.
    pub(crate) is_faulty: bool,
    /// Whether a lease that is dropped between calls keeps it.
    pub(crate) keeps_on_drop: bool,
    /// Whether the last lease's part of the data stays for the next one.
    pub(crate) is_kept: bool,
}

impl<H: Host, X> Guest<H, X> {
    /// Whether the guest has tasks that would run on in the next lease (POOL-14).
    pub(crate) fn has_tasks(&mut self) -> bool {
        #[cfg(feature = "component-model-async")]
        if let Some(tasks) = self.store.concurrent_resource_table() {
            return !tasks.is_empty();
        }
        false
    }

    /// Whether the guest may still have handles of what goes with the lease (POOL-10).
    pub(crate) fn has_handles(&mut self) -> bool {
        H::has_handles(H::lease_of(self.store.data_mut()))
    }
}

/// Builds the instances of a [`WasmPool`](crate::WasmPool).
pub struct GuestManager<H: Host, X> {
    pub(crate) program: Program<H::Data, X>,
    pub(crate) host: Arc<H>,
    pub(crate) engine: WasmEngine,
    /// What an instance may use at its start.
    pub(crate) start: Grant,
    pub(crate) mode: Mode,
    pub(crate) keeps_on_drop: bool,
    /// What the bytes of all instances are reserved of.
    pub(crate) budget: Option<PoolBudget>,
    /// Held until the last instance is gone.
    pub(crate) _reservation: Reservation,
}

impl<H: Host, X: Send + Sync + 'static> GuestManager<H, X> {
    pub(crate) async fn guest(&self) -> Result<Guest<H, X>, InstantiateError> {
        let running = Arc::new(self.engine.running());
        let mut store = self.new_store(&running);
        let built = match self.mode.is_in_place() {
            // Without a future, whose size would be moved about.
            true => running.time_in_place(|| self.program.instantiate(&mut store)),
            false => {
                let built = pin!(self.program.instantiate_async(&mut store));
                running.time(built, || ()).await
            }
        };
        let built = match built {
            Some(Ok(Ok(exports))) => Meter::end(&mut store, Some(Ok(exports))),
            Some(Ok(Err(error))) => return Err(InstantiateError::Export(error)),
            Some(Err(cause)) => return Err(instantiate_error(store.data_mut().meter(), cause)),
            None => Meter::end(&mut store, None),
        };
        let exports = built.map_err(|cause| InstantiateError::Start { cause })?;
        let mut guest = Guest {
            store,
            exports,
            host: self.host.clone(),
            running,
            is_in_place: self.mode.is_in_place(),
            keeps_on_drop: self.keeps_on_drop,
            is_usable: true,
            is_faulty: false,
            is_kept: false,
        };
        if guest.has_handles() {
            return Err(InstantiateError::HandlesAtStart);
        }
        Ok(guest)
    }

    /// A store under its meter, for an instance's start.
    fn new_store(&self, running: &Arc<Running>) -> Store<H::Data> {
        let (engine, start, mode) = (&self.engine, self.start, self.mode);
        let meter = Meter::new(engine.wasmtime(), engine.room(), start, mode, running.clone());
        let meter = meter.sharing(self.budget.as_ref().map(PoolBudget::share));
        let lease = self.host.lease(NewLease::new(None, running));
        let mut store = Store::new(engine.wasmtime(), self.host.data(meter, lease));
        Meter::install(&mut store);
        #[cfg(feature = "component-model-async")]
        if let Some(tasks) = store.concurrent_resource_table() {
            tasks.set_max_capacity(engine.room().tasks as usize);
        }
        store
    }
}

/// How wasmtime begins to say that a limiter did not allow a memory or table at an instance's start.
const REFUSED_AT_START: [&str; 2] = ["memory minimum size of ", "table minimum size of "];

/// How wasmtime begins to say that a limiter does not allow as many of something.
const BEYOND_COUNTS: &str = "resource limit exceeded: ";

fn instantiate_error(meter: &Meter, cause: wasmtime::Error) -> InstantiateError {
    if cause.is::<PoolConcurrencyLimitError>() {
        return InstantiateError::NoRoom { cause };
    }
    match meter.judge(cause) {
        CallError::NotInPlace => InstantiateError::AsyncInPlace,
        CallError::Failed { cause } => {
            let root = cause.root_cause().to_string();
            match meter.limiter().refusal() {
                Some(refusal) if REFUSED_AT_START.iter().any(|words| root.starts_with(words)) => {
                    refusal.clone().into()
                }
                _ if root.starts_with(BEYOND_COUNTS) => InstantiateError::TooMany { cause },
                _ => InstantiateError::Failed { cause },
            }
        }
        cause => InstantiateError::Start { cause },
    }
}

impl From<Refusal> for InstantiateError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Quota { needed, quota } => Self::OverQuota { needed, quota },
            Refusal::Budget(refused) => Self::OverBudget { refused },
        }
    }
}

impl<H: Host, X: Send + Sync + 'static> Manager for GuestManager<H, X> {
    type Object = Guest<H, X>;
    type Error = InstantiateError;

    async fn create(&self) -> Result<Guest<H, X>, InstantiateError> {
        self.guest().await
    }

    /// Copy-on-write images of memory make it quick, except for start functions that take their time.
    fn may_run_inline(&self) -> bool {
        true
    }

    fn bytes(&self, guest: &Guest<H, X>) -> u64 {
        guest.running.bytes()
    }
}

impl<H: Host, X> fmt::Debug for Guest<H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Guest");
        debug.field("running", &self.running).field("is_usable", &self.is_usable);
        debug.finish_non_exhaustive()
    }
}

impl<H: Host, X> fmt::Debug for GuestManager<H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("GuestManager");
        debug.field("engine", &self.engine).field("start", &self.start).finish_non_exhaustive()
    }
}
