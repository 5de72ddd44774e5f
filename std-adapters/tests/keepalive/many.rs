//! Many guests under one watcher.

use std::collections::BTreeSet;

use plimsoll::EventKind::Silent;
use plimsoll::keepalive::Watch;

use crate::{Bench, ms};

/// LIVE-3, LIVE-5: one in a thousand falls silent, and each of these is told of once. A million in
/// optimized builds.
#[test]
fn live_5_one_in_a_thousand_of_many_falls_silent() {
    const GUESTS: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let bench = Bench::with(|builder| builder.capacity(GUESTS));
    let watch = |n| Watch::new(format!("{n}"), "1").window(ms(1_000));
    let guests: Vec<_> = (0..GUESTS).map(|n| bench.watcher.watch(watch(n)).unwrap()).collect();
    for round in 0..12 {
        for (n, guest) in guests.iter().enumerate().skip(round % 3).step_by(3) {
            if n % 1_000 != 7 {
                guest.notify();
            }
        }
        bench.pass(ms(250));
    }
    let told = bench.log.take();
    assert!(told.iter().all(|(kind, _)| *kind == Silent || *kind == plimsoll::EventKind::Raised));
    let silent: Vec<_> = told.iter().filter(|(kind, _)| *kind == Silent).collect();
    let names: BTreeSet<usize> = silent.iter().map(|(_, name)| name.parse().unwrap()).collect();
    assert_eq!(silent.len(), names.len(), "each once");
    assert_eq!(names, (0..GUESTS).filter(|n| n % 1_000 == 7).collect());
}
