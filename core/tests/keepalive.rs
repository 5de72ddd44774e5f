//! The tracker and the wheel by themselves: LIVE-1 to LIVE-5, LIVE-7, LIVE-10.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::keepalive::{
    Check, NextCheck, Pulse, Rule, RuleError, Signal, SignalKind, SlotKey, StaleKey, Tick, Tracker,
    TrackerClosed, Wheel, WheelFull, WheelSlot,
};

const WINDOW: u64 = 10;

fn rule() -> Rule {
    Rule::new(WINDOW).unwrap()
}

fn at(tick: u64) -> Tick {
    Tick::new(tick)
}

fn signal(look: Result<Check, TrackerClosed>) -> Option<Signal> {
    look.unwrap().signal
}

#[test]
fn live_1_a_beat_of_a_tick_that_is_noted_changes_nothing() {
    let guest = Tracker::new(at(5));
    assert_eq!(guest.notify(at(7)), None);
    for stale in [7, 6, 0] {
        assert_eq!(guest.notify(at(stale)), None);
        assert_eq!(guest.pulse(), Pulse::Alive { last: at(7) });
    }
}

#[test]
fn live_2_elapsed_is_never_below_the_window() {
    let guest = Tracker::new(at(100));
    for now in 0..=100 + WINDOW {
        let look = guest.judge(at(now), rule()).unwrap();
        assert_eq!(look.signal.is_some(), now == 100 + WINDOW, "at {now}");
        if let Some(signal) = look.signal {
            assert_eq!((signal.kind, signal.elapsed()), (SignalKind::Silent, WINDOW));
        } else {
            assert_eq!(look.due, Some(at((100 + WINDOW).min(now + WINDOW))));
        }
    }
}

/// Defect 11, first case: a frame between the check and the report.
#[test]
fn live_2_defect_11_a_beat_after_the_check_prevents_the_report() {
    let guest = Tracker::new(at(0));
    assert!(guest.is_due(at(WINDOW), rule()));
    guest.notify(at(WINDOW));
    assert_eq!(signal(guest.judge(at(WINDOW), rule())), None);
}

#[test]
fn live_3_each_silence_is_reported_once() {
    let guest = Tracker::new(at(0));
    let signals = (0..100).filter(|now| signal(guest.judge(at(*now), rule())).is_some());
    assert_eq!(signals.count(), 1);
    assert_eq!(guest.pulse(), Pulse::Spent);
}

#[test]
fn live_4_a_one_shot_run_has_no_recovery_and_no_second_silence() {
    let guest = Tracker::new(at(0));
    assert!(signal(guest.judge(at(10), rule())).is_some());
    assert_eq!(guest.notify(at(11)), None);
    assert_eq!(guest.judge(at(99), rule()), Ok(Check { signal: None, due: None }));
}

#[test]
fn live_4_a_rearming_run_recovers_once_and_is_silent_again() {
    let rule = rule().rearming();
    let guest = Tracker::new(at(0));
    for round in 0..5 {
        let beat = round * 100;
        assert!(signal(guest.judge(at(beat + 10), rule)).is_some());
        assert_eq!(guest.pulse(), Pulse::Silent { last: at(beat) });
        let recovery = guest.notify(at(beat + 100)).expect("the first beat recovers");
        assert_eq!((recovery.last, recovery.elapsed()), (at(beat), 100));
        assert_eq!(guest.notify(at(beat + 100)), None);
    }
}

#[test]
fn late_comes_before_silent_once_for_each_beat() {
    let rule = rule().late_after(4).unwrap();
    let guest = Tracker::new(at(0));
    assert!(!guest.is_due(at(4), rule), "it is not silent");
    let kinds = |guest: &Tracker, from: u64| {
        let signals = (from..from + 30).filter_map(|now| signal(guest.judge(at(now), rule)));
        signals.map(|signal| (signal.kind, signal.elapsed())).collect::<Vec<_>>()
    };
    assert_eq!(signal(guest.judge(at(4), rule)).unwrap().kind, SignalKind::Late);
    assert_eq!(guest.notify(at(6)), None, "lateness has no recovery");
    assert_eq!(kinds(&guest, 6), [(SignalKind::Late, 4), (SignalKind::Silent, WINDOW)]);
}

