//! One thread against what should be; races are for the models, the fuzz target and `tests/ledger.rs`.

extern crate std;

use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec::Vec;

use super::*;

const SEED: Seed = Seed::new(0x1234, 0x5678);

type Boxed = Box<[LedgerSet<1>]>;

fn boxed(sets: usize) -> Boxed {
    (0..sets).map(|_| LedgerSet::new()).collect()
}

fn peaks(sets: usize) -> PeakLedger<Boxed, 1> {
    PeakLedger::with_sets(boxed(sets), SEED).unwrap()
}

fn sums(sets: usize) -> SumLedger<Boxed, 1> {
    SumLedger::with_sets(boxed(sets), SEED).unwrap()
}

fn key(number: u64) -> Key<1> {
    Key::from(number)
}

/// Numbers that look random, and are the same each time.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 31
    }
}

#[test]
fn a_digest_is_not_the_key_of_its_bytes() {
    let (digest, bytes) = (Key::<8>::digest([7; 64]), Key::new(&[7; 64]).unwrap());
    assert!(digest.is_digest() && !bytes.is_digest() && digest != bytes);
    assert_eq!(digest.as_bytes(), bytes.as_bytes());
    let sets: Box<[LedgerSet]> = Box::new([LedgerSet::new()]);
    let ledger = PeakLedger::with_sets(sets, SEED).unwrap();
    ledger.record(&digest, 3);
    ledger.record(&bytes, 5);
    assert_eq!([&digest, &bytes].map(|key| ledger.get(key).value()), [Some(3), Some(5)]);
}

#[test]
fn capacities_and_sizes() {
    assert_eq!(peaks(1).capacity(), WAYS);
    assert_eq!(sets_for(4_096), 256);
    assert_eq!((peaks(256).capacity(), peaks(256).slots()), (4_096, 10_240));
    assert_eq!((sets_for(0), sets_for(1), sets_for(40), sets_for(41)), (0, 1, 1, 3));
    let error = PeakLedger::<Boxed, 1>::with_sets(boxed(0), SEED).unwrap_err();
    assert_eq!(error, LedgerError::NoSets);
    for bits in [0, 50, 64] {
        let made = WindowLedger::<Boxed, 1>::with_sets(boxed(1), SEED, bits);
        assert_eq!(made.unwrap_err(), LedgerError::PeakBits { bits });
    }
}

#[test]
fn ledger_2_a_set_keeps_the_largest_peaks_and_ties_go_to_the_incumbent() {
    let ledger = peaks(1);
    for number in 0..WAYS as u64 {
        assert_eq!(ledger.record(&key(number), 10), Recorded::Admitted { evicted: 0 });
    }
    assert_eq!(ledger.record(&key(100), 10), Recorded::TurnedAway { floor: 10 });
    assert_eq!(ledger.record(&key(0), 9), Recorded::Kept { value: 10 });
    assert_eq!(ledger.record(&key(0), 12), Recorded::Raised { from: 10, to: 12 });
    assert_eq!(ledger.record(&key(100), 11), Recorded::Admitted { evicted: 10 });
    assert_eq!(ledger.get(&key(1)), Lookup::Absent { at_most: 10 }, "the first of the least went");
    assert_eq!((ledger.len(), ledger.floor()), (WAYS, 10));
    assert_eq!(ledger.cells_free(), SPARES);
}

#[test]
fn ledger_6_sums_are_space_saving() {
    let ledger = sums(1);
    for number in 0..WAYS as u64 {
        ledger.record(&key(number), 5 + number);
    }
    assert_eq!(ledger.record(&key(100), 3), Recorded::Admitted { evicted: 5 });
    assert_eq!(ledger.get(&key(100)), Lookup::Present { value: 8, error: 5 });
    assert_eq!(ledger.record(&key(100), 4), Recorded::Raised { from: 8, to: 12 });
    assert_eq!(ledger.get(&key(100)), Lookup::Present { value: 12, error: 5 });
    assert_eq!(ledger.record(&key(200), 0), Recorded::TurnedAway { floor: 6 });
    assert_eq!(ledger.total(), (0..WAYS as u64).map(|n| 5 + n).sum::<u64>() + 7);
}

