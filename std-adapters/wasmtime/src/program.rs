//! A guest, compiled and linked, and how its instances are built.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::{Component, InstancePre as ComponentPre, Linker as ComponentLinker};
use wasmtime::{AsContextMut, Engine, InstancePre, Linker, Module, Store};

use super::engine::{Reservation, WasmEngine};
use super::error::{CallError, ExportError, InstanceLimit, InstantiateError, ProgramError};
use super::exports::{ComponentExports, Exports};
use super::host::{Host, HostState};
use super::meter::{self, Allowance, Meter};
use super::scrap::Scrap;
use plimsoll::pool::Manager;

type LookUp<H, X> = dyn Fn(&mut Exports<'_, H>) -> Result<X, ExportError> + Send + Sync;
type ComponentLookUp<H, X> =
    dyn Fn(&mut ComponentExports<'_, H>) -> Result<X, ExportError> + Send + Sync;

/// What is instantiated, and what is looked up in each instance.
pub(super) enum Program<H: Host, X> {
    Core(InstancePre<HostState<H>>, Box<LookUp<H, X>>),
    Component(ComponentPre<HostState<H>>, Box<ComponentLookUp<H, X>>),
}

impl<H: Host, X> Program<H, X> {
    pub(super) fn core(
        engine: &WasmEngine,
        linker: &Linker<HostState<H>>,
        module: &Module,
        look_up: Box<LookUp<H, X>>,
    ) -> Result<Self, ProgramError> {
        is_of(engine, [module.engine(), linker.engine()])?;
        let needed = module.resources_required();
        let needed = [
            (InstanceLimit::Memories, needed.num_memories),
            (InstanceLimit::Tables, needed.num_tables),
        ];
        fits(engine, needed)?;
        let pre = linker.instantiate_pre(module);
        Ok(Self::Core(pre.map_err(|cause| ProgramError::Import { cause })?, look_up))
    }

    pub(super) fn component(
        engine: &WasmEngine,
        linker: &ComponentLinker<HostState<H>>,
        component: &Component,
        look_up: Box<ComponentLookUp<H, X>>,
    ) -> Result<Self, ProgramError> {
        is_of(engine, [component.engine(), linker.engine()])?;
        if let Some(needed) = component.resources_required() {
            let memories = (InstanceLimit::Memories, needed.num_memories);
            fits(engine, [memories, (InstanceLimit::Tables, needed.num_tables)])?;
        }
        let pre = linker.instantiate_pre(component);
        Ok(Self::Component(pre.map_err(|cause| ProgramError::Import { cause })?, look_up))
    }

    async fn instantiate(
        &self,
        store: &mut Store<HostState<H>>,
    ) -> wasmtime::Result<Result<X, ExportError>> {
        Ok(match self {
            Self::Core(pre, look_up) => {
                let instance = match store.data().meter.is_in_place() {
                    true => pre.instantiate(&mut *store)?,
                    false => pre.instantiate_async(&mut *store).await?,
                };
                look_up(&mut Exports::new(store.as_context_mut(), instance))
            }
            Self::Component(pre, look_up) => {
                let instance = match store.data().meter.is_in_place() {
                    true => pre.instantiate(&mut *store)?,
                    false => pre.instantiate_async(&mut *store).await?,
                };
                look_up(&mut ComponentExports::new(store.as_context_mut(), instance))
            }
        })
    }
}

fn is_of(engine: &WasmEngine, made_for: [&Engine; 2]) -> Result<(), ProgramError> {
    let is_same = made_for.into_iter().all(|other| Engine::same(engine.wasmtime(), other));
    if is_same { Ok(()) } else { Err(ProgramError::ForeignEngine) }
}

fn fits(engine: &WasmEngine, all_needed: [(InstanceLimit, u32); 2]) -> Result<(), ProgramError> {
    for (limit, needed) in all_needed {
        let allowed = engine.room().allowed(limit);
        if u64::from(needed) > allowed {
            return Err(ProgramError::TooMany { limit, needed: needed.into(), allowed });
        }
    }
    Ok(())
}

/// One instance, alone in its store.
pub struct Guest<H: Host, X> {
    pub(super) store: Store<HostState<H>>,
    pub(super) exports: X,
    /// Whether all calls so far have returned.
    pub(super) is_usable: bool,
    /// Whether one ended by the guest's own fault.
    pub(super) is_faulty: bool,
}

/// Builds the instances of a [`WasmPool`](super::WasmPool).
pub struct GuestManager<H: Host, X> {
    pub(super) program: Program<H, X>,
    pub(super) shared: Arc<H>,
    pub(super) engine: WasmEngine,
    pub(super) quota: u64,
    pub(super) handles_max: usize,
    /// What an instance may use at its start.
    pub(super) start: Allowance,
    /// Held until the last instance is gone.
    pub(super) _reservation: Reservation,
}

impl<H: Host, X: Send + Sync + 'static> GuestManager<H, X> {
    pub(super) async fn guest(&self) -> Result<Guest<H, X>, InstantiateError> {
        let meter = Meter::new(self.quota, self.start);
        let state = HostState::new(self.shared.clone(), self.handles_max, meter);
        let mut store = Store::new(self.engine.wasmtime(), state);
        meter::install(&mut store, self.start);
        match self.program.instantiate(&mut store).await {
            Ok(Ok(exports)) => {
                // What a start function has opened is no lease's.
                let mut scrap = Scrap::default();
                scrap.take_each(store.data_mut().handles_mut().take_all());
                scrap.end();
                Ok(Guest { store, exports, is_usable: true, is_faulty: false })
            }
            Ok(Err(error)) => {
                store.into_data().scrap(Scrap::default());
                Err(error.into())
            }
            Err(cause) => {
                let error = why(&store.data().meter, cause);
                store.into_data().scrap(Scrap::default());
                Err(error)
            }
        }
    }
}

fn why(meter: &Meter, cause: wasmtime::Error) -> InstantiateError {
    match meter.judge(cause) {
        CallError::Failed { cause } => match meter.limiter.refusal() {
            Some(refusal) if !cause.is::<super::NoLease>() => {
                InstantiateError::OverQuota { needed: refusal.needed, quota: refusal.quota }
            }
            _ => InstantiateError::Failed { cause },
        },
        cause => InstantiateError::Start { cause },
    }
}

impl<H: Host, X: Send + Sync + 'static> Manager for GuestManager<H, X> {
    type Object = Guest<H, X>;
    type Error = InstantiateError;

    async fn create(&self) -> Result<Guest<H, X>, InstantiateError> {
        self.guest().await
    }

    fn retire(&self, guest: Guest<H, X>) {
        let Guest { store, exports, .. } = guest;
        let mut scrap = Scrap::default();
        scrap.take(exports);
        store.into_data().scrap(scrap);
    }

    /// Copy-on-write images of memory make it so, but for start functions that take their time.
    fn may_run_inline(&self) -> bool {
        true
    }

    fn bytes(&self, guest: &Guest<H, X>) -> u64 {
        guest.store.data().meter.limiter.held()
    }
}

impl<H: Host, X> fmt::Debug for Guest<H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Guest");
        debug.field("state", self.store.data()).field("is_usable", &self.is_usable);
        debug.finish_non_exhaustive()
    }
}

impl<H: Host, X> fmt::Debug for GuestManager<H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("GuestManager");
        debug.field("engine", &self.engine).field("quota", &self.quota).finish_non_exhaustive()
    }
}