#[test]
fn a_pause_holds_against_beats_and_ends_with_a_new_window() {
    let guest = Tracker::new(at(0));
    guest.pause().unwrap();
    guest.notify(at(3));
    assert_eq!(guest.pulse(), Pulse::Paused { last: at(0) });
    assert_eq!(signal(guest.judge(at(500), rule())), None);
    assert_eq!(guest.resume(at(600)), None);
    assert_eq!(guest.resume(at(900)), None, "without a pause it has no effect");
    assert_eq!(signal(guest.judge(at(609), rule())), None);
    guest.pause().unwrap();
    assert_eq!((guest.resume(at(0)), guest.pulse()), (None, Pulse::Alive { last: at(600) }));
    assert!(signal(guest.judge(at(610), rule())).is_some());
    guest.pause().unwrap();
    assert_eq!((guest.resume(at(700)), guest.pulse()), (None, Pulse::Spent));
}

#[test]
fn live_10_a_run_is_watched_again_when_the_last_of_several_pauses_ends() {
    let guest = Tracker::new(at(0));
    (0..3).for_each(|_| guest.pause().unwrap());
    for now in [100, 200] {
        assert_eq!(guest.resume(at(now)), None);
        assert_eq!(guest.notify(at(now + 1)), None);
        assert_eq!(signal(guest.judge(at(now + 90), rule())), None);
        assert_eq!(guest.pulse(), Pulse::Paused { last: at(0) });
    }
    assert_eq!((guest.resume(at(300)), guest.pulse()), (None, Pulse::Alive { last: at(300) }));
    assert_eq!(guest.resume(at(305)), None, "there is none left");
    assert_eq!(signal(guest.judge(at(309), rule())), None);
    assert!(signal(guest.judge(at(310), rule())).is_some());
}

#[test]
fn live_10_a_silence_recovers_once_with_the_last_of_several_pauses() {
    let guest = Tracker::new(at(0));
    assert!(signal(guest.judge(at(10), rule().rearming())).is_some());
    (0..2).for_each(|_| guest.pause().unwrap());
    assert_eq!((guest.resume(at(40)), guest.notify(at(45))), (None, None));
    assert_eq!(guest.resume(at(50)).map(|recovery| recovery.elapsed()), Some(50));
}

/// More pauses than a tracker counts: it is watched no more, and never during one of them.
#[test]
fn live_10_a_count_of_pauses_at_its_end_stays_there() {
    let guest = Tracker::new(at(0));
    (0..70_000).for_each(|_| guest.pause().unwrap());
    (0..70_000).for_each(|_| assert_eq!(guest.resume(at(50)), None));
    assert_eq!(signal(guest.judge(at(500), rule())), None);
    assert_eq!(guest.pulse(), Pulse::Paused { last: at(0) });
    assert!(guest.close());
    assert_eq!(guest.pulse(), Pulse::Closed);
}

/// LIVE-2: a beat that came as late as its reading of the tick allows is not judged before.
#[test]
fn live_2_an_age_that_counts_from_later_is_due_later() {
    let guest = Tracker::new(at(3));
    let since = |last: Tick| if last == at(3) { at(8) } else { last };
    assert!(guest.is_due(at(13), rule()) && !guest.is_due_since(at(13), rule(), since));
    let look = guest.judge_since(at(13), rule(), since).unwrap();
    assert_eq!((look.signal, look.due), (None, Some(at(18))));
    let silence = guest.judge_since(at(18), rule(), since).unwrap().signal.unwrap();
    assert_eq!((silence.last, silence.since, silence.elapsed()), (at(3), at(8), WINDOW));
}

#[test]
fn a_silence_outlives_a_pause_and_recovers_with_it() {
    let guest = Tracker::new(at(0));
    assert!(signal(guest.judge(at(10), rule().rearming())).is_some());
    guest.pause().unwrap();
    assert_eq!(guest.resume(at(50)).map(|recovery| recovery.elapsed()), Some(50));
    assert_eq!(guest.pulse(), Pulse::Alive { last: at(50) });
}

