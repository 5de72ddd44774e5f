//! The windows of a ledger, as many at a time as a core ledger can tell apart.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{TryLockError, TryLockResult};

use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard};
use plimsoll_core::WindowLedger as CoreWindows;

use super::error::LedgerError;
use super::settings::{LedgerSettings, Sets};

/// As many windows as a core ledger can tell apart.
pub(super) struct Era {
    pub(super) core: CoreWindows<Sets>,
    /// The number of its window 0.
    pub(super) first: u64,
    window: AtomicU64,
}

/// Leaves 10 bits for windows, 1,024 of them.
const PEAK_BITS: u32 = 40;

impl Era {
    fn new(settings: &LedgerSettings, first: u64) -> Result<Self, LedgerError> {
        let (sets, seed) = (settings.sets()?, settings.the_seed());
        let core = match settings.entries() {
            Some(entries) => CoreWindows::exact(sets, seed, entries, PEAK_BITS)?,
            None => CoreWindows::with_sets(sets, seed, PEAK_BITS)?,
        };
        Ok(Self { core, first, window: AtomicU64::new(0) })
    }

    pub(super) fn window(&self) -> u64 {
        // Relaxed: who has not heard of a new window is still in the one before.
        self.window.load(Ordering::Relaxed)
    }

    pub(super) fn number(&self) -> u64 {
        self.first + self.window()
    }
}

/// Places for eras: the one that goes on, one whose last readers leave, and one to spare.
const PLACES: usize = 3;

/// The era that goes on, replaced while it is read.
///
/// A reader holds the place of its era. Only a place that is not the current one is ever written, and
/// only if nobody reads it: so a reader that finds its place taken has been overtaken by a new era,
/// and the next one that it finds lets it in.
pub(super) struct Eras {
    places: [ShardedLock<Option<Era>>; PLACES],
    /// The place of the era that goes on.
    current: AtomicUsize,
}

/// An era that is read.
pub(super) struct Reading<'e>(ShardedLockReadGuard<'e, Option<Era>>);

impl Deref for Reading<'_> {
    type Target = Era;

    #[inline]
    fn deref(&self) -> &Era {
        self.0.as_ref().expect("the era that goes on is in its place")
    }
}

impl Eras {
    pub(super) fn new(settings: &LedgerSettings) -> Result<Self, LedgerError> {
        let places = [Some(Era::new(settings, 0)?), None, None].map(ShardedLock::new);
        Ok(Self { places, current: AtomicUsize::new(0) })
    }

    /// The era that goes on. Lock-free.
    #[inline]
    pub(super) fn read(&self) -> Reading<'_> {
        loop {
            // Acquire, of the store in `replace`: the era is in its place.
            let at = self.current.load(Ordering::Acquire);
            let Some(era) = held(self.places[at].try_read()) else { continue };
            // Relaxed: since the place is held, what it holds stays. If it is not current any more, it
            // may be empty, or hold an era that is to begin.
            if self.current.load(Ordering::Relaxed) == at {
                return Reading(era);
            }
        }
    }

    /// Ends the window, and begins the next. One thread at a time.
    ///
    /// # Returns
    /// The number of the window that begins.
    ///
    /// # Errors
    /// There is no memory for the next era, or readers that have stopped hold all places. The window goes
    /// on.
    pub(super) fn advance(&self, settings: &LedgerSettings) -> Result<u64, LedgerError> {
        let era = self.read();
        self.clear_others();
        if era.window() < era.core.window_max() {
            // Relaxed: see `Era::window`; one thread is here at a time.
            era.window.fetch_add(1, Ordering::Relaxed);
            return Ok(era.number());
        }
        let next = Era::new(settings, era.number() + 1)?;
        drop(era);
        self.replace(next)
    }

    fn replace(&self, next: Era) -> Result<u64, LedgerError> {
        let number = next.first;
        // Relaxed: only this thread writes it.
        let current = self.current.load(Ordering::Relaxed);
        for at in (0..PLACES).filter(|at| *at != current) {
            let Some(mut place) = held(self.places[at].try_write()) else { continue };
            *place = Some(next);
            drop(place);
            // Release: who reads this finds the era in its place.
            self.current.store(at, Ordering::Release);
            return Ok(number);
        }
        Err(LedgerError::Stalled)
    }

    /// Lets go of what is over, where nobody reads it any more.
    fn clear_others(&self) {
        let current = self.current.load(Ordering::Relaxed);
        for at in (0..PLACES).filter(|at| *at != current) {
            if let Some(mut place) = held(self.places[at].try_write()) {
                *place = None;
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> LedgerSettings {
        LedgerSettings::from(16)
    }

    /// To the last window of the era.
    fn to_its_end(eras: &Eras) -> u64 {
        let last = eras.read().first + eras.read().core.window_max();
        while eras.read().number() < last {
            eras.advance(&settings()).unwrap();
        }
        last
    }

    #[test]
    fn an_era_that_is_over_goes_when_its_last_reader_has_left() {
        let eras = Eras::new(&settings()).unwrap();
        let last = to_its_end(&eras);
        let reader = eras.read();
        assert_eq!(eras.advance(&settings()).unwrap(), last + 1);
        assert_eq!((reader.number(), eras.read().number()), (last, last + 1));
        eras.advance(&settings()).unwrap();
        assert!(held(eras.places[0].try_read()).unwrap().is_some(), "it is read");
        drop(reader);
        eras.advance(&settings()).unwrap();
        assert!(held(eras.places[0].try_read()).unwrap().is_none());
    }

    #[test]
    fn no_reader_sees_the_number_of_the_window_go_back() {
        let eras = Eras::new(&settings()).unwrap();
        let last = 4 * (eras.read().core.window_max() + 1);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut seen = 0;
                    while seen < last {
                        let number = eras.read().number();
                        assert!(number >= seen, "{number} after {seen}");
                        seen = number;
                    }
                });
            }
            // Refused only while a reader holds each place.
            while eras.read().number() < last {
                let _ = eras.advance(&settings());
            }
        });
    }

    #[test]
    fn readers_that_have_stopped_keep_their_eras_and_the_window_goes_on() {
        let eras = Eras::new(&settings()).unwrap();
        let mut stopped = Vec::new();
        for _ in 1..PLACES {
            to_its_end(&eras);
            stopped.push(eras.read());
            eras.advance(&settings()).unwrap();
        }
        let last = to_its_end(&eras);
        assert!(matches!(eras.advance(&settings()), Err(LedgerError::Stalled)));
        assert_eq!(eras.read().number(), last);
        stopped.pop();
        assert_eq!(eras.advance(&settings()).unwrap(), last + 1);
    }
}
