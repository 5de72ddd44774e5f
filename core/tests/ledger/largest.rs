//! The list of the largest, its bound and the certificate against all entries and the truth, at rest; and
//! beside threads that raise, admit and remove.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::ledger::{
    Aggregate, Entry, Ledger, LedgerHandle, Lookup, PeakLedger, Seed, SumLedger, VALUE_MAX,
    WindowLedger, sets_for_exact,
};

use super::{Boxed, SEED, key, numbers, sets};

/// Room for none, one, some, as many as the sets that are kept apart, and more than there are.
const ROOMS: [usize; 10] = [0, 1, 2, 10, 13, 14, 15, 16, 40, 3_000];

/// Keys that are never recorded, enough of them for each set.
const STRANGERS: std::ops::Range<u64> = 1 << 40..(1 << 40) + 800;

type Truth = BTreeMap<u64, u64>;

fn number_of(entry: &Entry<1>) -> u64 {
    entry.key().as_integer().expect("keys are numbers")
}

/// What the largest `count` of `listed` are sure of, if no other has more than `others`.
fn is_certain(listed: &[Entry<1>], count: usize, others: u64) -> bool {
    let next = listed.get(count).map_or(0, Entry::value);
    listed[..count].iter().all(|entry| entry.guaranteed() >= next.max(others))
}

/// Holds all that a ledger at rest says against all its entries, and these against the truth. Of merged peaks
/// only those from the bound on are exact.
fn check<A: Aggregate>(ledger: &Ledger<A, Boxed, 1>, truth: &Truth, is_exact: bool) {
    let mut all: Vec<Entry<1>> = ledger.entries().collect();
    all.sort_by_key(|entry| (Reverse(entry.value()), entry.error()));
    let tracked: BTreeMap<u64, &Entry<1>> = all.iter().map(|e| (number_of(e), e)).collect();
    assert_eq!((tracked.len(), ledger.len()), (all.len(), all.len()), "LEDGER-10");
    let certificate = ledger.certificate();
    let mut bound = 0;
    for number in truth.keys().copied().chain(STRANGERS) {
        let had = truth.get(&number).copied().unwrap_or(0);
        match (ledger.get(&key(number)), tracked.get(&number)) {
            (Lookup::Present { value, error }, Some(entry)) => {
                assert_eq!((value, error), (entry.value(), entry.error()), "LEDGER-7");
                assert!(value - error <= had, "LEDGER-6: {value} {error} {had}");
                let is_low = !is_exact && had.min(VALUE_MAX) <= certificate.bound();
                assert!(had.min(VALUE_MAX) <= value || is_low, "LEDGER-3: {value} {had}");
            }
            (Lookup::Absent { at_most }, None) => {
                assert!(had.min(VALUE_MAX) <= at_most, "LEDGER-11: {had} {at_most}");
                bound = at_most.max(bound);
            }
            other => panic!("LEDGER-7: {other:?}"),
        }
    }
    assert_eq!(certificate.bound(), bound, "LEDGER-11");
    let mut buffer = vec![Entry::NONE; 3_000];
    for room in ROOMS.into_iter().chain([all.len(), all.len() + 1]) {
        let top = ledger.top(&mut buffer[..room]);
        let listed = top.entries();
        let values = |entries: &[Entry<1>]| entries.iter().map(Entry::value).collect::<Vec<_>>();
        assert_eq!(values(listed), values(&all[..room.min(all.len())]), "room for {room}");
        let names: BTreeSet<u64> = listed.iter().map(number_of).collect();
        assert_eq!(names.len(), listed.len(), "LEDGER-10");
        assert!(listed.iter().all(|entry| *tracked[&number_of(entry)] == *entry), "LEDGER-7");
        assert_eq!(top.bound(), bound, "LEDGER-11: room for {room}");
        let passed_over = all.iter().filter(|entry| !names.contains(&number_of(entry)));
        let others = passed_over.map(Entry::value).max().unwrap_or(0).max(bound);
        let covered = (0..=listed.len()).rfind(|count| is_certain(listed, *count, others));
        assert_eq!(Some(top.covered()), covered, "LEDGER-2: room for {room}, {others}");
        // The truth.
        let certain: BTreeSet<u64> = listed[..top.covered()].iter().map(number_of).collect();
        let had = |is_in: bool| {
            let those = truth.iter().filter(move |(number, _)| certain.contains(number) == is_in);
            those.map(|(_, had)| (*had).min(VALUE_MAX))
        };
        let least = had.clone()(true).min().unwrap_or(u64::MAX);
        assert!(had(false).all(|had| had <= least), "LEDGER-2: room for {room}");
        if room >= all.len() {
            assert_eq!(certificate.covered(), top.covered(), "LEDGER-2");
        }
    }
}

