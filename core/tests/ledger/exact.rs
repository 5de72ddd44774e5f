//! Ledgers with a number of entries, and bounds that are exact.

use std::collections::BTreeMap;

use plimsoll_core::ledger::{Aggregate, EXACT_MAX, Ledger, Sum};
use plimsoll_core::ledger::{
    Entry, LedgerError, LedgerHandle, Lookup, PeakLedger, Recorded, SumLedger, WindowLedger,
    sets_for_exact,
};

use super::{Boxed, SEED, Sums, key, numbers, sets};

fn exact<A: Aggregate>(entries: usize) -> Ledger<A, Boxed, 1> {
    Ledger::exact(sets(sets_for_exact(entries)), SEED, entries).expect("1 to 80 entries")
}

/// For every number of entries, against a list: the N largest, ties to the incumbent, and the least of
/// all is who goes.
#[test]
fn ledger_2_an_exact_ledger_has_the_largest_of_all_and_evicts_the_least() {
    for entries in (1..=EXACT_MAX).step_by(7).chain([2, 39, 40, 41, 64, 80]) {
        let ledger: PeakLedger<Boxed, 1> = exact(entries);
        assert_eq!((ledger.slots(), ledger.capacity()), (entries, entries));
        let mut random = numbers(entries as u64);
        let mut handles: Vec<_> = (0..4).map(|n| LedgerHandle::new(&ledger, key(n))).collect();
        let mut list: Vec<(u64, u64)> = Vec::new();
        for _ in 0..3_000 {
            let (number, value) = (random() % 200, 1 + random() % 5_000);
            let (recorded, evicted) = match handles.get_mut(number as usize) {
                Some(handle) => handle.record_evicting(value),
                None => ledger.record_evicting(&key(number), value),
            };
            let least = list.iter().map(|(_, value)| *value).min().unwrap_or(0);
            let expected = if let Some(mine) = list.iter_mut().find(|(n, _)| *n == number) {
                let from = mine.1;
                mine.1 = from.max(value);
                if from < value {
                    Recorded::Raised { from, to: value }
                } else {
                    Recorded::Kept { value: from }
                }
            } else if list.len() < entries {
                list.push((number, value));
                Recorded::Admitted { evicted: 0 }
            } else if value > least {
                let gone = evicted.expect("LEDGER-12").key().as_integer();
                let place = list.iter().position(|(n, v)| Some(*n) == gone && *v == least);
                list[place.expect("LEDGER-2: the least of all goes")] = (number, value);
                Recorded::Admitted { evicted: least }
            } else {
                // The noted floor may be an older one.
                assert!(
                    matches!(recorded, Recorded::TurnedAway { floor } if value <= floor.max(least))
                );
                recorded
            };
            assert_eq!(recorded, expected, "LEDGER-2");
            assert_eq!(ledger.len(), list.len(), "LEDGER-1");
        }
        let mut listed: Vec<(u64, u64)> =
            ledger.entries().map(|e| (e.key().as_integer().unwrap(), e.value())).collect();
        listed.sort_unstable();
        list.sort_unstable();
        assert_eq!(listed, list, "LEDGER-2");
        let mut buffer = vec![Entry::NONE; 100];
        assert_eq!(ledger.top(&mut buffer).covered(), list.len(), "LEDGER-2: all are certain");
        assert_eq!(ledger.certificate().covered(), list.len(), "LEDGER-2");
        let least = list.iter().map(|(_, value)| *value).min();
        assert_eq!(Some(ledger.floor_of(&key(999))), least);
        assert_eq!(ledger.get(&key(999)), Lookup::Absent { at_most: least.unwrap() });
    }
}

#[test]
fn ledger_6_exact_sums_are_space_saving_over_all_keys() {
    for entries in [1, 5, 40, 41, 64] {
        let ledger: SumLedger<Boxed, 1> = exact(entries);
        let mut random = numbers(6);
        let (mut truth, mut total) = (BTreeMap::new(), 0);
        for _ in 0..5_000 {
            let number = (random() % 30).min(random() % 300);
            let number = if random() % 3 == 0 { random() % 300 } else { number };
            let weight = 1 + random() % 50;
            ledger.record(&key(number), weight);
            *truth.entry(number).or_insert(0) += weight;
            total += weight;
        }
        assert_eq!((ledger.total(), ledger.len()), (total, entries.min(truth.len())), "LEDGER-6");
        assert!(ledger.floor() <= total / entries as u64, "LEDGER-6: at most an N-th");
        for (number, sum) in &truth {
            match ledger.get(&key(*number)) {
                Lookup::Present { value, error } => {
                    assert!((value - error..=value).contains(sum), "LEDGER-6");
                }
                Lookup::Absent { at_most } => assert!(*sum <= at_most, "LEDGER-11"),
            }
        }
        assert!(ledger.remove(&key(0)).is_none() || ledger.total() == total);
    }
}

