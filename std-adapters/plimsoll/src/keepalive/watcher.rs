//! The watcher: one task or thread for any number of runs.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use plimsoll_core::{Ring, RingSlot, SlotKey, Tracker};

use super::builder::WatcherBuilder;
use super::clock::Clock;
use super::error::WatchError;
use super::handle::KeepAlive;
use super::silence::Silence;
use super::step::{Bounds, Step, Told};
use super::table::Table;
use super::watch::Watch;
use crate::event::{Event, EventKind};
use crate::gauge::TrackedGauge;
use crate::limit::Limit;
use crate::registry::Registry;

/// Watches any number of runs from one task or thread, and tells a [`Registry`] who is late, silent
/// and back.
///
/// It is driven by [`run`](Self::run), a future for a task; by
/// [`spawn_thread`](Self::spawn_thread); or by calls of [`step`](Self::step). Clones are handles to
/// the same watcher, and several drivers do no harm.
///
/// The watcher publishes a coarse tick, which notifiers read instead of a clock. It wakes twice per
/// tick of its [builder](WatcherBuilder), and not at all while nobody is watched. Each run is
/// looked at once or twice per window.
///
/// # Invariants
/// - LIVE-1: a notification is wait-free: two loads, and one read-modify-write at most per tick.
/// - LIVE-2: no silence is told of a run whose notification began and ended within its window.
/// - LIVE-3: each silence is told once. LIVE-4: by default one for each run; of a rearming run, one
///   recovery for each silence, before the next silence.
/// - LIVE-5: the cost grows with the runs and their windows, not with the ticks.
/// - LIVE-6: time that the watcher was not there to watch counts as one tick, however long. Many
///   runs that expire at once can be told as one suspicion of the observer:
///   [`suspect_above`](WatcherBuilder::suspect_above).
/// - LIVE-7: once a handle's drop has returned, its run falls silent no more; what a step
///   is just telling is told. Whoever stops driving loses nothing.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use plimsoll::keepalive::{FakeClock, Watch, Watcher};
/// use plimsoll::{EventKind, Registry};
///
/// let registry = Registry::new();
/// let clock = FakeClock::default();
/// let watcher = Watcher::builder().clock(clock.clone()).build(&registry)?;
/// let guest = watcher.watch(Watch::new("guest-7", "run-1").window(Duration::from_millis(100)))?;
///
/// let _subscription = registry.subscribe(|event| {
///     if event.kind == EventKind::Silent {
///         assert_eq!((event.instance(), event.depth >= 100), (Some("guest-7"), true));
///     }
/// });
/// guest.notify(); // on every frame
/// for _ in 0..40 {
///     let _ = watcher.step(); // a test's driver
///     clock.advance(Duration::from_millis(5));
/// }
/// assert_eq!(registry.stats().delivered, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Watcher(pub(super) Arc<Shared>);

/// What the handles of one watcher share.
pub(super) struct Shared {
    /// The tick, for notifiers.
    tick: CachePadded<AtomicU64>,
    pub(super) trackers: Box<[Tracker]>,
    pub(super) table: Mutex<Table>,
    /// Notices of recoveries, from notifiers to whoever steps.
    recovered: Ring<Box<[RingSlot]>>,
    /// Held by whoever steps, its events included, so that they come in order.
    stepping: Mutex<()>,
    /// Silences whose runs have ended: the next step tells that they are over (REG-8), after what is
    /// told of them just now.
    ended: Mutex<Vec<Arc<Silence>>>,
    bounds: Bounds,
    clock: Box<dyn Clock>,
    registry: Registry,
    limit: Limit,
    gauges: Gauges,
}

/// What the registry lists of a watcher.
pub(super) struct Gauges {
    /// Runs that are watched.
    pub(super) watched: TrackedGauge,
    /// Of these, the ones that are silent.
    pub(super) silent: TrackedGauge,
}

/// When another driver steps just now.
const BUSY_WAIT: Duration = Duration::from_millis(1);

/// Notices that wait for the next step. What finds no room is noticed at the next look.
const NOTICES: usize = 1_024;

impl Watcher {
    /// Settings for a watcher.
    pub fn builder() -> WatcherBuilder {
        WatcherBuilder::new()
    }

    /// Watches a run from now on, for as long as the handle lives.
    ///
    /// The ids are names for those who are told, and may be in use: two runs of the same ids are
    /// watched each by itself, but nobody can tell their events apart.
    ///
    /// # Errors
    /// [`WatchError`]: ids, window or threshold that can not be, or a watcher that is full.
    pub fn watch(&self, watch: Watch) -> Result<KeepAlive, WatchError> {
        let shared = &self.0;
        let ids = watch.ids()?;
        let (key, parked) = shared.table.lock().insert(&watch, ids, &shared.trackers)?;
        shared.gauges.watched.add(1);
        let run = KeepAlive::new(shared.clone(), key);
        parked.iter().filter_map(Weak::upgrade).for_each(|parked| parked.wake_by_ref());
        Ok(run)
    }

