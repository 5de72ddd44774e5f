//! Trackers, and the wheel they are found by when they are due.

use std::fmt::Write;
use std::hint::black_box;

use plimsoll_core::keepalive::{
    NextCheck, Rule, SignalKind, Tick, Tracker, TrackerClosed, Wheel, WheelSlot,
};

use super::{Discard, allocator_calls};

#[test]
fn a_tracker_does_not_allocate() {
    let calls = allocator_calls(|| {
        let rule = Rule::new(10).unwrap().late_after(5).unwrap().rearming();
        let guest = Tracker::new(Tick::new(0));
        let (mut silences, mut recoveries) = (0, 0);
        for beat in (0..1_000).step_by(50) {
            recoveries += u64::from(guest.notify(black_box(Tick::new(beat))).is_some());
            for now in beat..beat + 20 {
                let look = guest.judge(black_box(Tick::new(now)), rule).unwrap();
                silences += u64::from(look.signal.is_some_and(|s| s.kind == SignalKind::Silent));
            }
            black_box((guest.is_due(Tick::new(beat), rule), guest.pulse()));
        }
        assert_eq!((silences, recoveries), (20, 19));
        guest.pause().unwrap();
        assert!(guest.resume(Tick::new(2_000)).is_some() && guest.close());
        assert_eq!(guest.judge(Tick::new(3_000), rule), Err(TrackerClosed));
        guest.renew(Tick::new(3_000));
        write!(Discard, "{guest:?} {TrackerClosed} {}", Rule::new(0).unwrap_err()).unwrap();
    });
    assert_eq!(calls, 0);
}

#[test]
fn a_wheel_does_not_allocate() {
    let calls = allocator_calls(|| {
        let mut wheel: Wheel<[WheelSlot; 8]> = Wheel::new();
        let keys: [_; 8] = std::array::from_fn(|n| wheel.insert(Tick::new(1 << (4 * n))).unwrap());
        write!(Discard, "{}", wheel.insert(Tick::new(1)).unwrap_err()).unwrap();
        let mut looks = 0;
        for now in (0..100_000).step_by(100) {
            let swept = wheel.sweep(Tick::new(now), 3, |key| match key.index() {
                0 => NextCheck::Never,
                1 => NextCheck::Leave,
                _ => NextCheck::At(Tick::new(now + 1_000)),
            });
            looks += swept.looks;
        }
        assert!(looks > 100, "{looks}");
        assert!(wheel.holds(keys[0]) && !wheel.holds(keys[1]));
        wheel.schedule(keys[0], Tick::new(7)).unwrap();
        black_box((wheel.next_look(), wheel.keys().count(), wheel.swept_until()));
        wheel.remove(keys[0]).unwrap();
        write!(Discard, "{}", wheel.remove(keys[1]).unwrap_err()).unwrap();
    });
    assert_eq!(calls, 0);
}
