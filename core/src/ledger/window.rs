//! Peaks of the current window of time.

use super::engine::PeakLedger;
use super::error::LedgerError;
use super::key_ref::KeyRef;
use super::lookup::{Entry, Lookup, Recorded};
use super::seed::Seed;
use super::set::LedgerSet;
use super::top::Top;
use super::word::VALUE_MAX;
use crate::sync::const_unless_loom;

/// The peaks of a window, such as the current minute; the caller numbers the windows.
///
/// The window's number stands above the peak in one value, low bit first:
///
/// ```text
/// 0..b   peak     b is chosen by the user
/// b..50  window
/// ```
///
/// So a record of a new window is larger than any of an older one: the first record of a key lifts
/// it into the window, and newcomers evict entries that were not seen in it. Nothing is ever
/// cleared, slot words rise as in every ledger, and within a window it promises what a
/// [`PeakLedger`] promises.
///
/// With 36 bits for the peak there are 2^14 windows: minutes for 11 days, hours for 2 years. What
/// would come after the last window counts as of the last.
///
/// ```
/// use plimsoll_core::ledger::{Key, LedgerSet, Lookup, Seed, WindowLedger, sets_for};
///
/// static HEAPS: WindowLedger<[LedgerSet; sets_for(16)]> = WindowLedger::new(Seed::new(17, 4), 36);
///
/// let guest = Key::new(b"guest-7")?;
/// HEAPS.record(1, &guest, 700);
/// HEAPS.record(2, &guest, 300);
/// assert_eq!(HEAPS.get(2, &guest).value(), Some(300));
/// HEAPS.record(1, &guest, 900);
/// assert_eq!(HEAPS.get(2, &guest).value(), Some(300), "that was for a window that is over");
/// assert_eq!(HEAPS.get(3, &guest), Lookup::Absent { at_most: 0 });
/// # Ok::<(), plimsoll_core::ledger::KeyError>(())
/// ```
#[derive(Debug)]
pub struct WindowLedger<S, const WORDS: usize = 8> {
    peaks: PeakLedger<S, WORDS>,
    peak_bits: u32,
}

const VALUE_BITS: u32 = u64::BITS - VALUE_MAX.leading_zeros();

const fn check_bits(bits: u32) -> Result<(), LedgerError> {
    if 1 <= bits && bits < VALUE_BITS { Ok(()) } else { Err(LedgerError::PeakBits { bits }) }
}

impl<const SETS: usize, const WORDS: usize> WindowLedger<[LedgerSet<WORDS>; SETS], WORDS> {
    const_unless_loom! {
        /// An empty ledger of `SETS` sets, for peaks of up to `peak_bits` bits.
        ///
        /// # Panics
        /// Unless `peak_bits` is 1 to 49; in a `static`, this is a compile error.
        pub const fn new(
            seed: Seed,
            peak_bits: u32,
        ) -> WindowLedger<[LedgerSet<WORDS>; SETS], WORDS> {
            assert!(check_bits(peak_bits).is_ok(), "the peaks of a window have 1 to 49 bits");
            WindowLedger { peaks: PeakLedger::new(seed), peak_bits }
        }
    }
}

impl<S, const WORDS: usize> WindowLedger<S, WORDS>
where
    S: AsRef<[LedgerSet<WORDS>]> + AsMut<[LedgerSet<WORDS>]>,
{
    /// An empty ledger over the caller's sets, for peaks of up to `peak_bits` bits.
    ///
    /// # Errors
    /// [`LedgerError::NoSets`], [`LedgerError::TooManySets`], [`LedgerError::PeakBits`].
    pub fn with_sets(sets: S, seed: Seed, peak_bits: u32) -> Result<Self, LedgerError> {
        check_bits(peak_bits)?;
        Ok(WindowLedger { peaks: PeakLedger::with_sets(sets, seed)?, peak_bits })
    }

    /// An empty ledger that has exactly `entries` entries, as [`Ledger::exact`](super::Ledger::exact)
    /// makes it.
    ///
    /// # Errors
    /// [`LedgerError::Exact`], [`LedgerError::ExactSets`], [`LedgerError::PeakBits`].
    pub fn exact(sets: S, seed: Seed, entries: usize, peak_bits: u32) -> Result<Self, LedgerError> {
        check_bits(peak_bits)?;
        Ok(WindowLedger { peaks: PeakLedger::exact(sets, seed, entries)?, peak_bits })
    }
}

