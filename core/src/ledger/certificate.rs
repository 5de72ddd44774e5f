//! How much of a ledger is certain.

use super::engine::{Aggregate, Ledger};
use super::set::LedgerSet;
use super::view::SetView;
use super::word::VALUE_MAX;

/// How many of the entries are certainly the largest of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub(super) bound: u64,
    pub(super) covered: usize,
}

impl Certificate {
    /// What a key that has no entry can have had at most; the error of no entry is above it.
    pub const fn bound(&self) -> u64 {
        self.bound
    }

    /// How many entries have, for certain, as much as the bound or more: nobody without an entry has
    /// more than any of them. So of peaks, which are exact, they are the largest of all, ties aside;
    /// of sums, another entry can be as large whose error is, and [`Top::covered`](super::Top::covered)
    /// takes that into account.
    pub const fn covered(&self) -> usize {
        self.covered
    }
}

impl<A: Aggregate, S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<A, S, WORDS> {
    /// How many of the entries are certainly the largest of all (LEDGER-2).
    ///
    /// # Progress
    /// Lock-free: looks again only if floors have risen meanwhile, and twice as far above them each
    /// time, so that it ends after a few looks.
    ///
    /// # Staleness
    /// Every record that was finished before the call is counted.
    pub fn certificate(&self) -> Certificate {
        let floors = self.sets().iter().map(LedgerSet::absent_max);
        let mut bound = floors.max().unwrap_or(0);
        let mut view = SetView::EMPTY;
        loop {
            let (mut covered, mut highest) = (0, 0);
            for set in self.sets() {
                view.read(set, &(bound.max(1)..=VALUE_MAX));
                covered += view.entries().iter().filter(|e| e.guaranteed() >= bound).count();
                highest = view.absent_max.max(highest);
            }
            if highest <= bound {
                return Certificate { bound, covered };
            }
            // Somewhere above, so that it is still above after the next look.
            bound = highest.saturating_add(2 * (highest - bound)).min(VALUE_MAX);
        }
    }
}