    /// How many runs are watched.
    pub fn watched(&self) -> usize {
        self.0.table.lock().len()
    }

    /// Does what is due now: publishes a tick, looks at who is due, tells the registry.
    ///
    /// For a host with a loop of its own. A step while another one runs does nothing.
    ///
    /// # Returns
    /// When to step again.
    pub fn step(&self) -> Step {
        let shared = &*self.0;
        let Some(_stepping) = shared.stepping.try_lock() else {
            return Step::Wait(BUSY_WAIT);
        };
        let mut told = Told::default();
        let recovered = std::iter::from_fn(|| shared.recovered.pop()).take(NOTICES);
        let now = shared.clock.now();
        let step = shared.table.lock().step(
            now,
            &shared.trackers,
            recovered.map(|notice| notice[0] as usize),
            &shared.bounds,
            &mut told,
            // Relaxed: the tick carries no other data; a notifier that misses it notes an earlier
            // one, for which the margin of the window is there.
            |tick| shared.tick.store(tick, Ordering::Relaxed),
        );
        told.wake();
        let Told { news, suspicion, .. } = told;
        if let Some((expired, watched)) = suspicion {
            let suspicion = Event::suspect(shared.limit.clone(), expired, watched);
            shared.registry.publish(suspicion);
        }
        for (kind, silence) in news {
            match kind {
                EventKind::Silent => shared.gauges.silent.add(1),
                EventKind::Recovered => shared.gauges.silent.sub(1),
                _ => {}
            }
            shared.registry.publish(Event::of_silence(kind, shared.limit.clone(), &silence));
        }
        let ended = std::mem::take(&mut *shared.ended.lock());
        for silence in ended {
            shared.registry.publish(Event::of_end(shared.limit.clone(), &silence));
        }
        step
    }

    /// Resolves when somebody is watched.
    pub(super) async fn somebody(&self) {
        let mut parked = None;
        poll_fn(|context| {
            let waker = parked.insert(Arc::new(context.waker().clone()));
            match self.0.table.lock().park(waker) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Drives the watch on tokio's timers, for ever.
    ///
    /// # Cancellation
    /// Safe: nothing is lost, and it may be called again. In between nobody attends, and no time
    /// passes for those who are watched.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
    #[cfg(feature = "tokio")]
    pub async fn run(&self) -> std::convert::Infallible {
        loop {
            match self.step() {
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Again => pass_on().await,
                Step::Idle => self.somebody().await,
            }
        }
    }
}

/// Lets the other tasks of the runtime have a turn.
#[cfg(feature = "tokio")]
async fn pass_on() {
    let mut passed = false;
    poll_fn(|context| {
        if std::mem::replace(&mut passed, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Shared {
    /// A watcher with these parts; `None` only if there is no room for notices.
    pub(super) fn assemble(
        table: Table,
        bounds: Bounds,
        clock: Box<dyn Clock>,
        registry: Registry,
        limit: Limit,
        gauges: Gauges,
    ) -> Option<Watcher> {
        let notices: Box<[RingSlot]> = (0..NOTICES).map(|_| RingSlot::new()).collect();
        Some(Watcher(Arc::new(Shared {
            tick: CachePadded::new(AtomicU64::new(0)),
            trackers: (0..table.capacity()).map(|_| Tracker::closed()).collect(),
            table: Mutex::new(table),
            recovered: Ring::with_slots(notices).ok()?,
            stepping: Mutex::new(()),
            ended: Mutex::default(),
            bounds,
            clock,
            registry,
            limit,
            gauges,
        })))
    }

    /// The tick now.
    #[inline(always)]
    pub(super) fn tick(&self) -> u64 {
        // Relaxed: see `step`.
        self.tick.load(Ordering::Relaxed)
    }

    /// A run is back: whoever steps next will tell.
    #[cold]
    pub(super) fn on_recovery(&self, key: SlotKey) {
        // Without room it is found at the next look.
        let _ = self.recovered.push([key.index() as u64, 0, 0, 0]);
    }

    pub(super) fn leave(&self, key: SlotKey) {
        let removed = self.table.lock().remove(key);
        let Some(removed) = removed else { return };
        if let Some(silence) = &removed.silence {
            // The step that is just telling of it may count it in after this: no count is lost.
            self.gauges.silent.sub(1);
            self.ended.lock().push(silence.clone());
        }
        self.gauges.watched.sub(1);
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Watcher");
        debug.field("watched", &self.watched()).finish_non_exhaustive()
    }
}
