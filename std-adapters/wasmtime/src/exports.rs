//! The exports of a guest, looked up once for each instance.

use std::fmt;

use wasmtime::{
    Extern, Global, Instance, Memory, StoreContextMut, Table, TypedFunc, WasmParams, WasmResults,
};

use crate::error::{ExportError, ExportProblem};

pub(crate) fn missing(name: &str) -> ExportError {
    ExportError { name: name.into(), problem: ExportProblem::Missing }
}

pub(crate) fn wrong_type(name: &str, detail: impl Into<String>) -> ExportError {
    let problem = ExportProblem::WrongType { detail: detail.into() };
    ExportError { name: name.into(), problem }
}

/// The exports of an instance of a core module.
///
/// `T` is the data of the store.
pub struct Exports<'s, T: 'static> {
    store: StoreContextMut<'s, T>,
    instance: Instance,
}

impl<'s, T> Exports<'s, T> {
    pub(crate) fn new(store: StoreContextMut<'s, T>, instance: Instance) -> Self {
        Self { store, instance }
    }

    /// The function of this name, parameters and results.
    ///
    /// # Errors
    /// [`ExportError`]: there is none, or it is of another type.
    pub fn func<P, R>(&mut self, name: &str) -> Result<TypedFunc<P, R>, ExportError>
    where
        P: WasmParams,
        R: WasmResults,
    {
        let func = self.get(name, "function", Extern::into_func)?;
        func.typed(&self.store).map_err(|error| wrong_type(name, format!("{error:#}")))
    }

    /// The memory of this name.
    ///
    /// # Errors
    /// [`ExportError`]: there is none, or it is something else.
    pub fn memory(&mut self, name: &str) -> Result<Memory, ExportError> {
        self.get(name, "memory", Extern::into_memory)
    }

    /// The table of this name.
    ///
    /// # Errors
    /// [`ExportError`]: there is none, or it is something else.
    pub fn table(&mut self, name: &str) -> Result<Table, ExportError> {
        self.get(name, "table", Extern::into_table)
    }

    /// The global of this name.
    ///
    /// # Errors
    /// [`ExportError`]: there is none, or it is something else.
    pub fn global(&mut self, name: &str) -> Result<Global, ExportError> {
        self.get(name, "global", Extern::into_global)
    }

    fn get<E>(
        &mut self,
        name: &str,
        kind: &str,
        into: impl FnOnce(Extern) -> Option<E>,
    ) -> Result<E, ExportError> {
        let export =
            self.instance.get_export(&mut self.store, name).ok_or_else(|| missing(name))?;
        into(export).ok_or_else(|| wrong_type(name, format!("it is no {kind}")))
    }

    /// The instance and its store, for what is not offered here.
    pub fn raw(&mut self) -> (Instance, StoreContextMut<'_, T>) {
        (self.instance, wasmtime::AsContextMut::as_context_mut(&mut self.store))
    }
}

impl<T> fmt::Debug for Exports<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exports").finish_non_exhaustive()
    }
}
