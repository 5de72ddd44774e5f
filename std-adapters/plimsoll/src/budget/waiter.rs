//! One waiter, and how its wait ends.

use std::sync::Arc;
use std::task::Waker;

use super::level::{Ask, Level};
use super::refused::Refused;
use crate::sync::Mutex;

/// How a wait ends: with what was asked, or with a refusal.
pub(super) type Outcome = Result<(), Refused>;

/// Shared by a waiter and the thread that serves it. Settled once, under the lock of the queue, by the
/// thread that takes it out of the queue; woken outside of it.
pub(super) struct Waiter<Q> {
    pub(super) node: Arc<Level<Q>>,
    pub(super) ask: Ask,
    /// Its place among all waiters of its tree.
    pub(super) ticket: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

impl<Q> Waiter<Q> {
    /// A waiter without a waker: its first [`poll`](Self::poll) leaves one.
    pub(super) fn new(node: Arc<Level<Q>>, ask: Ask, ticket: u64) -> Self {
        Self { node, ask, ticket, state: Mutex::default() }
    }

    /// Says how the wait ends.
    ///
    /// # Returns
    /// The waker to call once no lock is held.
    pub(super) fn settle(&self, outcome: Outcome) -> Option<Waker> {
        let mut state = self.state.lock();
        state.outcome = Some(outcome);
        state.waker.take()
    }

    /// How the wait has ended, once.
    pub(super) fn take(&self) -> Option<Outcome> {
        self.state.lock().outcome.take()
    }

    /// How the wait has ended, once; else `waker` is woken when it does.
    pub(super) fn poll(&self, waker: &Waker) -> Option<Outcome> {
        {
            let mut state = self.state.lock();
            if state.outcome.is_some() {
                return state.outcome.take();
            }
            if state.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
                return None;
            }
        }
        // A waker's clone and drop are the caller's code: outside the lock.
        let waker = waker.clone();
        let mut state = self.state.lock();
        if state.outcome.is_some() {
            let outcome = state.outcome.take();
            drop(state);
            drop(waker);
            return outcome;
        }
        let old = state.waker.replace(waker);
        drop(state);
        drop(old);
        None
    }
}
