//! The largest users, kept by peak or by sum: what a record costs when the ledger is full.
//!
//! Users are text ids of 20 bytes. What is tracked has amounts from `FLOOR` up; the subjects that
//! hold less than all slots hold `CAPACITY` users.

mod ledgers;

use std::hint::black_box;
use std::time::{Duration, Instant};

use heavykeeper::TopK;
use plimsoll_core::ledger::{
    Key, KeyRef, LedgerHandle, LedgerSet, PeakLedger, Seed, SumLedger, sets_for,
};
use topk::FilteredSpaceSaving;

use crate::case::Case;
use crate::threads::{Job, together};
use ledgers::{Heap, Ledger, Moka, Papaya, Plimsoll, Quick, Scan};

/// How many users the ledgers are made for.
const CAPACITY: usize = 4_096;
/// What the tracked users have at least.
const FLOOR: u64 = 1 << 20;
/// Ids that are brought as newcomers, over and over: more than can be tracked.
const NEWCOMERS: usize = 100_000;

const SCAN: &str = "DashMap + scan";
const HEAP: &str = "Mutex<hashbrown + heap>";
const OURS: &str = "plimsoll PeakLedger";
const OURS_SHORT: &str = "plimsoll, ids up to 24 bytes";

pub(super) fn cases() -> Vec<Case> {
    let record = "record";
    vec![
        every(Case::new("hit, users shuffled", record, 1), shuffled_hits),
        every(Case::new("hit, one hot user", record, 1), |ledger| hot_hits(ledger, 1)),
        every(Case::new("hit, one hot user", record, 2), |ledger| hot_hits(ledger, 2)),
        handles(Case::new("hit, by a handle", record, 1)),
        every(Case::new("raise, users shuffled", record, 1), raises),
        exact(Case::new("newcomer below the floor", record, 1), |ledger| turned_away(ledger, 1)),
        exact(Case::new("newcomer that ties", record, 1), |ledger| turned_away(ledger, FLOOR)),
        every(Case::new("newcomers, each larger", record, 1), admitted),
        top(Case::new("the ten largest", "read", 1)),
        sizes(Case::new("newcomers, each larger, by size", record, 1)),
        sums(Case::new("sum, users shuffled", record, 1), CAPACITY),
        sums(Case::new("sum, newcomers", record, 1), NEWCOMERS),
    ]
}

/// All subjects, caches included, which keep something else than the largest.
fn every<M: FnMut(u64) -> Duration + 'static>(
    case: Case,
    measure: fn(Box<dyn Ledger>) -> M,
) -> Case {
    exact(case, measure).subject("quick_cache", SCAN, measure(Quick::full(CAPACITY))).subject(
        "moka",
        SCAN,
        measure(Moka::full(CAPACITY)),
    )
}

/// The subjects that keep the largest.
fn exact<M: FnMut(u64) -> Duration + 'static>(
    case: Case,
    measure: fn(Box<dyn Ledger>) -> M,
) -> Case {
    case.baseline(SCAN, measure(Scan::full(CAPACITY)))
        .subject(OURS, SCAN, measure(Plimsoll::<8>::full(CAPACITY)))
        .subject(OURS_SHORT, SCAN, measure(Plimsoll::<3>::full(CAPACITY)))
        .subject("papaya + scan", SCAN, measure(Papaya::full(CAPACITY)))
        .subject(HEAP, SCAN, measure(Heap::full(CAPACITY)))
}

fn id(number: usize) -> String {
    format!("tenant-7/guest-{number:05}")
}

/// Ids in an order that no cache line predicts.
fn shuffled(count: usize) -> Vec<String> {
    let mut ids: Vec<String> = (0..count).map(id).collect();
    let mut state = 1u64;
    for index in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ids.swap(index, (state >> 33) as usize % (index + 1));
    }
    ids
}

fn newcomers() -> Vec<String> {
    (0..NEWCOMERS).map(|number| id(CAPACITY + number)).collect()
}

/// One thread brings the ids in turn, with an amount for each step.
fn in_turn(ids: Vec<String>, record: impl Fn(&str, u64)) -> impl FnMut(u64) -> Duration {
    let mut step = 0;
    move |times| {
        let start = Instant::now();
        for _ in 0..times {
            record(&ids[step as usize % ids.len()], step);
            step += 1;
        }
        start.elapsed()
    }
}

fn shuffled_hits(ledger: Box<dyn Ledger>) -> impl FnMut(u64) -> Duration {
    in_turn(shuffled(CAPACITY), move |id, _| ledger.record(id, 1))
}

