//! The meter of a store: what it may use, and what it has used.

mod run;

use std::sync::Arc;

use wasmtime::{AsContext, AsContextMut, Engine, Store, StoreContextMut, UpdateDeadline};

use crate::allocator::Room;
use crate::allowance::Grant;
use crate::bill::{Account, Usage};
use crate::clock::Ticker;
use crate::error::TooDeep;
use crate::guards::{CalledBack, HostTime};
use crate::limiter::{Limiter, Share};
use crate::mode::Mode;
use crate::running::Running;

pub use run::BoxedCall;

/// Ticks between two checks of a running guest.
const CHECK_TICKS: u64 = 1;

/// Data of a store that holds a [`Meter`].
pub trait Metered: Send + 'static {
    /// The meter that came with the store.
    fn meter(&mut self) -> &mut Meter;
}

impl Metered for Meter {
    fn meter(&mut self) -> &mut Meter {
        self
    }
}

/// Meters the guest of one store: its quota, fuel, deadline, and who pays.
///
/// A pool hands it to [`Host::data`](crate::Host::data) and does the rest. For a store of your own,
/// outside any pool, [`WasmEngine::store`](crate::WasmEngine::store) makes one that has it:
///
/// ```
/// use std::time::Duration;
/// use plimsoll_wasmtime::{Allowance, CallError, Meter, WasmEngine};
/// use wasmtime::{Instance, Module};
///
/// // Room for the instances of pools, and for two stores besides.
/// let engine = WasmEngine::builder().instances(4).reserve_stores(2).build()?;
/// let module = Module::new(engine.wasmtime(), r#"(module (func (export "run") (loop (br 0))))"#)?;
/// let allowance = Allowance::new().quota(1 << 20).fuel(100_000).deadline(Duration::from_secs(1));
/// let mut store = engine.store(&allowance, |meter| meter)?;
/// // A start function is metered as any call is.
/// let instance = Meter::run(&mut store, |store| Instance::new(store, &module, &[]))?;
/// let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
///
/// let error = Meter::run(&mut store, |store| run.call(store, ())).unwrap_err();
/// assert!(matches!(error, CallError::OutOfFuel { .. }) && error.is_fault());
/// assert_eq!(Meter::usage(&mut store).fuel, 100_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Meter {
    engine: Engine,
    limiter: Limiter,
    grant: Grant,
    /// What there is room for, whatever a grant says.
    quota_max: u64,
    mode: Mode,
    is_installed: bool,
    running: Arc<Running>,
    account: Account,
    /// Fuel that is in the ledgers.
    charged_fuel: u64,
    /// Fuel that wasmtime does not show.
    unseen_fuel: u64,
    /// Of a store outside the pools: the clock runs as long as it lives.
    ticker: Option<Arc<Ticker>>,
    /// The lease's part of the data of a host that needs none.
    pub(crate) no_lease: (),
}

impl Meter {
    pub(crate) fn new(
        engine: &Engine,
        room: &Room,
        grant: Grant,
        mode: Mode,
        running: Arc<Running>,
    ) -> Self {
        Self {
            engine: engine.clone(),
            limiter: Limiter::new(grant.quota, room.counts(), running.clone()),
            grant,
            quota_max: room.quota,
            mode,
            is_installed: false,
            running,
            account: Account::default(),
            charged_fuel: 0,
            unseen_fuel: 0,
            ticker: None,
            no_lease: (),
        }
    }

    /// Has what the store holds reserved of a budget, if there is one.
    pub(crate) fn sharing(mut self, share: Option<Share>) -> Self {
        self.limiter.share(share);
        self
    }

    pub(crate) fn keeping(mut self, ticker: Arc<Ticker>) -> Self {
        self.ticker = Some(ticker);
        self
    }

    /// Puts a store under its meter: limiter, fuel, and the callback of its epochs. Once for each
    /// store, before its guest is instantiated; [`WasmEngine::store`](crate::WasmEngine::store) does it.
    /// [`begin`](Self::begin) grants anew.
    ///
    /// # Panics
    /// If the meter is another engine's: its clock says nothing of this one's guests.
    pub fn install<T: Metered>(store: &mut Store<T>) {
        let engine = store.engine().clone();
        let is_of = Engine::same(&engine, &store.data_mut().meter().engine);
        assert!(is_of, "a store is metered by a meter of its own engine");
        store.limiter(|data| &mut data.meter().limiter);
        store.epoch_deadline_callback(|store| Ok(on_tick(store)));
        let meter = store.data_mut().meter();
        meter.is_installed = true;
        let (grant, mode) = (meter.grant, meter.mode);
        #[cfg(feature = "component-model")]
        store.set_max_component_handles(mode.handles_max);
        // To set none at all also asks for calls as tasks.
        if grant.fuel.is_some() && !mode.is_in_place() {
            set_yield_interval(store, mode.yield_interval);
        }
        Self::begin(store.as_context_mut(), &grant);
    }

