//! How the costs grow: with the number of what there is, and with threads.
//!
//! A subject is called `SERIES at NUMBER`, so that the report draws each series as a curve.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use plimsoll::keepalive::{Watch, Watcher};
use plimsoll::ledger::{LedgerSettings, PeakLedger, Seed};
use plimsoll::{Gauge, Limit, Registry, Watermarks};

use crate::case::Case;
use crate::threads::{Job, together};

/// Gauges, entries, trackers.
const SIZES: [usize; 5] = [1, 16, 256, 4_096, 65_536];

/// Also more than most machines have cores, so that contention shows.
const THREADS: [usize; 5] = [1, 2, 4, 8, 16];

const OURS: &str = "plimsoll";
const BARE: &str = "bare";

pub(super) fn cases() -> Vec<Case> {
    vec![
        by_size(Case::new("a snapshot, by gauges", "snapshot", 1), snapshots),
        by_size(Case::new("a hit in a ledger, by entries", "record", 1), hits),
        by_size(Case::new("a notification, by trackers", "notification", 1), notifications),
        by_threads(Case::new("a pair on one gauge, by threads", "pair, as a thread sees it", 1)),
    ]
}

fn named(series: &str, at: usize) -> String {
    format!("{series} at {at}")
}

/// Each size is compared with the first.
fn by_size<M: FnMut(u64) -> Duration + 'static>(case: Case, measure: fn(usize) -> M) -> Case {
    let first = named(OURS, SIZES[0]);
    SIZES.iter().fold(case, |case, size| case.subject(&named(OURS, *size), &first, measure(*size)))
}

fn by_threads(case: Case) -> Case {
    THREADS.iter().fold(case, |case, threads| {
        let bare = named(BARE, *threads);
        case.baseline(&bare, bare_pairs(*threads)).subject(
            &named(OURS, *threads),
            &bare,
            gauge_pairs(*threads),
        )
    })
}

fn repeat(times: u64, mut work: impl FnMut(u64)) -> Duration {
    let start = Instant::now();
    (0..times).for_each(&mut work);
    start.elapsed()
}

fn snapshots(size: usize) -> impl FnMut(u64) -> Duration {
    let registry = Registry::builder().max_entries(size).build().expect("a sound size");
    let register = |number: usize| {
        let limit = Limit::queue("replies").scope(number.to_string());
        registry.gauge(limit, Watermarks::new(1_024)).expect("a good limit")
    };
    let gauges: Vec<_> = (0..size).map(register).collect();
    move |times| {
        assert_eq!(registry.snapshot().entries().len(), gauges.len());
        repeat(times, |_| drop(black_box(registry.snapshot())))
    }
}

fn hits(size: usize) -> impl FnMut(u64) -> Duration {
    let settings = LedgerSettings::new(size).seed(Seed::new(17, 4));
    let ledger = PeakLedger::new(settings).expect("a sound capacity");
    let record = move |number: u64| ledger.record(number, 7).expect("a number is an id");
    for number in 0..size as u64 {
        record(number);
    }
    move |times| {
        repeat(times, |step| {
            black_box(record(step % size as u64));
        })
    }
}

fn notifications(size: usize) -> impl FnMut(u64) -> Duration {
    let builder = Watcher::builder().capacity(size);
    let watcher = builder.build(&Registry::new()).expect("sound settings");
    let watch = |number: usize| watcher.watch(Watch::new(format!("guest-{number}"), "run-1"));
    let guests: Vec<_> = (0..size).map(|number| watch(number).expect("there is room")).collect();
    move |times| {
        let _ = &watcher;
        repeat(times, |step| guests[step as usize % guests.len()].notify())
    }
}

fn gauge_pairs(threads: usize) -> impl FnMut(u64) -> Duration {
    let gauge = CachePadded::new(Gauge::new(Watermarks::new(1_024)));
    pairs(threads, move || {
        black_box(gauge.add(1).is_some());
        black_box(gauge.sub(1).is_some());
    })
}

fn bare_pairs(threads: usize) -> impl FnMut(u64) -> Duration {
    let depth = CachePadded::new(AtomicU64::new(0));
    pairs(threads, move || {
        // AcqRel, as the gauge area's floor has it.
        black_box(depth.fetch_add(1, Ordering::AcqRel));
        black_box(depth.fetch_sub(1, Ordering::AcqRel));
    })
}

/// Every thread does so many pairs.
fn pairs(threads: usize, pair: impl Fn() + Send + Sync + 'static) -> impl FnMut(u64) -> Duration {
    move |times| {
        let work = || (0..times).for_each(|_| pair());
        together((0..threads).map(|_| Box::new(work) as Job<'_>).collect())
    }
}
