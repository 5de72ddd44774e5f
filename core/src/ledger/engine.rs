//! The ledger: sets, and the rule by which values change.

use core::fmt;
use core::marker::PhantomData;

use super::error::{LedgerError, check_sets};
use super::key_ref::KeyRef;
use super::lookup::{Lookup, Recorded};
use super::rule::{Highest, Plus, Rule};
use super::seed::Seed;
use super::set::LedgerSet;
use super::word::VALUE_MAX;
use super::{WAYS, capacity_of};
use crate::sync::const_unless_loom;

mod sealed {
    /// How an aggregate takes an amount.
    pub trait Rules {
        type Rule: super::Rule;
        fn of(amount: u64) -> Self::Rule;
    }
}

/// What a ledger keeps of the amounts recorded for a key: [`Peak`] or [`Sum`].
pub trait Aggregate: sealed::Rules {}

/// The largest amount.
#[derive(Debug)]
pub enum Peak {}

/// All amounts together.
#[derive(Debug)]
pub enum Sum {}

impl Aggregate for Peak {}
impl sealed::Rules for Peak {
    type Rule = Highest;

    #[inline(always)]
    fn of(amount: u64) -> Highest {
        Highest(amount)
    }
}

impl Aggregate for Sum {}
impl sealed::Rules for Sum {
    type Rule = Plus;

    #[inline(always)]
    fn of(amount: u64) -> Plus {
        Plus(amount)
    }
}

/// A ledger of peaks.
pub type PeakLedger<S, const WORDS: usize = 8> = Ledger<Peak, S, WORDS>;

/// A ledger of sums.
pub type SumLedger<S, const WORDS: usize = 8> = Ledger<Sum, S, WORDS>;

/// The largest users of something, in fixed memory; see [the module](super) for what it promises.
///
/// The sets are the ledger's own: an array for a `static` (all zero, so that it costs no room in the
/// binary), or whatever the caller brings that can be seen as a slice of [`LedgerSet`], such as a box.
/// `WORDS` is the length of keys in words of 8 bytes.
///
/// # Invariants
/// - LEDGER-1: there are never more entries than [`slots`](Self::slots).
/// - LEDGER-2: at rest each set has the largest peaks of its keys, and the
///   [`certificate`](Self::certificate) says how many of all entries are the largest of all.
/// - LEDGER-3: when `record(k, v)` has returned, `k` is tracked at `v` or more, or the floor of its
///   set is `v` or more.
/// - LEDGER-4: a newcomer up to the floor is turned away without a write.
/// - LEDGER-5: a floor never falls, nor does the value of a key while it is tracked.
/// - LEDGER-6: of sums, `value - error <= true <= value`; the error is at most the set's floor, which
///   is at most a 40th of all that was recorded in the set; every key above the floor is tracked.
/// - LEDGER-7: a reader gets a key with its own value, and hinders nobody.
/// - LEDGER-8: keys are placed by a keyed hash.
/// - LEDGER-9: a record looks at one set.
/// - LEDGER-10: one key never holds two entries.
/// - LEDGER-11: "never seen or turned away" is [`Lookup::Absent`], and not a number.
///
/// Values end at [`VALUE_MAX`]; what goes beyond is cut, and [`is_saturated`](Self::is_saturated)
/// says so.
///
/// # Progress
/// Lock-free: an operation is tried again only if another one has changed a word of the same set.
/// Up to 8 threads may stop for ever within an admission to one set and hinder nobody; while as many
/// do, a newcomer above that set's floor waits. See [the module](super) for why.
pub struct Ledger<A, S, const WORDS: usize> {
    seed: Seed,
    sets: S,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate, const SETS: usize, const WORDS: usize>
    Ledger<A, [LedgerSet<WORDS>; SETS], WORDS>
{
    const SETS: () = match check_sets(SETS) {
        Ok(()) => {}
        Err(_) => panic!("a ledger has at least 1 set, and at most 2^32"),
    };

    const_unless_loom! {
        /// An empty ledger of `SETS` sets; none does not compile. See [`sets_for`](crate::sets_for).
        pub const fn new(seed: Seed) -> Ledger<A, [LedgerSet<WORDS>; SETS], WORDS> {
            let () = Self::SETS;
            #[cfg(not(loom))]
            let sets = [const { LedgerSet::new() }; SETS];
            #[cfg(loom)]
            let sets = core::array::from_fn(|_| LedgerSet::new());
            Ledger { seed, sets, aggregate: PhantomData }
        }
    }
}

impl<A, S, const WORDS: usize> Ledger<A, S, WORDS>
where
    A: Aggregate,
    S: AsRef<[LedgerSet<WORDS>]> + AsMut<[LedgerSet<WORDS>]>,
{
    /// An empty ledger over the caller's sets, whatever they held before.
    ///
    /// # Errors
    /// [`LedgerError::NoSets`], [`LedgerError::TooManySets`].
    pub fn with_sets(mut sets: S, seed: Seed) -> Result<Self, LedgerError> {
        check_sets(sets.as_ref().len())?;
        for set in sets.as_mut() {
            *set = LedgerSet::new();
        }
        Ok(Ledger { seed, sets, aggregate: PhantomData })
    }
}

impl<A: Aggregate, S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<A, S, WORDS> {
    /// Records an amount for a key: its new size for a peak, what it has used since the last record
    /// for a sum. An amount of 0 changes nothing.
    ///
    /// # Returns
    /// What that did; a caller who wants to know how many are turned away counts them.
    ///
    /// # Progress
    /// Lock-free; a newcomer above the floor waits while 8 others stand still on their way into the
    /// same set. A newcomer up to the floor, and a tracked key whose value does not change, write
    /// nothing.
    #[inline]
    pub fn record<'k>(&self, key: impl Into<KeyRef<'k, WORDS>>, amount: u64) -> Recorded {
        let key = key.into();
        let home = self.seed.home(key, self.sets().len());
        self.sets()[home.set].record(key, home.tag, A::of(amount)).0
    }