impl<S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> WindowLedger<S, WORDS> {
    /// The same answer, with the value as seen from a window.
    fn seen_from(&self, window: u64, recorded: Recorded) -> Recorded {
        let here = |value| self.unpack(window, value);
        match recorded {
            Recorded::Raised { from, to } => Recorded::Raised { from: here(from), to: here(to) },
            Recorded::Kept { value } => Recorded::Kept { value: here(value) },
            Recorded::Admitted { evicted } => Recorded::Admitted { evicted: here(evicted) },
            Recorded::TurnedAway { floor } => Recorded::TurnedAway { floor: here(floor) },
        }
    }

    /// The entry with its peak in this window, if it is of this one.
    fn of_window(&self, window: u64, entry: Entry<WORDS>) -> Option<Entry<WORDS>> {
        let is_here = self.window_of(entry.value) == self.cut(window);
        is_here.then(|| Entry { value: self.unpack(window, entry.value), ..entry })
    }

    /// Records a size that the key has in this window. A size of 0 changes nothing.
    ///
    /// # Returns
    /// What that did, with values of this window: 0 for what an older one left.
    pub fn record<'k>(
        &self,
        window: u64,
        key: impl Into<KeyRef<'k, WORDS>>,
        size: u64,
    ) -> Recorded {
        let amount = if size == 0 { 0 } else { self.pack(window, size) };
        self.seen_from(window, self.peaks.record(key, amount))
    }

    /// Records as [`record`](Self::record) does, and says who had to go for it (LEDGER-12): only of
    /// those who were seen in this window, as the others are not part of it.
    pub fn record_evicting<'k>(
        &self,
        window: u64,
        key: impl Into<KeyRef<'k, WORDS>>,
        size: u64,
    ) -> (Recorded, Option<Entry<WORDS>>) {
        let amount = if size == 0 { 0 } else { self.pack(window, size) };
        let (recorded, evicted) = self.peaks.record_evicting(key, amount);
        let evicted = evicted.and_then(|entry| self.of_window(window, entry));
        (self.seen_from(window, recorded), evicted)
    }

    /// Removes a key from all windows, as [`Ledger::remove`](super::Ledger::remove) does. Its slot is
    /// free for everybody from the next window on.
    ///
    /// # Returns
    /// The entry as it was, if it was of this window.
    pub fn remove<'k>(
        &self,
        window: u64,
        key: impl Into<KeyRef<'k, WORDS>>,
    ) -> Option<Entry<WORDS>> {
        self.peaks.remove(key).and_then(|entry| self.of_window(window, entry))
    }

    /// The key's peak in this window. Of a window that is over for the key, all that is known is
    /// that it had [`peak_max`](Self::peak_max) at most.
    pub fn get<'k>(&self, window: u64, key: impl Into<KeyRef<'k, WORDS>>) -> Lookup {
        match self.peaks.get(key) {
            Lookup::Present { value, .. } if self.window_of(value) == self.cut(window) => {
                Lookup::Present { value: self.unpack(window, value), error: 0 }
            }
            other => Lookup::Absent { at_most: self.unpack(window, other.at_most()) },
        }
    }

    /// The largest peaks of this window, as many as the buffer has room for.
    ///
    /// Of a window that is over, those are listed who have not been seen since; nothing is certain of
    /// it any more once another thread has.
    pub fn top<'b>(&self, window: u64, buffer: &'b mut [Entry<WORDS>]) -> Top<'b, WORDS> {
        let range = self.pack(window, 0)..=self.pack(window, self.peak_max());
        self.peaks.top_between(&range, buffer, |value| self.unpack(window, value))
    }

    /// The largest peak there can be; larger ones are cut to it.
    pub const fn peak_max(&self) -> u64 {
        (1 << self.peak_bits) - 1
    }

    /// The last window there can be; later ones count as this one.
    pub const fn window_max(&self) -> u64 {
        VALUE_MAX >> self.peak_bits
    }

    /// How many entries there are, of whatever window.
    pub fn len(&self) -> usize {
        self.peaks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.peaks.is_empty()
    }

    fn cut(&self, window: u64) -> u64 {
        window.min(self.window_max())
    }

    fn pack(&self, window: u64, peak: u64) -> u64 {
        self.cut(window) << self.peak_bits | peak.min(self.peak_max())
    }

    fn window_of(&self, value: u64) -> u64 {
        value >> self.peak_bits
    }

    /// A value as seen from a window: nothing if it is of an older one, anything if of a newer.
    fn unpack(&self, window: u64, value: u64) -> u64 {
        match self.window_of(value).cmp(&self.cut(window)) {
            core::cmp::Ordering::Less => 0,
            core::cmp::Ordering::Equal => value & self.peak_max(),
            core::cmp::Ordering::Greater => self.peak_max(),
        }
    }
}
