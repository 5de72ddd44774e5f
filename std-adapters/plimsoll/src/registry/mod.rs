//! Where gauges meet their readers: one list, one snapshot, one stream of events.

mod builder;
mod deferred;
mod entry;
mod read;
mod subscribers;
mod thread;

pub use builder::{Delivery, RegistryBuilder};
pub use subscribers::Subscription;
pub use thread::DeliveryThread;

pub(crate) use entry::{Attached, Entry, Tag};

use std::borrow::Cow;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};

use plimsoll_core::{Edge, Watermarks};

use crate::error::RegisterError;
use crate::event::Event;
use crate::gauge::{RecordedGauge, TrackedGauge};
use crate::limit::Limit;
use crate::observed::ObservedGauge;
use crate::pressure::PressureRule;
use crate::snapshot::{RegistryStats, Snapshot};
use crate::source::Registration;
use deferred::Queue;
use entry::Entries;
use subscribers::Subscribers;

/// What the handles of one registry share.
pub(crate) struct Shared {
    entries: Entries,
    subscribers: Subscribers,
    /// `None`: delivery is inline.
    queue: Option<Queue>,
    /// The rule of limits that have none.
    pressure: Option<PressureRule>,
    /// Users of each ledger that a snapshot lists.
    top_users: usize,
}

// No lock is held while a user's code runs, so that no panic leaves a step half done.
impl UnwindSafe for Shared {}
impl RefUnwindSafe for Shared {}

impl Shared {
    /// Hands an edge on, by the rule of its limit.
    pub(crate) fn emit(&self, entry: &Entry, edge: &Edge) {
        for announcement in entry.on_edge(edge) {
            match &self.queue {
                Some(queue) => queue.push(entry, &announcement),
                None => {
                    let tag = entry.tag().clone();
                    self.subscribers.publish(&Event::announced(tag, announcement, entry.waiting()));
                }
            }
        }
    }

    pub(crate) fn leave(&self, entry: &Entry) {
        self.entries.leave(entry);
    }
}

