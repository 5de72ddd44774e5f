//! A value that is replaced while it is read.

use std::ops::Deref;
use std::sync::{TryLockError, TryLockResult};

use crate::sync::{AtomicU64, Ordering, ShardedLock, ShardedLockReadGuard, spin_loop};

/// Places for values: the one that goes on, one whose last readers leave, and one to spare.
pub(super) const PLACES: usize = 3;

/// The value that goes on, replaced while it is read.
///
/// A reader holds the place of its value. Only a place that is not the current one is ever written, and
/// only if nobody reads it: so a reader that finds its place taken has been overtaken by a new value,
/// and the next one that it finds lets it in.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `read`: load | Relaxed | | | a hint of where to look: what is there comes with the place's lock | |
/// | `read`: load, with the place held | Relaxed | | | see below | |
/// | `replace`: load, store | Relaxed | | | the number of the place; the place's lock publishes what is there | |
///
/// Every access of `current` is Relaxed, for the lock of the place orders it. A reader holds place `at`,
/// and `current` still says `at`. *The last writer of the place came before:* its unlock comes before
/// the reader's hold, and so does the store of `current` that it had found, of another place. The reader
/// sees no older one: so `at` was stored after it, once the value was there. *It comes after:* it finds
/// the place held, and leaves it. Models `places_` show both.
pub(super) struct Places<T> {
    places: [ShardedLock<Option<T>>; PLACES],
    /// The place of the value that goes on.
    current: AtomicU64,
}

/// A value that is read.
pub(super) struct Reading<'e, T>(ShardedLockReadGuard<'e, Option<T>>);

impl<T> Deref for Reading<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_ref().expect("the value that goes on is in its place")
    }
}

impl<T> Places<T> {
    pub(super) fn new(first: T) -> Self {
        let places = [Some(first), None, None].map(ShardedLock::new);
        Self { places, current: AtomicU64::new(0) }
    }

    /// The value that goes on. Lock-free.
    #[inline]
    pub(super) fn read(&self) -> Reading<'_, T> {
        loop {
            // Relaxed: see the type.
            let at = self.current.load(Ordering::Relaxed);
            if let Some(value) = held(self.places[at as usize].try_read()) {
                // Relaxed: since the place is held, what it holds stays. If it is not current any more,
                // it may be empty, or hold a value that is to begin.
                if self.current.load(Ordering::Relaxed) == at {
                    return Reading(value);
                }
            }
            spin_loop();
        }
    }

    /// Lets `next` go on in the place of the value before. One thread at a time.
    ///
    /// # Errors
    /// Readers that have stopped hold all places: it is handed back.
    pub(super) fn replace(&self, next: T) -> Result<(), T> {
        let current = self.current();
        for at in (0..PLACES).filter(|at| *at != current) {
            let Some(mut place) = held(self.places[at].try_write()) else { continue };
            *place = Some(next);
            drop(place);
            // Relaxed: see the type.
            self.current.store(at as u64, Ordering::Relaxed);
            return Ok(());
        }
        Err(next)
    }

    /// Drops what is over, where nobody reads it any more. One thread at a time, which replaces too.
    pub(super) fn clear_others(&self) {
        let current = self.current();
        for at in (0..PLACES).filter(|at| *at != current) {
            if let Some(mut place) = held(self.places[at].try_write()) {
                *place = None;
            }
        }
    }

    fn current(&self) -> usize {
        // Relaxed: the caller is the thread that writes it, or has come after that.
        self.current.load(Ordering::Relaxed) as usize
    }

    /// Whether that place has no value, and no thread writes one.
    #[cfg(all(test, not(loom)))]
    pub(super) fn is_empty(&self, at: usize) -> bool {
        held(self.places[at].try_read()).is_some_and(|place| place.is_none())
    }
}

/// The hold on a place, unless another one stands against it. A panic has left nothing half done.
#[inline]
fn held<G>(tried: TryLockResult<G>) -> Option<G> {
    match tried {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
