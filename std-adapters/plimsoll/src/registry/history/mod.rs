//! The last minutes of a registry: the peaks, blocked shares and charts of its limits.

mod chart;
mod kept;
mod thread;

use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Registry, Shared};
use crate::sync::Mutex;
use crate::telemetry::SnapshotEntry;
use crate::worker::Stop;
use chart::Chart;
pub use chart::ChartPoint;
use kept::{Kept, Sample};

/// What a registry knows of its last minutes, for as long as a handle lives: in the
/// [`recent`](SnapshotEntry::recent) part of each limit in a snapshot, and in
/// [charts](Self::chart). Clones, and all that ask the same registry, share one history: readers
/// take nothing from each other.
///
/// It looks at all limits once per second: from one thread, which runs while there is a handle that
/// [`spawn_history`](Registry::spawn_history) has made (or a clone of it), or whenever a handle is
/// [ticked](Self::tick). It does not keep the registry alive, and recorders do nothing for it.
///
/// What it keeps is bounded: of each limit some 100 bytes, and 1 kB more for a minute in which a
/// waiter was blocked on it; of the first [`CHARTS_MAX`](Self::CHARTS_MAX) limits that there are at
/// a time a chart of 9.6 kB. What leaves the registry is forgotten with the next look.
///
/// ```
/// use std::time::Duration;
/// use plimsoll::{Registry, Watermarks};
///
/// let registry = Registry::new();
/// let history = registry.history(); // or, with a thread, `registry.spawn_history()?`
/// let frames = registry.gauge("frames", Watermarks::new(10))?;
/// for second in 0..=60 {
///     let _permit = frames.permit(second % 7);
///     history.tick(Duration::from_secs(second));
/// }
/// let snapshot = registry.snapshot();
/// let recent = snapshot.entries()[0].recent.unwrap();
/// assert_eq!((recent.peak_minute, recent.blocked_share_10s), (Some(6), Some(0.0)));
/// assert_eq!(history.chart(snapshot.entries()[0].id).len(), 61);
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
#[derive(Clone)]
#[must_use = "with its last handle the history is forgotten"]
pub struct History {
    registry: Weak<Shared>,
    keeper: Arc<Keeper>,
    /// Ends the thread with the last handle that has asked for one.
    thread: Option<Arc<Stop>>,
}

/// What the handles of one history share.
#[derive(Default)]
pub(super) struct Keeper {
    /// Held by the thread that looks, so that looks come in order; no thread waits for it.
    looking: Mutex<()>,
    kept: Mutex<Kept>,
}

/// Where a registry finds its history.
#[derive(Default)]
pub(super) struct Place {
    keeper: Mutex<Weak<Keeper>>,
    thread: Mutex<Weak<Stop>>,
}

impl Place {
    /// The history, if there is one.
    pub(super) fn keeper(&self) -> Option<Arc<Keeper>> {
        self.keeper.lock().upgrade()
    }
}

impl Keeper {
    /// Adds to a snapshot what is known of its limits.
    pub(super) fn complete(&self, entries: &mut [SnapshotEntry]) {
        let kept = self.kept.lock();
        entries.iter_mut().for_each(|entry| entry.recent = kept.recent(entry.id));
    }

    /// Looks at everything that there is.
    fn look(&self, registry: &Arc<Shared>, now: Duration) -> bool {
        let Some(_looking) = self.looking.try_lock() else { return false };
        // Before a mark is taken, which would be lost.
        if !self.kept.lock().is_due(now) {
            return false;
        }
        let listed = registry.entries.listed();
        let mut samples = Vec::with_capacity(listed.len());
        // No thread waits for the lock that is held: a look can make an edge.
        for line in listed.iter() {
            let (entry, Some(source)) = (&line.entry, line.source()) else { continue };
            let Some(reading) = registry.look_at(entry, source) else { continue };
            let peak = entry.marks.take_for_history(source.take_high_water());
            let (id, depth, blocked) = (entry.id(), reading.depth, reading.blocked);
            samples.push(Sample { id, depth, peak, blocked });
        }
        self.kept.lock().on_samples(now, samples)
    }
}

impl Registry {
    /// The history of this registry, without a thread: it looks at the limits when it is
    /// [ticked](History::tick), or while another handle has a thread.
    pub fn history(&self) -> History {
        let mut place = self.0.history.keeper.lock();
        let keeper = place.upgrade().unwrap_or_else(|| {
            let keeper = Arc::<Keeper>::default();
            *place = Arc::downgrade(&keeper);
            keeper
        });
        History { registry: Arc::downgrade(&self.0), keeper, thread: None }
    }

    /// The history of this registry, with a thread that looks at the limits once per second for as
    /// long as a handle lives that this has made. It is one thread, however often this is called.
    ///
    /// # Errors
    /// What the operating system says against another thread.
    pub fn spawn_history(&self) -> io::Result<History> {
        let history = self.history();
        let mut place = self.0.history.thread.lock();
        let thread = match place.upgrade() {
            Some(thread) => thread,
            None => {
                let thread = Arc::new(thread::spawn(&history)?);
                *place = Arc::downgrade(&thread);
                thread
            }
        };
        Ok(History { thread: Some(thread), ..history })
    }
}

impl History {
    /// How many limits have a chart at a time.
    pub const CHARTS_MAX: usize = Chart::CHARTS_MAX;

    /// How many looks a chart has: those of ten minutes.
    pub const POINTS_MAX: usize = Chart::POINTS_MAX;

    /// Looks at all limits: once per second, for a host without threads, or a test. `now` is the
    /// time since any one origin.
    ///
    /// # Returns
    /// `false` if nothing was noted: no time has passed since the last look, another one is under way, a
    /// [thread](Registry::spawn_history) looks, by a clock of its own, or the registry is gone.
    ///
    /// # Progress
    /// Reads each limit, as a snapshot does, and blocks no recorder.
    pub fn tick(&self, now: Duration) -> bool {
        self.registry.upgrade().is_some_and(|registry| {
            let has_thread = registry.history.thread.lock().strong_count() > 0;
            !has_thread && self.keeper.look(&registry, now)
        })
    }

    /// The last looks at the limit of that [number](SnapshotEntry::id), oldest first; none of one
    /// that has no chart.
    pub fn chart(&self, id: u64) -> Vec<ChartPoint> {
        let kept = self.keeper.kept.lock();
        kept.chart(id).map_or_else(Vec::new, Iterator::collect)
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("has_thread", &self.thread.is_some())
            .finish_non_exhaustive()
    }
}
