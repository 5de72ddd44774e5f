//! Entries that were evicted or removed.

use super::engine::{Aggregate, Ledger};
use super::key_ref::KeyRef;
use super::lookup::{Entry, Recorded};
use super::set::LedgerSet;

impl<A: Aggregate, S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<A, S, WORDS> {
    /// Records as [`record`](Self::record) does, and says who had to go for it (LEDGER-12).
    ///
    /// # Returns
    /// What it did; and if it was an admission over another entry, that entry as it was when it went.
    ///
    /// # Progress
    /// As for [`record`](Self::record).
    pub fn record_evicting<'k>(
        &self,
        key: impl Into<KeyRef<'k, WORDS>>,
        amount: u64,
    ) -> (Recorded, Option<Entry<WORDS>>) {
        let key = key.into();
        let (home, rule) = (self.home(key), A::of(amount));
        if let Some((recorded, _)) = self.first_set(home, rule).record_hinted(key, home.tag, rule) {
            return (recorded, None);
        }
        let mut evicted = None;
        let (recorded, _) = self.group(home).look_and_record(key, home.tag, rule, |cell, value| {
            evicted = Some(cell.entry(value));
        });
        (recorded, evicted)
    }

    /// Removes a key and forgets what was recorded for it: from now on it is one that was never seen.
    ///
    /// Its slot stays at its value, without a key, until a newcomer with more takes it: so floors
    /// do not fall, and nothing that absent keys can have had is unsaid (LEDGER-5, LEDGER-11). What
    /// was removed leaves no room for less. The sum of a removed key stays in the
    /// [total](Self::total), and its slot's next owner inherits it.
    ///
    /// A record for the key that is under way counts as before or after the removal.
    ///
    /// # Returns
    /// The entry as it was; `None` if the key was not tracked.
    ///
    /// # Progress
    /// Lock-free: tried again only if the key's own value has changed.
    ///
    /// ```
    /// use plimsoll_core::ledger::{Key, LedgerSet, Lookup, PeakLedger, Seed};
    ///
    /// let heaps: PeakLedger<[LedgerSet<1>; 1], 1> = PeakLedger::new(Seed::new(17, 4));
    /// let gone = Key::from(7);
    /// heaps.record(&gone, 1 << 40);
    /// assert_eq!(heaps.remove(&gone).map(|entry| entry.value()), Some(1 << 40));
    /// assert_eq!((heaps.get(&gone), heaps.len()), (Lookup::Absent { at_most: 0 }, 0));
    /// ```
    pub fn remove<'k>(&self, key: impl Into<KeyRef<'k, WORDS>>) -> Option<Entry<WORDS>> {
        let key = key.into();
        let home = self.home(key);
        self.group(home).remove(key, home.tag)
    }
}