/// Amounts that are all different, few, of all sizes, or at the end of the range.
fn amount(kind: u64, random: u64) -> u64 {
    match kind % 4 {
        0 => 1 + (random >> 20),
        1 => 1 + random % 4,
        2 => (random >> 14 >> (random % 50)) | 1,
        _ => [VALUE_MAX - random % 3, u64::MAX, 1 + random % 1_000][random as usize % 3],
    }
}

/// A ledger of one kind, and how it is recorded into and removed from, with the truth.
struct Filled<A> {
    ledger: Ledger<A, Boxed, 1>,
    truth: Truth,
}

impl<A: Aggregate> Filled<A> {
    fn fill(&mut self, seed: u64, records: u64, names: u64, add: fn(u64, u64) -> u64) {
        let mut random = numbers(seed);
        for _ in 0..records {
            let (number, step) = (random() % names, random());
            let value = amount(seed, random());
            let had = self.truth.entry(number).or_insert(0);
            match step % 16 {
                0 => {
                    if let Some(entry) = self.ledger.remove(&key(number)) {
                        assert_eq!(number_of(&entry), number, "LEDGER-12");
                        *had = 0;
                    }
                    continue;
                }
                1 | 2 => _ = LedgerHandle::new(&self.ledger, key(number)).record(value),
                3 | 4 => _ = self.ledger.record_evicting(&key(number), value),
                _ => _ = self.ledger.record(&key(number), value),
            }
            *had = add(*had, value);
        }
    }
}

fn peaks(ledger: PeakLedger<Boxed, 1>) -> Filled<plimsoll_core::ledger::Peak> {
    Filled { ledger, truth: Truth::new() }
}

fn sums(ledger: SumLedger<Boxed, 1>) -> Filled<plimsoll_core::ledger::Sum> {
    Filled { ledger, truth: Truth::new() }
}

/// Few names, about as many as there are slots, and far more.
fn fills(slots: u64, seed: u64) -> (u64, u64) {
    [(slots / 2, slots / 2 + 1), (2 * slots, slots), (6 * slots, 3 * slots)][seed as usize % 3]
}

#[test]
fn ledger_2_the_largest_their_bound_and_what_is_covered_are_true_of_random_fills() {
    for (count, fill_count) in [(1, 12), (2, 6), (4, 6), (69, 1)] {
        for seed in 0..fill_count {
            let (records, names) = fills(40 * count as u64, seed / 4 + seed);
            let seed_of = Seed::new(seed, 3);
            let mut peak = peaks(PeakLedger::with_sets(sets(count), seed_of).unwrap());
            let mut sum = sums(SumLedger::with_sets(sets(count), seed_of).unwrap());
            for round in 0..2 {
                peak.fill(seed + 100 * round, records, names, u64::max);
                check(&peak.ledger, &peak.truth, true);
                sum.fill(seed + 100 * round, records, names, u64::saturating_add);
                check(&sum.ledger, &sum.truth, true);
            }
        }
    }
}

#[test]
fn ledger_2_the_largest_of_exact_ledgers_are_true_of_random_fills() {
    for entries in [1, 2, 15, 39, 40, 41, 80] {
        for seed in 0..3 {
            let (records, names) = fills(entries as u64 + 1, seed / 4 + seed);
            let sets = || sets(sets_for_exact(entries));
            let mut peak = peaks(PeakLedger::exact(sets(), SEED, entries).unwrap());
            let mut sum = sums(SumLedger::exact(sets(), SEED, entries).unwrap());
            peak.fill(seed, records, names, u64::max);
            check(&peak.ledger, &peak.truth, true);
            sum.fill(seed, records, names, u64::saturating_add);
            check(&sum.ledger, &sum.truth, true);
        }
    }
}