#[test]
fn values_end_at_the_range_and_say_so() {
    let peak = peaks(1);
    assert_eq!(peak.record(&key(1), u64::MAX), Recorded::Admitted { evicted: 0 });
    assert_eq!(peak.record(&key(1), u64::MAX), Recorded::Kept { value: VALUE_MAX });
    assert!(peak.is_saturated());
    let sum = sums(1);
    sum.record(&key(1), VALUE_MAX - 1);
    assert!(!sum.is_saturated());
    sum.record(&key(1), 7);
    assert!(sum.is_saturated() && sum.entries().all(|entry| entry.is_saturated()));
    for number in 2..=WAYS as u64 {
        sum.record(&key(number), u64::MAX);
    }
    let full = Recorded::TurnedAway { floor: VALUE_MAX };
    assert_eq!(sum.record(&key(99), 1), full, "there is no room for a rise");
    assert_eq!(sum.get(&key(99)), Lookup::Absent { at_most: VALUE_MAX });
}

#[test]
fn top_is_sorted_and_says_how_much_of_it_is_certain() {
    let ledger = peaks(4);
    let mut number = numbers(1);
    let mut all: Vec<u64> = (0..1_000).map(|_| number() >> 20).collect();
    for (number, value) in (0..).zip(&all) {
        ledger.record(&key(number), *value);
    }
    all.sort_unstable_by(|one, other| other.cmp(one));
    for room in [0, 1, 2, 10, 64, 1_000] {
        let mut buffer = std::vec![Entry::NONE; room];
        let top = ledger.top(&mut buffer);
        assert_eq!(top.entries().len(), room.min(ledger.slots()));
        assert!(top.entries().is_sorted_by(|one, other| one.value() >= other.value()));
        let values: Vec<u64> = top.entries().iter().map(Entry::value).collect();
        assert_eq!(values[..top.covered()], all[..top.covered()]);
        assert_eq!(top.covered(), ledger.certificate().covered().min(room));
        assert_eq!(top.bound(), ledger.certificate().bound());
    }
    assert!(ledger.certificate().covered() >= ledger.capacity());
}

/// Against all entries, sorted: sets that are not read must not matter.
#[test]
fn top_has_what_a_look_at_all_entries_finds() {
    fn check<A: Aggregate>(ledger: &Ledger<A, Boxed, 1>, room: usize) {
        let mut all: Vec<u64> = ledger.entries().map(|entry| entry.value()).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        let mut buffer = std::vec![Entry::NONE; room];
        let top = ledger.top(&mut buffer);
        let listed = room.min(all.len());
        let values: Vec<u64> = top.entries().iter().map(Entry::value).collect();
        assert_eq!(values, all[..listed]);
        let bound = ledger.sets().iter().map(LedgerSet::floor).max().unwrap();
        assert_eq!(top.bound(), bound);
        let certain = |count: usize| {
            let sure = top.entries()[..count].iter().map(Entry::guaranteed).min();
            sure.unwrap_or(u64::MAX) >= bound.max(all.get(count).copied().unwrap_or(0))
        };
        assert_eq!(top.covered(), (0..=listed).rfind(|count| certain(*count)).unwrap());
    }
    let mut number = numbers(7);
    for sets in [1, 2, 3, 15, 16, 17, 40, 100] {
        for records in [0, 1, 5, sets, 20 * sets, 200 * sets] {
            let (peak, sum) = (peaks(sets as usize), sums(sets as usize));
            for round in 0..2 {
                for _ in 0..records {
                    // Values of all sizes.
                    let value = (number() >> 14 >> (number() % 40)) | 1;
                    peak.record(&key(number() % (60 * sets)), value);
                    sum.record(&key(number() % (60 * sets)), value >> 12 | 1);
                }
                for room in [0, 1, 2, 10, 50] {
                    check(&peak, room);
                    check(&sum, room);
                }
                if let (0, Some(largest)) = (round, peak.top(&mut [Entry::NONE]).entries().first())
                {
                    peak.remove(largest.key());
                }
            }
        }
    }
}

#[test]
fn handles_find_their_key_again_when_the_slot_has_changed_hands() {
    let ledger = peaks(1);
    let mut handle = LedgerHandle::new(&ledger, key(7));
    assert_eq!(handle.record(5), Recorded::Admitted { evicted: 0 });
    assert_eq!(handle.record(5), Recorded::Kept { value: 5 });
    assert_eq!(ledger.record(&key(7), 6), Recorded::Raised { from: 5, to: 6 });
    assert_eq!(handle.record(6), Recorded::Kept { value: 6 });
    for number in 100..100 + WAYS as u64 {
        ledger.record(&key(number), 50);
    }
    assert_eq!(handle.get(), Lookup::Absent { at_most: 50 });
    assert_eq!(handle.record(40), Recorded::TurnedAway { floor: 50 });
    assert_eq!(handle.record(51), Recorded::Admitted { evicted: 50 });
    assert_eq!(handle.record(52), Recorded::Raised { from: 51, to: 52 });
}

