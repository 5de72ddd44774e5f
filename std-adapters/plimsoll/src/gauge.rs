//! Gauges that a registry lists.

use std::fmt;
use std::mem;

use plimsoll_core::{Gauge, Level, MAX_STEP, Reading, SampledGauge, Watermarks};

use crate::registry::{Registered, Registration, Registry};
use crate::sync::{AtomicU64, Ordering};
use crate::telemetry::{AtRest, Limit, RegisterError, Source, SourceReading};

impl Registry {
    /// Registers a gauge that counts in and out.
    ///
    /// # Errors
    /// An invalid name or scope, too many entries, a rule that repeats at no interval.
    pub fn gauge(
        &self,
        limit: impl Into<Limit>,
        watermarks: Watermarks,
    ) -> Result<TrackedGauge, RegisterError> {
        Ok(TrackedGauge::new(self.reserve(limit, watermarks)?, watermarks))
    }

    /// Registers a gauge whose depth is set, for what is measured rather than counted.
    ///
    /// # Errors
    /// As for [`gauge`](Self::gauge).
    pub fn recorded_gauge(
        &self,
        limit: impl Into<Limit>,
        watermarks: Watermarks,
    ) -> Result<RecordedGauge, RegisterError> {
        Ok(RecordedGauge::new(self.reserve(limit, watermarks)?, watermarks))
    }
}

/// A counted [`Gauge`] in a [`Registry`](crate::Registry), which can be set as well; its edges become
/// events.
///
/// Clones are handles to the same gauge. With the last handle and the last permit it leaves the
/// registry.
///
/// ```
/// use plimsoll::{Category, Limit, Registry, Watermarks};
///
/// let registry = Registry::new();
/// let processes = registry.gauge(
///     Limit::new("vm_processes", Category::Resource).scope("guest-7"),
///     Watermarks::percent(32, 80, 50),
/// )?;
/// let process = processes.permit(1);
/// assert_eq!(processes.depth(), 1);
/// drop(process);
/// assert_eq!((processes.depth(), processes.high_water()), (0, 1));
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct TrackedGauge(Registered<Gauge>);

impl TrackedGauge {
    pub(crate) fn new(registration: Registration, watermarks: Watermarks) -> Self {
        Self(Registered::new(registration, Gauge::new(watermarks)))
    }

    /// Counts `amount` in, as [`Gauge::add`] does.
    #[inline]
    pub fn add(&self, amount: u64) {
        self.0.emit(self.0.add(amount));
    }

    /// Counts `amount` out, as [`Gauge::sub`] does.
    #[inline]
    pub fn sub(&self, amount: u64) {
        self.0.emit(self.0.sub(amount));
    }

    /// Sets the depth, as [`Gauge::set`] does: for what is counted and, now and then, measured. Permits
    /// that are held count as part of what is set.
    pub fn set(&self, depth: u64) {
        self.0.emit(self.0.set(depth));
    }

    /// Counts `amount` in for as long as the permit lives.
    #[inline]
    pub fn permit(&self, amount: u64) -> TrackedPermit {
        self.add(amount);
        TrackedPermit { gauge: self.clone(), amount: amount.min(MAX_STEP) }
    }

    #[cfg(feature = "pressure")]
    pub(crate) fn registration(&self) -> &Registration {
        self.0.registration()
    }

    /// Tells the pressures that go by its depth that this has changed. No lock may be held.
    #[cfg(feature = "keepalive")]
    pub(crate) fn changed(&self) {
        #[cfg(feature = "pressure")]
        self.0.registration().changed();
    }

    /// The gauge itself, to be read. What is added or taken out there makes no events.
    pub fn gauge(&self) -> &Gauge {
        &self.0
    }

    /// The depth now.
    pub fn depth(&self) -> u64 {
        self.0.depth()
    }

    /// The level that agrees with the depth now.
    pub fn level(&self) -> Level {
        self.0.level()
    }

    /// The largest depth of the gauge's life.
    pub fn high_water(&self) -> u64 {
        self.0.high_water()
    }

    /// Depth, high-water mark and level at one moment.
    pub fn reading(&self) -> Reading {
        self.0.reading()
    }
}

