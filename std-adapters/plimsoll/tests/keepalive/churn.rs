//! Runs that come, notify, fall silent and go on many threads at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use plimsoll::EventKind::{Recovered, Silent};
use plimsoll::Registry;
use plimsoll::keepalive::{FakeClock, Watch, Watcher};

use crate::{Log, ms};

/// LIVE-3, LIVE-4, LIVE-7: whatever comes between, each silence is reported once, each recovery once
/// and after its silence, and in the end nothing is left.
#[test]
fn live_3_live_4_each_silence_and_recovery_is_told_once_in_churn() {
    const THREADS: usize = 3;
    let (registry, clock) = (Registry::new(), FakeClock::default());
    let (log, _subscription) = Log::of(&registry);
    let builder = Watcher::builder().clock(clock.clone()).capacity(64).checks_per_step(3);
    let watcher = builder.build(&registry).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    let _ = watcher.step();
                    clock.advance(ms(1));
                    thread::yield_now();
                }
            });
        }
        let guests = [0; THREADS].into_iter().enumerate().map(|(thread, _)| {
            let watcher = &watcher;
            scope.spawn(move || {
                for n in 0..400 {
                    let watch = Watch::new(format!("guest-{thread}-{n}"), "run");
                    let watch = watch.window(ms(1 + n % 7)).rearming();
                    let guest = watcher.watch(watch).unwrap();
                    for turn in 0..n % 5 {
                        while n % 3 != 0 && !guest.is_silent() {
                            thread::yield_now();
                        }
                        if (turn + n) % 4 == 0 {
                            guest.pause();
                            guest.resume();
                        } else {
                            guest.notify();
                        }
                    }
                }
            })
        });
        let guests: Vec<_> = guests.collect();
        guests.into_iter().for_each(|guest| guest.join().unwrap());
        done.store(true, Relaxed);
    });
    let mut heard = HashMap::new();
    let events = log.0.lock();
    for event in events.iter().filter(|event| matches!(event.kind(), Silent | Recovered)) {
        let name = event.scope().unwrap().to_owned();
        let open = heard.entry(name).or_insert(None);
        let silence = &event.as_guest().unwrap().silence;
        if event.kind() == Silent {
            assert!(silence.elapsed >= silence.window, "LIVE-2: {event}");
            assert!(open.is_none_or(|last: (u64, bool)| !last.1 && last.0 < silence.sequence));
            *open = Some((silence.sequence, true));
        } else {
            assert_eq!(*open, Some((silence.sequence, true)), "LIVE-4: {event}");
            *open = Some((silence.sequence, false));
        }
    }
    assert!(heard.values().filter(|last| last.is_some()).count() > 100);
    let snapshot = registry.snapshot();
    for name in ["guest_keepalive", "guest_keepalive_silent"] {
        assert_eq!(snapshot.find(name, None).unwrap().depth, 0, "{name}");
    }
}