#[test]
fn ledger_2_the_largest_of_merged_ledgers_are_true_of_random_fills() {
    fn merged(one: &mut Truth, other: &Truth, add: fn(u64, u64) -> u64) {
        for (number, had) in other {
            let sum = one.entry(*number).or_insert(0);
            *sum = add(*sum, *had);
        }
    }
    for (mine, theirs) in [(1, 1), (2, 2), (4, 1), (1, 4)] {
        for seed in 0..4 {
            let (records, names) = fills(40 * mine as u64, seed / 4 + seed);
            let [one, other] = [mine, theirs].map(|count| (sets(count), sets(count)));
            let mut peak = peaks(PeakLedger::with_sets(one.0, SEED).unwrap());
            let mut peak_too = peaks(PeakLedger::with_sets(other.0, SEED).unwrap());
            let mut sum = sums(SumLedger::with_sets(one.1, SEED).unwrap());
            let mut sum_too = sums(SumLedger::with_sets(other.1, SEED).unwrap());
            for round in 0..2 {
                peak.fill(seed + 10 * round, records, names, u64::max);
                peak_too.fill(seed + 50 + 10 * round, records, names, u64::max);
                peak.ledger.merge(&peak_too.ledger);
                merged(&mut peak.truth, &peak_too.truth, u64::max);
                check(&peak.ledger, &peak.truth, false);
                sum.fill(seed + 10 * round, records, names, u64::saturating_add);
                sum_too.fill(seed + 50 + 10 * round, records, names, u64::saturating_add);
                sum.ledger.merge(&sum_too.ledger);
                merged(&mut sum.truth, &sum_too.truth, u64::saturating_add);
                check(&sum.ledger, &sum.truth, true);
            }
        }
    }
}

/// Of each window: what is listed is what `get` tells, and the bound is what it tells of all others.
#[test]
fn ledger_2_the_largest_of_windows_are_true_of_random_fills() {
    const BITS: u32 = 10;
    for (count, fill_count) in [(1, 8), (2, 4), (69, 1)] {
        for seed in 0..fill_count {
            let ledger: WindowLedger<Boxed, 1> =
                WindowLedger::with_sets(sets(count), SEED, BITS).unwrap();
            let last = ledger.window_max();
            let (records, names) = fills(40 * count as u64, seed / 4 + seed);
            let mut random = numbers(seed);
            let mut truth = BTreeMap::<u64, Truth>::new();
            for (window, before) in [(0, 0), (1, 0), (5, 1), (last - 1, 5), (last, last - 1)] {
                for _ in 0..records {
                    let (number, value) = (random() % names, amount(seed, random()));
                    let at = if random() % 8 == 0 { before } else { window };
                    if random() % 16 == 0 {
                        ledger.remove(window, &key(number));
                        truth.values_mut().for_each(|of_window| _ = of_window.remove(&number));
                        continue;
                    }
                    ledger.record(at, &key(number), value);
                    let had = truth.entry(at).or_default().entry(number).or_insert(0);
                    *had = value.min(ledger.peak_max()).max(*had);
                }
                for at in [before, window] {
                    check_window(&ledger, at, names, truth.get(&at).unwrap_or(&Truth::new()));
                }
            }
        }
    }
}

fn check_window(ledger: &WindowLedger<Boxed, 1>, window: u64, names: u64, truth: &Truth) {
    let (mut all, mut bound) = (BTreeMap::new(), 0);
    for number in (0..names).chain(STRANGERS) {
        let had = truth.get(&number).copied().unwrap_or(0);
        match ledger.get(window, &key(number)) {
            Lookup::Present { value, .. } => {
                assert_eq!(value, had, "LEDGER-3");
                all.insert(number, value);
            }
            Lookup::Absent { at_most } => {
                assert!(had <= at_most, "LEDGER-11: {had} {at_most}");
                bound = at_most.max(bound);
            }
        }
    }
    let mut values: Vec<u64> = all.values().copied().collect();
    values.sort_unstable_by_key(|value| Reverse(*value));
    let mut buffer = vec![Entry::NONE; 3_000];
    for room in ROOMS {
        let top = ledger.top(window, &mut buffer[..room]);
        let listed = top.entries();
        let those: Vec<u64> = listed.iter().map(Entry::value).collect();
        assert_eq!(those, values[..room.min(values.len())], "room for {room}");
        let names: BTreeSet<u64> = listed.iter().map(number_of).collect();
        assert_eq!(names.len(), listed.len(), "LEDGER-10");
        assert!(listed.iter().all(|entry| all[&number_of(entry)] == entry.value()), "LEDGER-7");
        assert_eq!(top.bound(), bound, "LEDGER-11: room for {room}");
        let passed_over = values.get(listed.len()).copied().unwrap_or(0);
        let others = passed_over.max(bound);
        let covered = (0..=listed.len()).rfind(|count| is_certain(listed, *count, others));
        assert_eq!(Some(top.covered()), covered, "LEDGER-2: room for {room}");
        let least = listed[..top.covered()].iter().map(Entry::value).min().unwrap_or(u64::MAX);
        let mut missing = truth.iter().filter(|(number, _)| !names.contains(number));
        assert!(missing.all(|(_, had)| *had <= least), "LEDGER-2: room for {room}");
    }
}
