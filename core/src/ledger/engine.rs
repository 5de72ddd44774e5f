//! The ledger: sets, and the rule by which values change.

use core::fmt;
use core::marker::PhantomData;

use super::error::{LedgerError, check_exact, check_sets};
use super::group::{AnyGroup, Group, Groups};
use super::key_ref::KeyRef;
use super::lookup::{Lookup, Recorded};
use super::rule::{Highest, Plus, Rule};
use super::seed::{Home, Seed};
use super::set::LedgerSet;
use super::word::{SlotWord, VALUE_MAX};
use super::{WAYS, capacity_of};
use crate::sync::const_unless_loom;

mod sealed {
    /// How an aggregate takes an amount.
    pub trait Rules {
        type Rule: super::Rule;
        fn of(amount: u64) -> Self::Rule;
        /// Whether the total has what was recorded for keys that were removed.
        const COUNTS_REMOVED: bool;
    }
}

/// From so many groups of sets on, a record is likely to find its set in a far cache.
#[cfg(not(any(loom, shuttle)))]
const FAR_GROUPS: usize = 128;
#[cfg(any(loom, shuttle))]
const FAR_GROUPS: usize = usize::MAX;

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
    const COUNTS_REMOVED: bool = false;

    #[inline(always)]
    fn of(amount: u64) -> Highest {
        Highest(amount)
    }
}

