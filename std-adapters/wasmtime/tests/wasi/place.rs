//! Where guests run: as tasks of a runtime, or on the thread that calls them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs, process};

use plimsoll::Registry;
use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{
    CallError, GuestFunc, Host, WasmEngine, WasmLease, WasmPool, WasmPoolBuilder, WasmPrincipal,
};
use tokio::runtime::{Builder, Runtime};

use crate::example::Tools;

pub(crate) const ISOLATIONS: [Isolation; 3] =
    [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared];

/// An engine with room for a pool or two of each place and isolation.
pub(crate) fn engine() -> WasmEngine {
    WasmEngine::builder().instances(64).tick(Duration::from_millis(1)).build().unwrap()
}

/// How WASI is linked, and its guests are called.
#[derive(Debug)]
pub(crate) enum Place {
    /// Linked async, as tasks.
    Task(Runtime),
    /// Linked sync, on stacks of their own, by a thread that blocks.
    Thread,
    /// Linked sync, on the stack of that thread.
    CallersStack,
}

impl Place {
    pub(crate) fn all() -> [Self; 3] {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        [Self::Task(runtime), Self::Thread, Self::CallersStack]
    }

    pub(crate) fn is_async(&self) -> bool {
        matches!(self, Self::Task(_))
    }

    pub(crate) fn build<H: Host, X: Send + Sync + 'static>(
        &self,
        builder: WasmPoolBuilder<H, X>,
    ) -> WasmPool<H, X> {
        let builder = builder.fuel(1 << 40);
        match self {
            Self::Task(runtime) => runtime.block_on(builder.build_async()),
            Self::Thread => builder.build(),
            Self::CallersStack => builder.in_place().build(),
        }
        .unwrap()
    }

    pub(crate) fn lease<'a, H: Host, X: Send + Sync + 'static>(
        &self,
        pool: &'a WasmPool<H, X>,
        principal: &'a WasmPrincipal,
    ) -> WasmLease<'a, H, X> {
        match self {
            Self::Task(runtime) => runtime.block_on(pool.checkout(principal)).unwrap(),
            _ => pool.checkout_blocking(principal).unwrap(),
        }
    }

    pub(crate) fn call<H: Host, X: Send + Sync + 'static, F: GuestFunc>(
        &self,
        lease: &mut WasmLease<'_, H, X>,
        func: impl FnOnce(&X) -> &F,
        params: F::Params,
    ) -> Result<F::Results, CallError> {
        match self {
            Self::Task(runtime) => runtime.block_on(lease.call(func, params)),
            _ => lease.call_blocking(func, params),
        }
    }
}

/// A directory for each of two principals, gone with the test.
pub(crate) struct Folders(PathBuf);

impl Folders {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = env::temp_dir().join(format!("plimsoll-wasi-{}-{number}", process::id()));
        for id in ["acme", "other"] {
            fs::create_dir_all(root.join(id)).unwrap();
        }
        Self(root)
    }

    pub(crate) fn tools(&self) -> Tools {
        let folders = ["acme", "other"].map(|id| (id, self.0.join(id)));
        Tools { registry: Registry::new(), folders: folders.into() }
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