/// What was recorded, split over several ledgers, merged and checked against the whole.
#[test]
fn merged_peaks_are_those_of_the_whole_as_far_as_certified() {
    for (seed, sets) in [(SEED, 4), (SEED, 2), (Seed::new(5, 6), 4)] {
        let [one, other] = [peaks(4), PeakLedger::with_sets(boxed(sets), seed).unwrap()];
        let mut whole = BTreeMap::new();
        let mut number = numbers(2);
        for _ in 0..3_000 {
            let (name, value, side) = (number() % 600, number() >> 30, number() % 2);
            if side == 0 {
                one.record(&key(name), value)
            } else {
                other.record(&key(name), value)
            };
            let peak = whole.entry(name).or_insert(value);
            *peak = value.max(*peak);
        }
        one.merge(&other);
        let certificate = one.certificate();
        assert!(certificate.covered() > 16, "{certificate:?}");
        for (name, peak) in &whole {
            match one.get(&key(*name)) {
                Lookup::Present { value, .. } if value >= certificate.bound() => {
                    assert_eq!(value, *peak);
                }
                Lookup::Present { .. } => assert!(*peak <= certificate.bound()),
                Lookup::Absent { at_most } => assert!(*peak <= at_most),
            }
        }
    }
}

#[test]
fn merged_sums_keep_their_bounds() {
    for (seed, sets) in [(SEED, 4), (SEED, 2), (Seed::new(5, 6), 4)] {
        let [mut one, other] = [sums(4), SumLedger::with_sets(boxed(sets), seed).unwrap()];
        let mut whole = BTreeMap::new();
        let mut number = numbers(3);
        for _ in 0..6_000 {
            let (name, weight, side) = (number() % 900, number() % 100, number() % 2);
            let name = if name < 450 { name % 20 } else { name };
            if side == 0 {
                one.record(&key(name), weight)
            } else {
                other.record(&key(name), weight)
            };
            *whole.entry(name).or_insert(0) += weight;
        }
        one.merge(&other);
        for (name, sum) in &whole {
            match one.get(&key(*name)) {
                Lookup::Present { value, error } => {
                    assert!(
                        (value - error..=value).contains(sum),
                        "{name}: {sum} in {value} {error}"
                    );
                }
                Lookup::Absent { at_most } => assert!(*sum <= at_most),
            }
        }
        assert!(one.certificate().covered() >= 10, "{:?}", one.certificate());
        assert_eq!(one.cells_free(), one.sets().len() * CELLS - one.len());
    }
}

#[test]
fn windows_follow_one_another_without_a_fall() {
    let ledger = WindowLedger::<Boxed, 1>::with_sets(boxed(1), SEED, 10).unwrap();
    assert_eq!((ledger.peak_max(), ledger.window_max()), (1_023, (1 << 40) - 1));
    for window in 0..5 {
        for number in 0..50 {
            ledger.record(window, &key(number), 10 + number);
            assert!(ledger.len() <= WAYS);
        }
        let mut buffer = [Entry::NONE; 50];
        let top = ledger.top(window, &mut buffer);
        let values: Vec<u64> = top.entries().iter().map(Entry::value).collect();
        let expected: Vec<u64> = (20..60).rev().collect();
        assert_eq!((values, top.bound(), top.covered()), (expected, 20, 40));
        assert_eq!(ledger.get(window, &key(0)), Lookup::Absent { at_most: 20 });
        assert_eq!(ledger.get(window + 1, &key(49)), Lookup::Absent { at_most: 0 });
    }
    assert_eq!(ledger.record(9, &key(1), 0), Recorded::TurnedAway { floor: 0 });
    assert_eq!(ledger.record(3, &key(49), 5), Recorded::Kept { value: 1_023 });
    ledger.record(u64::MAX, &key(1), u64::MAX);
    assert_eq!(ledger.get(u64::MAX, &key(1)).value(), Some(1_023));
    assert_eq!(ledger.get(ledger.window_max(), &key(1)).value(), Some(1_023));
}
