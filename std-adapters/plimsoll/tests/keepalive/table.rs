//! One guest or a few, with a clock turned by hand.

use plimsoll::EventKind::{Cleared, Late, Recovered, Silent, Suspect};
use plimsoll::keepalive::{Clock, Watch};
use plimsoll::{EventKind, Level, Limit};

use crate::{Bench, ms};

fn guest() -> Watch {
    Watch::new("guest-7", "run-1").window(ms(100))
}

fn heard(kinds: &[EventKind]) -> Vec<(EventKind, String)> {
    kinds.iter().map(|kind| (*kind, "guest-7".to_owned())).collect()
}

/// LIVE-2: never early, and at most two ticks late, whenever the last notification comes.
#[test]
fn live_2_silence_is_told_after_the_window_and_soon() {
    for offset_us in (0..20_000).step_by(370) {
        let bench = Bench::new();
        let guest = bench.watcher.watch(guest()).unwrap();
        bench.pass(ms(50));
        bench.pass(std::time::Duration::from_micros(offset_us));
        guest.notify();
        let notified = bench.clock.now();
        bench.pass(ms(100));
        assert_eq!(bench.log.take(), [], "early, {offset_us} us");
        while bench.log.0.lock().is_empty() {
            bench.pass(std::time::Duration::from_micros(100));
        }
        let silent_for = bench.clock.now() - notified;
        assert!(silent_for <= ms(120), "{silent_for:?}, {offset_us} us");
        let event = bench.log.0.lock()[0].clone();
        let silence = event.as_silence().unwrap();
        assert!(silence.elapsed >= silence.window && silence.elapsed <= silent_for, "{silence}");
        assert_eq!(silence.elapsed_raw, silence.elapsed);
        assert_eq!((event.kind(), event.level(), silence.window), (Silent, Level::Full, ms(100)));
        assert_eq!((&*silence.guest, &*silence.run), (event.scope().unwrap(), "run-1"));
    }
}

/// Defect 11, first case: a frame before the report, however late, prevents it.
#[test]
fn live_2_defect_11_a_beat_inside_the_window_is_enough() {
    let bench = Bench::new();
    let guest = bench.watcher.watch(guest()).unwrap();
    for _ in 0..50 {
        bench.pass(ms(99));
        guest.notify();
    }
    assert_eq!(bench.log.take(), []);
}

/// Defect 11, second case: a run that was closed.
#[test]
fn live_7_defect_11_a_dropped_run_is_not_told_of() {
    let bench = Bench::new();
    let guest = bench.watcher.watch(guest()).unwrap();
    bench.pass(ms(105));
    drop(guest);
    bench.pass(ms(1_000));
    assert_eq!((bench.log.take(), bench.watcher.watched()), (vec![], 0));
}

/// Defect 11, third case: the host stood still.
#[test]
fn live_6_defect_11_a_stall_kills_nobody() {
    let bench = Bench::new();
    let guests = ["a", "b", "c"].map(|id| {
        bench.watcher.watch(Watch::new(id, "run").window(ms(100)).late_after(ms(50))).unwrap()
    });
    for _ in 0..5 {
        bench.pass(ms(30));
        bench.clock.advance(ms(5_000));
        bench.pass(ms(5));
        guests.iter().for_each(|guest| guest.notify());
    }
    assert_eq!(bench.log.take_of_guests(), []);
    bench.pass(ms(70));
    bench.clock.advance(ms(9_000));
    bench.pass(ms(80));
    let events = std::mem::take(&mut *bench.log.0.lock());
    let silences: Vec<_> = events.iter().filter_map(|event| event.as_silence()).collect();
    assert_eq!(silences.len(), 3);
    for silence in silences {
        assert!(silence.elapsed < ms(200) && silence.elapsed_raw > ms(9_000), "{silence:?}");
    }
}

#[test]
fn live_3_live_4_a_one_shot_run_is_told_of_once() {
    let bench = Bench::new();
    let guest = bench.watcher.watch(guest()).unwrap();
    bench.pass(ms(1_000));
    assert_eq!(bench.log.take(), heard(&[Silent]));
    assert!(guest.is_silent());
    guest.notify();
    bench.pass(ms(1_000));
    assert_eq!(bench.log.take(), []);
}