/// Lists what is limited, shows it in snapshots, and tells subscribers when a level changes.
///
/// A registry is a value, and clones are handles to the same one. What is registered leaves when it
/// is dropped.
///
/// # Invariants
/// - REG-1: a snapshot never blocks a recorder, and a recorder never blocks a snapshot.
/// - REG-2: entries come in the order of their registration, and dropped ones vanish. What leaves
///   while it is raised makes no recovery of it.
/// - REG-3: subscribers run outside every lock, in the order of their subscription. They may do
///   anything, with this registry too. One that panics is contained and counted. One that makes
///   edges of its own is called within its call, and has to see to an end.
/// - REG-4: with [`Delivery::Deferred`] the hot path puts events in a bounded lock-free ring; what
///   that has to drop is counted. What is in the ring when its limit is dropped is delivered still.
/// - REG-5: each event is a `tracing` event too, with the same fields and the target `plimsoll`: a
///   warning if raised, sustained or exhausted, debug if cleared.
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
///     assert_eq!((event.name(), event.kind), ("vm_sockets", EventKind::Raised));
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

    /// Takes a place for a limit. It is shown once its [`Registration`] is attached to a source.
    pub(crate) fn reserve(
        &self,
        limit: impl Into<Limit>,
        watermarks: Watermarks,
    ) -> Result<Registration, RegisterError> {
        let limit = limit.into();
        limit.check()?;
        let rule = limit.pressure_rule().or(self.0.pressure);
        let rule = rule.unwrap_or_else(|| PressureRule::default_for(&watermarks));
        if !rule.is_valid() {
            return Err(RegisterError::ZeroRepeat);
        }
        let entry = self.0.entries.join(Tag::new(limit, watermarks), rule)?;
        Ok(Registration::new(self.0.clone(), entry))
    }

    /// Registers a gauge that counts in and out.
    ///
    /// # Errors
    /// A name or label that can not be, too many entries, a rule that repeats at no interval.
    pub fn gauge(
        &self,
        limit: impl Into<Limit>,
        watermarks: Watermarks,
    ) -> Result<TrackedGauge, RegisterError> {
        Ok(TrackedGauge::new(self.reserve(limit, watermarks)?, watermarks))
    }

    /// Registers a gauge that is told its depth, for what is measured rather than counted.
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

    /// Calls `callback` for each event, until the subscription is dropped.
    ///
    /// With inline delivery it runs on the thread that made the edge, within that thread's
    /// operation: let it be short. To keep the registry in the callback keeps the registry alive
    /// for as long as the subscription.
    pub fn subscribe(&self, callback: impl Fn(&Event) + Send + Sync + 'static) -> Subscription {
        Subscription::new(&self.0, self.0.subscribers.add(Box::new(callback)))
    }

    /// Reads everything that is registered.
    ///
    /// An edge that a read finds due is handed to the subscribers, as any other.
    ///
    /// # Staleness
    /// The entries are read one after the other, each afresh.
    pub fn snapshot(&self) -> Snapshot {
        self.read(|source| source.read())
    }

    /// Reads everything that is registered, with the high-water marks since the last call of this
    /// method (by anybody) instead of those for life.
    pub fn snapshot_window(&self) -> Snapshot {
        self.read(|source| {
            let mut read = source.read();
            read.reading.high_water = source.take_high_water().max(read.reading.depth);
            read
        })
    }

    /// Tells subscribers that a cap was hit which nobody had sampled: a heap, a time limit, fuel.
    /// The limit need not be registered.
    ///
    /// `observed` is the amount that was seen, `capacity` the cap, `detail` anything to add, all as
    /// far as known.
    ///
    /// ```
    /// use plimsoll::{Limit, Registry};
    ///
    /// let heap = Limit::memory("v8_heap_bytes").instance("guest-7");
    /// Registry::global().warn_exhausted(heap, None, Some(64 << 20), "killed by its limit")?;
    /// # Ok::<(), plimsoll::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// A name or label that can not be.
    pub fn warn_exhausted(
        &self,
        limit: impl Into<Limit>,
        observed: Option<u64>,
        capacity: Option<u64>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Result<(), RegisterError> {
        let limit = limit.into();
        limit.check()?;
        let tag = Tag::new(limit, Watermarks::unbounded());
        let warning = Event::exhausted(Arc::new(tag), observed, capacity, detail.into());
        self.publish(warning);
        Ok(())
    }

    /// Tells subscribers of what is no edge of a gauge.
    pub(crate) fn publish(&self, event: Event) {
        match &self.0.queue {
            Some(queue) => queue.push_warning(event),
            None => self.0.subscribers.publish(&event),
        }
    }

    /// Delivers what waits in the ring, and what the rules of limits have to say by now: raises
    /// that have held, and repetitions. Looks at everything first, so that an edge which is due is
    /// made.
    ///
    /// # Returns
    /// How many events that were.
    ///
    /// # Progress
    /// Ends after one round, however much is emitted meanwhile. A round reads each entry, so that
    /// it costs about what a snapshot does. Several threads may deliver at once; their events
    /// overtake each other, as the sequence numbers show.
    pub fn deliver(&self) -> usize {
        let Shared { entries, subscribers, queue, .. } = &*self.0;
        for (_, source) in entries.sources() {
            source.read();
        }
        let mut delivered = 0;
        let mut publish = |event: Event| {
            subscribers.publish(&event);
            delivered += 1;
        };
        if let Some(queue) = queue {
            (0..queue.round()).map_while(|_| queue.pop(entries)).for_each(&mut publish);
        }
        entries.due().iter().filter_map(|entry| entry.on_tick()).for_each(&mut publish);
        delivered
    }

    /// How many entries there are, and what has become of events.
    pub fn stats(&self) -> RegistryStats {
        RegistryStats {
            entries: self.0.entries.len(),
            delivered: self.0.subscribers.delivered(),
            dropped: self.0.queue.as_ref().map_or(0, Queue::dropped),
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
