//! A gauge that reads its depth from a function.

use std::cell::Cell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use plimsoll_core::{Level, Reading, SampledGauge, Watermarks};

use crate::registry::{Registration, Registry};
use crate::sync::{AtomicU64, Ordering, thread_local};
use crate::telemetry::{Limit, RegisterError, Source, SourceReading};

impl Registry {
    /// Registers a gauge that asks `depth` whenever it is read, until its last handle is dropped: for
    /// what can be asked at any time, such as the length of a queue.
    ///
    /// # Errors
    /// As for [`gauge`](Self::gauge).
    pub fn observe(
        &self,
        limit: impl Into<Limit>,
        watermarks: Watermarks,
        depth: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<ObservedGauge, RegisterError> {
        Ok(ObservedGauge::new(self.reserve(limit, watermarks)?, watermarks, Box::new(depth)))
    }
}

/// A gauge in a [`Registry`](crate::Registry) that asks a function for its depth: for what can be
/// asked, such as the length of another library's queue; its edges become events.
///
/// The function is called for each snapshot and each delivery, by [`observe`](Self::observe), and for
/// each answer below. What comes and goes between two calls is not seen, and a `pressure::Pressure` does
/// not see it either, unless it looks at an interval. It may be called by several threads at once, under
/// no lock. If it panics, which is [counted](crate::RegistryStats::panicked), or asks a gauge of this kind
/// in its turn (by reading the registry, say), the answer is the last one.
///
/// Clones are handles to the same gauge. With the last handle it leaves the registry, and the function is
/// dropped.
///
/// ```
/// use std::sync::Mutex;
/// use std::{collections::VecDeque, sync::Arc};
/// use plimsoll::{Registry, Watermarks};
///
/// let registry = Registry::new();
/// let jobs = Arc::new(Mutex::new(VecDeque::from([1, 2, 3])));
/// let queue = jobs.clone();
/// let depth = move || queue.lock().map_or(0, |jobs| jobs.len() as u64);
/// let gauge = registry.observe("jobs", Watermarks::new(10), depth)?;
/// assert_eq!(registry.snapshot().entries()[0].depth, 3);
/// drop(gauge);
/// assert!(registry.snapshot().entries().is_empty());
/// assert_eq!(Arc::strong_count(&jobs), 1);
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
#[derive(Clone)]
#[must_use = "the last handle takes the gauge out of the registry when dropped"]
pub struct ObservedGauge(Arc<Observed>);

struct Observed {
    /// Taken out only to be dropped.
    ask: Option<Box<dyn Fn() -> u64 + Send + Sync>>,
    /// What was said last.
    said: AtomicU64,
    gauge: SampledGauge,
    registration: Registration,
}

// A function that has panicked is asked again, and its captures are its own concern.
impl UnwindSafe for Observed {}
impl RefUnwindSafe for Observed {}

impl ObservedGauge {
    pub(crate) fn new(
        registration: Registration,
        watermarks: Watermarks,
        ask: Box<dyn Fn() -> u64 + Send + Sync>,
    ) -> Self {
        let observed = Arc::new(Observed {
            ask: Some(ask),
            said: AtomicU64::new(0),
            gauge: SampledGauge::new(watermarks),
            registration,
        });
        observed.registration.attach(&observed);
        Self(observed)
    }

    /// Asks now, and hands on an edge that is due: to be called where the thing changes, if an event is
    /// not to wait for the next snapshot or delivery.
    pub fn observe(&self) {
        self.reading();
    }

    #[cfg(feature = "pressure")]
    pub(crate) fn registration(&self) -> &Registration {
        &self.0.registration
    }

    /// Depth, high-water mark and level, asked for now.
    pub fn reading(&self) -> Reading {
        self.0.observe()
    }

    /// The depth, asked for now.
    pub fn depth(&self) -> u64 {
        self.reading().depth
    }

    /// The level, asked for now.
    pub fn level(&self) -> Level {
        self.reading().level
    }

    /// The largest depth that was seen, with that of now.
    pub fn high_water(&self) -> u64 {
        self.reading().high_water
    }
}

impl Observed {
    fn observe(&self) -> Reading {
        let (reading, edge) = self.gauge.reading(|| self.depth());
        self.registration.emit(edge);
        reading
    }

    fn depth(&self) -> u64 {
        let asked = Asking::begin().zip(self.ask.as_ref()).and_then(|(_asking, ask)| {
            // The panic has been reported by its hook; the last answer has to do.
            self.registration.contain(ask)
        });
        match asked {
            Some(depth) => {
                // Relaxed: the number carries no other data.
                self.said.store(depth, Ordering::Relaxed);
                depth
            }
            // Relaxed: likewise.
            None => self.said.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        // A snapshot may be what drops it: a panic in what the function owns is not for its reader.
        let ask = self.ask.take();
        self.registration.contain(|| drop(ask));
    }
}

/// That this thread is asking; a function that reads the registry it is in is not asked again.
struct Asking;

thread_local! {
    static IS_ASKING: Cell<bool> = const { Cell::new(false) };
}

impl Asking {
    fn begin() -> Option<Self> {
        (!IS_ASKING.replace(true)).then_some(Self)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        IS_ASKING.set(false);
    }
}

impl Source for Observed {
    fn look(&self) -> Option<SourceReading> {
        Some(SourceReading::unblocked(self.observe()))
    }

    fn take_high_water(&self) -> u64 {
        self.gauge.take_high_water(|| self.depth())
    }
}

impl fmt::Debug for ObservedGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObservedGauge").field(&self.0.registration).finish_non_exhaustive()
    }
}
