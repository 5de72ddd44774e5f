//! The windows of a ledger, as many at a time as a core ledger can tell apart.

use plimsoll_core::ledger::WindowLedger as CoreWindows;

use super::error::LedgerError;
use super::places::{Places, Reading};
use super::settings::{LedgerSettings, Sets};
use crate::sync::{AtomicU64, Ordering};

/// As many windows as a core ledger can tell apart.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `window`: load | Relaxed | | | the number is its own message | |
/// | `advance`: `fetch_add` | Relaxed | | | one thread at a time; the number is its own message | |
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

/// The era that goes on, replaced while it is read.
pub(super) struct Eras(Places<Era>);

impl Eras {
    pub(super) fn new(settings: &LedgerSettings) -> Result<Self, LedgerError> {
        Ok(Self(Places::new(Era::new(settings, 0)?)))
    }

    /// The era that goes on. Lock-free.
    #[inline]
    pub(super) fn read(&self) -> Reading<'_, Era> {
        self.0.read()
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
        self.0.clear_others();
        if era.window() < era.core.window_max() {
            // Relaxed: see `Era::window`; one thread is here at a time.
            era.window.fetch_add(1, Ordering::Relaxed);
            return Ok(era.number());
        }
        let number = era.number() + 1;
        let next = Era::new(settings, number)?;
        drop(era);
        self.0.replace(next).map_err(|_| LedgerError::Stalled)?;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::super::places::PLACES;
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
        assert!(!eras.0.is_empty(0), "it is read");
        drop(reader);
        eras.advance(&settings()).unwrap();
        assert!(eras.0.is_empty(0));
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
