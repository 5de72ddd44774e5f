//! A run begins anew, whichever run had its place before: LIVE-7, LIVE-9.

use plimsoll::EventKind::{Silent, Suspect};
use plimsoll::keepalive::{Step, Watch};

use crate::{Bench, ms};

fn guest(n: u32) -> Watch {
    Watch::new(format!("guest-{n}"), "run").window(ms(100))
}

/// The watcher was not there for a while before the run: that is no part of its silence.
#[test]
fn live_7_a_run_does_not_inherit_unwatched_time() {
    for is_alone in [true, false] {
        for later in [0, 5, 9, 40, 300, 86_400_000] {
            let bench = Bench::new();
            let before = bench.watcher.watch(guest(0).window(ms(500_000))).unwrap();
            bench.pass(ms(50));
            bench.clock.advance(ms(later));
            let before = if is_alone { None } else { Some(before) };
            let run = bench.watcher.watch(guest(1)).unwrap();
            assert_eq!(run.age(), run.age().min(ms(5)), "{later} ms before");
            bench.pass(ms(100));
            assert_eq!(bench.log.count(Silent), 0, "{later} ms before");
            bench.pass(ms(30));
            let events = bench.log.0.lock();
            let heard = events.iter().filter_map(|event| event.as_silence());
            let silence = heard.into_iter().next().expect("reported");
            assert!(silence.elapsed >= ms(100) && silence.elapsed <= ms(130), "{silence:?}");
            assert!(silence.elapsed_raw <= ms(130), "{later} ms before: {silence:?}");
            drop(before);
        }
    }
}

/// Those before were spared: the next run in their place is reported after one window.
#[test]
fn live_9_a_run_does_not_inherit_a_sparing() {
    let bench = Bench::with(|builder| builder.suspect_above(3).capacity(4));
    let spared: Vec<_> = (0..4).map(|n| bench.watcher.watch(guest(n)).unwrap()).collect();
    while bench.log.count(Suspect) == 0 {
        bench.pass(ms(1));
        let _ = bench.watcher.step();
    }
    drop(spared);
    let _next: Vec<_> = (0..2).map(|n| bench.watcher.watch(guest(n)).unwrap()).collect();
    bench.pass(ms(100));
    assert_eq!(bench.log.count(Silent), 0);
    bench.pass(ms(20));
    assert_eq!((bench.log.count(Silent), bench.log.count(Suspect)), (2, 1));
}

/// A hold ends with its run.
#[test]
fn live_9_a_run_does_not_inherit_a_hold() {
    let bench = Bench::with(|builder| builder.suspect_above(3).capacity(4));
    let long = |n| guest(n).window(ms(2_000));
    let _alive = [0, 1].map(|n| bench.watcher.watch(long(n).window(ms(500_000))).unwrap());
    for round in 0..10 {
        let held = bench.watcher.watch(long(7)).unwrap();
        bench.pass(ms(2_030));
        assert_eq!(bench.log.count(Silent), 0, "it is held back, round {round}");
        drop(held);
        let next = bench.watcher.watch(long(8)).unwrap();
        bench.pass(ms(2_030));
        assert_eq!(bench.log.count(Silent), 0, "it is held back for as long, round {round}");
        drop(next);
    }
    let _dead = bench.watcher.watch(long(9)).unwrap();
    bench.pass(ms(2_100));
    assert_eq!(bench.log.count(Silent), 1);
    assert!(matches!(bench.watcher.step(), Step::Wait(_)));
}
