//! Keys that are removed, and who is evicted.

use std::collections::BTreeMap;

use plimsoll_core::ledger::VALUE_MAX;
use plimsoll_core::ledger::{Entry, LedgerHandle, LedgerSet, Lookup, Recorded, WindowLedger};

use super::{Peaks, SEED, Sums, key, numbers};

/// Who was evicted, with what, by every way to record.
#[test]
fn ledger_12_an_admission_says_who_was_evicted_with_what() {
    let (peaks, sums) = (Peaks::<1>::new(SEED), Sums::<1>::new(SEED));
    for number in 0..40 {
        assert_eq!(peaks.record_evicting(&key(number), 10 + number).1, None, "a free slot");
        assert_eq!(sums.record_evicting(&key(number), 10 + number).1, None);
    }
    let (recorded, evicted) = peaks.record_evicting(&key(100), 50);
    assert_eq!(recorded, Recorded::Admitted { evicted: 10 });
    let evicted = evicted.expect("LEDGER-12: one was evicted");
    assert_eq!((evicted.key(), evicted.value(), evicted.error()), (&key(0), 10, 0), "LEDGER-12");
    assert_eq!(peaks.record_evicting(&key(100), 60).1, None, "raised");
    assert_eq!(peaks.record_evicting(&key(200), 5).1, None, "turned away");
    let mut handle = LedgerHandle::new(&peaks, key(300));
    let (recorded, evicted) = handle.record_evicting(12);
    assert_eq!(recorded, Recorded::Admitted { evicted: 11 });
    assert_eq!(evicted.map(|entry| (*entry.key(), entry.value())), Some((key(1), 11)));
    assert_eq!(handle.record_evicting(13), (Recorded::Raised { from: 12, to: 13 }, None));
    // Of a sum: with what it had inherited.
    let (_, first) = sums.record_evicting(&key(100), 1);
    assert_eq!(
        first.map(|entry| (*entry.key(), entry.value(), entry.error())),
        Some((key(0), 10, 0))
    );
    let (_, second) = sums.record_evicting(&key(101), 1);
    let second = second.map(|entry| (*entry.key(), entry.value(), entry.error()));
    assert_eq!(second, Some((key(100), 11, 10)), "LEDGER-12");
}

/// All sums that were recorded are those that are tracked and those that were evicted, one by one.
#[test]
fn ledger_12_evictions_and_entries_account_for_all_sums() {
    let sums = Sums::<2>::new(SEED);
    let mut random = numbers(12);
    let mut truth = BTreeMap::<u64, u64>::new();
    let mut sure = 0;
    for _ in 0..20_000 {
        let (number, weight) = (random() % 300, 1 + random() % 20);
        let (recorded, evicted) = sums.record_evicting(&key(number), weight);
        *truth.entry(number).or_default() += weight;
        match recorded {
            Recorded::Admitted { evicted: value } if value > 0 => {
                let entry = evicted.expect("LEDGER-12");
                assert_eq!(entry.value(), value, "LEDGER-12");
                let name = entry.key().as_integer().expect("a number");
                assert!(
                    (entry.guaranteed()..=value).contains(&truth[&name]) || truth[&name] > value
                );
                sure += entry.guaranteed();
            }
            _ => assert_eq!(evicted, None, "LEDGER-12"),
        }
    }
    sure += sums.entries().map(|entry| entry.guaranteed()).sum::<u64>();
    assert_eq!(sure, truth.values().sum::<u64>(), "LEDGER-12: each weight is in one of them");
}

#[test]
fn ledger_12_a_removed_key_is_as_if_never_seen_and_its_slot_rises_only() {
    let peaks = Peaks::<1>::new(SEED);
    assert_eq!(peaks.remove(&key(1)), None);
    for number in 0..40 {
        peaks.record(&key(number), 10 + number);
    }
    let removed = peaks.remove(&key(0)).expect("LEDGER-12");
    assert_eq!((removed.key(), removed.value()), (&key(0), 10), "LEDGER-12");
    assert_eq!(peaks.remove(&key(0)), None, "once");
    assert_eq!((peaks.len(), peaks.cells_free(), peaks.floor()), (39, 9, 10), "LEDGER-5");
    assert!(peaks.entries().all(|entry| *entry.key() != key(0)));
    assert_eq!(peaks.get(&key(0)), Lookup::Absent { at_most: 10 });
    assert_eq!(peaks.record(&key(99), 10), Recorded::TurnedAway { floor: 10 }, "LEDGER-5");
    // The slot belongs to no key: taking it evicts none.
    let taken = peaks.record_evicting(&key(0), 11);
    assert_eq!(taken, (Recorded::Admitted { evicted: 0 }, None), "LEDGER-12");
    assert_eq!((peaks.len(), peaks.cells_free()), (40, 8));
    // The largest is not shown any more, nor counted.
    let total = peaks.total();
    assert_eq!(peaks.remove(&key(39)).map(|entry| entry.value()), Some(49));
    assert_eq!(peaks.total(), total - 49);
    let mut buffer = [Entry::NONE; 40];
    let top = peaks.top(&mut buffer);
    assert_eq!((top.entries().len(), top.entries()[0].key()), (39, &key(38)), "LEDGER-12");
    assert_eq!((top.covered(), peaks.certificate().covered()), (39, 39), "LEDGER-2");
    assert!(peaks.remove(&key(38)).is_some());
    assert_eq!(peaks.top(&mut buffer[..1]).covered(), 1, "LEDGER-2: what is gone is above nobody");
}

