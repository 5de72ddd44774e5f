//! A handle of one key, which remembers the key's slot.

use core::ops::Deref;

use super::cell::Cell;
use super::engine::{Aggregate, Ledger};
use super::key::Key;
use super::lookup::{Entry, Lookup, Recorded};
use super::seed::Home;
use super::set::{LedgerSet, Place};

/// A key of a ledger, with the place where it was last found.
///
/// A record looks there first: as long as the slot's word is the one that this handle last saw, the
/// entry is the key's, for words do not come again. If the word has changed, the key is compared, and
/// if the slot has changed hands, the key is looked for. So a handle is a shortcut, and never wrong.
///
/// `L` leads to the ledger: a reference, an `Arc`. A handle is for one thread at a time; several
/// handles may have one key.
///
/// ```
/// use plimsoll_core::ledger::{Key, LedgerHandle, LedgerSet, Seed, SumLedger, sets_for};
///
/// static FUEL: SumLedger<[LedgerSet<1>; sets_for(16)], 1> = SumLedger::new(Seed::new(17, 4));
///
/// let mut guest = LedgerHandle::new(&FUEL, Key::from(7));
/// guest.record(1_000);
/// guest.record(500);
/// assert_eq!(guest.get().value(), Some(1_500));
/// ```
#[derive(Clone, Debug)]
pub struct LedgerHandle<L, const WORDS: usize = 8> {
    ledger: L,
    key: Key<WORDS>,
    home: Home,
    /// The last place, and its set among all.
    place: Option<Place>,
    set: usize,
}

impl<L, A, S, const WORDS: usize> LedgerHandle<L, WORDS>
where
    L: Deref<Target = Ledger<A, S, WORDS>>,
    A: Aggregate,
    S: AsRef<[LedgerSet<WORDS>]>,
{
    /// A handle for this key. Nothing is recorded yet.
    pub fn new(ledger: L, key: Key<WORDS>) -> Self {
        let home = ledger.home((&key).into());
        LedgerHandle { ledger, key, home, place: None, set: home.set }
    }

    /// Records an amount, as [`Ledger::record`] does.
    #[inline]
    pub fn record(&mut self, amount: u64) -> Recorded {
        match self.record_at_place(amount) {
            Some(recorded) => recorded,
            None => self.look_and_record(amount),
        }
    }

    /// Records as [`Ledger::record_evicting`] does.
    pub fn record_evicting(&mut self, amount: u64) -> (Recorded, Option<Entry<WORDS>>) {
        if let Some(recorded) = self.record_at_place(amount) {
            return (recorded, None);
        }
        let mut evicted = None;
        let recorded = self.look_and(amount, |cell, value| evicted = Some(cell.entry(value)));
        (recorded, evicted)
    }

    /// Removes the key, as [`Ledger::remove`] does.
    pub fn remove(&mut self) -> Option<Entry<WORDS>> {
        self.place = None;
        self.ledger.remove(&self.key)
    }

    #[inline(always)]
    fn record_at_place(&mut self, amount: u64) -> Option<Recorded> {
        let set = &self.ledger.sets()[self.set];
        let (recorded, place) = set.record_at(self.place?, &self.key, A::of(amount))?;
        self.place = Some(place);
        Some(recorded)
    }

    #[cold]
    fn look_and_record(&mut self, amount: u64) -> Recorded {
        self.look_and(amount, |_, _| {})
    }

    fn look_and(&mut self, amount: u64, on_evicted: impl FnOnce(&Cell<WORDS>, u64)) -> Recorded {
        let (key, tag, rule) = ((&self.key).into(), self.home.tag, A::of(amount));
        let hinted = self.ledger.sets()[self.home.set].record_hinted(key, tag, rule);
        let (recorded, place) = match hinted {
            Some(done) => done,
            None => self.ledger.group(self.home).look_and_record(key, tag, rule, on_evicted),
        };
        self.place = place;
        self.set = self.home.set + place.map_or(0, |place| place.set);
        recorded
    }

    /// What was recorded for the key, by this handle and all others.
    pub fn get(&self) -> Lookup {
        self.ledger.get(&self.key)
    }

    /// The key.
    pub fn key(&self) -> &Key<WORDS> {
        &self.key
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger<A, S, WORDS> {
        &self.ledger
    }
}
