//! Ledgers that take over what others have seen, and what they have lost.

use std::collections::BTreeMap;

use plimsoll_core::ledger::{Key, KeyRef, Lookup, Seed, SumLedger};

use super::{Boxed, Peaks, SEED, Sums, boxed, key, numbers};

/// The key that every ledger below loses.
const LOST: u64 = 500;

/// Numbers from `first` on that belong to one of two sets, `LOST` or not.
fn numbers_of_one_set(first: u64, with_lost: bool) -> impl Iterator<Item = u64> {
    let probe = Peaks::<2>::new(SEED);
    // Until one set is full, and the other is not: then the floors of keys tell the sets apart.
    for number in 1_000.. {
        probe.record(&key(number), 1);
        if probe.floor_of(&key(number)) > 0 {
            break;
        }
    }
    let is_full = probe.floor_of(&key(LOST)) > 0;
    (first..).filter(move |number| (probe.floor_of(&key(*number)) > 0) == (is_full == with_lost))
}

/// 9 for a key, and 10 for each of 40 others in its place: of them the last inherits 9.
fn lossy(first: u64) -> Sums<1> {
    let ledger = Sums::new(SEED);
    ledger.record(&key(LOST), 9);
    (first..first + 40).for_each(|number| {
        ledger.record(&key(number), 10);
    });
    assert_eq!((ledger.get(&key(LOST)), ledger.len()), (Lookup::Absent { at_most: 10 }, 40));
    ledger
}

/// The same of peaks.
fn lossy_peaks() -> Peaks<1> {
    let ledger = Peaks::new(SEED);
    ledger.record(&key(LOST), 9);
    (1_000..1_040).for_each(|number| {
        ledger.record(&key(number), 10);
    });
    ledger
}

/// Checks what a ledger says of a key with this sum.
fn check(answer: Lookup, sum: u64) {
    match answer {
        Lookup::Present { value, error } => {
            assert!((value - error..=value).contains(&sum), "LEDGER-6: {sum} in {value} {error}");
        }
        Lookup::Absent { at_most } => assert!(sum <= at_most, "LEDGER-11: {sum} {at_most}"),
    }
}

#[test]
fn ledger_11_merged_sums_keep_what_the_other_had_lost() {
    let mut ledger = Sums::<2>::new(SEED);
    ledger.merge(&lossy(1_000));
    assert_eq!(ledger.floor(), 0, "there is room, and no floor that hides the bound");
    assert_eq!(ledger.get(&key(LOST)), Lookup::Absent { at_most: 10 }, "LEDGER-11");
    assert!(ledger.certificate().bound() >= 10, "LEDGER-6: the bound");
    // A key that comes back inherits it, though it takes nobody's place.
    ledger.record(&key(LOST), 6);
    assert_eq!(ledger.get(&key(LOST)), Lookup::Present { value: 16, error: 10 }, "LEDGER-6");
}

#[test]
fn ledger_11_merged_sums_keep_both_bounds() {
    let mut ledger = Sums::<2>::new(SEED);
    ledger.merge(&lossy(1_000));
    ledger.merge(&lossy(2_000));
    // The second merge has led no floor as high as this.
    assert_eq!(ledger.get(&key(LOST)), Lookup::Absent { at_most: 20 }, "LEDGER-11: 9 and 9");
    ledger.record(&key(LOST), 6);
    assert_eq!(ledger.get(&key(LOST)), Lookup::Present { value: 26, error: 20 }, "LEDGER-6");
}

/// What this ledger lost itself counts for a key that the other still has.
#[test]
fn ledger_6_a_key_that_comes_by_a_merge_brings_what_was_lost_here() {
    // Ledgers of one set are alike; one of two sets is not.
    for capacity in [1, 41] {
        let mut ledger = lossy(1_000);
        let other = SumLedger::with_sets(boxed(capacity), SEED).unwrap();
        other.record(&key(LOST), 30);
        ledger.merge(&other);
        assert_eq!(ledger.get(&key(LOST)), Lookup::Present { value: 40, error: 10 }, "LEDGER-6");
    }
}