#[test]
fn ledger_12_removed_sums_stay_in_the_total_and_are_inherited() {
    let sums = Sums::<1>::new(SEED);
    for number in 0..40 {
        sums.record(&key(number), 10 + number);
    }
    let total = sums.total();
    assert_eq!(sums.remove(&key(0)).map(|entry| entry.value()), Some(10));
    assert_eq!((sums.total(), sums.len()), (total, 39), "LEDGER-6: conserved");
    assert_eq!(sums.record(&key(0), 3), Recorded::Admitted { evicted: 0 });
    assert_eq!(sums.get(&key(0)), Lookup::Present { value: 13, error: 10 }, "LEDGER-6");
    assert_eq!(sums.total(), total + 3);
}

/// A handle does not take the slot's next key for its own.
#[test]
fn ledger_7_a_handle_whose_key_was_removed_enters_it_anew() {
    let peaks = Peaks::<1>::new(SEED);
    let mut mine = LedgerHandle::new(&peaks, key(1));
    assert_eq!(mine.record(5), Recorded::Admitted { evicted: 0 });
    assert!(peaks.remove(&key(1)).is_some());
    assert_eq!(mine.get(), Lookup::Absent { at_most: 0 });
    assert_eq!(mine.record(5), Recorded::Admitted { evicted: 0 }, "LEDGER-7");
    let removed = mine.remove().map(|entry| entry.value());
    assert_eq!((removed, mine.remove()), (Some(5), None));
    for number in 2..42 {
        peaks.record(&key(number), 5);
    }
    assert_eq!(mine.record(5), Recorded::TurnedAway { floor: 5 }, "LEDGER-3");
    assert_eq!(mine.record(6), Recorded::Admitted { evicted: 0 }, "a tombstone of 5");
    assert_eq!((mine.get().value(), peaks.len()), (Some(6), 39));
}

#[test]
fn ledger_12_a_window_forgets_whom_it_removes_and_the_next_one_has_the_slot() {
    let ledger: WindowLedger<[LedgerSet<1>; 1], 1> = WindowLedger::new(SEED, 36);
    for number in 0..40 {
        ledger.record(1, &key(number), 100);
    }
    let evicted = ledger.record_evicting(1, &key(50), 200).1.expect("LEDGER-12");
    assert_eq!((evicted.key(), evicted.value()), (&key(0), 100), "LEDGER-12");
    let removed = ledger.remove(1, &key(50)).expect("LEDGER-12");
    assert_eq!((removed.key(), removed.value()), (&key(50), 200), "LEDGER-12");
    assert_eq!(ledger.remove(1, &key(50)), None);
    let mut buffer = [Entry::NONE; 50];
    assert_eq!(ledger.top(1, &mut buffer).entries().len(), 39);
    // Nobody is evicted from a window that never saw it; tombstones go like everybody.
    for number in 100..140 {
        assert_eq!(ledger.record_evicting(2, &key(number), 1).1, None, "LEDGER-12");
    }
    assert_eq!(ledger.top(2, &mut buffer).entries().len(), 40);
    assert_eq!(ledger.remove(2, &key(1)), None, "it was of the last window");
}

#[test]
fn ledger_12_a_saturated_entry_that_is_removed_closes_its_slot() {
    let peaks = Peaks::<1>::new(SEED);
    peaks.record(&key(1), u64::MAX);
    assert!(peaks.is_saturated());
    assert_eq!(peaks.remove(&key(1)).map(|entry| entry.value()), Some(VALUE_MAX));
    assert!(!peaks.is_saturated() && peaks.is_empty());
    for number in 2..50 {
        peaks.record(&key(number), u64::MAX);
    }
    assert_eq!((peaks.len(), peaks.cells_free()), (39, 9), "LEDGER-1");
}