    /// What was recorded for a key.
    ///
    /// # Progress
    /// Lock-free: tried again only if the key's own value has changed.
    ///
    /// # Staleness
    /// Every record that was finished before the call is counted.
    pub fn get<'k>(&self, key: impl Into<KeyRef<'k, WORDS>>) -> Lookup {
        let key = key.into();
        let home = self.seed.home(key, self.sets().len());
        match self.sets()[home.set].get(key, home.tag) {
            Ok((value, error)) => Lookup::Present { value, error },
            Err(at_most) => Lookup::Absent { at_most },
        }
    }

    /// The amount up to which every newcomer is turned away (peaks): the least floor of all sets.
    pub fn floor(&self) -> u64 {
        self.sets().iter().map(LedgerSet::floor).min().unwrap_or(0)
    }

    /// The amount up to which this key is turned away unless it is tracked: the floor of its set.
    pub fn floor_of<'k>(&self, key: impl Into<KeyRef<'k, WORDS>>) -> u64 {
        self.sets()[self.seed.home(key.into(), self.sets().len()).set].floor()
    }

    /// All values together. At rest, of sums, this is all that was ever recorded, unless the ledger
    /// was merged or is [saturated](Self::is_saturated).
    pub fn total(&self) -> u64 {
        self.values().fold(0, u64::saturating_add)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.sets().iter().map(LedgerSet::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether some value has reached [`VALUE_MAX`], and may be more.
    pub fn is_saturated(&self) -> bool {
        self.values().any(|value| value == VALUE_MAX)
    }

    fn values(&self) -> impl Iterator<Item = u64> + '_ {
        let values = |set| (0..WAYS).map(move |slot| LedgerSet::value(set, slot));
        self.sets().iter().flat_map(values)
    }

    /// How many of the largest users this ledger is made for.
    pub fn capacity(&self) -> usize {
        capacity_of(self.sets().len())
    }

    /// How many entries there can be.
    pub fn slots(&self) -> usize {
        self.sets().len() * WAYS
    }

    /// How many keys there is room for beyond the entries at this moment.
    ///
    /// At rest this is [`slots`](Self::slots) and the spare cells, less [`len`](Self::len): no cell is
    /// ever lost.
    pub fn cells_free(&self) -> usize {
        let free = |set: &LedgerSet<WORDS>| super::CELLS - set.cells_taken();
        self.sets().iter().map(free).sum()
    }

    #[inline(always)]
    pub(super) fn sets(&self) -> &[LedgerSet<WORDS>] {
        self.sets.as_ref()
    }

    #[inline(always)]
    pub(super) fn seed(&self) -> Seed {
        self.seed
    }
}

impl<A, S, const WORDS: usize> fmt::Debug for Ledger<A, S, WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}