/// One of the other's sets has lost a key, the first or the last, and which set is the key's here is
/// up to this ledger's seed.
#[test]
fn ledger_11_the_bound_is_the_largest_of_all_sets() {
    for in_the_set_of_lost in [true, false] {
        let other = Sums::<2>::new(SEED);
        let lost: Vec<u64> = numbers_of_one_set(10_000, in_the_set_of_lost).take(41).collect();
        let kept = numbers_of_one_set(10_000, !in_the_set_of_lost).take(15);
        for number in lost.iter().copied().chain(kept) {
            other.record(&key(number), 10);
        }
        assert_eq!((other.len(), other.certificate().bound()), (55, 10));
        for seed in 0..8 {
            let mut ledger = Sums::<2>::new(Seed::new(seed, 6));
            ledger.merge(&other);
            assert_eq!((ledger.len(), ledger.floor()), (55, 0));
            for number in &lost {
                check(ledger.get(&key(*number)), 10);
            }
            assert_eq!(ledger.certificate().bound(), 10, "LEDGER-11");
        }
    }
}

/// A ledger hands on what one had lost that it has taken over itself.
#[test]
fn ledger_11_bounds_pass_through_ledgers_that_have_lost_nothing() {
    let [mut sums, mut last_sums] = [Sums::<2>::new(SEED), Sums::new(SEED)];
    sums.merge(&lossy(1_000));
    last_sums.merge(&sums);
    assert_eq!(last_sums.get(&key(LOST)), Lookup::Absent { at_most: 10 }, "LEDGER-11");
    let [peaks, last_peaks] = [Peaks::<2>::new(SEED), Peaks::new(SEED)];
    peaks.merge(&lossy_peaks());
    last_peaks.merge(&peaks);
    assert_eq!(last_peaks.get(&key(LOST)), Lookup::Absent { at_most: 10 }, "LEDGER-11");
}

/// Three ledgers that have lost keys become one, which goes on: every sum stays within its bounds,
/// and every key above the bound is there.
#[test]
fn ledger_6_bounds_hold_through_merges_and_records_in_turn() {
    for (seed, capacity) in [(SEED, 64), (SEED, 32), (Seed::new(5, 6), 64)] {
        let mut ledger: SumLedger<Boxed, 1> = SumLedger::with_sets(boxed(64), SEED).unwrap();
        let mut truth = BTreeMap::new();
        for round in 0..6 {
            let other = SumLedger::with_sets(boxed(capacity), seed).unwrap();
            let mut random = numbers(round);
            for step in 0..2_000 {
                let name = random() % if step % 2 == 0 { 16 } else { 700 };
                let into = if random() % 2 == 0 { &ledger } else { &other };
                let weight = random() % 100;
                into.record(&key(name), weight);
                *truth.entry(name).or_insert(0) += weight;
            }
            ledger.merge(&other);
            let bound = ledger.certificate().bound();
            for (name, sum) in &truth {
                let answer = ledger.get(&key(*name));
                check(answer, *sum);
                assert!(*sum <= bound || answer.value().is_some(), "LEDGER-6: {sum} > {bound}");
            }
            let worst = ledger.entries().map(|entry| entry.error()).max();
            assert!(worst <= Some(bound), "LEDGER-6: {worst:?} > {bound}");
        }
    }
}

/// A key that the other had lost at a higher peak is there, at its own, and below the bound.
#[test]
fn ledger_2_a_merged_peak_below_the_bound_can_be_too_low_and_is_not_certified() {
    let ledger = Peaks::<2>::new(SEED);
    ledger.record(&key(LOST), 3);
    ledger.merge(&lossy_peaks());
    assert_eq!(ledger.get(&key(LOST)).value(), Some(3));
    let certificate = ledger.certificate();
    assert_eq!((certificate.bound(), certificate.covered()), (10, 40), "LEDGER-2");
    assert_eq!(ledger.get(&key(LOST + 1)), Lookup::Absent { at_most: 10 }, "LEDGER-11");
}

/// The key of no entry is a key of its own: neither number nor text, and as good as any other.
#[test]
fn ledger_10_the_key_of_no_entry_is_nobody_elses() {
    let none = *plimsoll_core::ledger::Entry::<1>::NONE.key();
    let ledger = Sums::<1>::new(SEED);
    ledger.record(&none, 5);
    ledger.record(&key(0), 7);
    ledger.record(KeyRef::new(b"\0").unwrap(), 9);
    ledger.record(&none, 1);
    let listed: Vec<(Key<1>, u64)> = ledger.entries().map(|e| (*e.key(), e.value())).collect();
    assert_eq!(listed, [(none, 6), (key(0), 7), (Key::new(b"\0").unwrap(), 9)]);
    assert_eq!((none.as_bytes(), none.as_integer()), (Some(&b""[..]), None));
}
