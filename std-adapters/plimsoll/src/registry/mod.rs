//! The registry: one list of limits, one snapshot, one stream of events.

mod backlog;
mod builder;
mod deferred;
mod deliver;
mod entry;
mod gate;
mod handles;
mod history;
mod levels;
#[cfg(feature = "pressure")]
mod listed;
mod marks;
mod pending;
mod rate;
mod read;
mod registered;
mod registration;
mod reporter;
mod share;
mod subscribers;
mod thread;
mod timer;
#[cfg(feature = "pressure")]
mod watchers;
mod weak;

pub use builder::{Delivery, RegistryBuilder};
pub use history::{ChartPoint, History};
#[cfg(feature = "pressure")]
pub use listed::Listed;
pub use subscribers::Subscription;
pub use thread::DeliveryThread;
pub use weak::WeakRegistry;

#[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
pub(crate) use handles::Handles;
pub(crate) use registered::Registered;
pub(crate) use registration::Registration;
#[cfg(feature = "pressure")]
pub(crate) use share::{Condition, Share};
#[cfg(feature = "pressure")]
pub(crate) use watchers::{Watch, Watchers};

use std::borrow::Cow;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use crate::sync::process::OnceLock;
use crate::telemetry::{
    Event, ExhaustedEvent, Limit, PressureRule, RegisterError, RegistryStats, Snapshot, SpareRows,
};
use deferred::Queue;
use entry::Entries;
use history::Place;
use pending::Pending;
use subscribers::Subscribers;
use timer::Timer;

/// What the handles of one registry share.
pub(crate) struct Shared {
    entries: Entries,
    subscribers: Subscribers,
    /// `None`: delivery is inline.
    queue: Option<Queue>,
    /// What time has something to say about.
    pending: Pending,
    timer: Timer,
    /// The pressures that go by time.
    #[cfg(feature = "pressure")]
    timed: Watchers,
    /// The rule of limits that have none.
    pressure: Option<PressureRule>,
    /// Users of each ledger that a snapshot lists.
    top_users: usize,
    /// The memory of the last snapshot that was dropped, for the next one.
    spare: Arc<SpareRows>,
    /// What is kept of the last minutes, while a handle of it lives.
    history: Place,
}

// No lock is held while a user's code runs, so that no panic leaves a step half done.
impl UnwindSafe for Shared {}
impl RefUnwindSafe for Shared {}

/// Lists limits, shows them in snapshots, and sends subscribers an event when a level changes.
///
/// A registry is a value, and clones are handles to the same one. What is registered leaves when it
/// is dropped.
///
/// # Invariants
/// - REG-1: a snapshot never blocks a recorder, and a recorder never blocks a snapshot.
/// - REG-2: entries come in the order of their registration, and dropped ones vanish.
/// - REG-3: subscribers run outside every lock, in the order of their subscription. They may do
///   anything, with this registry too. One that panics is contained and counted. One that makes
///   edges of its own is called within its call, and has to see to an end.
/// - REG-4: with [`Delivery::Deferred`] the hot path puts events in a bounded lock-free ring; what
///   that has to drop is counted. What is in the ring when its limit is dropped is delivered still.
/// - REG-5: each event is a `tracing` event too, with the same fields and the target `plimsoll`: a
///   warning if raised, sustained or exhausted, debug if cleared.
/// - REG-6: a subscriber's picture converges. Whatever the ring had to drop, after the next
///   delivery the last event of each limit that is raised or cleared tells its level by its
///   [rule](PressureRule), and that of each run whether it is silent. Where each edge is an event,
///   by [`PressureRule::IMMEDIATE`], the last one is that of the highest sequence.
/// - REG-7: no flood. A rule has a rate, by default one raise of a limit per second; what is held
///   back is counted in the next event. [`PressureRule::IMMEDIATE`] has none.
/// - REG-8: a limit that is dropped while it is raised, and a run that ends while it is silent, is
///   cleared, once.
/// - REG-9: who subscribes late [can hear first](Registry::subscribe_with_current) what is raised.
/// - REG-10: what delivery keeps is bounded: by the ring, and by the limits and runs that are there
///   or were last reported raised or silent.
/// - REG-11: no field of a `tracing` event is called as what subscribers write themselves.
/// - REG-12: `Display` of events and of what a snapshot lists is one line each, and text of others
///   in it steers no terminal.
///
/// # Progress
/// An operation on a gauge that makes no edge touches nothing of the registry. An edge takes the
/// small lock of its own limit for the steps of its [rule](PressureRule). Registering, leaving and
/// listing take the lock of the list.
///
/// # Example
/// ```
/// use plimsoll::{EventKind, Registry, Watermarks};
///
/// let registry = Registry::new();
/// let sockets = registry.gauge("vm_sockets", Watermarks::percent(10, 80, 50))?;
/// let _subscription = registry.subscribe(|event| {
///     assert_eq!((event.name(), event.kind()), ("vm_sockets", EventKind::Raised));
/// });
/// sockets.add(8);
/// assert_eq!(registry.snapshot().entries()[0].depth, 8);
/// assert_eq!(registry.stats().delivered, 1);
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct Registry(Arc<Shared>);

