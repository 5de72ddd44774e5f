//! Many ledgers as one.
//!
//! Each host publishes the whole [state](crate::state) of its ledgers; a reader keeps the latest of
//! each host and merges them. Nothing is ever added up from messages, so a lost, late or doubled one
//! changes nothing.
//!
//! # Invariants
//! - FLEET-3: merged *peaks* are the exact maximum. A principal's merged peak is the largest that any host has an
//!   entry of; where a host has none, it can have had as much there as that host's bound. So a merged peak
//!   at or above the largest bound is exact, and [`MergedUser::at_most`] tells it of each. Of *sums*, values
//!   and errors add up, and where a host has no entry of a principal, its bound counts into both (Agarwal et al.
//!   2012, "Mergeable summaries"): true sums are from [`MergedUser::at_least`] to [`MergedUser::at_most`].
//!   [`Merged::certified`] users, from the first, are certainly the largest of all.
//!
//! Nothing is left out that can be among the largest: the order of the states does not matter, and no error is
//! added to those that the hosts state.
//!
//! ```
//! use plimsoll::{Limit, Registry};
//! use plimsoll_fleet::merge::Merged;
//! use plimsoll_fleet::state::LedgerState;
//!
//! let state_of = |amount: u64| {
//!     let registry = Registry::new();
//!     let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 1_024)?;
//!     fuel.record("acme", amount)?;
//!     let snapshot = registry.snapshot_with_users(usize::MAX);
//!     Ok::<_, Box<dyn std::error::Error>>(LedgerState::of(&snapshot.ledgers()[0], usize::MAX))
//! };
//! let (one, other) = (state_of(700)?, state_of(300)?);
//! let merged = Merged::of([&one, &other], 10)?;
//! let acme = &merged.users()[0];
//! assert_eq!((acme.at_least, acme.at_most), (1_000, 1_000));
//! assert_eq!((acme.most_on, acme.most), (0, 700), "the first host has the most of it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod filter;
mod gather;
mod name;
mod top;

pub use name::LedgerName;

use plimsoll::ledger::{Key, LedgerKind};

use filter::{Filter, Hashes};
use gather::{Gather, Gathered};
use top::Largest;

use crate::state::LedgerState;

/// Why states cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is none.
    #[error("there is no state to merge")]
    Nothing,
    /// They are of different ledgers.
    #[error(
        "{other} cannot be merged with {first}: name, scope, category and kind have to be equal"
    )]
    Different {
        /// The ledger of the first state.
        first: Box<LedgerName>,
        /// Another one.
        other: Box<LedgerName>,
    },
}

/// One of the largest users of a fleet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MergedUser {
    /// Whose it is.
    pub principal: Key,
    /// The peak or sum is this at least.
    pub at_least: u64,
    /// The peak or sum is this at most.
    pub at_most: u64,
    /// Its part of the [total](Merged::total), from 0 to 1.
    pub share: f64,
    /// Which state has the most of it, by its place among the states.
    pub most_on: usize,
    /// The value there.
    pub most: u64,
    /// How many states have an entry of it.
    pub states: usize,
}

impl MergedUser {
    /// How much is uncertain.
    pub const fn error(&self) -> u64 {
        self.at_most - self.at_least
    }
}

/// What several states say together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Merged {
    users: Vec<MergedUser>,
    /// Which ledger it is.
    pub name: LedgerName,
    /// How many states were merged.
    pub states: usize,
    /// How many of the [users](Self::users), from the first, are certainly the largest of all, ties
    /// aside; of sums, up to order.
    pub certified: usize,
    /// What a principal that no state has an entry of can have had at most.
    pub bound: u64,
    /// What a principal can have had at most that is not listed, though a state has an entry of it.
    pub left_out_max: u64,
    /// Of sums, all that was recorded; of peaks, the merged peaks of all that any state has an entry of.
    pub total: u64,
    /// Whether some value has reached the end of its range, and may be more.
    pub is_saturated: bool,
}

impl Merged {
    /// Merges states of one ledger, and lists the `users_max` largest users.
    ///
    /// # Errors
    /// [`MergeError`].
    pub fn of<'a>(
        states: impl IntoIterator<Item = &'a LedgerState>,
        users_max: usize,
    ) -> Result<Self, MergeError> {
        let states: Vec<&LedgerState> = states.into_iter().collect();
        let first = *states.first().ok_or(MergeError::Nothing)?;
        let name = LedgerName::of(first);
        if let Some(other) = states.iter().find(|state| !name.is_of(state)) {
            let (first, other) = (Box::new(name), Box::new(LedgerName::of(other)));
            return Err(MergeError::Different { first, other });
        }
        let rule = Rule::of(&states);
        let hashes = Hashes::default();
        let filter = match rule.is_sum {
            true => Filter::of(&states, &hashes, users_max, rule.bound),
            // All count: the shares of peaks are shares of all peaks.
            false => Filter::ALL,
        };
        let left_out_max = match filter.left_out_max() {
            0 => 0,
            above => rule.bound.saturating_add(above),
        };
        let entries = states.iter().map(|state| state.len()).sum();
        let mut gather = Gather::new(entries, hashes, filter);
        for state in &states {
            gather.add(state.absent_max(), state.users());
        }
        let mut total = 0_u64;
        let mut largest = Largest::new(users_max, left_out_max);
        gather.finish(|principal, gathered| {
            let range = rule.range(&gathered);
            total = total.saturating_add(gathered.value_max);
            largest.offer(rule.rank(range), range, principal, gathered);
        });
        if rule.is_sum {
            let add = |sum: u64, state: &&LedgerState| sum.saturating_add(state.total());
            total = states.iter().fold(0, add);
        }
        let (users, certified, left_out_max) = largest.finish(rule.bound, total);
        Ok(Self {
            users,
            name,
            states: states.len(),
            certified,
            bound: rule.bound,
            left_out_max,
            total,
            is_saturated: states.iter().any(|state| state.is_saturated()),
        })
    }

    /// The largest users, the largest first.
    pub fn users(&self) -> &[MergedUser] {
        &self.users
    }
}

/// At least, and at most.
type Range = (u64, u64);

/// How what is gathered of a principal becomes a range.
#[derive(Clone, Copy)]
struct Rule {
    is_sum: bool,
    /// What a principal without an entry can have had.
    bound: u64,
}

impl Rule {
    fn of(states: &[&LedgerState]) -> Self {
        let is_sum = states.first().is_some_and(|state| state.kind() == LedgerKind::Sum);
        let bounds = states.iter().map(|state| state.absent_max());
        let bound = match is_sum {
            true => bounds.fold(0, u64::saturating_add),
            false => bounds.max().unwrap_or(0),
        };
        Self { is_sum, bound }
    }

    fn range(self, of: &Gathered) -> Range {
        if !self.is_sum {
            return (of.value_max, of.value_max.max(self.bound));
        }
        // The states without an entry count with their bounds.
        let elsewhere = self.bound.saturating_sub(of.bound_sum);
        let at_least = of.value_sum.saturating_sub(of.error_sum);
        (at_least, of.value_sum.saturating_add(elsewhere).max(at_least))
    }

    /// Peaks are listed by what is certain, sums by their values, as ledgers list them.
    fn rank(self, (at_least, at_most): Range) -> u64 {
        if self.is_sum { at_most } else { at_least }
    }
}
