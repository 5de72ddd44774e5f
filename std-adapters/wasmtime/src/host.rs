//! What a host keeps for its guests, by how long it lives.

use std::fmt;
use std::sync::Arc;

use wasmtime::{StoreContextMut, UpdateDeadline};

use super::error::NoLease;
use super::handles::Handles;
use super::meter::Meter;
use super::scrap::Scrap;

/// What a host keeps for the guests of a pool. It is split by how long it lives.
///
/// - The host itself is shared by all leases, through an [`Arc`] that is given once.
/// - [`Lease`](Self::Lease) is made for each lease and goes with it, whole: nothing of it is
///   cleared field by field, so that no field can be forgotten (POOL-10).
/// - [`Instance`](Self::Instance) lives as long as the instance, through all its leases: what a
///   guest keeps running between calls is kept here, and is there only for those who get that
///   instance.
///
/// ```
/// use plimsoll_wasmtime::Host;
///
/// struct Tools;
///
/// struct Request {
///     principal: String,
///     answer: Vec<u8>,
/// }
///
/// impl Host for Tools {
///     type Instance = ();
///     type Lease = Request;
///
///     fn instance(&self) {}
///
///     fn lease(&self, principal: &str) -> Request {
///         Request { principal: principal.to_owned(), answer: Vec::new() }
///     }
/// }
/// ```
pub trait Host: Send + Sync + 'static {
    /// What lives as long as an instance; `()` if nothing does.
    type Instance: Send + 'static;
    /// What lives as long as a lease.
    type Lease: Send + 'static;

    /// Makes what goes with a new instance. Called before it is instantiated, in the
    /// background or by the checkout that needs it.
    fn instance(&self) -> Self::Instance;

    /// Makes what goes with a new lease of this principal. Called when the lease begins, under no
    /// lock; if it panics, the instance is discarded.
    fn lease(&self, principal: &str) -> Self::Lease;
}

/// The host of guests that need nothing of it.
impl Host for () {
    type Instance = ();
    type Lease = ();

    fn instance(&self) {}

    fn lease(&self, _principal: &str) {}
}

/// What host functions find in the store: `Caller<'_, HostState<H>>`.
pub struct HostState<H: Host> {
    shared: Arc<H>,
    instance: H::Instance,
    lease: Option<H::Lease>,
    handles: Handles,
    pub(super) meter: Meter,
}

/// All of a [`HostState`] at once, for a host function that needs several parts.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<'s, H: Host> {
    /// What all leases share.
    pub shared: &'s H,
    /// What lives as long as the instance.
    pub instance: &'s mut H::Instance,
    /// What lives as long as the lease.
    pub lease: &'s mut H::Lease,
    /// The lease's handles.
    pub handles: &'s mut Handles,
}

impl<H: Host> HostState<H> {
    pub(super) fn new(shared: Arc<H>, handles_max: usize, meter: Meter) -> Self {
        let instance = shared.instance();
        Self { shared, instance, lease: None, handles: Handles::new(handles_max), meter }
    }

    /// What all leases share.
    pub fn shared(&self) -> &Arc<H> {
        &self.shared
    }

    /// What lives as long as the instance.
    pub fn instance(&self) -> &H::Instance {
        &self.instance
    }

    /// What lives as long as the instance.
    pub fn instance_mut(&mut self) -> &mut H::Instance {
        &mut self.instance
    }

    /// What lives as long as the lease.
    ///
    /// # Errors
    /// [`NoLease`], in a host function that the guest calls at its start.
    pub fn lease(&self) -> Result<&H::Lease, NoLease> {
        self.lease.as_ref().ok_or(NoLease)
    }

    /// What lives as long as the lease.
    ///
    /// # Errors
    /// [`NoLease`], in a host function that the guest calls at its start.
    pub fn lease_mut(&mut self) -> Result<&mut H::Lease, NoLease> {
        self.lease.as_mut().ok_or(NoLease)
    }

    /// The lease's handles. No number comes again as long as the instance lives.
    pub fn handles(&self) -> &Handles {
        &self.handles
    }

    /// The lease's handles. No number comes again as long as the instance lives.
    pub fn handles_mut(&mut self) -> &mut Handles {
        &mut self.handles
    }

    /// All of it at once.
    ///
    /// # Errors
    /// [`NoLease`], in a host function that the guest calls at its start.
    pub fn parts(&mut self) -> Result<Parts<'_, H>, NoLease> {
        let Self { shared, instance, lease, handles, .. } = self;
        Ok(Parts { shared, instance, lease: lease.as_mut().ok_or(NoLease)?, handles })
    }

    /// Begins a lease.
    pub(super) fn begin(&mut self, lease: H::Lease) {
        self.lease = Some(lease);
    }

    /// Ends a lease: nothing that goes with it stays.
    ///
    /// # Returns
    /// The lease's state, unless the drop of a handle has panicked: then it is left to go with the
    /// instance.
    pub(super) fn end(&mut self, scrap: &mut Scrap) -> Option<H::Lease> {
        scrap.take_each(self.handles.take_all());
        if scrap.has_panicked() { None } else { self.lease.take() }
    }

    /// Drops everything, part by part.
    pub(super) fn scrap(self, mut scrap: Scrap) {
        let Self { shared, instance, lease, mut handles, meter: _ } = self;
        scrap.take_each(handles.take_all());
        scrap.take(lease);
        scrap.take(instance);
        scrap.take(shared);
        scrap.end();
    }

    /// A deadline was reached, of those that [`Meter`] sets.
    pub(super) fn on_epoch(store: StoreContextMut<'_, Self>) -> wasmtime::Result<UpdateDeadline> {
        Ok(store.data().meter.on_epoch())
    }
}

impl<H: Host> fmt::Debug for HostState<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("HostState");
        debug.field("is_leased", &self.lease.is_some()).field("handles", &self.handles);
        debug.field("meter", &self.meter).finish_non_exhaustive()
    }
}
