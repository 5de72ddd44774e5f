//! The subscribers of a registry.

use std::fmt;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};

use super::gate::{Gate, Passage};
use super::{Registry, Shared};
use crate::clock;
use crate::contain::contain;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::telemetry::Event;

pub(super) type Callback = dyn Fn(&Event) + Send + Sync;

/// The handler, and the subscribers in the order of their subscription, in a list that is replaced
/// whole. Delivery goes by the list it has found, outside every lock (REG-3).
pub(crate) struct Subscribers {
    list: Mutex<Arc<List>>,
    delivered: AtomicU64,
    dropped: AtomicU64,
    panicked: AtomicU64,
}

#[derive(Clone, Default)]
struct List {
    handler: Option<Arc<Subscriber>>,
    subscribers: Vec<Arc<Subscriber>>,
}

pub(crate) struct Subscriber {
    active: AtomicBool,
    /// What is raised comes first: until then other events wait here.
    gate: Option<Gate>,
    /// `None` only while this is being dropped.
    callback: Option<Box<Callback>>,
}

// A panic of the callback is contained already, and what it leaves broken is the user's.
impl UnwindSafe for Subscriber {}
impl RefUnwindSafe for Subscriber {}

/// What a callback owns is the user's too. The last to drop it can be a delivery, which that must
/// not end.
impl Drop for Subscriber {
    fn drop(&mut self) {
        let callback = self.callback.take();
        contain(|| drop(callback));
    }
}

impl Subscriber {
    fn new(gate: Option<Gate>, callback: Box<Callback>) -> Arc<Self> {
        Arc::new(Self { active: AtomicBool::new(true), gate, callback: Some(callback) })
    }

    fn deactivate(&self) {
        // Relaxed: for the thread that removes it; others may see it late, as documented.
        self.active.store(false, Ordering::Relaxed);
    }
}

impl Subscribers {
    pub(crate) fn new() -> Self {
        let [delivered, dropped, panicked] = [0; 3].map(AtomicU64::new);
        Self { list: Mutex::default(), delivered, dropped, panicked }
    }

    pub(crate) fn add(&self, callback: Box<Callback>) -> Arc<Subscriber> {
        let subscriber = Subscriber::new(None, callback);
        self.replace(|list| list.subscribers.push(subscriber.clone()));
        subscriber
    }

    /// Adds a subscriber that hears of `raised` first, which is asked for once it misses no event.
    pub(crate) fn add_late(
        &self,
        callback: Box<Callback>,
        raised: impl FnOnce() -> Vec<Event>,
    ) -> Arc<Subscriber> {
        let subscriber = Subscriber::new(Some(Gate::closed()), callback);
        self.replace(|list| list.subscribers.push(subscriber.clone()));
        let raised = raised();
        raised.iter().for_each(|event| self.call(&subscriber, event));
        if let Some(gate) = &subscriber.gate {
            gate.open(&raised, |event| self.call(&subscriber, event));
        }
        subscriber
    }

    /// Puts a handler in the place of the one before.
    pub(crate) fn set_handler(&self, callback: Option<Box<Callback>>) {
        let handler = callback.map(|callback| Subscriber::new(None, callback));
        let before = self.replace(|list| mem::replace(&mut list.handler, handler));
        if let Some(before) = before {
            before.deactivate();
        }
    }

    fn remove(&self, subscriber: &Arc<Subscriber>) {
        subscriber.deactivate();
        self.replace(|list| list.subscribers.retain(|other| !Arc::ptr_eq(other, subscriber)));
    }

    /// Puts a changed list in the place of the one before. What a callback owns is dropped without
    /// the lock: `change` hands out what it removes, or its caller holds it.
    fn replace<T>(&self, change: impl FnOnce(&mut List) -> T) -> T {
        let (changed, before) = {
            let mut list = self.list.lock();
            let mut next = List::clone(&list);
            let changed = change(&mut next);
            (changed, mem::replace(&mut *list, Arc::new(next)))
        };
        drop(before);
        changed
    }

