//! Many guests under one watcher.

use std::collections::BTreeSet;

use plimsoll::EventKind::{Raised, Silent};
use plimsoll::keepalive::Watch;

use crate::{Bench, ms};

/// LIVE-3, LIVE-5: of a million guests one in a thousand falls silent, and each of these is told of
/// once, whatever its rule.
#[test]
fn live_5_one_in_a_thousand_of_a_million_falls_silent() {
    const GUESTS: usize = 1_000_000;
    let falls_silent = |n: usize| n % 1_000 == 7;
    let bench = Bench::with(|builder| builder.capacity(GUESTS));
    let watch = |n: usize| {
        let watch = Watch::new(n.to_string(), "1").window(ms(1_000));
        if n / 1_000 % 2 == 0 { watch } else { watch.rearming() }
    };
    let guests: Vec<_> = (0..GUESTS).map(|n| bench.watcher.watch(watch(n)).unwrap()).collect();
    // Three windows. Each guest beats every 750 ms, in turn.
    for round in 0..12 {
        for (n, guest) in guests.iter().enumerate().skip(round % 3).step_by(3) {
            if !falls_silent(n) {
                guest.notify();
            }
        }
        bench.pass(ms(250));
    }
    let told = bench.log.take();
    assert!(told.iter().all(|(kind, _)| matches!(kind, Silent | Raised)), "raised: it is full");
    let silent: Vec<_> = told.iter().filter(|(kind, _)| *kind == Silent).collect();
    let names: BTreeSet<usize> = silent.iter().map(|(_, name)| name.parse().unwrap()).collect();
    assert_eq!(silent.len(), names.len(), "each once");
    assert_eq!(names, (0..GUESTS).filter(|n| falls_silent(*n)).collect());
    let snapshot = bench.registry.snapshot();
    let depth = |name| snapshot.find(name, None).map(|entry| entry.depth);
    assert_eq!(depth("guest_keepalive"), Some(GUESTS as u64));
    assert_eq!(depth("guest_keepalive_silent"), Some(GUESTS as u64 / 1_000));
}
