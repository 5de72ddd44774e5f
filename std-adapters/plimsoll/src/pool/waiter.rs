//! One waiter, and how its wait ends.

use std::task::Waker;

use plimsoll_core::pool::{Condemned, Leased};

use super::error::CheckoutError;
use super::locks::{LEAF, Mutex};

/// How a wait ends.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With an instance, which is in its slot's cell.
    Granted(Leased),
    /// With the slot of an instance that is still to be retired: the waiter does that, and builds
    /// its own.
    Room(Condemned),
    /// With nothing.
    Refused(CheckoutError),
}

/// Shared by a waiter and the thread that serves it. Settled once, under the queue's lock, by the
/// thread that takes the waiter out of the queue; woken outside of it.
pub(super) struct Waiter {
    state: Mutex<State, LEAF>,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

impl Waiter {
    pub(super) fn new(waker: Waker) -> Self {
        Self { state: Mutex::new(State { outcome: None, waker: Some(waker) }) }
    }

    /// Says how the wait ends.
    ///
    /// # Returns
    /// The waker to call once no lock is held.
    #[must_use = "the waiter sleeps until it is woken"]
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
            return state.outcome.take();
        }
        let old = state.waker.replace(waker);
        drop(state);
        drop(old);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_last_waker_is_woken_and_the_outcome_is_told_once() {
        let (first, second) = (Arc::new(Counter::default()), Arc::new(Counter::default()));
        let waiter = Waiter::new(first.clone().into());
        assert!(waiter.poll(&first.clone().into()).is_none());
        assert!(waiter.poll(&second.clone().into()).is_none());
        waiter.settle(Outcome::Refused(CheckoutError::Closed)).unwrap().wake();
        let woken = |counter: &Counter| counter.0.load(Ordering::Relaxed);
        assert_eq!((woken(&first), woken(&second)), (0, 1));
        let outcome = waiter.poll(&first.clone().into());
        assert!(matches!(outcome, Some(Outcome::Refused(CheckoutError::Closed))));
        assert!(waiter.take().is_none());
    }
}