fn hot_hits(ledger: Box<dyn Ledger>, threads: usize) -> impl FnMut(u64) -> Duration {
    let hot = id(7);
    move |times| {
        let work = || (0..times).for_each(|_| ledger.record(black_box(&hot), 1));
        together((0..threads).map(|_| Box::new(work) as Job<'_>).collect())
    }
}

fn raises(ledger: Box<dyn Ledger>) -> impl FnMut(u64) -> Duration {
    in_turn(shuffled(CAPACITY), move |id, step| ledger.record(id, 2 * FLOOR + step))
}

fn turned_away(ledger: Box<dyn Ledger>, amount: u64) -> impl FnMut(u64) -> Duration {
    in_turn(newcomers(), move |id, _| ledger.record(id, amount))
}

fn admitted(ledger: Box<dyn Ledger>) -> impl FnMut(u64) -> Duration {
    in_turn(newcomers(), move |id, step| ledger.record(id, 2 * FLOOR + step))
}

fn handles(case: Case) -> Case {
    const SLOT: &str = "plimsoll handle, nothing new";
    fn ledger() -> PeakLedger<Box<[LedgerSet]>> {
        let sets = (0..sets_for(CAPACITY)).map(|_| LedgerSet::new()).collect();
        PeakLedger::with_sets(sets, Seed::new(1, 2)).expect("a capacity above 0")
    }
    fn measure(amount: fn(u64) -> u64) -> impl FnMut(u64) -> Duration {
        let ledger: &'static _ = Box::leak(Box::new(ledger()));
        let key = Key::new(id(7).as_bytes()).expect("20 bytes");
        let mut handle = LedgerHandle::new(ledger, key);
        handle.record(FLOOR);
        let mut step = 0;
        move |times| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(handle.record(amount(black_box(step))));
                step += 1;
            }
            start.elapsed()
        }
    }
    case.baseline(SLOT, measure(|_| 1)).subject(
        "plimsoll handle, each a raise",
        SLOT,
        measure(|step| FLOOR + 1 + step),
    )
}

fn top(case: Case) -> Case {
    let read = |ledger: Box<dyn Ledger>| {
        move |times: u64| {
            let start = Instant::now();
            (0..times).for_each(|_| drop(black_box(ledger.top_ten())));
            start.elapsed()
        }
    };
    case.baseline(SCAN, read(Scan::full(CAPACITY)))
        .subject(OURS, SCAN, read(Plimsoll::<8>::full(CAPACITY)))
        .subject("papaya + scan", SCAN, read(Papaya::full(CAPACITY)))
        .subject(HEAP, SCAN, read(Heap::full(CAPACITY)))
}

fn sizes(case: Case) -> Case {
    const BASE: &str = "plimsoll PeakLedger, 4,096";
    case.baseline(BASE, admitted(Plimsoll::<8>::full(CAPACITY)))
        .subject("plimsoll PeakLedger, 256", BASE, admitted(Plimsoll::<8>::full(256)))
        .subject("plimsoll PeakLedger, 65,536", BASE, admitted(Plimsoll::<8>::full(65_536)))
}

fn sums(case: Case, users: usize) -> Case {
    const SUMS: &str = "plimsoll SumLedger";
    let sets: Box<[LedgerSet]> = (0..sets_for(CAPACITY)).map(|_| LedgerSet::new()).collect();
    let ledger = SumLedger::with_sets(sets, Seed::new(1, 2)).expect("a capacity above 0");
    let plimsoll = in_turn(shuffled(users), move |id, _| {
        ledger.record(KeyRef::new(id.as_bytes()).expect("20 bytes"), 3);
    });
    let mut sketch: TopK<Vec<u8>> = TopK::new(CAPACITY, 4 * CAPACITY, 4, 0.9);
    let ids = shuffled(users);
    let mut step = 0;
    let heavy_keeper = move |times: u64| {
        let start = Instant::now();
        for _ in 0..times {
            step += 1;
            sketch.add(ids[step % ids.len()].as_bytes(), 3);
        }
        start.elapsed()
    };
    let mut saving = FilteredSpaceSaving::new(CAPACITY);
    let ids = shuffled(users);
    let mut step = 0;
    let space_saving = move |times: u64| {
        let start = Instant::now();
        for _ in 0..times {
            saving.insert(ids[step % ids.len()].clone(), 3);
            step += 1;
        }
        start.elapsed()
    };
    case.baseline(SUMS, plimsoll)
        .subject("topk, Filtered Space-Saving (one thread)", SUMS, space_saving)
        .subject("heavykeeper (one thread)", SUMS, heavy_keeper)
}