#[test]
fn live_4_a_rearming_run_has_one_recovery_for_each_silence() {
    let bench = Bench::new();
    let guest = bench.watcher.watch(guest().rearming().late_after(ms(40))).unwrap();
    for _ in 0..3 {
        bench.pass(ms(500));
        assert_eq!(bench.log.take(), heard(&[Late, Silent]));
        guest.notify();
        guest.notify();
        bench.pass(ms(20));
        let gap = bench.log.0.lock()[0].as_guest().unwrap().silence.elapsed;
        assert!((ms(480)..=ms(520)).contains(&gap), "from notification to notification: {gap:?}");
        assert_eq!(bench.log.take(), heard(&[Recovered]));
        assert!(!guest.is_silent());
    }
    bench.pass(ms(60));
    guest.notify();
    bench.pass(ms(30));
    assert_eq!(bench.log.take(), heard(&[Late]), "lateness has no recovery");
}

/// LIVE-4: with more recoveries than there is room for notices, none is lost.
#[test]
fn live_4_recoveries_without_a_notice_are_found() {
    let bench = Bench::with(|builder| builder.capacity(3_000));
    let guests: Vec<_> = (0..3_000)
        .map(|n| Watch::new(format!("guest-{n}"), "run").window(ms(100)).rearming())
        .map(|watch| bench.watcher.watch(watch).unwrap())
        .collect();
    for round in 1..=3 {
        bench.pass(ms(250));
        for _ in 0..3 {
            guests.iter().for_each(|guest| guest.notify());
            bench.pass(ms(50));
        }
        assert_eq!(bench.log.count(Silent), round * guests.len());
        assert_eq!(bench.log.count(Recovered), round * guests.len());
    }
}

#[test]
fn a_paused_run_is_not_told_of_until_it_is_resumed() {
    let bench = Bench::new();
    let guest = bench.watcher.watch(guest()).unwrap();
    guest.pause();
    bench.pass(ms(1_000));
    guest.notify();
    assert_eq!(bench.log.take(), []);
    guest.resume();
    bench.pass(ms(95));
    assert_eq!(bench.log.take(), []);
    bench.pass(ms(30));
    assert_eq!(bench.log.take(), heard(&[Silent]));
}

/// LIVE-4: a run that is paused while it is silent recovers when it is resumed.
#[test]
fn live_4_a_resumed_run_is_back() {
    let bench = Bench::new();
    let guest = bench.watcher.watch(guest().rearming()).unwrap();
    bench.pass(ms(150));
    assert_eq!(bench.log.take(), heard(&[Silent]));
    guest.pause();
    bench.pass(ms(500));
    assert_eq!(bench.log.take(), []);
    guest.resume();
    bench.pass(ms(20));
    assert_eq!(bench.log.take(), heard(&[Recovered]));
}

/// LIVE-6: a crowd is one suspicion; who is silent for another window is reported all the same.
#[test]
fn live_6_too_many_at_once_are_one_suspicion() {
    let bench = Bench::with(|builder| builder.suspect_above(10));
    let watch = |n: u32| Watch::new(format!("guest-{n}"), "run").window(ms(100));
    let guests: Vec<_> = (0..50).map(|n| bench.watcher.watch(watch(n)).unwrap()).collect();
    bench.pass(ms(150));
    {
        let events = bench.log.0.lock();
        assert_eq!(events.len(), 1, "{events:?}");
        let plimsoll::Event::Suspect(suspect) = &events[0] else { panic!("{}", events[0]) };
        assert_eq!((events[0].kind(), suspect.expired, suspect.watched), (Suspect, 50, 50));
    }
    guests.iter().take(48).for_each(|guest| guest.notify());
    bench.log.take();
    bench.pass(ms(60));
    guests.iter().take(48).for_each(|guest| guest.notify());
    bench.pass(ms(60));
    let mut heard = bench.log.take();
    heard.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(heard, [(Silent, "guest-48".to_owned()), (Silent, "guest-49".to_owned())]);
    drop(guests);
    let few: Vec<_> = (0..10).map(|n| bench.watcher.watch(watch(n)).unwrap()).collect();
    bench.pass(ms(150));
    assert_eq!(bench.log.count(Silent), 10, "so many are no crowd");
    drop(few);
}

