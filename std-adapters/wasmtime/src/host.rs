//! The host's data for its guests, by how long it lives.

use std::sync::Arc;

use crate::handles::Handles;
use crate::meter::{Meter, Metered};
use crate::running::Running;

/// Makes the data of a pool's stores, which is the host's own type.
///
/// - The host itself is shared by all leases.
/// - [`Data`](Self::Data) is what host functions find in the store, and lives as long as the
///   instance. It holds the [`Meter`] that the pool hands out.
/// - [`Lease`](Self::Lease) is the part of it that belongs to a lease. The pool replaces it whole when
///   a lease begins and when it is completed, so that no field can be forgotten (POOL-10). The part of a
///   lease that is dropped goes with its instance, unless the pool
///   [keeps](crate::WasmPoolBuilder::keep_on_drop) both.
///
/// Since `Data` is a type of your own, foreign traits can be implemented for it: `WasiView`,
/// `WasiHttpView`, and the traits of a `bindgen!` world.
///
/// ```
/// use plimsoll_wasmtime::{Host, Meter, Metered, NewLease};
/// use wasmtime::component::ResourceTable;
/// use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
///
/// struct Tools;
///
/// struct Data {
///     meter: Meter,
///     request: Request,
/// }
///
/// struct Request {
///     wasi: WasiCtx,
///     table: ResourceTable,
/// }
///
/// impl Metered for Data {
///     fn meter(&mut self) -> &mut Meter {
///         &mut self.meter
///     }
/// }
///
/// impl WasiView for Data {
///     fn ctx(&mut self) -> WasiCtxView<'_> {
///         WasiCtxView { ctx: &mut self.request.wasi, table: &mut self.request.table }
///     }
/// }
///
/// impl Host for Tools {
///     type Data = Data;
///     type Lease = Request;
///
///     fn lease(&self, new: NewLease<'_>) -> Request {
///         let mut wasi = WasiCtxBuilder::new();
///         wasi.env("PRINCIPAL", new.principal().unwrap_or("nobody"));
///         Request { wasi: wasi.build(), table: ResourceTable::new() }
///     }
///
///     fn data(&self, meter: Meter, lease: Request) -> Data {
///         Data { meter, request: lease }
///     }
///
///     fn lease_of(data: &mut Data) -> &mut Request {
///         &mut data.request
///     }
///
///     fn has_handles(lease: &mut Request) -> bool {
///         !lease.table.is_empty()
///     }
/// }
/// ```
pub trait Host: Send + Sync + 'static {
    /// The data of a store.
    type Data: Metered;
    /// The part of it that belongs to a lease.
    type Lease: Send + 'static;

    /// Makes the part that belongs to a lease, under no lock. If it panics, the instance is
    /// discarded.
    fn lease(&self, new: NewLease<'_>) -> Self::Lease;

    /// Makes the data of a new store, before the guest is instantiated. `lease` is one without a
    /// principal.
    fn data(&self, meter: Meter, lease: Self::Lease) -> Self::Data;

    /// The part of the data that belongs to a lease.
    fn lease_of(data: &mut Self::Data) -> &mut Self::Lease;

    /// Whether the guest may hold handles of the part that belongs to a lease: whether a table of
    /// resources in it, wasmtime's `ResourceTable`, is not empty. `false` if there is no table in it.
    ///
    /// An instance of which this is true when its lease ends is discarded (POOL-10): a number of that table
    /// names another object in the next one. For [`Handles`] it is false, for their numbers never come again. A
    /// host function that returns the table's error for an unknown handle ends the call as
    /// [`CallError::Failed`](crate::CallError::Failed), which is no fault.
    fn has_handles(lease: &mut Self::Lease) -> bool;
}

/// The host of guests that need nothing of it.
impl Host for () {
    type Data = Meter;
    type Lease = ();

    fn lease(&self, _new: NewLease<'_>) {}

    fn data(&self, meter: Meter, (): ()) -> Meter {
        meter
    }

    fn lease_of(meter: &mut Meter) -> &mut () {
        &mut meter.no_lease
    }

    fn has_handles(_lease: &mut ()) -> bool {
        false
    }
}

/// What is known of a lease that begins.
#[derive(Debug)]
pub struct NewLease<'a> {
    principal: Option<&'a str>,
    running: &'a Arc<Running>,
}

impl<'a> NewLease<'a> {
    pub(crate) fn new(principal: Option<&'a str>, running: &'a Arc<Running>) -> Self {
        Self { principal, running }
    }

    /// For whom the instance is lent; `None` while it is built, and while nobody has it.
    pub fn principal(&self) -> Option<&'a str> {
        self.principal
    }

    /// A table for so many objects at one time, whose numbers go on where those of the instance's
    /// last one stopped.
    pub fn handles(&self, capacity: usize) -> Handles {
        Handles::of_instance(capacity, self.running.clone())
    }
}