#[test]
fn exact_ledgers_that_do_not_exist() {
    let made = |count, entries| SumLedger::<Boxed, 1>::exact(sets(count), SEED, entries).map(drop);
    assert_eq!(made(1, 0), Err(LedgerError::Exact { entries: 0 }));
    assert_eq!(made(3, 81), Err(LedgerError::Exact { entries: 81 }));
    assert_eq!(made(1, 41), Err(LedgerError::ExactSets { sets: 1, needed: 2 }));
    assert_eq!(made(2, 40), Err(LedgerError::ExactSets { sets: 2, needed: 1 }));
    let window = WindowLedger::<Boxed, 1>::exact(sets(1), SEED, 3, 20).expect("three entries");
    for number in 0..5 {
        window.record(1, &key(number), 10 + number);
    }
    assert_eq!((window.len(), window.get(1, &key(0))), (3, Lookup::Absent { at_most: 12 }));
}

/// The largest number of entries, the largest first, none of which anybody else can be above.
fn covered(entries: &[(u64, u64)], bound: u64) -> usize {
    let mut entries = entries.to_vec();
    entries.sort_unstable_by_key(|(value, error)| (std::cmp::Reverse(*value), *error));
    let is_certain = |count: &usize| {
        let sure = entries[..*count].iter().map(|(value, error)| value - error).min();
        let other = entries.get(*count).map_or(0, |(value, _)| *value).max(bound);
        sure.is_none_or(|sure| sure >= other)
    };
    (0..=entries.len()).rev().find(is_certain).unwrap_or(0)
}

/// As many sums are certified as can be told at all, by the certificate and by the list.
#[test]
fn ledger_2_certificates_of_sums_cover_exactly_what_is_certain() {
    let mut partial = 0;
    for seed in 0..200 {
        let mut random = numbers(seed);
        let spread = 41 + random() % 200;
        let ledger = Sums::<3>::new(SEED);
        for _ in 0..200 + random() % 3_000 {
            let number = (random() % spread).min(random() % spread).min(random() % spread);
            ledger.record(&key(number), 1 + random() % (1 + seed));
        }
        let entries: Vec<_> = ledger.entries().map(|e| (e.value(), e.error())).collect();
        let certificate = ledger.certificate();
        let expected = covered(&entries, certificate.bound());
        assert_eq!(certificate.covered(), expected, "LEDGER-2");
        let mut buffer = vec![Entry::NONE; 200];
        assert_eq!(ledger.top(&mut buffer).covered(), expected, "LEDGER-2");
        partial += u32::from(0 < expected && expected < entries.len());
    }
    assert!(partial > 20, "{partial} of 200 tell something");
}

/// Two ledgers of which each has seen one key more often: what both have lost is little, though what
/// both have of each key is much.
#[test]
fn ledger_6_the_bound_of_merged_sums_is_what_both_can_have_lost() {
    let [mut one, other] = [(); 2].map(|()| exact::<Sum>(2));
    for (ledger, heavy, light) in [(&one, 1, 2), (&other, 2, 1)] {
        ledger.record(&key(heavy), 100);
        ledger.record(&key(light), 10);
    }
    assert_eq!([&one, &other].map(|ledger| ledger.certificate().bound()), [10, 10]);
    one.merge(&other);
    assert_eq!(one.get(&key(1)), Lookup::Present { value: 110, error: 0 });
    assert_eq!(one.certificate().bound(), 20, "LEDGER-6: 10 and 10, and not the floor of 110");
    assert_eq!(one.get(&key(3)), Lookup::Absent { at_most: 20 }, "LEDGER-11");
    assert_eq!(one.certificate().covered(), 2, "LEDGER-2");
    // What goes from now on counts again.
    assert_eq!(one.record(&key(3), 5), Recorded::Admitted { evicted: 110 });
    assert_eq!(one.get(&key(3)), Lookup::Present { value: 115, error: 110 }, "LEDGER-6");
    assert_eq!(one.certificate().bound(), 110, "LEDGER-6: one with 110 is gone");
    // What finds no room in a merge counts as well.
    let [mut one, other] = [(); 2].map(|()| exact::<Sum>(2));
    for (ledger, first) in [(&one, 1), (&other, 3)] {
        ledger.record(&key(first), 50);
        ledger.record(&key(first + 1), 40);
    }
    one.merge(&other);
    // 90, 80, 90 and 80 for two entries; 40 and 40 are lost by both.
    assert_eq!(one.certificate().bound(), 80, "LEDGER-6");
    let [mut one, other] = [(); 2].map(|()| exact::<Sum>(2));
    one.record(&key(1), 50);
    other.record(&key(2), 40);
    one.merge(&other);
    assert_eq!(one.get(&key(9)), Lookup::Absent { at_most: 0 }, "LEDGER-11: nobody is missing");
}
