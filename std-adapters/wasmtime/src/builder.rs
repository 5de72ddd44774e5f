//! How a pool of guests is made.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::bill::Ledgers;
use super::call::block_on;
use super::engine::WasmEngine;
use super::error::ProgramError;
use super::host::Host;
use super::meter::{Allowance, Fuel};
use super::pool::WasmPool;
use super::program::{GuestManager, Program};
use plimsoll::ledger::{PeakLedger, SumLedger};
use plimsoll::pool::{Isolation, Manager, Pool, PoolBuilder};

type PoolSettings<H, X> =
    dyn FnOnce(PoolBuilder<GuestManager<H, X>>) -> PoolBuilder<GuestManager<H, X>> + Send;

/// Settings of a [`WasmPool`].
#[must_use = "it has no effect until `build`"]
pub struct WasmPoolBuilder<H: Host, X: Send + Sync + 'static> {
    engine: WasmEngine,
    host: H,
    program: Program<H, X>,
    max: usize,
    isolation: Isolation,
    quota: Option<u64>,
    fuel: Option<u64>,
    yield_interval: u64,
    is_in_place: bool,
    deadline: Option<Duration>,
    start_deadline: Duration,
    handles_max: usize,
    ledgers: Ledgers,
    settings: Option<Box<PoolSettings<H, X>>>,
}

