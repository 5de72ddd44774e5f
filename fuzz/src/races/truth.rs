//! What was recorded, begun and finished.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use plimsoll_shuttle::ledger::{Entry, Key, Lookup};

use super::{NAMES, VISITOR};

/// A key of two words that say the same: half of one and half of another is no key.
pub(super) fn key(name: u8) -> Key<2> {
    Key::new(format!("{name:08}{name:08}").as_bytes()).expect("16 bytes")
}

/// The amounts of all names, where the scheduler does not see them.
pub(super) struct Log<const IS_SUM: bool>(Mutex<Amounts>);

#[derive(Default)]
struct Amounts {
    /// Those that may have come in.
    begun: BTreeMap<u8, Vec<u64>>,
    /// Those that have.
    finished: BTreeMap<u8, Vec<u64>>,
}

fn fold(is_sum: bool, amounts: &[u64]) -> u64 {
    if is_sum { amounts.iter().sum() } else { amounts.iter().copied().max().unwrap_or(0) }
}

impl<const IS_SUM: bool> Log<IS_SUM> {
    pub(super) fn new() -> Self {
        Log(Mutex::default())
    }

    fn lock(&self) -> MutexGuard<'_, Amounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, name: u8, amount: u64) {
        self.lock().begun.entry(name).or_default().push(amount);
    }

    /// Whether others are recording for this name too.
    pub(super) fn finish(&self, name: u8, amount: u64) -> bool {
        let mut log = self.lock();
        let finished = log.finished.entry(name).or_default();
        finished.push(amount);
        let finished = finished.len();
        log.begun.get(&name).is_some_and(|begun| begun.len() > finished)
    }

    /// The value that each name has by what is finished.
    pub(super) fn finished(&self) -> BTreeMap<u8, u64> {
        let log = self.lock();
        log.finished.iter().map(|(name, amounts)| (*name, fold(IS_SUM, amounts))).collect()
    }

    /// The same without the name that may have been removed.
    pub(super) fn known(&self) -> BTreeMap<u8, u64> {
        let mut known = self.finished();
        known.remove(&VISITOR);
        known
    }

    /// LEDGER-6, LEDGER-7: a value that the name can have.
    pub(super) fn assert_possible(&self, name: u8, answer: Lookup) {
        let Lookup::Present { value, error } = answer else { return };
        let log = self.lock();
        let begun = log.begun.get(&name).map_or(&[][..], Vec::as_slice);
        if IS_SUM {
            assert!(value - error <= fold(true, begun), "LEDGER-6: {name}: {answer:?}");
        } else {
            assert!(begun.contains(&value) && error == 0, "LEDGER-7: {name}: {answer:?}");
        }
    }

    /// LEDGER-7, LEDGER-10: keys that there are, each once, with values that they can have.
    pub(super) fn assert_listed(&self, listed: &[Entry<2>]) {
        let mut names = Vec::new();
        for entry in listed {
            let name = (0..NAMES).find(|name| key(*name) == *entry.key());
            let name = name.unwrap_or_else(|| panic!("LEDGER-7: {entry:?}"));
            let answer = Lookup::Present { value: entry.value(), error: entry.error() };
            self.assert_possible(name, answer);
            assert!(!names.contains(&name), "LEDGER-10: {listed:?}");
            names.push(name);
        }
    }
}