    /// Begins a lease: grants anew, whatever is left of the last one (METER-3).
    ///
    /// [`WasmEngine::grant`](crate::WasmEngine::grant) makes a grant for a store outside the pools. A
    /// grant of another engine grants no more memory than this store's engine has, and fuel only if that
    /// engine meters it. How the guest yields stays as it is.
    ///
    /// ```
    /// # use plimsoll_wasmtime::{Allowance, Meter, WasmEngine};
    /// # use wasmtime::{Instance, Module};
    /// # let engine = WasmEngine::builder().instances(1).reserve_stores(1).build()?;
    /// # let module = Module::new(engine.wasmtime(), r#"(module (func (export "run")))"#)?;
    /// let mut store = engine.store(&Allowance::new(), |meter| meter)?;
    /// let instance = Instance::new(&mut store, &module, &[])?;
    /// let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
    ///
    /// let of_a_request = engine.grant(&Allowance::new().fuel(10_000))?;
    /// for _request in 0..3 {
    ///     Meter::begin(&mut store, &of_a_request);
    ///     Meter::run(&mut store, |store| run.call(store, ()))?;
    ///     assert!(Meter::usage(&mut store).fuel < 100);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn begin<T: Metered>(mut store: impl AsContextMut<Data = T>, grant: &Grant) {
        let mut store = store.as_context_mut();
        let meter = store.data_mut().meter();
        // Most leases have the grant of the last one, and to compare takes less than to copy.
        if *grant != meter.grant {
            meter.set_grant(grant);
        }
        let fuel = meter.grant.fuel;
        #[cfg(feature = "component-model")]
        let max_lift = meter.grant.max_lift();
        meter.running.begin(meter.grant.deadline_ns, meter.grant.wall_limit_ns);
        (meter.charged_fuel, meter.unseen_fuel) = (0, 0);
        store.set_epoch_deadline(CHECK_TICKS);
        #[cfg(feature = "component-model")]
        store.set_hostcall_fuel(max_lift);
        if let Some(fuel) = fuel {
            let set = store.set_fuel(fuel);
            debug_assert!(set.is_ok(), "it fails only without a meter");
        }
    }

    #[inline(never)]
    fn set_grant(&mut self, grant: &Grant) {
        self.grant = grant.held_to(&self.grant, self.quota_max);
        self.limiter.set_quota(self.grant.quota);
    }

    /// Sets who pays from now on. What was used before is charged to the last account first, and is
    /// inherited by the next one: only what the store grows by from now on is its growth (METER-2).
    pub fn charge_to<T: Metered>(store: &mut Store<T>, account: Account) {
        Self::settle(store);
        let meter = store.data_mut().meter();
        meter.running.inherit();
        meter.account = account;
    }

    /// Charges what was used and is not in the ledgers yet.
    #[inline]
    pub fn settle<T: Metered>(store: &mut Store<T>) {
        if !store.data_mut().meter().account.is_open() {
            return;
        }
        let usage = Self::usage(store);
        store.data_mut().meter().charge(usage);
    }

    /// What was used since the lease began.
    pub fn usage<T: Metered>(store: &mut Store<T>) -> Usage {
        let left = store.get_fuel().unwrap_or(0);
        store.data_mut().meter().usage_with(left)
    }

    /// Excludes what the host computes from the guest's deadline, until the guard is dropped. What a host
    /// function awaits is excluded anyway, and what it sleeps is on Linux and Android.
    ///
    /// ```
    /// use plimsoll_wasmtime::{Meter, Metered};
    /// use wasmtime::Caller;
    ///
    /// fn checksum(mut caller: Caller<'_, Meter>, upto: i64) -> i64 {
    ///     let _host = caller.data_mut().meter().host_time();
    ///     (0..upto).fold(7, |sum, n| sum.rotate_left(5) ^ n) // not the guest's time
    /// }
    /// # let _ = checksum;
    /// ```
    pub fn host_time(&self) -> HostTime {
        HostTime::begin(&self.running)
    }

    /// A host function is about to call its guest back. Each such call takes a stack of the engine's,
    /// which has as many for each instance as
    /// [`reentrancy`](crate::WasmEngineBuilder::reentrancy) says.
    ///
    /// # Errors
    /// [`TooDeep`], if that many calls back are under way. Returned from the host function, it ends the
    /// guest as [`CallError::TooDeep`](crate::CallError::TooDeep).
    pub fn call_back(&self) -> Result<CalledBack, TooDeep> {
        CalledBack::begin(&self.running)
    }

    /// Bytes of all memories, tables and GC heaps now.
    pub fn bytes(&self) -> u64 {
        self.running.bytes()
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    pub(crate) fn set_account(&mut self, account: Account) {
        self.account = account;
    }

    pub(crate) fn usage_with(&self, fuel_left: u64) -> Usage {
        let granted = self.grant.fuel.unwrap_or(0);
        let seen = granted.saturating_sub(fuel_left.min(granted));
        let fuel = seen.saturating_add(self.unseen_fuel).min(granted);
        Usage { fuel, bytes: self.running.bytes(), grown_bytes: self.running.grown_bytes() }
    }

    fn charge(&mut self, usage: Usage) {
        let fuel = usage.fuel.saturating_sub(self.charged_fuel);
        if !self.running.take_growth() && fuel == 0 {
            return;
        }
        self.charged_fuel += fuel;
        self.account.charge(Usage { fuel, ..usage });
    }
}

/// Sets after how much fuel a guest yields; the store meters fuel.
fn set_yield_interval<T>(store: &mut Store<T>, interval: Option<u64>) {
    let set = store.fuel_async_yield_interval(interval);
    debug_assert!(set.is_ok(), "it fails only without a meter, and at an interval of 0");
}

/// A guest runs, and a tick has passed.
fn on_tick<T: Metered>(mut store: StoreContextMut<'_, T>) -> UpdateDeadline {
    let fuel_left = store.as_context().get_fuel().unwrap_or(0);
    let meter = store.data_mut().meter();
    if meter.account.is_open() {
        // What it has grown stands by now (METER-10).
        let usage = meter.usage_with(fuel_left);
        meter.charge(usage);
    }
    meter.running.look();
    if meter.running.is_over() || meter.running.is_wall_over() {
        return UpdateDeadline::Interrupt;
    }
    match meter.mode.is_in_place() {
        true => UpdateDeadline::Continue(CHECK_TICKS),
        // However little fuel its instructions take, a guest does not hold its thread for longer.
        false => UpdateDeadline::Yield(CHECK_TICKS),
    }
}
