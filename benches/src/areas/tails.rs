//! The slow ones among many operations: each is timed by itself, the clock's own time included.
//!
//! A subject is called `SERIES at PERCENTILE`, so that the report draws each series as a curve.

use std::hint::black_box;
use std::time::{Duration, Instant};

use plimsoll::ledger::{LedgerSettings, PeakLedger};
use plimsoll::{Limit, Registry, Watermarks};

use crate::case::Case;

/// Percentiles, by name and as a part.
const PERCENTILES: [(&str, f64); 4] =
    [("50", 0.5), ("99", 0.99), ("99.9", 0.999), ("99.99", 0.9999)];

/// Operations of a sample.
const OPERATIONS: u64 = 100_000;
const ROUNDS_MAX: usize = 7;

const NOTHING: &str = "the clock alone";

pub(super) fn cases() -> Vec<Case> {
    vec![operations(), channels()]
}

fn operations() -> Case {
    let case = Case::new("one operation, by percentile", "operation", 1);
    let case = PERCENTILES.iter().fold(case, |case, (at, part)| {
        let registry = Registry::new();
        let gauge = registry.gauge(Limit::queue("replies"), Watermarks::new(1_024));
        let gauge = gauge.expect("a good limit");
        let ledger = PeakLedger::new(LedgerSettings::new(4_096)).expect("a sound capacity");
        case.baseline(&named(NOTHING, at), tail(*part, || ()))
            .baseline(
                &named("plimsoll gauge, add + sub", at),
                tail(*part, move || {
                    gauge.add(1);
                    gauge.sub(1);
                }),
            )
            .baseline(
                &named("plimsoll ledger, record", at),
                tail(*part, {
                    let mut step = 0u64;
                    move || {
                        step += 1;
                        let _ = black_box(ledger.record(step % 10_000, step));
                    }
                }),
            )
    });
    case.fixed(OPERATIONS, ROUNDS_MAX)
}

fn channels() -> Case {
    let case = Case::new("send + recv on one thread, by percentile", "message", 1);
    let case = PERCENTILES.iter().fold(case, |case, (at, part)| {
        let raw = named("crossbeam", at);
        let (tx, rx) = crossbeam_channel::bounded::<u64>(1_024);
        let tracked =
            plimsoll::channel::crossbeam::bounded::<u64>(&Registry::new(), "replies", 1_024);
        let (tracked_tx, tracked_rx) = tracked.expect("a good limit");
        let measure = tail(*part, move || {
            tx.send(1).expect("room");
            black_box(rx.recv().expect("an item"));
        });
        let tracked = tail(*part, move || {
            tracked_tx.send(1).expect("room");
            black_box(tracked_rx.recv().expect("an item"));
        });
        case.baseline(&raw, measure).subject(&named("plimsoll crossbeam", at), &raw, tracked)
    });
    case.fixed(OPERATIONS, ROUNDS_MAX)
}

fn named(series: &str, at: &str) -> String {
    format!("{series} at {at}")
}

/// The time below which this part of all operations stays; for so many of them, as a case divides
/// by their number.
fn tail(part: f64, mut operation: impl FnMut() + 'static) -> impl FnMut(u64) -> Duration {
    move |times| {
        let time = |_| {
            let start = Instant::now();
            operation();
            start.elapsed()
        };
        let mut all: Vec<Duration> = (0..times).map(time).collect();
        all.sort_unstable();
        all[((all.len() - 1) as f64 * part) as usize] * times as u32
    }
}