impl Source for Gauge {
    #[inline(always)]
    fn at_rest(&self) -> Option<AtRest> {
        self.depths_before_edges().map(AtRest::new)
    }

    #[inline(always)]
    fn look(&self) -> Option<SourceReading> {
        let edge = self.settle();
        Some(SourceReading::unblocked(self.reading()).with_edge(edge))
    }

    fn take_high_water(&self) -> u64 {
        Gauge::take_high_water(self)
    }
}

impl fmt::Debug for TrackedGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrackedGauge").field(self.0.registration()).field(&self.reading()).finish()
    }
}

/// What is counted in at a [`TrackedGauge`] for as long as this lives. It keeps the gauge
/// registered.
#[derive(Debug)]
#[must_use = "dropping a permit counts its amount out at once"]
pub struct TrackedPermit {
    gauge: TrackedGauge,
    amount: u64,
}

impl TrackedPermit {
    /// How much this permit counts; at most [`MAX_STEP`], whatever was asked.
    pub const fn amount(&self) -> u64 {
        self.amount
    }

    /// Takes `amount` of it into a permit of its own, or all of it if that is less.
    pub fn split(&mut self, amount: u64) -> TrackedPermit {
        let amount = amount.min(self.amount);
        self.amount -= amount;
        TrackedPermit { gauge: self.gauge.clone(), amount }
    }
}

impl Drop for TrackedPermit {
    fn drop(&mut self) {
        let amount = mem::take(&mut self.amount);
        if amount > 0 {
            self.gauge.sub(amount);
        }
    }
}

/// A gauge in a [`Registry`](crate::Registry) whose depth is set: for what is measured, such as
/// the bytes of a heap; its edges become events.
///
/// Clones are handles to the same gauge. With the last handle it leaves the registry.
///
/// ```
/// use plimsoll::{Limit, Registry, Watermarks};
///
/// let registry = Registry::new();
/// let heap = registry.recorded_gauge(Limit::memory("v8_heap_bytes"), Watermarks::new(64 << 20))?;
/// heap.record(3 << 20);
/// heap.record(1 << 20);
/// assert_eq!((heap.depth(), heap.high_water()), (1 << 20, 3 << 20));
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct RecordedGauge(Registered<Recorded>);

struct Recorded {
    /// The depth that was set last.
    depth: AtomicU64,
    gauge: SampledGauge,
}

impl RecordedGauge {
    pub(crate) fn new(registration: Registration, watermarks: Watermarks) -> Self {
        let gauge = SampledGauge::new(watermarks);
        Self(Registered::new(registration, Recorded { depth: AtomicU64::new(0), gauge }))
    }

    /// Sets the depth. Of several set at once, one is the last and holds.
    #[inline]
    pub fn record(&self, depth: u64) {
        // Relaxed: a move of the depth, which the gauge orders before its look.
        self.0.depth.swap(depth, Ordering::Relaxed);
        self.0.emit(self.0.gauge.observe_with(|| self.0.depth()));
    }

    #[cfg(feature = "pressure")]
    pub(crate) fn registration(&self) -> &Registration {
        self.0.registration()
    }

    /// The depth that was set last.
    pub fn depth(&self) -> u64 {
        self.0.depth()
    }

    /// The level that holds.
    pub fn level(&self) -> Level {
        self.0.gauge.level()
    }

    /// The largest depth that was set.
    pub fn high_water(&self) -> u64 {
        self.0.gauge.high_water()
    }
}

impl Recorded {
    fn depth(&self) -> u64 {
        // Relaxed: the number carries no other data.
        self.depth.load(Ordering::Relaxed)
    }
}

impl Source for Recorded {
    #[inline(always)]
    fn look(&self) -> Option<SourceReading> {
        let (reading, edge) = self.gauge.reading(|| self.depth());
        Some(SourceReading::unblocked(reading).with_edge(edge))
    }

    fn take_high_water(&self) -> u64 {
        self.gauge.take_high_water(|| self.depth())
    }
}

impl fmt::Debug for RecordedGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RecordedGauge");
        debug.field("limit", self.0.registration()).field("depth", &self.depth()).finish()
    }
}
