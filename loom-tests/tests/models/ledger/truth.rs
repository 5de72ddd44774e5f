//! A ledger, and what was really recorded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_loom::ledger::{Entry, LedgerSet, Lookup, PeakLedger, SumLedger};

use super::key;

/// A ledger of one set that a truth can be kept about.
pub(crate) trait Recording: Send + Sync + 'static {
    fn record(&self, number: u64, amount: u64);
    fn get(&self, number: u64) -> Lookup;
    fn listed(&self) -> Vec<Entry<1>>;
    /// What is free, what has been recorded in all, and the least value.
    fn figures(&self) -> (usize, u64, u64);
    /// What becomes of a value by one more amount.
    fn fold(value: u64, amount: u64) -> u64;
    const IS_SUM: bool;
}

macro_rules! recording {
    ($ledger:ident, $is_sum:literal, $fold:expr) => {
        impl Recording for $ledger<[LedgerSet<1>; 1], 1> {
            const IS_SUM: bool = $is_sum;

            fn record(&self, number: u64, amount: u64) {
                self.record(&key(number), amount);
            }

            fn get(&self, number: u64) -> Lookup {
                self.get(&key(number))
            }

            fn listed(&self) -> Vec<Entry<1>> {
                self.entries().collect()
            }

            fn figures(&self) -> (usize, u64, u64) {
                (self.cells_free(), self.total(), self.floor())
            }

            fn fold(value: u64, amount: u64) -> u64 {
                $fold(value, amount)
            }
        }
    };
}
recording!(PeakLedger, false, u64::max);
recording!(SumLedger, true, |value, amount| value + amount);

/// Slots and spare cells of a model's set.
const SLOTS: usize = 2;
const CELLS: usize = 4;

/// A ledger, and the truth about it, kept where the model checker does not see it.
pub(crate) struct Truth<L> {
    pub(crate) ledger: L,
    amounts: Mutex<Vec<(u64, u64)>>,
}

impl<L: Recording> Truth<L> {
    /// The ledger after these records.
    pub(crate) fn with(ledger: L, entries: &[(u64, u64)]) -> Arc<Self> {
        let truth = Truth { ledger, amounts: Mutex::default() };
        truth.record_all(entries);
        Arc::new(truth)
    }

    pub(crate) fn record_all(&self, list: &[(u64, u64)]) {
        for (number, amount) in list {
            self.by(*number, *amount, |amount| self.ledger.record(*number, amount));
        }
    }

    /// Records in another way.
    pub(crate) fn by(&self, number: u64, amount: u64, record: impl FnOnce(u64)) {
        record(amount);
        let mut amounts = self.amounts.lock().unwrap_or_else(PoisonError::into_inner);
        amounts.push((number, amount));
    }

    fn values(&self) -> BTreeMap<u64, u64> {
        let mut values = BTreeMap::new();
        let amounts = self.amounts.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, amount) in amounts.iter() {
            let value = values.entry(*number).or_insert(0);
            *value = L::fold(*value, *amount);
        }
        values
    }

    /// With all threads done, the ledger agrees with the truth in every way.
    pub(crate) fn assert_at_rest(&self) {
        let truth = self.values();
        let listed = self.ledger.listed();
        let (free, total, floor) = self.ledger.figures();
        assert_eq!(listed.len(), truth.len().min(SLOTS), "LEDGER-1, LEDGER-10: {listed:?}");
        assert_eq!(free, CELLS - listed.len(), "LEDGER-1: cells are conserved");
        for (number, value) in &truth {
            match self.ledger.get(*number) {
                Lookup::Present { value: seen, error } if L::IS_SUM => {
                    assert!((seen - error..=seen).contains(value), "LEDGER-6: {number}: {value}");
                }
                Lookup::Present { value: seen, .. } => {
                    assert_eq!(seen, *value, "LEDGER-2, LEDGER-3: {number}");
                }
                Lookup::Absent { at_most } => {
                    assert!(*value <= at_most, "LEDGER-3, LEDGER-11: {number}: {value}");
                    assert_eq!(at_most, floor, "LEDGER-11");
                }
            }
        }
        if L::IS_SUM {
            assert_eq!(total, truth.values().sum::<u64>(), "LEDGER-6: sums are conserved");
        }
    }

    /// Of what had been recorded before, nothing above the bound is missing in the list.
    pub(crate) fn assert_covers(&self, before: &[(u64, u64)], listed: &[Entry<1>], bound: u64) {
        for (number, value) in before {
            let entry = listed.iter().find(|entry| *entry.key() == key(*number));
            let known = entry.map_or(bound, Entry::value);
            assert!(known >= *value, "LEDGER-2: {number} had {value}: {listed:?}, bound {bound}");
        }
    }
}
