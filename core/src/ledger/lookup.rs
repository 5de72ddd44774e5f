//! Results of records and lookups.

use super::key::Key;
use super::word::VALUE_MAX;

/// What a record did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The key's value rose.
    Raised {
        /// From here.
        from: u64,
        /// To here.
        to: u64,
    },
    /// The key is tracked, at a value that this does not change.
    Kept {
        /// Its value.
        value: u64,
    },
    /// The key was not tracked and now is.
    Admitted {
        /// The value of the entry that went; 0 if no entry had to go. For whose it was, see
        /// [`record_evicting`](super::Ledger::record_evicting).
        evicted: u64,
    },
    /// The key is not tracked, and the amount does not get it in.
    ///
    /// If other threads are admitting to the same set at this moment, a tracked key may get the
    /// same of an amount up to the floor: it changes nothing either.
    TurnedAway {
        /// All entries of its set have this much or more, and the amount is not above it.
        floor: u64,
    },
}

impl Recorded {
    /// Whether the key is tracked.
    pub const fn is_tracked(self) -> bool {
        !matches!(self, Recorded::TurnedAway { .. })
    }
}

/// What a ledger knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The key is tracked.
    Present {
        /// Its peak, or its sum with what it inherited.
        ///
        /// In a ledger of peaks that was [merged](super::Ledger::merge), a value below the
        /// [certificate](super::Ledger::certificate)'s bound is what is left of the key's peaks: it
        /// was recorded, but another ledger can have had a larger one of the same key, up to the
        /// bound, and lost it. From the bound on, a peak is exact. The value of a sum is never too
        /// low: a merge adds to value and error what the other can have lost.
        value: u64,
        /// What it inherited: 0 for a peak. The true sum is `value - error` to `value`.
        error: u64,
    },
    /// The key was never seen, or turned away, or evicted, or removed.
    Absent {
        /// All that was recorded for it, by records finished before the question, is this at most.
        /// What was recorded before it was [removed](super::Ledger::remove) does not count.
        at_most: u64,
    },
}

impl Lookup {
    /// The value of a tracked key.
    pub const fn value(self) -> Option<u64> {
        match self {
            Lookup::Present { value, .. } => Some(value),
            Lookup::Absent { .. } => None,
        }
    }

    /// What the key can have had at most, tracked or not; for a merged peak see
    /// [`Present`](Lookup::Present).
    pub const fn at_most(self) -> u64 {
        match self {
            Lookup::Present { value, .. } => value,
            Lookup::Absent { at_most } => at_most,
        }
    }
}

/// A key, and what was recorded for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<const WORDS: usize = 8> {
    pub(super) key: Key<WORDS>,
    pub(super) value: u64,
    pub(super) error: u64,
}

impl<const WORDS: usize> Entry<WORDS> {
    /// No entry, to fill a buffer with: its value is 0, which no ledger's entry has.
    ///
    /// Its key has no bytes, which [`Key::new`] refuses. Recorded for all the same, it is one more key,
    /// and no other.
    pub const NONE: Entry<WORDS> = Entry { key: Key::NONE, value: 0, error: 0 };

    /// Whose it is.
    pub const fn key(&self) -> &Key<WORDS> {
        &self.key
    }

    /// The peak, or the sum with what it inherited; for a merged peak see [`Lookup::Present`].
    pub const fn value(&self) -> u64 {
        self.value
    }

    /// What the value inherited from the entry that it took the place of: 0 for a peak.
    pub const fn error(&self) -> u64 {
        self.error
    }

    /// What was recorded for this key for certain: the value without its error.
    pub const fn guaranteed(&self) -> u64 {
        self.value - self.error
    }

    /// Whether the value has reached [`VALUE_MAX`], and may be more.
    pub const fn is_saturated(&self) -> bool {
        self.value == VALUE_MAX
    }
}

impl<const WORDS: usize> Default for Entry<WORDS> {
    fn default() -> Self {
        Self::NONE
    }
}
