//! One ledger for what several have seen.

use super::engine::{Ledger, Peak, Sum};
use super::flaw::{Flaw, is_planted};
use super::rule::{Admission, Highest, Moved};
use super::set::LedgerSet;
use super::view::SetView;
use super::word::VALUE_MAX;
use super::{Lookup, WAYS};

const ALL: core::ops::RangeInclusive<u64> = 1..=VALUE_MAX;

fn sum(one: u64, other: u64) -> u64 {
    one.saturating_add(other).min(VALUE_MAX)
}

impl<S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<Peak, S, WORDS> {
    /// Takes over all that another ledger has seen: its entries, and how high the keys can have been
    /// that it has lost. Afterwards this ledger promises what it would if all of it had been recorded
    /// here, and its certificate covers exactly that.
    ///
    /// Both may be recorded into meanwhile. Where both have the same seed and number of sets, the
    /// bounds are taken over set by set; elsewhere the other's largest bound goes to every set, and the
    /// certificate covers fewer entries. A key that is tracked here, and that the other had lost at a
    /// higher peak, keeps its value: see [`Lookup::Present`].
    pub fn merge<T>(&self, other: &Ledger<Peak, T, WORDS>)
    where
        T: AsRef<[LedgerSet<WORDS>]>,
    {
        let alike = self.is_like(other);
        let mut view = SetView::EMPTY;
        let mut highest = 0;
        for (index, set) in other.sets().iter().enumerate() {
            view.read(set, &ALL);
            for entry in view.entries() {
                let home = self.seed().home(entry.key().into(), self.sets().len());
                self.sets()[home.set].record(entry.key().into(), home.tag, Highest(entry.value()));
            }
            if is_planted(Flaw::NoMergeBound) {
                continue;
            }
            if alike {
                self.sets()[index].raise_bound(view.absent_max);
            } else if view.absent_max > highest {
                highest = view.absent_max;
                self.sets().iter().for_each(|set| set.raise_bound(highest));
            }
        }
    }
}

impl<S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<Sum, S, WORDS> {
    /// Takes over all that another ledger has seen: sums and errors add up, and what one of them does
    /// not track it may have had up to its floor (Agarwal et al. 2012, "Mergeable summaries").
    ///
    /// The other may be recorded into meanwhile. Seeds and sizes may differ, as for peaks.
    pub fn merge<T>(&mut self, other: &Ledger<Sum, T, WORDS>)
    where
        T: AsRef<[LedgerSet<WORDS>]>,
    {
        for set in self.sets() {
            // What an absent key can have had here, kept for when entries have come and gone.
            set.raise_bound(set.absent_max());
            (0..WAYS).for_each(|slot| add_other(set, slot, other));
        }
        let alike = self.is_like(other);
        let mut view = SetView::EMPTY;
        let mut highest = 0;
        for set in other.sets() {
            view.read(set, &ALL);
            for entry in view.entries() {
                let home = self.seed().home(entry.key().into(), self.sets().len());
                let set = &self.sets()[home.set];
                let admission = Admission {
                    value: sum(set.bound(), entry.value()),
                    error: sum(set.bound(), entry.error()),
                };
                set.record(entry.key().into(), home.tag, Moved(admission));
            }
            highest = view.absent_max.max(highest);
        }
        for (index, set) in self.sets().iter().enumerate() {
            if is_planted(Flaw::NoMergeBound) {
                continue;
            }
            let absent_max = if alike { other.sets()[index].absent_max() } else { highest };
            set.raise_bound(sum(set.bound(), absent_max));
        }
    }
}

/// Adds what the other ledger has of a slot's key.
fn add_other<T: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize>(
    set: &LedgerSet<WORDS>,
    slot: usize,
    other: &Ledger<Sum, T, WORDS>,
) {
    let Some((_, entry)) = set.entry(slot) else {
        return;
    };
    let (value, error) = match other.get(entry.key()) {
        Lookup::Present { value, error } => (value, error),
        Lookup::Absent { at_most } => (at_most, at_most),
    };
    set.amend(slot, sum(entry.value(), value), sum(entry.error(), error));
}

impl<A, S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<A, S, WORDS>
where
    A: super::Aggregate,
{
    /// Whether every key has the same set here and there.
    fn is_like<T: AsRef<[LedgerSet<WORDS>]>>(&self, other: &Ledger<A, T, WORDS>) -> bool {
        self.seed() == other.seed() && self.sets().len() == other.sets().len()
    }
}
