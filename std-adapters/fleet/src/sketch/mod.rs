//! Sum ledgers as frequent-items sketches of Apache DataSketches, which Spark, Druid and Pinot read.
//!
//! # Invariants
//! - FLEET-5: a sum ledger, of a host or merged, is written as a sketch that DataSketches reads, and each true sum
//!   is within what the sketch says of it; a sketch that DataSketches has written is read with the same bounds.
//!
//! # What is the same
//! Space-Saving and the sketch's algorithm (Misra-Gries, with the counts cut by the median: Anderson et al. 2017,
//! "A High-Performance Algorithm for Identifying Frequent Items in Data Streams") hold the same knowledge:
//! the count of one is that of the other and what an absent item can have had (Agarwal et al. 2012). So a ledger's
//! *bound* is the sketch's *offset*, and a user's value without the bound is the *weight* of an item.
//!
//! | of a user | in the ledger | in the sketch |
//! |---|---|---|
//! | at most | value | weight + offset, which sketches also call the estimate |
//! | at least | value - error | weight |
//! | absent | the bound | the offset |
//!
//! A sketch knows one error for all items: what a ledger knows better of some is lost, and users that may be no
//! more than absent ones are left out. Both are as true as before.
//!
//! ```
//! use plimsoll::{Limit, Registry};
//! use plimsoll_fleet::sketch::FrequentItems;
//! use plimsoll_fleet::state::LedgerState;
//!
//! let registry = Registry::new();
//! let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 1_024)?;
//! fuel.record("acme", 700)?;
//! fuel.record("globex", 300)?;
//! let snapshot = registry.snapshot_with_users(usize::MAX);
//! let ledger = LedgerState::of(&snapshot.ledgers()[0], usize::MAX);
//!
//! let bytes = FrequentItems::of_ledger(&ledger)?.to_bytes();
//! let theirs = datasketches::frequencies::FrequentItemsSketch::<String>::deserialize(&bytes)?;
//! assert_eq!((theirs.estimate("acme"), theirs.maximum_error(), theirs.total_weight()), (700, 0, 1_000));
//!
//! let ours = FrequentItems::text_from_bytes(&theirs.serialize())?;
//! assert_eq!(ours.items().count(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod read;
mod write;

use plimsoll::ledger::{Key, LedgerKind};

use crate::merge::Merged;
use crate::state::{LedgerState, Principal};

/// Why a ledger is no sketch, or bytes are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SketchError {
    /// Only sums are frequencies.
    #[error("a frequent-items sketch holds sums (this ledger keeps a {kind})")]
    NotSums {
        /// What the ledger keeps.
        kind: LedgerKind,
    },
    /// A sketch has items of one type.
    #[error("a sketch holds numbers or text (this ledger has both)")]
    Mixed,
    /// A principal's id is no text.
    #[error("a sketch of text holds UTF-8 (this ledger has {principal})")]
    NotText {
        /// The principal.
        principal: Key,
    },
    /// The bytes are of another kind of sketch, or of none.
    #[error("this is no frequent-items sketch: {what} is {found} (expected {expected})")]
    Foreign {
        /// Which part of the preamble.
        what: &'static str,
        /// What it is.
        found: u8,
        /// What it is in such a sketch.
        expected: u8,
    },
    /// The bytes end too early.
    #[error("the sketch ends within {within}")]
    Short {
        /// What is cut off.
        within: &'static str,
    },
    /// A part has a value that no sketch has.
    #[error("the sketch has a wrong part: {what}")]
    Malformed {
        /// Which.
        what: &'static str,
    },
}

/// A frequent-items sketch: items with their weights, and what each can have had beside its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrequentItems {
    items: Vec<(Key, u64)>,
    offset: u64,
    total: u64,
}

impl FrequentItems {
    /// The sketch of a host's sum ledger. Digests become the text of their digits.
    ///
    /// # Errors
    /// [`SketchError::NotSums`], [`SketchError::Mixed`], [`SketchError::NotText`].
    pub fn of_ledger(ledger: &LedgerState) -> Result<Self, SketchError> {
        let users = ledger.users().filter_map(|user| Some((user.principal.key()?, user.value)));
        Self::new(ledger.kind(), users, ledger.absent_max(), ledger.total())
    }

    /// The sketch of merged sum ledgers. Users that the merge does not list raise the offset.
    ///
    /// # Errors
    /// As for [`of_ledger`](Self::of_ledger).
    pub fn of_merged(merged: &Merged) -> Result<Self, SketchError> {
        let users = merged.users().iter().map(|user| (user.principal, user.at_most));
        Self::new(merged.name.kind, users, merged.bound.max(merged.left_out_max), merged.total)
    }

    fn new(
        kind: LedgerKind,
        users: impl Iterator<Item = (Key, u64)>,
        offset: u64,
        total: u64,
    ) -> Result<Self, SketchError> {
        if kind != LedgerKind::Sum {
            return Err(SketchError::NotSums { kind });
        }
        let above = users.filter(|(_, value)| *value > offset);
        let items: Vec<_> = above.map(|(principal, value)| (principal, value - offset)).collect();
        let numbers = items.iter().filter(|(key, _)| key.as_integer().is_some()).count();
        if numbers > 0 && numbers < items.len() {
            return Err(SketchError::Mixed);
        }
        let is_text = |key: &Key| key.as_integer().is_some() || key.as_str().is_some();
        if let Some((principal, _)) = items.iter().find(|(key, _)| !is_text(key)) {
            return Err(SketchError::NotText { principal: *principal });
        }
        // Readers refuse weights that are more than the total.
        let weights = items.iter().fold(0_u64, |sum, (_, weight)| sum.saturating_add(*weight));
        Ok(Self { items, offset, total: total.max(weights).max(offset) })
    }

    /// The items, each with what it has had at least and at most.
    pub fn items(&self) -> impl ExactSizeIterator<Item = (&Key, u64, u64)> {
        let offset = self.offset;
        self.items.iter().map(move |(key, weight)| (key, *weight, weight.saturating_add(offset)))
    }

    /// What an item can have had beside its weight, and an absent one at all.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The weight of all that was ever put in, kept or not.
    pub const fn total(&self) -> u64 {
        self.total
    }
}

/// An item, as sketches write it.
#[derive(Clone, Copy)]
enum Item<'a> {
    Integer(u64),
    Text(&'a str),
}

impl<'a> Item<'a> {
    fn of(key: &'a Key) -> Self {
        match Principal::of(key) {
            Some(Principal::Integer(number)) => Self::Integer(number),
            _ => Self::Text(key.as_str().unwrap_or_default()),
        }
    }
}

/// The preamble of a sketch, in longs of 8 bytes, if it is empty and if it is not.
const PREAMBLE_EMPTY: u8 = 1;
const PREAMBLE: u8 = 4;
/// The version of the form, and the number of the family of sketches.
const VERSION: u8 = 1;
const FAMILY: u8 = 10;
/// Set in the flags of an empty sketch: two bits, since two were in use.
const EMPTY: u8 = 5;
/// The logarithms of the sizes that maps can have.
const LG_MIN: u8 = 3;
const LG_MAX: u8 = 30;

/// How many items a map of this size holds.
const fn capacity(lg: u8) -> usize {
    (1 << lg) / 4 * 3
}
