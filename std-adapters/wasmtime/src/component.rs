//! Components: their programs and exports.

use std::any::Any;
use std::fmt;

use wasmtime::component::{
    Component, ComponentNamedList, Instance, InstancePre, Lift, Linker, Lower, Resource, TypedFunc,
};
use wasmtime::{AsContextMut, Store, StoreContextMut};

use crate::engine::WasmEngine;
use crate::error::{ExportError, ProgramError};
use crate::exports::{missing, wrong_type};
use crate::handles::{HandleError, Handles};
use crate::meter::Metered;

/// Looks up the exports of an instance.
type LookUp<T, X> = dyn Fn(&mut ComponentExports<'_, T>) -> Result<X, ExportError> + Send + Sync;

/// A component to instantiate, and what is looked up in each instance.
pub(crate) struct ComponentProgram<T: 'static, X> {
    pre: InstancePre<T>,
    look_up: Box<LookUp<T, X>>,
}

impl<T: Metered, X> ComponentProgram<T, X> {
    pub(crate) fn new(
        engine: &WasmEngine,
        linker: &Linker<T>,
        component: &Component,
        look_up: Box<LookUp<T, X>>,
    ) -> Result<Self, ProgramError> {
        engine.check_made_for([component.engine(), linker.engine()])?;
        // Nothing is known beforehand of one that imports core modules: there, the limiter holds each
        // store to what the engine has reserved for it.
        if let Some(needed) = component.resources_required() {
            engine.check_room(&needed)?;
        }
        let pre = linker.instantiate_pre(component);
        Ok(Self { pre: pre.map_err(|cause| ProgramError::Import { cause })?, look_up })
    }

    /// Instantiates on the caller's stack.
    pub(crate) fn instantiate(
        &self,
        store: &mut Store<T>,
    ) -> wasmtime::Result<Result<X, ExportError>> {
        let instance = self.pre.instantiate(&mut *store)?;
        Ok((self.look_up)(&mut ComponentExports { store: store.as_context_mut(), instance }))
    }

    /// The same as a task.
    pub(crate) async fn instantiate_async(
        &self,
        store: &mut Store<T>,
    ) -> wasmtime::Result<Result<X, ExportError>> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        Ok((self.look_up)(&mut ComponentExports { store: store.as_context_mut(), instance }))
    }
}

/// The exports of an instance of a component.
///
/// `T` is the data of the store.
pub struct ComponentExports<'s, T: 'static> {
    store: StoreContextMut<'s, T>,
    instance: Instance,
}

impl<T> ComponentExports<'_, T> {
    /// The function of this name, parameters and results.
    ///
    /// # Errors
    /// [`ExportError`]: there is none, or it is of another type.
    pub fn func<P, R>(&mut self, name: &str) -> Result<TypedFunc<P, R>, ExportError>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let func = self.instance.get_func(&mut self.store, name).ok_or_else(|| missing(name))?;
        func.typed(&self.store).map_err(|error| wrong_type(name, format!("{error:#}")))
    }

    /// The function of this name in an interface that the component exports, such as
    /// `acme:tools/editor`.
    ///
    /// Versions are found by what is compatible: `acme:tools/editor@1.2.0` also finds an export
    /// `@1.0.0`, whose functions may be fewer.
    ///
    /// # Errors
    /// [`ExportError`]: there is no such interface or function, or it is of another type.
    pub fn func_in<P, R>(
        &mut self,
        interface: &str,
        name: &str,
    ) -> Result<TypedFunc<P, R>, ExportError>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let full = || format!("{interface}#{name}");
        let outer = self.instance.get_export_index(&mut self.store, None, interface);
        let outer = outer.ok_or_else(|| missing(interface))?;
        let inner = self.instance.get_export_index(&mut self.store, Some(&outer), name);
        let func = inner.and_then(|inner| self.instance.get_func(&mut self.store, inner));
        let func = func.ok_or_else(|| missing(&full()))?;
        func.typed(&self.store).map_err(|error| wrong_type(&full(), format!("{error:#}")))
    }

    /// The instance and its store, for what is not offered here, such as generated bindings.
    pub fn raw(&mut self) -> (Instance, StoreContextMut<'_, T>) {
        (self.instance, self.store.as_context_mut())
    }
}

impl<T> fmt::Debug for ComponentExports<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComponentExports").finish_non_exhaustive()
    }
}

impl Handles {
    /// Takes an object in, and gives a component's guest the ownership of it.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert).
    pub fn push<T: Any + Send>(&mut self, object: T) -> Result<Resource<T>, HandleError> {
        Ok(Resource::new_own(self.insert(object)?))
    }
}

#[cfg(feature = "cranelift")]
impl WasmEngine {
    /// A component, precompiled for `Component::deserialize` on engines as
    /// [`precompile_module`](Self::precompile_module) says.
    ///
    /// # Errors
    /// [`ProgramError`]: it is not valid, or needs what the engine does not have.
    pub fn precompile_component(&self, wasm: &[u8]) -> Result<Vec<u8>, ProgramError> {
        Ok(self.wasmtime().precompile_component(wasm)?)
    }
}