/// LIVE-5: a step does no more than it may, and the rest soon after.
#[test]
fn live_5_a_step_is_bounded() {
    let bench = Bench::with(|builder| builder.checks_per_step(7));
    let watch = |n: u32| Watch::new(format!("guest-{n}"), "run").window(ms(100));
    let guests: Vec<_> = (0..100).map(|n| bench.watcher.watch(watch(n)).unwrap()).collect();
    bench.pass(ms(95));
    bench.clock.advance(ms(5));
    let mut most = 0;
    for _ in 0..100 {
        let before = bench.log.count(Silent);
        let _ = bench.watcher.step();
        most = most.max(bench.log.count(Silent) - before);
        bench.clock.advance(ms(1));
    }
    assert_eq!((bench.log.count(Silent), most), (100, 7));
    drop(guests);
}

#[test]
fn the_registry_lists_how_many_are_watched() {
    let bench = Bench::new();
    let guests = [1, 2, 3].map(|_| bench.watcher.watch(guest()).unwrap());
    let snapshot = bench.registry.snapshot();
    let entry = snapshot.find("guest_keepalive", None).unwrap();
    assert_eq!((entry.depth, entry.capacity()), (3, Some(1_000)));
    drop(guests);
    assert_eq!(bench.registry.snapshot().entries()[0].depth, 0);
}

#[test]
fn the_registry_lists_how_many_are_silent() {
    let bench = Bench::with(|builder| builder.limit(Limit::resource("agents").scope("eu")));
    let silent = || {
        let snapshot = bench.registry.snapshot();
        let entry = snapshot.find("agents_silent", Some("eu")).unwrap();
        assert_eq!((entry.capacity(), entry.level), (None, Level::Normal));
        (entry.depth, entry.high_water)
    };
    let [rearming, one_shot, notifying] =
        [guest().rearming(), guest(), guest()].map(|watch| bench.watcher.watch(watch).unwrap());
    assert_eq!(silent(), (0, 0));
    for _ in 0..4 {
        bench.pass(ms(40));
        notifying.notify();
    }
    assert_eq!(silent(), (2, 2));
    rearming.notify();
    one_shot.notify();
    bench.pass(ms(20));
    assert_eq!(silent(), (1, 2), "a one-shot run does not recover");
    drop(one_shot);
    assert_eq!(silent(), (0, 2));
    bench.pass(ms(300));
    assert_eq!(silent(), (2, 2));
    drop((rearming, notifying));
    assert_eq!(silent(), (0, 2));
}

#[test]
fn a_slot_is_watched_anew_by_its_next_run() {
    let bench = Bench::with(|builder| builder.capacity(1));
    for round in 0..20 {
        let guest = bench.watcher.watch(guest().rearming()).unwrap();
        bench.pass(ms(90 + round * 2));
        drop(guest);
    }
    let silences = bench.log.count(Silent);
    assert!(silences < 12, "{silences}");
    bench.pass(ms(500));
    assert_eq!(bench.log.count(Silent), silences);
    assert_eq!(bench.log.count(Cleared), silences, "REG-8");
}

#[cfg(feature = "serde")]
#[test]
fn an_event_says_all_there_is() {
    let bench = Bench::new();
    let guest = bench.watcher.watch(guest()).unwrap();
    bench.pass(ms(200));
    let event = bench.log.0.lock()[0].clone();
    let text = event.to_string();
    assert!(text.starts_with("resource guest_keepalive[guest-7] silent after 10"), "{text}");
    assert!(text.ends_with(", window 100ms, run run-1"), "{text}");
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!((&json["kind"], &json["run"]), (&"silent".into(), &"run-1".into()));
    assert_eq!((&json["scope"], &json["window_ms"]), (&"guest-7".into(), &100.into()));
    drop(guest);
}
