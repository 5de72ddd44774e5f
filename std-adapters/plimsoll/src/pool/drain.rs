//! The end of a pool: when nothing of it is live any more.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::executor::wake_all;
use super::locks::{LEAF, Mutex};
use crate::sync::{Condvar, Instant};

/// Whether a closed pool is drained, and who waits for that.
#[derive(Default)]
pub(super) struct Drain {
    state: Mutex<State, LEAF>,
    done: Condvar,
}

#[derive(Default)]
struct State {
    is_drained: bool,
    next_id: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Drain {
    /// Wakes all that wait: nothing is live any more.
    pub(super) fn finish(&self) {
        let wakers = {
            let mut state = self.state.lock();
            state.is_drained = true;
            std::mem::take(&mut state.wakers)
        };
        self.done.notify_all();
        wake_all(wakers.into_values());
    }

    pub(super) fn is_drained(&self) -> bool {
        self.state.lock().is_drained
    }

    /// # Returns
    /// Whether it was drained in time.
    pub(super) fn wait(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state.lock();
        while !state.is_drained {
            match deadline {
                None => self.done.wait(state.inner()),
                Some(deadline) => {
                    if self.done.wait_until(state.inner(), deadline).timed_out() {
                        return state.is_drained;
                    }
                }
            }
        }
        true
    }
}

/// Resolves when a pool is closed and nothing of it is live: see
/// [`Pool::drained`](super::Pool::drained).
#[must_use = "futures do nothing unless polled"]
pub struct Drained<'a> {
    drain: &'a Drain,
    id: Option<u64>,
}

impl<'a> Drained<'a> {
    pub(super) fn new(drain: &'a Drain) -> Self {
        Self { drain, id: None }
    }
}

impl Future for Drained<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // A waker's clone and drop are the caller's code: outside the lock.
        let waker = context.waker().clone();
        let mut state = self.drain.state.lock();
        if state.is_drained {
            drop(state);
            drop(waker);
            return Poll::Ready(());
        }
        let id = self.id.unwrap_or(state.next_id);
        if self.id.is_none() {
            state.next_id += 1;
        }
        let old = state.wakers.insert(id, waker);
        drop(state);
        drop(old);
        self.id = Some(id);
        Poll::Pending
    }
}

impl Drop for Drained<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let waker = self.drain.state.lock().wakers.remove(&id);
            drop(waker);
        }
    }
}

impl std::fmt::Debug for Drained<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drained").field("is_drained", &self.drain.is_drained()).finish()
    }
}
