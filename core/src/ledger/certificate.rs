//! The certificate: how much of a ledger is certain.

use super::engine::{Aggregate, Ledger};
use super::lookup::Entry;
use super::set::LedgerSet;
use super::view::GroupView;
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

    /// How many entries, the largest first, are certainly the largest of all, ties aside: nobody
    /// else, with an entry or without, has more than any of them. Of peaks these are the entries at
    /// or above the bound. Of sums this is certain of all of them together, and not of their order.
    ///
    /// At rest this is the largest number that follows from what the ledger knows, and what
    /// [`Top::covered`](super::Top::covered) says of a list of all entries.
    pub const fn covered(&self) -> usize {
        self.covered
    }
}

/// Passes after which a cut that goes on rising is put further above.
const EXACT_PASSES: u32 = 128;

impl<A: Aggregate, S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<A, S, WORDS> {
    /// How many of the entries are certainly the largest of all (LEDGER-2, LEDGER-6).
    ///
    /// Looks for the *cut*: the least value, not below the bound on absent keys, that no entry
    /// straddles, with its value above and its value without its error below. An entry that is
    /// surely at the cut or above has as much as anybody else can have.
    ///
    /// # Progress
    /// Lock-free: one pass over the sets for the bound, one or more for the cut. A pass is repeated
    /// if the cut has risen; a cut that still rises is then put further above, twice as far each
    /// time, so that this ends. With no record under way it is found exactly, in a few passes as a
    /// rule.
    ///
    /// # Staleness
    /// Every record that was finished before the call is counted.
    pub fn certificate(&self) -> Certificate {
        let mut cut = self.groups().map(|group| group.absent_max()).max().unwrap_or(0);
        let mut view = GroupView::EMPTY;
        for pass in 1_u32.. {
            let (mut covered, mut bound, mut next) = (0, 0, cut);
            for group in self.groups() {
                view.read(group, &(cut.max(1)..=VALUE_MAX));
                next = unstraddled(view.entries(), next);
                covered += view.entries().iter().filter(|e| e.guaranteed() >= cut).count();
                bound = view.absent_max.max(bound);
            }
            let risen = next.max(bound);
            if risen <= cut {
                return Certificate { bound, covered };
            }
            // Records under way can raise it again and again: then it is put somewhere above, so that
            // it is still above after the next pass.
            let is_exact = bound <= cut && pass < EXACT_PASSES;
            let ahead = if is_exact { 0 } else { 2 * (risen - cut) };
            cut = risen.saturating_add(ahead).min(VALUE_MAX);
        }
        Certificate { bound: VALUE_MAX, covered: 0 }
    }
}

/// The least value from `cut` on that none of the entries straddles.
fn unstraddled<const WORDS: usize>(entries: &[Entry<WORDS>], mut cut: u64) -> u64 {
    loop {
        let straddling = entries.iter().filter(|e| e.guaranteed() < cut && cut < e.value());
        match straddling.map(Entry::value).max() {
            Some(above) => cut = above,
            None => return cut,
        }
    }
}
