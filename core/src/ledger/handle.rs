//! A principal that knows its slot.

use core::ops::Deref;

use super::engine::{Aggregate, Ledger};
use super::key::Key;
use super::lookup::{Lookup, Recorded};
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
/// use plimsoll_core::{Key, LedgerHandle, LedgerSet, Seed, SumLedger, sets_for};
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
    place: Option<Place>,
}

impl<L, A, S, const WORDS: usize> LedgerHandle<L, WORDS>
where
    L: Deref<Target = Ledger<A, S, WORDS>>,
    A: Aggregate,
    S: AsRef<[LedgerSet<WORDS>]>,
{
    /// A handle for this key. Nothing is recorded yet.
    pub fn new(ledger: L, key: Key<WORDS>) -> Self {
        let home = ledger.seed().home((&key).into(), ledger.sets().len());
        LedgerHandle { ledger, key, home, place: None }
    }

    /// Records an amount, as [`Ledger::record`] does.
    #[inline]
    pub fn record(&mut self, amount: u64) -> Recorded {
        let set = &self.ledger.sets()[self.home.set];
        let known = self.place.and_then(|place| set.record_at(place, &self.key, A::of(amount)));
        match known {
            Some((recorded, place)) => {
                self.place = Some(place);
                recorded
            }
            None => self.look_and_record(amount),
        }
    }

    #[cold]
    fn look_and_record(&mut self, amount: u64) -> Recorded {
        let set = &self.ledger.sets()[self.home.set];
        let (recorded, place) = set.record((&self.key).into(), self.home.tag, A::of(amount));
        self.place = place;
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