/// Defect 11, second case: a run that was closed.
#[test]
fn live_7_defect_11_a_closed_run_is_not_reported_and_stays_closed() {
    let guest = Tracker::new(at(0));
    assert!(guest.close());
    assert!(!guest.close());
    assert_eq!(guest.notify(Tick::MAX), None);
    assert_eq!(guest.resume(Tick::MAX), None);
    assert_eq!(guest.pause(), Err(TrackerClosed));
    assert_eq!(guest.judge(at(99), rule()), Err(TrackerClosed));
    assert_eq!(guest.pulse(), Pulse::Closed);
    guest.renew(at(200));
    assert_eq!(guest.pulse(), Pulse::Alive { last: at(200) });
}

#[test]
fn bad_rules_are_refused_with_their_numbers() {
    assert_eq!(Rule::new(0), Err(RuleError::ZeroWindow));
    let window = Rule::WINDOW_MAX + 1;
    assert_eq!(Rule::new(window), Err(RuleError::WindowTooLong { window }));
    assert!(RuleError::WindowTooLong { window }.to_string().contains("2147483648"));
    for late in [0, WINDOW, u64::MAX] {
        let error = rule().late_after(late).unwrap_err();
        assert_eq!(error, RuleError::LateOutOfRange { late, window: WINDOW });
    }
    let longest = Rule::new(Rule::WINDOW_MAX).unwrap().late_after(Rule::WINDOW_MAX - 1).unwrap();
    assert_eq!(longest.rearming().window(), Rule::WINDOW_MAX);
}

#[test]
fn a_full_wheel_refuses_and_a_key_that_was_given_back_finds_nothing() {
    let mut wheel: Wheel<[WheelSlot; 2]> = Wheel::new();
    let first = wheel.insert(at(1)).unwrap();
    wheel.insert(at(2)).unwrap();
    assert_eq!(wheel.insert(at(3)), Err(WheelFull { capacity: 2 }));
    wheel.remove(first).unwrap();
    let again = wheel.insert(at(3)).unwrap();
    assert_eq!(again.index(), first.index());
    assert!(!wheel.holds(first) && wheel.holds(again));
    assert_eq!((wheel.remove(first), wheel.schedule(first, at(9))), (Err(StaleKey), Err(StaleKey)));
    assert_eq!(wheel.len(), 2);
    let none: Wheel<[WheelSlot; 0]> = Wheel::new();
    assert_eq!((none.len(), none.next_look()), (0, None));
}

/// LIVE-5: whatever moment an entry is given, also one gone by, and whether time goes back.
#[test]
fn live_5_an_entry_that_is_moved_is_looked_at_when_it_should_be() {
    let mut wheel: Wheel<[WheelSlot; 8]> = Wheel::new();
    let keys = [80; 5].map(|due| wheel.insert(at(due)).unwrap());
    let sweep = |wheel: &mut Wheel<_>, now| {
        let mut looked = Vec::new();
        let _ = wheel.sweep(at(now), usize::MAX, |key| {
            looked.push(key.index());
            if now < 80 { NextCheck::At(at(80)) } else { NextCheck::Leave }
        });
        looked.sort_unstable();
        looked
    };
    assert_eq!((sweep(&mut wheel, 70).len(), wheel.swept_until()), (5, at(70)), "once a level");
    wheel.schedule(keys[1], at(90)).unwrap();
    wheel.schedule(keys[3], at(90)).unwrap();
    wheel.schedule(keys[3], at(5)).unwrap();
    assert_eq!((sweep(&mut wheel, 20), wheel.swept_until()), (vec![], at(70)), "time goes back");
    assert_eq!(wheel.next_look(), Some(at(70)), "a moment gone by");
    assert_eq!(sweep(&mut wheel, 71), [3]);
    wheel.insert(at(1)).unwrap();
    assert_eq!(sweep(&mut wheel, 72), [5]);
    assert_eq!(sweep(&mut wheel, 80), [0, 2, 3, 4, 5]);
    assert_eq!((sweep(&mut wheel, 90), wheel.len()), (vec![1], 0));
}