impl Aggregate for Sum {}
impl sealed::Rules for Sum {
    type Rule = Plus;
    const COUNTS_REMOVED: bool = true;

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
///   Merged, the bounds of both add up, and are the bounds of the sum.
/// - LEDGER-7: a reader gets a key with its own value, and hinders no thread.
/// - LEDGER-8: keys are placed by a keyed hash.
/// - LEDGER-9: a record looks at one set.
/// - LEDGER-10: one key never holds two entries.
/// - LEDGER-11: "never seen or turned away" is [`Lookup::Absent`], and not a number.
/// - LEDGER-12: [`record_evicting`](Self::record_evicting) says who was evicted, with what; and
///   [`remove`](Self::remove) makes a key unknown.
///
/// Values end at [`VALUE_MAX`]; what goes beyond is cut, and [`is_saturated`](Self::is_saturated)
/// says so.
///
/// # Progress
/// Lock-free: an operation is tried again only if another one has changed a word of the same set.
/// Up to 8 threads may stop for ever within an admission to one set and hinder no other; while as
/// many do, a newcomer above that set's floor waits. See [the module](super) for why.
pub struct Ledger<A, S, const WORDS: usize> {
    seed: Seed,
    sets: S,
    /// From how many groups of sets a key's hash chooses: all of one set, or a single one of all.
    pub(super) groups: usize,
    /// How many entries an exact ledger has; 0 in another.
    exact: usize,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate, const SETS: usize, const WORDS: usize>
    Ledger<A, [LedgerSet<WORDS>; SETS], WORDS>
{
    const SETS: () = match check_sets(SETS) {
        Ok(_) => {}
        Err(_) => panic!("a ledger has at least 1 set, and at most 2^32"),
    };

    const_unless_loom! {
        /// An empty ledger of `SETS` sets; none does not compile. See [`sets_for`](crate::ledger::sets_for).
        pub const fn new(seed: Seed) -> Ledger<A, [LedgerSet<WORDS>; SETS], WORDS> {
            let () = Self::SETS;
            #[cfg(not(loom))]
            let sets = [const { LedgerSet::new() }; SETS];
            #[cfg(loom)]
            let sets = core::array::from_fn(|_| LedgerSet::new());
            Ledger { seed, sets, groups: SETS, exact: 0, aggregate: PhantomData }
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
        let groups = check_sets(sets.as_ref().len())?;
        sets.as_mut().iter_mut().for_each(|set| *set = LedgerSet::new());
        Ok(Ledger { seed, sets, groups, exact: 0, aggregate: PhantomData })
    }

    /// An empty ledger that has exactly `entries` entries, and evicts the least of all: 1 to
    /// [`EXACT_MAX`](super::EXACT_MAX). The sets are the caller's, as many as
    /// [`sets_for_exact`](super::sets_for_exact) says.
    ///
    /// At rest it has the largest peaks of all keys, none missing; of sums, it is Space-Saving over
    /// all keys. Work per record grows with the number of entries: a newcomer looks at every one.
    ///
    /// # Errors
    /// [`LedgerError::Exact`], [`LedgerError::ExactSets`].
    ///
    /// ```
    /// use plimsoll_core::ledger::{Key, LedgerSet, Lookup, PeakLedger, Recorded, Seed};
    ///
    /// let top: PeakLedger<[LedgerSet<1>; 1], 1> =
    ///     PeakLedger::exact([LedgerSet::new()], Seed::new(17, 4), 2)?;
    /// let [small, large, middle] = [1, 2, 3].map(Key::from);
    /// top.record(&small, 100);
    /// top.record(&large, 300);
    /// assert_eq!(top.record(&middle, 200), Recorded::Admitted { evicted: 100 });
    /// assert_eq!(top.get(&small), Lookup::Absent { at_most: 200 });
    /// assert_eq!((top.len(), top.slots(), top.capacity()), (2, 2, 2));
    /// # Ok::<(), plimsoll_core::ledger::LedgerError>(())
    /// ```
    pub fn exact(mut sets: S, seed: Seed, entries: usize) -> Result<Self, LedgerError> {
        check_exact(sets.as_ref().len(), entries)?;
        for (index, set) in sets.as_mut().iter_mut().enumerate() {
            *set = LedgerSet::with_open(entries.saturating_sub(index * WAYS));
        }
        Ok(Ledger { seed, sets, groups: 1, exact: entries, aggregate: PhantomData })
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
        let (home, rule) = (self.home(key), A::of(amount));
        match self.first_set(home, rule).record_hinted(key, home.tag, rule) {
            Some((recorded, _)) => recorded,
            None => self.group(home).look_and_record(key, home.tag, rule, |_, _| {}).0,
        }
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
        let home = self.home(key);
        match self.group(home).get(key, home.tag) {
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
        self.group(self.home(key.into())).floor()
    }

    /// All values together. At rest, of sums, this is all that was ever recorded, also for keys that
    /// were removed, unless the ledger was merged or is [saturated](Self::is_saturated).
    pub fn total(&self) -> u64 {
        let counts =
            |word: &SlotWord| word.is_entry() || A::COUNTS_REMOVED && *word != SlotWord::CLOSED;
        self.looks().filter(counts).map(SlotWord::value).fold(0, u64::saturating_add)
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
        self.looks().any(|word| word.is_entry() && word.value() == VALUE_MAX)
    }

    fn looks(&self) -> impl Iterator<Item = SlotWord> + '_ {
        self.sets().iter().flat_map(LedgerSet::looks)
    }

    /// How many of the largest users this ledger is made for.
    pub fn capacity(&self) -> usize {
        if self.exact > 0 { self.exact } else { capacity_of(self.sets().len()) }
    }

    /// How many entries there can be.
    pub fn slots(&self) -> usize {
        if self.exact > 0 { self.exact } else { self.sets().len() * WAYS }
    }

    /// How many keys there is room for beyond the entries at this moment.
    ///
    /// At rest this is 48 for each set, less [`len`](Self::len): no cell is ever lost.
    pub fn cells_free(&self) -> usize {
        let free = |set: &LedgerSet<WORDS>| super::CELLS - set.cells_taken();
        self.sets().iter().map(free).sum()
    }

    #[inline(always)]
    pub(super) fn sets(&self) -> &[LedgerSet<WORDS>] {
        self.sets.as_ref()
    }

    /// Where the key belongs: the first of its sets, and its tag.
    #[inline(always)]
    pub(super) fn home(&self, key: KeyRef<'_, WORDS>) -> Home {
        self.seed.home(key, self.groups)
    }

    /// The set of this home. If it is likely to be far, and the record not to be turned away at a glance,
    /// its slots are on their way here while the first cache line is looked at.
    #[inline(always)]
    pub(super) fn first_set(&self, home: Home, rule: impl Rule) -> &LedgerSet<WORDS> {
        let set = &self.sets()[home.set];
        if self.groups >= FAR_GROUPS && !rule.is_idle(set.floor.get()) {
            set.touch_slots();
        }
        set
    }

    /// All sets that a key with this home can be in.
    #[inline(always)]
    pub(super) fn group(&self, home: Home) -> AnyGroup<'_, WORDS> {
        match self.sets() {
            [one, other] if self.exact > 0 => AnyGroup::Two(Group([one, other])),
            sets => AnyGroup::One(Group([&sets[home.set]])),
        }
    }

    /// All groups of sets that keys can be in.
    pub(super) fn groups(&self) -> Groups<'_, WORDS> {
        Groups::new(self.sets(), self.exact > 0)
    }

    /// Whether every key has the same home here and there.
    pub(super) fn is_like<T: AsRef<[LedgerSet<WORDS>]>>(
        &self,
        other: &Ledger<A, T, WORDS>,
    ) -> bool {
        (self.groups, self.groups == 1 || self.seed == other.seed) == (other.groups, true)
    }
}

impl<A, S, const WORDS: usize> fmt::Debug for Ledger<A, S, WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}
