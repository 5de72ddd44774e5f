//! The ledger's properties by their numbers, and defect 7 of the designs in use as stress tests.

#[path = "ledger/exact.rs"]
mod exact;
#[path = "ledger/largest.rs"]
mod largest;
#[path = "ledger/merges.rs"]
mod merges;
#[path = "ledger/races.rs"]
mod races;
#[path = "ledger/removals.rs"]
mod removals;

use std::collections::{BTreeMap, HashSet};

use plimsoll_core::ledger::VALUE_MAX;
use plimsoll_core::ledger::{
    Entry, Key, LedgerSet, Lookup, PeakLedger, Recorded, Seed, SumLedger, WindowLedger, sets_for,
};

const SEED: Seed = Seed::new(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);

type Peaks<const SETS: usize> = PeakLedger<[LedgerSet<1>; SETS], 1>;
type Sums<const SETS: usize> = SumLedger<[LedgerSet<1>; SETS], 1>;
type Boxed = Box<[LedgerSet<1>]>;

fn key(number: u64) -> Key<1> {
    Key::from(number)
}

fn boxed(capacity: usize) -> Boxed {
    sets(sets_for(capacity))
}

fn sets(count: usize) -> Boxed {
    (0..count).map(|_| LedgerSet::new()).collect()
}

/// Numbers that look random, and are the same each time.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A ledger that lies in a `static`: it is all zero at first.
static STATIC: Sums<1> = SumLedger::new(SEED);

#[test]
fn a_static_is_enough() {
    STATIC.record(&key(1), 5);
    assert_eq!(STATIC.get(&key(1)).value(), Some(5));
}

#[test]
fn ledger_4_the_floor_of_all_is_the_least_of_the_sets() {
    let ledger = PeakLedger::with_sets(boxed(256), SEED).unwrap();
    let mut next = numbers(5);
    for _ in 0..20_000 {
        let number = next();
        ledger.record(&key(number), 1 + number % 1_000_000);
    }
    let floors: HashSet<u64> = (0..10_000).map(|number| ledger.floor_of(&key(number))).collect();
    assert!(floors.len() > 1 && !floors.contains(&0), "{floors:?}");
    assert_eq!(Some(ledger.floor()), floors.into_iter().min());
}

#[test]
fn ledger_1_never_more_entries_than_slots() {
    let ledger = PeakLedger::with_sets(boxed(64), SEED).unwrap();
    for number in 0..10_000 {
        ledger.record(&key(number), number + 1);
        assert!(ledger.len() <= ledger.slots());
    }
    assert_eq!((ledger.len(), ledger.slots()), (160, 160));
}

/// The experiment of `examples/random_fill.rs`, as often as a test can afford.
#[test]
fn ledger_2_random_fills_are_certified_and_the_certificates_are_true() {
    const CAPACITY: usize = 4_096;
    let mut certified = 0;
    for fill in 0..20 {
        let ledger = PeakLedger::with_sets(boxed(CAPACITY), Seed::new(fill, 7)).unwrap();
        let mut random = numbers(fill);
        let mut all: Vec<u64> = (0..4 * CAPACITY).map(|_| 1 + (random() >> 20)).collect();
        for (number, peak) in (0..).zip(&all) {
            ledger.record(&key(number), *peak);
        }
        all.sort_unstable_by(|one, other| other.cmp(one));
        let mut buffer = vec![Entry::NONE; 2 * CAPACITY];
        let top = ledger.top(&mut buffer);
        let values: Vec<u64> = top.entries().iter().map(Entry::value).collect();
        assert_eq!(values[..top.covered()], all[..top.covered()], "LEDGER-2");
        certified += u32::from(top.covered() >= CAPACITY);
    }
    assert!(certified >= 19, "LEDGER-2: {certified} of 20");
}

#[test]
fn ledger_4_and_5_the_floor_never_falls_and_turns_away() {
    let ledger = Peaks::<1>::new(SEED);
    let mut random = numbers(4);
    let mut floor = 0;
    for _ in 0..10_000 {
        let (number, value) = (random() % 500, random() % 10_000);
        let recorded = ledger.record(&key(number), value);
        assert!(ledger.floor() >= floor, "LEDGER-5");
        if let Recorded::TurnedAway { floor: at } = recorded {
            assert!(value <= at && at <= floor, "LEDGER-4");
        }
        floor = ledger.floor();
    }
}

#[test]
fn ledger_6_sums_are_within_their_bounds_and_conserved() {
    let ledger = Sums::<2>::new(SEED);
    let mut random = numbers(6);
    let (mut truth, mut total) = (BTreeMap::new(), 0);
    for _ in 0..50_000 {
        // Few heavy ones among many light ones.
        let heavy = random() % 4 == 0;
        let (number, weight) = (random() % if heavy { 10 } else { 2_000 }, random() % 100);
        ledger.record(&key(number), weight);
        *truth.entry(number).or_insert(0) += weight;
        total += weight;
    }
    assert_eq!(ledger.total(), total, "LEDGER-6: conserved");
    for (number, sum) in &truth {
        match ledger.get(&key(*number)) {
            Lookup::Present { value, error } => {
                assert!((value - error..=value).contains(sum), "LEDGER-6");
                assert!(error <= ledger.floor_of(&key(*number)), "LEDGER-6: the bound on errors");
            }
            Lookup::Absent { at_most } => assert!(*sum <= at_most, "LEDGER-6, LEDGER-11"),
        }
    }
    assert!(ledger.certificate().bound() <= total / 40, "LEDGER-6: at most a 40th");
    assert!(ledger.certificate().covered() >= 10, "the heavy ones are certain");
}