#[test]
fn a_look_that_panics_leaves_its_entry_where_it_was() {
    let mut wheel: Wheel<[WheelSlot; 2]> = Wheel::new();
    let key = wheel.insert(at(1)).unwrap();
    let sweep = std::panic::AssertUnwindSafe(|| wheel.sweep(at(5), 9, |_| panic!("a bad look")));
    assert!(std::panic::catch_unwind(sweep).is_err());
    let mut looked = Vec::new();
    let swept = wheel.sweep(at(5), 9, |key| {
        looked.push(key);
        NextCheck::Leave
    });
    assert_eq!((swept.looks, looked, wheel.len()), (1, vec![key], 0));
}

/// LIVE-5: what is far away is looked at a few times, what is due at its tick and not before.
#[test]
fn live_5_every_entry_comes_due_at_its_tick_with_few_looks() {
    let dues = [0, 1, 5, 63, 64, 65, 700, 4_095, 4_096, 100_000, 1 << 20, (1 << 40) + 12_345];
    let mut wheel = Wheel::with_slots(vec![WheelSlot::new(); dues.len()]).unwrap();
    let keys: BTreeMap<usize, u64> =
        dues.map(|due| (wheel.insert(at(due)).unwrap().index(), due)).into();
    let mut done = BTreeSet::new();
    let mut looks = 0;
    while let Some(next) = wheel.next_look() {
        assert!(next >= wheel.swept_until());
        looks += wheel
            .sweep(next, 1, |key: SlotKey| {
                let due = keys[&key.index()];
                if due > next.get() {
                    return NextCheck::At(at(due));
                }
                assert_eq!(due, next.get());
                done.insert(due);
                NextCheck::Never
            })
            .looks;
    }
    assert_eq!(done, dues.into());
    assert!(looks < 4 * dues.len(), "{looks}");
}

#[test]
fn live_5_the_budget_bounds_the_looks_and_nothing_is_lost() {
    let mut wheel = Wheel::with_slots(vec![WheelSlot::new(); 1_000]).unwrap();
    for n in 0..1_000 {
        wheel.insert(at(n % 7)).unwrap();
    }
    let mut looks = 0;
    for round in 1.. {
        let swept = wheel.sweep(at(1 << 50), 30, |_| NextCheck::Leave);
        assert!(swept.looks <= 30);
        looks += swept.looks;
        if !swept.is_behind {
            assert_eq!((looks, round, wheel.len()), (1_000, 34, 0));
            break;
        }
    }
}

/// LIVE-3, LIVE-5: many guests, one in a thousand falls silent; each of these is reported once, and
/// the looks grow with the guests and the windows, not with the ticks. Debug builds take fewer
/// guests.
#[test]
fn live_5_one_in_a_thousand_of_many_falls_silent() {
    const GUESTS: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    const WINDOW: u64 = 1_000;
    const WINDOWS: u64 = 4;
    let rule = Rule::new(WINDOW).unwrap();
    let mut wheel = Wheel::with_slots(vec![WheelSlot::new(); GUESTS]).unwrap();
    let guests: Vec<_> = (0..GUESTS).map(|_| Tracker::new(at(0))).collect();
    for n in 0..GUESTS as u64 {
        wheel.insert(at(WINDOW - n % WINDOW)).unwrap();
    }
    let (mut silent, mut looks) = (BTreeSet::new(), 0);
    for tick in (0..=WINDOWS * WINDOW).step_by(100) {
        // Each guest beats once in 500 ticks, in turn.
        let turn = (tick / 100 % 5) as usize;
        for (n, guest) in guests.iter().enumerate().skip(turn).step_by(5) {
            if n % 1_000 != 7 {
                assert_eq!(guest.notify(at(tick)), None);
            }
        }
        for now in tick..tick + 100 {
            let swept = wheel.sweep(at(now), usize::MAX, |key| {
                let look = guests[key.index()].judge(at(now), rule).unwrap();
                if let Some(signal) = look.signal {
                    assert_eq!((signal.last, signal.elapsed()), (at(0), WINDOW));
                    assert!(silent.insert(key.index()), "reported twice");
                }
                look.due.into()
            });
            looks += swept.looks;
        }
    }
    let expected: BTreeSet<_> = (0..GUESTS).filter(|n| n % 1_000 == 7).collect();
    assert_eq!(silent, expected);
    let windows = WINDOWS as usize + 1;
    // A guest that beats twice per window has used up a quarter of it at a look, on average.
    assert!(looks <= GUESTS * windows * 2, "{looks} looks in {windows} windows");
}
