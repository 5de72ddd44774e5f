//! Pools of one function, from text.

use std::time::Duration;

#[cfg(feature = "component-model")]
use plimsoll_wasmtime::ComponentExports;
use plimsoll_wasmtime::{
    Exports, Meter, ProgramError, WasmEngine, WasmEngineBuilder, WasmPool, WasmPoolBuilder,
};
#[cfg(feature = "component-model")]
use wasmtime::component::{Component, ComponentNamedList, Lift, Lower, TypedFunc as ComponentFunc};
use wasmtime::{Linker, Module, TypedFunc, WasmParams, WasmResults};

pub(crate) type Core<P, R> = WasmPoolBuilder<(), TypedFunc<P, R>>;
#[cfg(feature = "component-model")]
#[cfg_attr(
    not(feature = "component-model-async"),
    allow(dead_code, reason = "of features that are off")
)]
pub(crate) type Comp<P, R> = WasmPoolBuilder<(), ComponentFunc<P, R>>;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn builder() -> WasmEngineBuilder {
    WasmEngine::builder().instances(8).quota(4 << 20).tick(ms(1))
}

/// A pool of a core module's export `run`.
pub(crate) fn core_with<P: WasmParams + 'static, R: WasmResults + 'static>(
    engine: &WasmEngine,
    linker: &Linker<Meter>,
    wat: &str,
) -> Result<Core<P, R>, ProgramError> {
    let module = Module::new(engine.wasmtime(), wat)?;
    let look_up = |exports: &mut Exports<'_, Meter>| exports.func("run");
    Ok(WasmPool::module(engine, (), linker, &module, look_up)?.max(1))
}

/// A pool of a core module's export `run`, without imports.
pub(crate) fn core<P: WasmParams + 'static, R: WasmResults + 'static>(
    engine: &WasmEngine,
    wat: &str,
) -> Result<Core<P, R>, ProgramError> {
    core_with(engine, &Linker::new(engine.wasmtime()), wat)
}

/// A pool of a component's export `run`, without imports.
#[cfg(feature = "component-model")]
#[cfg_attr(
    not(feature = "component-model-async"),
    allow(dead_code, reason = "of features that are off")
)]
pub(crate) fn component<P, R>(engine: &WasmEngine, wat: &str) -> Result<Comp<P, R>, ProgramError>
where
    P: ComponentNamedList + Lower + Send + Sync + 'static,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    let component = Component::new(engine.wasmtime(), wat)?;
    let linker = wasmtime::component::Linker::new(engine.wasmtime());
    let look_up = |exports: &mut ComponentExports<'_, Meter>| exports.func("run");
    Ok(WasmPool::component(engine, (), &linker, &component, look_up)?.max(1))
}