    /// Delivers to every subscriber. Panics are counted, and the others still get the event.
    pub(crate) fn publish(&self, event: &Event) {
        #[cfg(feature = "tracing")]
        self.contain(|| crate::telemetry::trace::emit(event));
        let list = self.list.lock().clone();
        for subscriber in list.handler.iter().chain(&list.subscribers) {
            match subscriber.gate.as_ref().map_or(Passage::Open, |gate| gate.hold(event)) {
                Passage::Open => self.call(subscriber, event),
                Passage::Held => {}
                // Relaxed: the count carries no other data.
                Passage::Dropped => _ = self.dropped.fetch_add(1, Ordering::Relaxed),
            }
        }
        // Relaxed: the count carries no other data.
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    fn call(&self, subscriber: &Subscriber, event: &Event) {
        // Relaxed: see `deactivate`.
        let is_active = subscriber.active.load(Ordering::Relaxed);
        if let Some(callback) = subscriber.callback.as_ref().filter(|_| is_active) {
            self.contain(|| callback(event));
        }
    }

    /// Runs code that may panic, which is counted.
    ///
    /// # Returns
    /// What it returned; `None` if it panicked.
    pub(super) fn contain<R>(&self, user_code: impl FnOnce() -> R) -> Option<R> {
        let returned = contain(user_code);
        if returned.is_none() {
            // Relaxed: the count carries no other data.
            self.panicked.fetch_add(1, Ordering::Relaxed);
        }
        returned
    }

    pub(crate) fn delivered(&self) -> u64 {
        // Relaxed: the count carries no other data.
        self.delivered.load(Ordering::Relaxed)
    }

    /// Events that a late subscriber did not get.
    pub(crate) fn dropped(&self) -> u64 {
        // Relaxed: the count carries no other data.
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn panicked(&self) -> u64 {
        // Relaxed: the count carries no other data.
        self.panicked.load(Ordering::Relaxed)
    }
}

impl Registry {
    /// Calls `callback` for each event, until the subscription is dropped.
    ///
    /// With inline delivery it runs on the thread that made the edge, within that thread's
    /// operation: let it be short. To keep the registry in the callback keeps the registry alive
    /// for as long as the subscription.
    pub fn subscribe(&self, callback: impl Fn(&Event) + Send + Sync + 'static) -> Subscription {
        Subscription::new(&self.0, self.0.subscribers.add(Box::new(callback)))
    }

    /// As [`subscribe`](Self::subscribe), but calls `callback` first for each limit that is raised
    /// by now, on this thread and in the order of registration, with an event of
    /// [`EventKind::Raised`](crate::EventKind::Raised).
    ///
    /// Events of other threads wait until that is done, in order: 1,024 at most, what comes then is
    /// dropped and counted. Events that the raises already cover do not follow.
    ///
    /// ```
    /// use plimsoll::{Registry, Watermarks};
    ///
    /// let registry = Registry::new();
    /// let frames = registry.gauge("frames", Watermarks::new(10))?;
    /// frames.add(9);
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let _late = registry.subscribe_with_current(move |event| drop(tell.send(event.to_string())));
    /// assert!(told.recv().unwrap().starts_with("queue frames raised to elevated"));
    /// # Ok::<(), plimsoll::RegisterError>(())
    /// ```
    pub fn subscribe_with_current(
        &self,
        callback: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Subscription {
        let raised = || self.raised();
        Subscription::new(&self.0, self.0.subscribers.add_late(Box::new(callback), raised))
    }

    /// The raised limits whose raise subscribers have got.
    fn raised(&self) -> Vec<Event> {
        let now_ms = clock::now_ms();
        let entries = self.0.entries.listed();
        let raised = entries.iter().filter_map(|line| {
            let entry = &line.entry;
            let (standing, _) = entry.step(|reporter| reporter.standing(now_ms));
            Some(Event::reported(entry.tag().clone(), standing?, entry.standing()))
        });
        raised.collect()
    }

    /// Calls `handler` for each event, before all subscribers, in the place of the handler that was
    /// set before. For the one who is in charge of a process, and may be set up more than once.
    ///
    /// It runs as subscribers do: outside every lock, and a panic is contained and counted. Once
    /// this has returned, the handler before is called no more by this thread; other threads finish
    /// the deliveries they have begun.
    pub fn set_handler(&self, handler: impl Fn(&Event) + Send + Sync + 'static) {
        self.0.subscribers.set_handler(Some(Box::new(handler)));
    }

    /// Removes the [handler](Self::set_handler), if there is one.
    pub fn clear_handler(&self) {
        self.0.subscribers.set_handler(None);
    }
}

/// A subscriber for as long as this lives. It does not keep the registry alive, and the callback is
/// dropped with the registry at the latest.
///
/// Once the drop has returned, the thread that dropped it calls the subscriber no more, not even
/// for the event in delivery; other threads finish the deliveries they have begun.
#[must_use = "dropping it ends the subscription: keep it, or call `detach`"]
pub struct Subscription {
    registry: Weak<Shared>,
    subscriber: Weak<Subscriber>,
}

impl Subscription {
    pub(super) fn new(registry: &Arc<Shared>, subscriber: Arc<Subscriber>) -> Self {
        Self { registry: Arc::downgrade(registry), subscriber: Arc::downgrade(&subscriber) }
    }

    /// Keeps the subscriber for as long as the registry exists.
    pub fn detach(mut self) {
        self.subscriber = Weak::new();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let registry = self.registry.upgrade();
        if let (Some(registry), Some(subscriber)) = (registry, self.subscriber.upgrade()) {
            registry.subscribers.remove(&subscriber);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