impl<H: Host, X: Send + Sync + 'static> WasmPoolBuilder<H, X> {
    pub(super) fn new(engine: &WasmEngine, host: H, program: Program<H, X>) -> Self {
        Self {
            engine: engine.clone(),
            host,
            program,
            max: 16,
            isolation: Isolation::default(),
            quota: None,
            fuel: None,
            yield_interval: 100_000,
            is_in_place: false,
            deadline: Some(Duration::from_secs(1)),
            start_deadline: Duration::from_secs(1),
            handles_max: 1_024,
            ledgers: Ledgers::default(),
            settings: None,
        }
    }

    /// How many instances there are at most; 16 by default.
    pub fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// Who may be lent an instance that somebody has used; nobody by default (POOL-10).
    ///
    /// With [`PerPrincipal`](Isolation::PerPrincipal), a guest's memory, globals and tables and the
    /// [`Host::Instance`] stay from lease to lease of one principal. With
    /// [`Shared`](Isolation::Shared) they stay for everybody: whatever one principal leaves in a
    /// guest, the next one can read and has to live with. [`Host::Lease`] and handles never stay.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// How many bytes the memories and tables of one instance have together at most (METER-1); the
    /// engine's quota by default. A table's element counts as a pointer.
    pub fn quota(mut self, bytes: u64) -> Self {
        self.quota = Some(bytes);
        self
    }

    /// How much fuel each lease has; by default as much as there can be, which is metered all the
    /// same.
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }

    /// How much fuel a guest uses before it lets other tasks run; 100,000 by default, which is some
    /// 100 us. A guest that does not return is charged to within as much (METER-4).
    pub fn yield_interval(mut self, fuel: u64) -> Self {
        self.yield_interval = fuel;
        self
    }

    /// Runs guests on their caller's stack, where calls are cheapest, and blocks the thread until
    /// they return, also from [`WasmLease::call`](super::WasmLease::call): they do not yield, can
    /// not be cancelled, and may not import async functions.
    ///
    /// [Fuel](Self::fuel) has to be set, unless the engine meters none: a guest that is stopped by its deadline, or by a trap of
    /// its own other than `unreachable` and a full stack, is charged with all of it, for nobody
    /// knows how much it has used.
    pub fn in_place(mut self) -> Self {
        self.is_in_place = true;
        self
    }

    /// How long each lease may run, from its beginning; 1 s by default. It ends no sooner, and up
    /// to two [ticks](super::WasmEngineBuilder::tick) later, or when the guest next runs.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Lets leases run for ever, unless their fuel ends them.
    pub fn no_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// How long the start of an instance may take; 1 s by default. It has a lease's fuel as well.
    pub fn start_deadline(mut self, deadline: Duration) -> Self {
        self.start_deadline = deadline;
        self
    }

    /// How many [handles](super::Handles) a lease has at most; 1,024 by default.
    pub fn handles(mut self, max: usize) -> Self {
        self.handles_max = max;
        self
    }

    /// Where the absolute size of the instances that a principal has used is recorded: what it
    /// inherited from earlier leases is included.
    pub fn bytes_ledger(mut self, ledger: &PeakLedger) -> Self {
        self.ledgers.bytes = Some(ledger.clone());
        self
    }

    /// Where it is recorded by how much a principal's leases have grown their instances.
    pub fn growth_ledger(mut self, ledger: &PeakLedger) -> Self {
        self.ledgers.growth = Some(ledger.clone());
        self
    }

    /// Where the fuel that a principal has used is recorded. The start of an instance is the pool's
    /// own, and nobody's.
    pub fn fuel_ledger(mut self, ledger: &SumLedger) -> Self {
        self.ledgers.fuel = Some(ledger.clone());
        self
    }

    /// What else to set, such as the warm minimum, timeouts, or the registry:
    /// `.pool(|pool| pool.warm(8))`. Maximum and isolation are those of this builder.
    pub fn pool(
        mut self,
        settings: impl FnOnce(PoolBuilder<GuestManager<H, X>>) -> PoolBuilder<GuestManager<H, X>>
        + Send
        + 'static,
    ) -> Self {
        self.settings = Some(Box::new(settings));
        self
    }

    /// Makes the pool, and one instance first, to see that there can be some.
    ///
    /// # Errors
    /// [`ProgramError`]: settings that can not be, an engine without room, a start function that
    /// traps or does not end, exports that are missing or of another type.
    ///
    /// # Panics
    /// If [`Host::instance`] or a host function that the start function calls does.
    ///
    /// # Progress
    /// Blocks the thread while that first instance is built; see
    /// [`build_async`](Self::build_async).
    pub fn build(self) -> Result<WasmPool<H, X>, ProgramError> {
        block_on(self.build_async())
    }

    /// [`build`](Self::build), as a task.
    ///
    /// # Errors
    /// As of [`build`](Self::build).
    ///
    /// # Panics
    /// As of [`build`](Self::build).
    ///
    /// # Cancellation
    /// Safe: there is no pool then.
    pub async fn build_async(self) -> Result<WasmPool<H, X>, ProgramError> {
        let quota = self.checked_quota()?;
        let allowance = self.allowance(self.deadline)?;
        let manager = GuestManager {
            start: self.allowance(Some(self.start_deadline))?,
            _reservation: self.engine.reserve(self.max)?,
            program: self.program,
            shared: Arc::new(self.host),
            engine: self.engine,
            quota,
            handles_max: self.handles_max,
        };
        manager.retire(manager.guest().await?);
        let mut builder = Pool::builder(manager);
        if let Some(settings) = self.settings {
            builder = settings(builder);
        }
        let pool = builder.max(self.max).isolation(self.isolation).build()?;
        Ok(WasmPool::new(pool, allowance, self.ledgers))
    }

    fn checked_quota(&self) -> Result<u64, ProgramError> {
        let max = self.engine.room().quota;
        match self.quota.unwrap_or(max) {
            asked if asked > max => Err(ProgramError::QuotaAboveEngine { asked, max }),
            quota => Ok(quota),
        }
    }

    fn allowance(&self, deadline: Option<Duration>) -> Result<Allowance, ProgramError> {
        let zeros = [
            ("fuel", self.fuel == Some(0)),
            ("yield interval", self.yield_interval == 0),
            ("deadline", deadline == Some(Duration::ZERO)),
        ];
        if let Some((setting, _)) = zeros.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(ProgramError::Zero { setting });
        }
        let fuel = match (self.engine.meters_fuel(), self.fuel) {
            (false, Some(_)) => return Err(ProgramError::NoFuelMeter),
            (false, None) => None,
            (true, None) if self.is_in_place => return Err(ProgramError::NoFuel),
            (true, fuel) => {
                let yield_interval = (!self.is_in_place).then_some(self.yield_interval);
                Some(Fuel { amount: fuel.unwrap_or(u64::MAX), yield_interval })
            }
        };
        let is_in_place = self.is_in_place;
        Ok(Allowance { is_in_place, ..Allowance::new(fuel, deadline, self.engine.tick()) })
    }
}

impl<H: Host, X: Send + Sync + 'static> fmt::Debug for WasmPoolBuilder<H, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WasmPoolBuilder");
        debug.field("max", &self.max).field("isolation", &self.isolation);
        debug.field("quota", &self.quota).field("fuel", &self.fuel);
        debug.field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
