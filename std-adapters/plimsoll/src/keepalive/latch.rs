//! A latch that fires once, for any number of waiters.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::contain::{contain, wake_all};
use crate::park::block_on;
use crate::sync::{Mutex, OnceLock};

/// A signal that is given once and stays given: it can be awaited by any number of tasks and
/// threads, before and after.
///
/// It needs no [`Watcher`](super::Watcher): use it to tell all parts of a host that a run is over,
/// for instance. Clones are handles to the same latch.
///
/// # Invariants
/// LIVE-11: a waker that panics keeps nobody else from being woken.
///
/// # Progress
/// [`is_fired`](Self::is_fired) is a load. The others take a lock for a few steps, and no waker
/// runs under it.
///
/// # Example
/// ```
/// use std::thread;
/// use std::time::Duration;
/// use plimsoll::keepalive::Latch;
///
/// let stopped = Latch::new();
/// assert!(!stopped.wait_timeout(Duration::from_millis(1)));
/// let waiter = thread::spawn({
///     let stopped = stopped.clone();
///     move || stopped.wait_blocking() // or `stopped.wait().await`
/// });
/// assert!(stopped.fire());
/// assert!(!stopped.fire(), "only once");
/// waiter.join().expect("it was woken");
/// assert!(stopped.is_fired());
/// ```
#[derive(Clone, Default)]
pub struct Latch(Once<()>);

impl Latch {
    /// A latch that has not fired.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fires the latch and wakes all who wait.
    ///
    /// # Returns
    /// Whether this call has fired it: `true` for one caller, and `false` for all others.
    pub fn fire(&self) -> bool {
        self.0.set(())
    }

    /// Whether it has fired.
    pub fn is_fired(&self) -> bool {
        self.0.get().is_some()
    }

    /// Resolves when the latch has fired, at once if it has already.
    ///
    /// # Cancellation
    /// Safe: a future that is dropped leaves nothing behind.
    pub async fn wait(&self) {
        self.0.wait().await;
    }

    /// Blocks the calling thread until the latch has fired.
    pub fn wait_blocking(&self) {
        block_on(self.wait(), None);
    }

    /// Blocks the calling thread until the latch has fired, or `timeout` has passed.
    ///
    /// # Returns
    /// Whether it has fired.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        block_on(self.wait(), Some(timeout)).is_some()
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch").field("is_fired", &self.is_fired()).finish()
    }
}

/// A value that comes once, for any number of waiters.
pub(super) struct Once<T>(Arc<Inner<T>>);

struct Inner<T> {
    value: OnceLock<T>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl<T: Clone> Once<T> {
    /// # Returns
    /// Whether this call has set it.
    pub(super) fn set(&self, value: T) -> bool {
        let is_first = self.0.value.set(value).is_ok();
        if is_first {
            // Who comes after this finds the value: it looks for it under the lock.
            let wakers = mem::take(&mut self.0.waiting.lock().wakers);
            wake_all(wakers.into_values());
        }
        is_first
    }

    pub(super) fn get(&self) -> Option<&T> {
        self.0.value.get()
    }

    pub(super) fn wait(&self) -> Wait<T> {
        Wait { once: self.clone(), place: None }
    }
}

impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Arc::new(Inner { value: OnceLock::new(), waiting: Mutex::default() }))
    }
}

/// Resolves with the value.
pub(super) struct Wait<T> {
    once: Once<T>,
    /// Where the waker lies.
    place: Option<u64>,
}

impl<T: Clone> Future for Wait<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if let Some(value) = self.once.get() {
            return Poll::Ready(value.clone());
        }
        // Cloned before the lock, and the one before it dropped after the lock: both are user code.
        let waker = context.waker().clone();
        let mut waiting = self.once.0.waiting.lock();
        if let Some(value) = self.once.get() {
            let value = value.clone();
            drop(waiting);
            return Poll::Ready(value);
        }
        let place = self.place.unwrap_or(waiting.next);
        waiting.next = waiting.next.max(place + 1);
        let before = waiting.wakers.insert(place, waker);
        drop(waiting);
        self.place = Some(place);
        drop(before);
        Poll::Pending
    }
}

impl<T> Drop for Wait<T> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.once.0.waiting.lock().wakers.remove(&place);
            contain(|| drop(waker));
        }
    }
}
