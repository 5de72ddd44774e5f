//! The state of a pressure, and who waits for it to change.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use super::word::{PressureState, Word};
use crate::contain::{contain, wake_all};
use crate::registry::Watchers;
use crate::sync::Mutex;

/// Whether a pressure is on, and who waits for a change. The word is written under the lock of the
/// waiters, and read without it.
pub(super) struct Signal {
    word: Word,
    waiting: Mutex<Waiting>,
    /// The pressures that this one is a condition of.
    pub(super) watchers: Watchers,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

/// The wakers of one change, to be woken when no lock is held.
#[must_use]
pub(super) struct Changed(BTreeMap<u64, Waker>);

impl Changed {
    /// Wakes all; one that panics harms no other.
    pub(super) fn wake(self) {
        wake_all(self.0.into_values());
    }
}

impl Signal {
    /// Off, with nobody who waits.
    pub(super) fn new() -> Arc<Self> {
        let (waiting, watchers) = (Mutex::default(), Watchers::default());
        Arc::new(Self { word: Word::new(), waiting, watchers })
    }

    /// The state now: one load.
    #[inline]
    pub(super) fn state(&self) -> PressureState {
        self.word.state()
    }

    /// Sets the state.
    ///
    /// # Returns
    /// Whom to wake; `None` if it was in that state.
    pub(super) fn set(&self, is_on: bool) -> Option<Changed> {
        let mut waiting = self.waiting.lock();
        self.word.set(is_on).then(|| Changed(mem::take(&mut waiting.wakers)))
    }

    /// Has `waker` woken by the next change after `seen`.
    ///
    /// # Returns
    /// Whether it will be; if there was a change already, it is not kept.
    pub(super) fn wait(&self, place: &mut Place, seen: PressureState, waker: &Waker) -> bool {
        // Cloned before the lock, and the one before it dropped after the lock: both are user code.
        let waker = waker.clone();
        let mut waiting = self.waiting.lock();
        if self.state() != seen {
            return false;
        }
        let number = place.0.unwrap_or(waiting.next);
        waiting.next = waiting.next.max(number + 1);
        let before = waiting.wakers.insert(number, waker);
        drop(waiting);
        place.0 = Some(number);
        drop(before);
        true
    }

    /// Forgets the waker of `place`.
    pub(super) fn leave(&self, place: &mut Place) {
        if let Some(number) = place.0.take() {
            let waker = self.waiting.lock().wakers.remove(&number);
            contain(|| drop(waker));
        }
    }
}

/// Where the waker of one waiter is kept.
#[derive(Debug, Default)]
pub(super) struct Place(Option<u64>);
