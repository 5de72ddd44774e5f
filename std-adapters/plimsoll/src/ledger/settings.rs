//! Settings of a ledger.

use std::hash::{BuildHasher, RandomState};

use plimsoll_core::ledger::EXACT_MAX;
use plimsoll_core::ledger::{LedgerError as CoreError, LedgerSet, Seed, sets_for, sets_for_exact};

use super::error::{CAPACITY_MAX, LedgerError};
use crate::sync::process::OnceLock;

/// The sets of a ledger of ours.
pub(super) type Sets = Box<[LedgerSet]>;

/// Settings of a ledger: a capacity, or a capacity and more.
///
/// ```
/// use plimsoll::ledger::{LedgerSettings, Seed};
/// use plimsoll::{Limit, Registry};
///
/// let registry = Registry::new();
/// let heaps = registry.peak_ledger(Limit::memory("guest_memory"), 1_024)?;
/// let settings = LedgerSettings::new(1_024).seed(Seed::new(17, 4)); // in production: random numbers
/// let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), settings)?;
/// # Ok::<(), plimsoll::ledger::LedgerError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "it has no effect until a registry makes a ledger of it"]
pub struct LedgerSettings {
    pub(super) capacity: usize,
    is_exact: bool,
    pub(super) seed: Option<Seed>,
    pub(super) counts_turned_away: bool,
}

impl LedgerSettings {
    /// The largest capacity, 2^24: about 4 GiB.
    pub const CAPACITY_MAX: usize = CAPACITY_MAX;

    /// A ledger for so many of the largest users. Room is taken at once, about 260 bytes for each.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, is_exact: false, seed: None, counts_turned_away: true }
    }

    /// A ledger of exactly so many entries, 1 to [`EXACT_MAX`], which evicts the least of all: at
    /// rest it has the largest, and misses nobody. A newcomer looks at every entry.
    ///
    /// ```
    /// use plimsoll::ledger::{LedgerSettings, PeakLedger};
    ///
    /// let heaps = PeakLedger::new(LedgerSettings::exact(2))?;
    /// for (guest, bytes) in [("small", 100), ("large", 300), ("middle", 200)] {
    ///     heaps.record(guest, bytes)?;
    /// }
    /// assert_eq!((heaps.len(), heaps.slots()), (2, 2));
    /// assert_eq!(heaps.get("small")?.value(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn exact(entries: usize) -> Self {
        Self { is_exact: true, ..Self::new(entries) }
    }

    /// The secret by which principals are placed (LEDGER-8); otherwise one that is drawn at random
    /// once for each process, so that ledgers of the same capacity merge without a loss.
    ///
    /// Ledgers of several processes merge without a loss only if they are given the same seed.
    pub const fn seed(mut self, seed: Seed) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Whether to count how many records were turned away; so it is by default.
    ///
    /// The core turns away without a write (LEDGER-4). The count is a write to a line of memory
    /// that the thread shares with nobody, as long as no more than 32 threads record.
    pub const fn count_turned_away(mut self, counts: bool) -> Self {
        self.counts_turned_away = counts;
        self
    }

    pub(super) fn the_seed(&self) -> Seed {
        self.seed.unwrap_or_else(process_seed)
    }

    /// How many entries the ledger has, if that is settled.
    pub(super) fn entries(&self) -> Option<usize> {
        self.is_exact.then_some(self.capacity)
    }

    /// Empty sets, or the reason why there can be none.
    pub(super) fn sets(&self) -> Result<Sets, LedgerError> {
        let capacity = self.capacity;
        if capacity == 0 || capacity > Self::CAPACITY_MAX {
            return Err(LedgerError::Capacity { capacity });
        }
        if self.is_exact && capacity > EXACT_MAX {
            return Err(CoreError::Exact { entries: capacity }.into());
        }
        let count = if self.is_exact { sets_for_exact(capacity) } else { sets_for(capacity) };
        let mut sets: Vec<LedgerSet> = Vec::new();
        let bytes = count * size_of::<LedgerSet>();
        sets.try_reserve_exact(count).map_err(|_| LedgerError::OutOfMemory { bytes })?;
        sets.extend((0..count).map(|_| LedgerSet::new()));
        Ok(sets.into())
    }
}

/// For the 4,096 largest users.
impl Default for LedgerSettings {
    fn default() -> Self {
        Self::new(4_096)
    }
}

impl From<usize> for LedgerSettings {
    fn from(capacity: usize) -> Self {
        Self::new(capacity)
    }
}

/// 128 bits from the source of randomness that the standard library's maps have.
fn process_seed() -> Seed {
    static SEED: OnceLock<Seed> = OnceLock::new();
    *SEED.get_or_init(|| {
        // Keyed with 128 random bits of the operating system.
        let random = RandomState::new();
        Seed::new(random.hash_one(1), random.hash_one(2))
    })
}
