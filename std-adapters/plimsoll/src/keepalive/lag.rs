//! The watcher's own lag, as a gauge in the registry.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::{SampledGauge, Watermarks};

use super::attended::Now;
use crate::clock::Clock;
#[cfg(feature = "tokio")]
use crate::clock::Timers;
use crate::clock::whole_ms;
use crate::contain::contain;
use crate::registry::{Registration, Registry};
use crate::sync::{AtomicU64, Ordering};
use crate::telemetry::{Limit, RegisterError, Source, SourceReading};

/// The lag in milliseconds. A read asks the clock, so that a driver that has stopped shows.
pub(super) struct Lag {
    /// When the next step is due, in nanoseconds of the clock; [`NEVER`] while nobody is watched.
    due_ns: AtomicU64,
    /// How late the last tick was published.
    last_ns: AtomicU64,
    clock: Box<dyn Clock>,
    #[cfg(feature = "tokio")]
    timers: Timers,
    /// Whose clock it is.
    #[cfg(feature = "tokio")]
    runtime: Option<tokio::runtime::Handle>,
    gauge: SampledGauge,
    registration: Registration,
}

const NEVER: u64 = u64::MAX;

impl Lag {
    pub(super) fn register(
        registry: &Registry,
        limit: Limit,
        clock: Box<dyn Clock>,
    ) -> Result<Arc<Lag>, RegisterError> {
        // What is too late depends on who is watched, so that there is no level: it is an event.
        let watermarks = Watermarks::unbounded();
        #[cfg(feature = "tokio")]
        let timers = clock.timers();
        let lag = Arc::new(Lag {
            due_ns: AtomicU64::new(NEVER),
            last_ns: AtomicU64::new(0),
            clock,
            #[cfg(feature = "tokio")]
            timers,
            #[cfg(feature = "tokio")]
            runtime: runtime_of(timers),
            gauge: SampledGauge::new(watermarks),
            registration: registry.reserve(limit, watermarks)?,
        });
        lag.registration.attach(&lag);
        Ok(lag)
    }

    /// The time now; `None` if the clock panics.
    pub(super) fn now(&self) -> Option<Now> {
        contain(|| {
            // A paused clock is known to its own runtime only.
            #[cfg(feature = "tokio")]
            let _entered = self.runtime.as_ref().map(|runtime| runtime.enter());
            Now { clock: self.clock.now(), is_paused: self.is_paused() }
        })
    }

    #[cfg(feature = "tokio")]
    fn is_paused(&self) -> bool {
        self.timers == Timers::Tokio && tokio_is_paused()
    }

    #[cfg(not(feature = "tokio"))]
    fn is_paused(&self) -> bool {
        false
    }

    #[cfg(feature = "tokio")]
    pub(super) fn timers(&self) -> Timers {
        self.timers
    }

    #[cfg(feature = "tokio")]
    pub(super) fn runtime(&self) -> Option<&tokio::runtime::Handle> {
        self.runtime.as_ref()
    }

    /// What a step has found.
    pub(super) fn note(&self, due: Option<Duration>, last: Duration) {
        // Relaxed: the numbers carry no other data, and a reader who sees one of them only shows
        // the lag of another moment.
        self.last_ns.store(ns(last), Ordering::Relaxed);
        self.due_ns.store(due.map_or(NEVER, ns), Ordering::Relaxed);
        self.registration.emit(self.gauge.observe_with(|| ns(last) / 1_000_000));
    }

    /// The lag of the last tick, or of the next one if that is overdue by more.
    pub(super) fn now_late(&self) -> Duration {
        // Relaxed: as above.
        let (due, last) =
            (self.due_ns.load(Ordering::Relaxed), self.last_ns.load(Ordering::Relaxed));
        let last = Duration::from_nanos(last);
        match self.now() {
            Some(Now { clock, is_paused: false }) if due != NEVER => {
                last.max(clock.saturating_sub(Duration::from_nanos(due)))
            }
            _ => last,
        }
    }

    fn depth(&self) -> u64 {
        whole_ms(self.now_late())
    }
}

#[cfg(feature = "tokio")]
fn runtime_of(timers: Timers) -> Option<tokio::runtime::Handle> {
    match timers {
        Timers::Tokio => tokio::runtime::Handle::try_current().ok(),
        Timers::System => None,
    }
}

/// Whether tokio's clock stands still while the one that it goes by goes on.
#[cfg(feature = "tokio")]
fn tokio_is_paused() -> bool {
    let (time, real) = (tokio::time::Instant::now(), std::time::Instant::now());
    while real.elapsed() < Duration::from_micros(1) {
        std::hint::spin_loop();
    }
    tokio::time::Instant::now() == time
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER)
}

impl Source for Lag {
    fn look(&self) -> Option<SourceReading> {
        let (reading, edge) = self.gauge.reading(|| self.depth());
        self.registration.emit(edge);
        Some(SourceReading::unblocked(reading))
    }

    fn take_high_water(&self) -> u64 {
        self.gauge.take_high_water(|| self.depth())
    }
}
