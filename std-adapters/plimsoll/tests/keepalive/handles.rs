//! Clones of a handle, pauses that count, and what a handle tells: LIVE-7, LIVE-10, LIVE-12.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};
use std::thread;

use plimsoll::EventKind::{Recovered, Silent};
use plimsoll::keepalive::{KeepAlive, PauseGuard, Watch};

use crate::{Bench, ms};

fn guest(bench: &Bench) -> KeepAlive {
    bench.watcher.watch(Watch::new("guest-7", "run-1").window(ms(100)).rearming()).unwrap()
}

/// LIVE-10: two host calls that overlap, whichever ends first.
#[test]
fn live_10_a_run_is_watched_again_when_the_last_of_several_pauses_ends() {
    for first_ends_first in [true, false] {
        let bench = Bench::new();
        let guest = guest(&bench);
        let first = guest.pause_guard();
        bench.pass(ms(20));
        let second = guest.pause_guard();
        bench.pass(ms(300));
        let (ends, holds) = if first_ends_first { (first, second) } else { (second, first) };
        drop(ends);
        bench.pass(ms(500));
        assert!(guest.is_paused() && !guest.is_silent());
        drop(holds);
        assert!(!guest.is_paused());
        bench.pass(ms(95));
        assert_eq!(bench.log.take(), [], "the window begins anew");
        bench.pass(ms(30));
        assert_eq!(bench.log.count(Silent), 1);
    }
}

/// LIVE-10: the calls by themselves count too, and one too many does no harm.
#[test]
fn live_10_pause_and_resume_count() {
    let bench = Bench::new();
    let guest = guest(&bench);
    guest.resume();
    guest.pause();
    bench.pass(ms(20));
    guest.pause();
    guest.resume();
    bench.pass(ms(200));
    assert!(!guest.is_silent(), "the first call is still open");
    guest.resume();
    guest.resume();
    bench.pass(ms(130));
    assert!(guest.is_silent());
}

/// LIVE-10: a call that is cancelled, or panics, ends its pause.
#[test]
fn live_10_a_pause_ends_with_its_call_however_that_ends() {
    let bench = Bench::new();
    let guest = guest(&bench);
    let mut call = Box::pin(async {
        let _pause = guest.pause_guard();
        pending::<()>().await;
    });
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    bench.pass(ms(1_000));
    assert_eq!(bench.log.take(), []);
    drop(call);
    bench.pass(ms(130));
    assert_eq!(bench.log.count(Silent), 1, "a dead guest is found");
    let call = AssertUnwindSafe(|| {
        let _pause = guest.pause_guard();
        panic!("a host call");
    });
    assert!(catch_unwind(call).is_err());
    bench.pass(ms(20));
    assert_eq!((guest.is_paused(), bench.log.count(Recovered)), (false, 1));
}

/// LIVE-10: pauses that begin and end on several threads at once.
#[test]
fn live_10_pauses_of_many_threads_leave_none_behind() {
    let bench = Bench::new();
    let guest = guest(&bench);
    let held = guest.pause_guard();
    thread::scope(|scope| {
        for _ in 0..3 {
            let guest = guest.clone();
            scope.spawn(move || {
                for _ in 0..2_000 {
                    let _pauses = [guest.pause_guard(), guest.pause_guard()];
                    guest.notify();
                    assert!(guest.is_paused());
                }
            });
        }
        bench.pass(ms(1_000));
    });
    assert!(guest.is_paused() && bench.log.count(Silent) == 0);
    drop(held);
    assert!(!guest.is_paused());
    bench.pass(ms(130));
    assert_eq!(bench.log.count(Silent), 1);
}

/// LIVE-7: a run ends with its last handle, on whichever thread, and guards are handles.
#[test]
fn live_7_a_run_ends_with_its_last_handle() {
    let bench = Bench::new();
    let first = guest(&bench);
    let (second, third) = (first.clone(), first.clone());
    drop(first);
    bench.pass(ms(60));
    second.notify();
    bench.pass(ms(60));
    assert_eq!(bench.log.count(Silent), 0, "a clone notifies for the run");
    let pause: PauseGuard = second.pause_guard();
    thread::scope(|scope| {
        scope.spawn(|| drop(second));
        scope.spawn(|| drop(third));
    });
    assert_eq!(bench.watcher.watched(), 1);
    drop(pause);
    assert_eq!(bench.watcher.watched(), 0);
    bench.pass(ms(300));
    assert_eq!(bench.log.take(), []);
}

/// Clones come and go while others notify; each run ends once.
#[test]
fn live_7_handles_of_many_threads() {
    let bench = Bench::with(|builder| builder.capacity(2));
    for _ in 0..200 {
        let guest = guest(&bench);
        thread::scope(|scope| {
            for _ in 0..3 {
                let guest = guest.clone();
                scope.spawn(move || (0..10).for_each(|_| guest.clone().notify()));
            }
            drop(guest);
        });
        assert_eq!(bench.watcher.watched(), 0);
    }
}

/// LIVE-12: what a handle tells, nobody having stepped.
#[test]
fn live_12_a_handle_tells_its_ids_window_and_age_without_a_driver() {
    let bench = Bench::new();
    bench.clock.advance(ms(50_000));
    let guest = guest(&bench);
    assert_eq!((guest.guest_id(), guest.run_id(), guest.window()), ("guest-7", "run-1", ms(100)));
    assert_eq!(guest.clone().guest_id(), "guest-7");
    for passed in [0, 3, 70, 5_000] {
        bench.clock.advance(ms(passed));
        let age = guest.age();
        bench.clock.advance(ms(1));
        assert_eq!(guest.age(), age + ms(1));
    }
    assert_eq!(guest.age(), ms(3 + 70 + 5_000 + 4));
    let other = bench.watcher.watch(Watch::new("other", "run")).unwrap();
    assert_eq!(other.age(), ms(0), "its time begins when it is watched");
}

/// LIVE-12: an age is never too short, and too long by a tick at most while the watch is driven.
#[test]
fn live_12_an_age_is_right_to_a_tick() {
    let bench = Bench::new();
    let guest = guest(&bench);
    for passed in [1, 4, 8, 15, 23, 42, 99, 250] {
        bench.pass(ms(passed));
        guest.notify();
        let notified = guest.age();
        assert!(notified <= ms(10), "{notified:?}");
        bench.pass(ms(passed));
        let age = guest.age();
        assert!(age >= ms(passed) && age <= ms(passed + 10), "{age:?} after {passed} ms");
    }
    bench.clock.advance(ms(7_000));
    assert!(guest.age() >= ms(7_250) && guest.age() <= ms(7_260), "a stall is in it");
    bench.pass(ms(20));
    assert!(guest.age() >= ms(7_270) && guest.age() <= ms(7_280), "{:?}", guest.age());
}

/// LIVE-12: of a run that is spent as well.
#[test]
fn live_12_the_age_of_a_one_shot_run_goes_on() {
    let bench = Bench::new();
    let guest = bench.watcher.watch(Watch::new("guest", "run").window(ms(100))).unwrap();
    bench.pass(ms(400));
    guest.notify();
    assert!(guest.is_silent() && guest.age() >= ms(400) && guest.age() <= ms(410));
}
