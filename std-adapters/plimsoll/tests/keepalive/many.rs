//! Many guests under one watcher.

use std::collections::BTreeSet;

use plimsoll::EventKind::{Raised, Recovered, Silent};
use plimsoll::keepalive::{Step, Watch};

use crate::{Bench, ms};

/// LIVE-3, LIVE-5: of a million guests one in a thousand falls silent, and each of these is reported
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
    // Three windows. Each guest notifies every 750 ms, in turn.
    for round in 0..12 {
        for (n, guest) in guests.iter().enumerate().skip(round % 3).step_by(3) {
            if !falls_silent(n) {
                guest.notify();
            }
        }
        bench.pass(ms(250));
    }
    let heard = bench.log.take();
    assert!(heard.iter().all(|(kind, _)| matches!(kind, Silent | Raised)), "raised: it is full");
    let silent: Vec<_> = heard.iter().filter(|(kind, _)| *kind == Silent).collect();
    let names: BTreeSet<usize> = silent.iter().map(|(_, name)| name.parse().unwrap()).collect();
    assert_eq!(silent.len(), names.len(), "each once");
    assert_eq!(names, (0..GUESTS).filter(|n| falls_silent(*n)).collect());
    let snapshot = bench.registry.snapshot();
    let depth = |name| snapshot.find(name, None).map(|entry| entry.depth);
    assert_eq!(depth("guest_keepalive"), Some(GUESTS as u64));
    assert_eq!(depth("guest_keepalive_silent"), Some(GUESTS as u64 / 1_000));
}

/// LIVE-5: what a step leaves is done by the next ones, and not when the next tick is due.
#[test]
fn live_5_who_is_behind_steps_again_at_once() {
    let bench = Bench::with(|builder| builder.checks_per_step(7));
    let watch = |n: u32| Watch::new(format!("guest-{n}"), "run").window(ms(100));
    let _guests = [0; 100].map(|n| bench.watcher.watch(watch(n)).unwrap());
    while bench.log.count(Silent) == 0 {
        assert!(!matches!(bench.watcher.step(), Step::Idle));
        if bench.log.count(Silent) == 0 {
            bench.clock.advance(ms(5));
        }
    }
    let again = (0..).take_while(|_| bench.watcher.step() == Step::Again).count();
    assert_eq!((bench.log.count(Silent), again), (100, 100_usize.div_ceil(7) - 2));
}

/// LIVE-4: a recovery without a notice that is found with the next silence is reported before it.
#[test]
fn live_4_a_recovery_that_is_found_late_is_told_before_the_next_silence() {
    let bench = Bench::with(|builder| builder.capacity(3_000));
    let watch = |n| Watch::new(format!("guest-{n}"), "run").window(ms(100)).rearming();
    let guests: Vec<_> = (0..3_000).map(|n| bench.watcher.watch(watch(n)).unwrap()).collect();
    while bench.log.count(Silent) == 0 {
        bench.pass(ms(5));
        let _ = bench.watcher.step();
    }
    guests.iter().for_each(|guest| guest.notify());
    bench.pass(ms(150));
    let heard = bench.log.take();
    for kind in [Silent, Recovered] {
        let times = heard.iter().filter(|(one, _)| *one == kind).count();
        assert_eq!(times, if kind == Silent { 6_000 } else { 3_000 });
    }
    for (n, guest) in guests.iter().enumerate() {
        let name = format!("guest-{n}");
        assert!(guest.is_silent());
        let of_it: Vec<_> =
            heard.iter().filter(|(_, of)| *of == name).map(|(kind, _)| kind).collect();
        assert_eq!(of_it, [&Silent, &Recovered, &Silent], "{name}");
    }
}
