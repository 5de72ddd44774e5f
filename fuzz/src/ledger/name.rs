//! Keys that are easily mistaken for one another.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use plimsoll_core::ledger::VALUE_MAX;
use plimsoll_core::ledger::{Key, Top};

/// One of 256 keys.
pub(super) type Name = u8;

/// The key of a name, made once.
pub(super) fn key(name: Name) -> Key {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| (0..=Name::MAX).map(make).collect());
    KEYS[usize::from(name)]
}

/// Numbers, the same numbers as bytes, and texts of one length that differ at the front or at the
/// end only.
fn make(name: Name) -> Key {
    let number = u64::from(name / 4);
    match name % 4 {
        0 => Key::from(number),
        1 => Key::new(&number.to_le_bytes()).expect("8 bytes"),
        2 => Key::new(format!("{:60}{:04}", "tenant", number).as_bytes()).expect("64 bytes"),
        _ => Key::new(format!("{number:02}/guest-of-a-tenant").as_bytes()).expect("20 bytes"),
    }
}

/// A value as a ledger can show it.
pub(super) fn cut(value: u128) -> u64 {
    value.min(u128::from(VALUE_MAX)) as u64
}

/// What was recorded for each name, as whole numbers of any size.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    values: BTreeMap<Name, u128>,
    /// All that was recorded, also for names that were removed.
    total: u128,
}

impl Truth {
    pub(super) fn on_peak(&mut self, name: Name, amount: u64) {
        let peak = self.values.entry(name).or_default();
        *peak = u128::from(amount).max(*peak);
    }

    pub(super) fn on_weight(&mut self, name: Name, amount: u64) {
        *self.values.entry(name).or_default() += u128::from(amount);
        self.total += u128::from(amount);
    }

    /// Forgets what was recorded for a name.
    pub(super) fn remove(&mut self, name: Name) {
        self.values.remove(&name);
    }

    pub(super) fn merge(&mut self, other: &Truth, is_sum: bool) {
        for (name, value) in &other.values {
            let mine = self.values.entry(*name).or_default();
            *mine = if is_sum { *mine + value } else { *value.max(mine) };
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Name, u128)> + '_ {
        self.values.iter().map(|(name, value)| (*name, *value))
    }

    pub(super) fn total(&self) -> u128 {
        self.total
    }

    /// Nobody else has had more than those who are said to be certain.
    pub(super) fn assert_covered(&self, top: Top<'_>) {
        let certain = &top.entries()[..top.covered()];
        let is_certain = |name| certain.iter().any(|entry| *entry.key() == key(name));
        let (mine, others): (Vec<_>, Vec<_>) = self.iter().partition(|(name, _)| is_certain(*name));
        let least = mine.into_iter().map(|(_, value)| cut(value)).min().unwrap_or(VALUE_MAX);
        let is_less = |(_, value)| cut(value) <= least;
        assert!(others.into_iter().all(is_less), "LEDGER-2, LEDGER-6: {least}: {top:?}");
    }

    /// All values, the largest first.
    pub(super) fn descending(&self) -> Vec<u128> {
        let mut values: Vec<_> = self.values.values().copied().collect();
        values.sort_unstable_by(|one, other| other.cmp(one));
        values
    }
}