impl Registry {
    /// A registry with the default [settings](RegistryBuilder): inline delivery.
    pub fn new() -> Self {
        RegistryBuilder::new().registry(None)
    }

    /// Settings for a registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::new()
    }

    /// The registry of this process, for the common case: one with the default settings.
    pub fn global() -> &'static Registry {
        static GLOBAL: OnceLock<Registry> = OnceLock::new();
        GLOBAL.get_or_init(Registry::new)
    }

    fn from_shared(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Reads everything that is registered.
    ///
    /// An edge that a read finds due is handed to the subscribers, as any other.
    ///
    /// # Staleness
    /// The entries are read one after the other, each afresh.
    pub fn snapshot(&self) -> Snapshot {
        self.read(false, self.0.top_users)
    }

    /// Reads everything that is registered, with up to `users` of the largest users of each
    /// [ledger](crate::ledger) instead of [as many](RegistryBuilder::top_users) as the registry
    /// lists. With `usize::MAX` that is the whole state of a ledger: who is not listed has had
    /// [`bound`](crate::SnapshotLedger::bound) at most.
    ///
    /// ```
    /// use plimsoll::{Limit, Registry};
    ///
    /// let registry = Registry::builder().top_users(1).build()?;
    /// let heaps = registry.peak_ledger(Limit::memory("heaps"), 64)?;
    /// (1..=20u64).try_for_each(|guest| heaps.record(guest, guest << 20).map(drop))?;
    /// assert_eq!(registry.snapshot().ledgers()[0].users().len(), 1);
    /// let mut whole = registry.snapshot_with_users(usize::MAX);
    /// assert_eq!(whole.ledgers()[0].users().len(), 20);
    /// whole.truncate_users(5);
    /// assert_eq!(whole.ledgers()[0].users().len(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot_with_users(&self, users: usize) -> Snapshot {
        self.read(false, users)
    }

    /// Reads everything that is registered, with the high-water marks since the last call of this
    /// method (by anybody) instead of those for life. For several readers, the
    /// [history](Self::history) has the peak of the last minute, which they do not take from each
    /// other; it and this method take nothing from each other either.
    pub fn snapshot_window(&self) -> Snapshot {
        self.read(true, self.0.top_users)
    }

    /// Writes a snapshot to `tracing`, with the target `plimsoll`: one event of level `INFO` that
    /// counts the limits, those that are raised, and who waits, and one of level `WARN` for each
    /// limit that is raised, with the field names of [events](Event). So the log stays short while
    /// all is well, and a filter by level leaves what is to be acted on. To be called at an
    /// interval, or on a signal.
    ///
    /// ```
    /// use plimsoll::{Registry, Watermarks};
    ///
    /// let registry = Registry::new();
    /// let frames = registry.gauge("frames", Watermarks::new(10))?;
    /// frames.add(9);
    /// registry.log_snapshot();
    /// // INFO 1 of 1 limits raised, 0 waiting limits=1 raised=1 ...
    /// // WARN queue frames is elevated: 9 of 10, 90 %, 0 waiting limit="frames" ...
    /// # Ok::<(), plimsoll::RegisterError>(())
    /// ```
    #[cfg(feature = "tracing")]
    pub fn log_snapshot(&self) {
        crate::telemetry::trace::log_snapshot(&self.snapshot());
    }

    /// Tells subscribers of what is no change of a gauge.
    pub(crate) fn publish(&self, event: Event) {
        self.0.publish(event);
    }

    /// Publishes an event that a cap was hit which no gauge samples: a heap, a time limit, fuel.
    /// The limit need not be registered.
    ///
    /// `observed` is the amount that was seen, `capacity` the cap, `detail` anything to add, all as
    /// far as known.
    ///
    /// ```
    /// use plimsoll::{Limit, Registry};
    ///
    /// let heap = Limit::memory("v8_heap_bytes").scope("guest-7");
    /// Registry::global().warn_exhausted(heap, None, Some(64 << 20), "killed by its limit")?;
    /// # Ok::<(), plimsoll::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// An invalid name or scope.
    pub fn warn_exhausted(
        &self,
        limit: impl Into<Limit>,
        observed: Option<u64>,
        capacity: Option<u64>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Result<(), RegisterError> {
        let limit = limit.into();
        limit.check()?;
        self.publish(ExhaustedEvent::new(limit, observed, capacity, detail).into());
        Ok(())
    }

    /// How many entries there are, and what has become of events.
    pub fn stats(&self) -> RegistryStats {
        RegistryStats {
            entries: self.0.entries.len(),
            delivered: self.0.subscribers.delivered(),
            dropped: self.0.queue.as_ref().map_or(0, Queue::dropped) + self.0.subscribers.dropped(),
            panicked: self.0.subscribers.panicked(),
        }
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registry").field(&self.stats()).finish()
    }
}
