//! Merging ledgers.

use super::engine::{Ledger, Peak, Sum};
use super::group::AnyGroup;
use super::key_ref::KeyRef;
use super::rule::{Admission, Moved};
use super::set::LedgerSet;
use super::view::GroupView;
use super::word::VALUE_MAX;
use super::{Lookup, Recorded, WAYS};

const ALL: core::ops::RangeInclusive<u64> = 1..=VALUE_MAX;

fn sum(one: u64, other: u64) -> u64 {
    one.saturating_add(other).min(VALUE_MAX)
}

impl<S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<Peak, S, WORDS> {
    /// Takes over all that another ledger has seen: its entries, and how high the keys can have been
    /// that it has lost. Afterwards this ledger promises what it would if all of it had been recorded
    /// here, and its certificate covers exactly that. Keys that were removed there are as if they had
    /// never been seen.
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
        let mut view = GroupView::EMPTY;
        let mut highest = 0;
        for (index, group) in other.groups().enumerate() {
            view.read(group, &ALL);
            for entry in view.entries() {
                self.record(entry.key(), entry.value());
            }
            if alike {
                self.groups()
                    .skip(index)
                    .take(1)
                    .for_each(|mine| mine.first().bound.raise(view.absent_max));
            } else if view.absent_max > highest {
                highest = view.absent_max;
                self.groups().for_each(|mine| mine.first().bound.raise(highest));
            }
        }
    }
}

impl<S: AsRef<[LedgerSet<WORDS>]>, const WORDS: usize> Ledger<Sum, S, WORDS> {
    /// Takes over all that another ledger has seen: sums and errors add up, and what one of them does
    /// not track it may have had up to its bound (Agarwal et al. 2012, "Mergeable summaries").
    ///
    /// The bound on absent keys is then exactly what the two bounds give: both together, or the
    /// largest entry for which there was no room if that is more. The other may be recorded into
    /// meanwhile. Seeds and sizes may differ, as for peaks.
    pub fn merge<T>(&mut self, other: &Ledger<Sum, T, WORDS>)
    where
        T: AsRef<[LedgerSet<WORDS>]>,
    {
        for group in self.groups() {
            // What an absent key can have had here, kept for when entries have come and gone.
            group.first().bound.raise(group.absent_max());
            for set in group.sets() {
                (0..WAYS).for_each(|slot| add_other(set, slot, other));
            }
        }
        let alike = self.is_like(other);
        let mut view = GroupView::EMPTY;
        let mut highest = 0;
        for group in other.groups() {
            view.read(group, &ALL);
            for entry in view.entries() {
                let home = self.home(entry.key().into());
                let group = self.group(home);
                let lost = group.bound().value();
                let admission =
                    Admission { value: sum(lost, entry.value()), error: sum(lost, entry.error()) };
                group.move_in(entry.key().into(), home.tag, admission);
            }
            highest = view.absent_max.max(highest);
        }
        for (mine, theirs) in
            self.groups().zip(other.groups().map(Some).chain(core::iter::repeat(None)))
        {
            let absent_max = theirs.filter(|_| alike).map_or(highest, |group| group.absent_max());
            let lost_here = mine.first().floor.get();
            let bound = sum(mine.bound().value(), absent_max).max(lost_here);
            mine.first().bound.make_whole(bound);
        }
    }
}

impl<const WORDS: usize> AnyGroup<'_, WORDS> {
    /// Admits an entry of another ledger, and notes the value of the entry that finds no room: this
    /// one, or another in its place.
    fn move_in(self, key: KeyRef<'_, WORDS>, tag: u8, admission: Admission) {
        let rule = Moved(admission);
        let done = match self.first().record_hinted(key, tag, rule) {
            Some(done) => done,
            None => self.look_and_record(key, tag, rule, |_, _| {}),
        };
        // Neither is above the least entry.
        self.first().floor.note(match done {
            (Recorded::TurnedAway { .. }, _) => admission.value,
            (Recorded::Admitted { evicted }, _) => evicted,
            _ => 0,
        });
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
