//! Who is told of events.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;

use super::Shared;
use crate::event::Event;

type Callback = dyn Fn(&Event) + Send + Sync;

/// The subscribers in the order of their subscription, in a list that is replaced whole. Whoever
/// delivers does so from the list it has loaded, outside every lock (REG-3).
pub(crate) struct Subscribers {
    list: ArcSwap<Vec<Arc<Subscriber>>>,
    delivered: AtomicU64,
    panicked: AtomicU64,
}

pub(crate) struct Subscriber {
    active: AtomicBool,
    /// `None` only while this is being dropped.
    callback: Option<Box<Callback>>,
}

// A panic of the callback is contained already, and what it leaves broken is the user's.
impl UnwindSafe for Subscriber {}
impl RefUnwindSafe for Subscriber {}

/// What a callback owns is the user's too. The last to drop it can be a delivery, which that must not
/// end.
impl Drop for Subscriber {
    fn drop(&mut self) {
        let callback = self.callback.take();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(callback))) {
            drop_quietly(payload);
        }
    }
}

impl Subscribers {
    pub(crate) fn new() -> Self {
        Self { list: ArcSwap::default(), delivered: AtomicU64::new(0), panicked: AtomicU64::new(0) }
    }

    pub(crate) fn add(&self, callback: Box<Callback>) -> Arc<Subscriber> {
        let subscriber =
            Arc::new(Subscriber { active: AtomicBool::new(true), callback: Some(callback) });
        self.list.rcu(|list| {
            let mut longer = Vec::with_capacity(list.len() + 1);
            longer.extend(list.iter().cloned());
            longer.push(subscriber.clone());
            longer
        });
        subscriber
    }

    fn remove(&self, subscriber: &Arc<Subscriber>) {
        // Relaxed: for the thread that removes it; others are told that they can be late.
        subscriber.active.store(false, Ordering::Relaxed);
        self.list.rcu(|list| {
            list.iter().filter(|other| !Arc::ptr_eq(other, subscriber)).cloned().collect::<Vec<_>>()
        });
    }

    /// Tells everybody. What panics is counted, and the others are told all the same.
    pub(crate) fn publish(&self, event: &Event) {
        #[cfg(feature = "tracing")]
        self.contain(|| crate::trace::emit(event));
        for subscriber in self.list.load().iter() {
            // Relaxed: see `remove`.
            let active = subscriber.active.load(Ordering::Relaxed);
            if let Some(callback) = subscriber.callback.as_ref().filter(|_| active) {
                self.contain(|| callback(event));
            }
        }
        // Relaxed: the count carries no other data.
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    fn contain(&self, user_code: impl FnOnce()) {
        // AssertUnwindSafe: what the user's code leaves broken is the user's; nothing of ours is
        // lent.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(user_code)) {
            // Relaxed: the count carries no other data.
            self.panicked.fetch_add(1, Ordering::Relaxed);
            drop_quietly(payload);
        }
    }

    pub(crate) fn delivered(&self) -> u64 {
        // Relaxed: the count carries no other data.
        self.delivered.load(Ordering::Relaxed)
    }

    pub(crate) fn panicked(&self) -> u64 {
        // Relaxed: the count carries no other data.
        self.panicked.load(Ordering::Relaxed)
    }
}

/// A payload is the user's as well, and can panic when it is dropped.
fn drop_quietly(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // That has no end: this one is leaked.
        std::mem::forget(another);
    }
}

/// A subscriber for as long as this lives. It does not keep the registry alive.
///
/// Once the drop has returned, the thread that dropped it calls the subscriber no more, not even
/// for the event in delivery; other threads finish the deliveries they have begun.
#[must_use = "dropping it ends the subscription: keep it, or call `detach`"]
pub struct Subscription {
    registry: Weak<Shared>,
    subscriber: Option<Arc<Subscriber>>,
}

impl Subscription {
    pub(super) fn new(registry: &Arc<Shared>, subscriber: Arc<Subscriber>) -> Self {
        Self { registry: Arc::downgrade(registry), subscriber: Some(subscriber) }
    }

    /// Keeps the subscriber for as long as the registry exists.
    pub fn detach(mut self) {
        self.subscriber = None;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let (Some(subscriber), Some(registry)) = (&self.subscriber, self.registry.upgrade()) {
            registry.subscribers.remove(subscriber);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