/// One who has inherited most of its sum stands before another who has really used more.
#[test]
fn ledger_6_an_inherited_sum_is_not_certified_before_a_larger_one() {
    let ledger = Sums::<1>::new(SEED);
    let used = |number: u64| if number == 1 { 90 } else { 50 };
    (1..=41).for_each(|number| {
        ledger.record(&key(number), used(number));
    });
    let mut buffer = [Entry::NONE; 40];
    for room in 0..=40 {
        let top = ledger.top(&mut buffer[..room]);
        let listed: Vec<u64> = top.entries().iter().filter_map(|e| e.key().as_integer()).collect();
        let (certain, others): (Vec<u64>, Vec<u64>) =
            (1..=41).partition(|number| listed[..top.covered()].contains(number));
        let least = certain.iter().map(|number| used(*number)).min().unwrap_or(u64::MAX);
        assert!(others.iter().all(|number| used(*number) <= least), "LEDGER-6: {top:?}");
        // The one with 100, of which 50 are inherited, and the one with 90 are so together only.
        assert_eq!(top.covered(), if room < 2 { 0 } else { room }, "LEDGER-6: {top:?}");
    }
}

/// What a principal had in a window is gone once it is seen in a later one.
#[test]
fn ledger_2_a_window_that_is_over_is_not_certified() {
    let ledger: WindowLedger<[LedgerSet<1>; 1], 1> = WindowLedger::new(SEED, 36);
    ledger.record(1, &key(1), 700);
    ledger.record(1, &key(2), 300);
    let mut buffer = [Entry::NONE; 4];
    assert_eq!(ledger.top(1, &mut buffer).covered(), 2);
    ledger.record(2, &key(1), 5);
    let top = ledger.top(1, &mut buffer);
    assert_eq!((top.entries().len(), top.entries()[0].value()), (1, 300));
    assert_eq!((top.covered(), top.bound()), (0, ledger.peak_max()), "LEDGER-2: {top:?}");
    assert_eq!(ledger.top(2, &mut buffer).covered(), 1);
}

#[test]
fn ledger_8_collisions_of_one_seed_are_none_of_another() {
    const SETS: usize = 64;
    // Keys that share a set under a seed that got out: those whose set is the first to be full.
    let probe = Peaks::<SETS>::new(SEED);
    let is_full = |number: &u64| probe.floor_of(&key(*number)) > 0;
    let last = (0..).find(|number| {
        probe.record(&key(*number), 1);
        is_full(number)
    });
    let colliding: Vec<u64> = (0..=last.unwrap() * 100).filter(is_full).take(100).collect();
    let entries = |seed| {
        let ledger = Peaks::<SETS>::new(seed);
        colliding.iter().for_each(|number| {
            ledger.record(&key(*number), 1);
        });
        ledger.len()
    };
    assert_eq!((colliding.len(), entries(SEED)), (100, 40));
    assert_eq!(entries(Seed::new(1, 2)), 100, "LEDGER-8");
}

/// LEDGER-9: as many steps for a newcomer of a full ledger of any size. Time would tell the same,
/// less clearly: what counts is that a record looks at its own set only.
#[test]
fn ledger_9_a_record_changes_its_own_set_only() {
    let ledger = PeakLedger::with_sets(boxed(4_096), SEED).unwrap();
    for number in 0..40_000 {
        ledger.record(&key(number), 10 + number);
    }
    let before: HashSet<u64> = ledger.entries().filter_map(|e| e.key().as_integer()).collect();
    let newcomer = key(1 << 40);
    let floor = ledger.floor_of(&newcomer);
    assert_eq!(ledger.record(&newcomer, u64::MAX), Recorded::Admitted { evicted: floor });
    let after: HashSet<u64> = ledger.entries().filter_map(|e| e.key().as_integer()).collect();
    let gone: Vec<&u64> = before.difference(&after).collect();
    assert_eq!(gone, [&(floor - 10)], "LEDGER-9: the least of the set, and nobody else");
    assert_eq!(ledger.get(&newcomer).value(), Some(VALUE_MAX));
}

#[test]
fn ledger_11_absent_is_not_a_number() {
    let ledger = Peaks::<1>::new(SEED);
    assert_eq!(ledger.get(&key(1)), Lookup::Absent { at_most: 0 });
    assert_eq!(ledger.record(&key(1), 0), Recorded::TurnedAway { floor: 0 });
    for number in 0..40 {
        ledger.record(&key(number), 7);
    }
    assert_eq!(ledger.get(&key(99)), Lookup::Absent { at_most: 7 });
    assert_eq!(ledger.get(&key(99)).value(), None);
}
