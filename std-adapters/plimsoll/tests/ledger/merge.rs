//! One ledger of what two have seen.

use std::collections::BTreeMap;

use plimsoll::Registry;
use plimsoll::ledger::{LedgerSettings, Lookup, Seed};

use super::{peaks, sums};

/// What is recorded in two ledgers, by turns.
fn records() -> impl Iterator<Item = (usize, u64, u64)> {
    (0..6_000u64).map(|n| {
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        ((mixed % 2) as usize, mixed / 2 % 1_500, 1 + mixed / 3_000 % 1_000)
    })
}

#[test]
fn ledger_2_merged_peaks_are_those_of_one_ledger() {
    let registry = Registry::new();
    let shards = [peaks(&registry, 64), peaks(&registry, 64)];
    let whole = peaks(&registry, 64);
    for (shard, principal, size) in records() {
        shards[shard].record(principal, size).unwrap();
        whole.record(principal, size).unwrap();
    }
    let both = shards[0].merged_with(&shards[1]).unwrap();
    shards[0].merge(&shards[1]);
    let values = |entries: plimsoll::ledger::Entries<'_, 8>| {
        let mut values: Vec<_> = entries.map(|entry| entry.value()).collect();
        values.sort_unstable();
        values
    };
    assert_eq!(values(both.entries()), values(whole.entries()));
    assert_eq!(values(shards[0].entries()), values(whole.entries()));
    assert_eq!(both.certificate(), whole.certificate());
    assert_eq!(shards[0].certificate(), whole.certificate());
}

#[test]
fn ledger_6_merged_sums_are_within_their_errors_whatever_the_seeds() {
    let registry = Registry::new();
    for settings in [LedgerSettings::new(64), LedgerSettings::new(512).seed(Seed::new(5, 6))] {
        let shards = [sums(&registry, 64), sums(&registry, settings)];
        let mut truth = BTreeMap::new();
        for (shard, principal, fuel) in records() {
            shards[shard].record(principal, fuel).unwrap();
            *truth.entry(principal).or_insert(0) += fuel;
        }
        let both = shards[0].merged_with(&shards[1]).unwrap();
        for (principal, fuel) in &truth {
            match both.get(*principal) {
                Lookup::Present { value, error } => {
                    assert!((value - error..=value).contains(fuel), "LEDGER-6");
                }
                Lookup::Absent { at_most } => assert!(*fuel <= at_most, "LEDGER-11"),
            }
        }
        assert!(both.len() >= 64);
    }
}

#[test]
fn a_ledger_merged_with_itself_is_the_same() {
    let ledger = peaks(&Registry::new(), 40);
    (0..100u64).for_each(|n| assert!(ledger.record(n, n).is_ok()));
    let before: Vec<_> = ledger.entries().collect();
    ledger.merge(&ledger);
    assert_eq!(ledger.entries().collect::<Vec<_>>(), before);
    assert_eq!(ledger.certificate().covered(), 40);
}
