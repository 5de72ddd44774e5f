//! The share of time for which a limit is under pressure.

use crate::clock;
use crate::telemetry::PressureShare;

/// How often a limit is read in each window if nothing happens. A blocked thread counts for one
/// such step at most.
const STEPS: u64 = 8;

/// How much of the last window a limit was under pressure, as Linux estimates it for its pressure
/// stall triggers (`kernel/sched/psi.c`, `window_update`): the time in this window, and of the
/// window before it the part that the last window still covers, as if it had been spread evenly.
///
/// A plain state machine for one thread. Time is an argument, in milliseconds; one before an
/// earlier one counts as no time.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    on_ms: u64,
    window_ms: u64,
    seen_ms: u64,
    condition: Condition,
    /// When this window began.
    since_ms: u64,
    /// The time under pressure in this window, and in the one before.
    pressed_ms: u64,
    pressed_before_ms: u64,
    is_on: bool,
}

/// The condition of a limit when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Quiet,
    /// A thread is blocked, with no level raised: this can end without an edge.
    Blocked,
    Raised,
}

impl Share {
    pub(crate) fn new(rule: PressureShare) -> Self {
        let window_ms = clock::ceil_ms(rule.window);
        let on_ms = u128::from(window_ms) * u128::from(rule.percent) / 100;
        Self {
            on_ms: (on_ms as u64).max(1),
            window_ms,
            seen_ms: 0,
            condition: Condition::Quiet,
            since_ms: 0,
            pressed_ms: 0,
            pressed_before_ms: 0,
            is_on: false,
        }
    }

    /// Takes a reading. The condition that was read before is taken to have lasted until now.
    pub(crate) fn on_look(&mut self, now_ms: u64, condition: Condition) {
        if self.is_idle() {
            // The window begins with the pressure.
            (self.since_ms, self.seen_ms) = (now_ms, now_ms);
        }
        let passed_ms = now_ms.saturating_sub(self.seen_ms);
        self.pressed_ms = self.pressed_ms.saturating_add(match self.condition {
            Condition::Quiet => 0,
            Condition::Blocked => passed_ms.min(self.step_ms()),
            Condition::Raised => passed_ms,
        });
        (self.seen_ms, self.condition) = (self.seen_ms.max(now_ms), condition);
        let elapsed_ms = self.elapsed_ms();
        if elapsed_ms >= self.window_ms {
            self.pressed_before_ms = scaled(self.pressed_ms, self.window_ms, elapsed_ms);
            (self.pressed_ms, self.since_ms) = (0, self.seen_ms);
        }
        let share_ms = self.share_ms();
        self.is_on = share_ms >= self.on_ms || (self.is_on && share_ms > self.on_ms / 2);
    }

    /// Forgets what was seen.
    pub(crate) fn reset(&mut self) {
        self.condition = Condition::Quiet;
        (self.pressed_ms, self.pressed_before_ms, self.is_on) = (0, 0, false);
    }

    /// Whether the share is reached: from the look that found it so, to the one that finds half of
    /// it at most.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// How much of the last window it was.
    pub(crate) fn share_ms(&self) -> u64 {
        let left_ms = self.window_ms.saturating_sub(self.elapsed_ms());
        self.pressed_ms.saturating_add(scaled(self.pressed_before_ms, left_ms, self.window_ms))
    }

    /// When the next look is due.
    pub(crate) fn due_ms(&self) -> Option<u64> {
        (!self.is_idle()).then(|| self.seen_ms.saturating_add(self.step_ms()))
    }

    fn is_idle(&self) -> bool {
        self.condition == Condition::Quiet && self.pressed_ms == 0 && self.pressed_before_ms == 0
    }

    fn elapsed_ms(&self) -> u64 {
        self.seen_ms - self.since_ms
    }

    fn step_ms(&self) -> u64 {
        (self.window_ms / STEPS).max(1)
    }
}

/// `ms * part / whole`; `whole` is above zero.
fn scaled(ms: u64, part: u64, whole: u64) -> u64 {
    (u128::from(ms) * u128::from(part) / u128::from(whole)) as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn share(percent: u32) -> Share {
        Share::new(PressureShare { percent, window: Duration::from_millis(800) })
    }

    /// Raised for `on_ms`, quiet for `off_ms`, over and over until `until_ms`; when it went on.
    fn swing(
        share: &mut Share,
        from_ms: u64,
        until_ms: u64,
        on_ms: u64,
        off_ms: u64,
    ) -> Option<u64> {
        let (mut now_ms, mut went_on) = (from_ms, None);
        while now_ms < until_ms {
            share.on_look(now_ms, Condition::Raised);
            share.on_look(now_ms + on_ms, Condition::Quiet);
            went_on = went_on.or(share.is_on().then_some(now_ms + on_ms));
            now_ms += on_ms + off_ms;
        }
        went_on
    }

    #[test]
    fn it_is_on_when_the_share_is_reached_and_off_at_half_of_it() {
        for on_ms in 1..20 {
            let mut share = share(80);
            let went_on = swing(&mut share, 5_000, 15_000, on_ms, 20 - on_ms);
            assert_eq!(went_on.is_some(), on_ms >= 16, "{on_ms} of 20");
            if let Some(at_ms) = went_on {
                assert!((5_640..=6_700).contains(&at_ms), "{at_ms}");
            }
        }
        let mut share = share(80);
        swing(&mut share, 0, 2_000, 19, 1);
        assert!(share.is_on());
        swing(&mut share, 2_000, 6_000, 9, 11);
        assert!(share.is_on(), "more than half of it");
        swing(&mut share, 6_000, 10_000, 7, 13);
        assert!(!share.is_on());
    }

    #[test]
    fn what_is_over_is_forgotten_after_two_windows() {
        let mut share = share(50);
        share.on_look(100, Condition::Raised);
        assert_eq!(share.due_ms(), Some(200));
        share.on_look(899, Condition::Quiet);
        assert!(share.is_on());
        let mut looks = 0;
        while let Some(due_ms) = share.due_ms() {
            share.on_look(due_ms, Condition::Quiet);
            looks += 1;
        }
        assert!(!share.is_on() && share.share_ms() == 0 && looks <= 2 * STEPS + 1, "{looks}");
    }

    #[test]
    fn a_blocked_party_counts_until_it_can_have_gone_unseen() {
        let mut share = share(80);
        share.on_look(0, Condition::Blocked);
        share.on_look(700, Condition::Quiet);
        assert_eq!(share.share_ms(), 100);
        let mut share = self::share(80);
        (0..8).for_each(|step| share.on_look(step * 100, Condition::Blocked));
        assert!(share.is_on());
    }

    #[test]
    fn extreme_times_do_no_harm() {
        let mut share = Share::new(PressureShare { percent: 100, window: Duration::MAX });
        share.on_look(u64::MAX, Condition::Raised);
        share.on_look(0, Condition::Raised);
        share.on_look(u64::MAX, Condition::Quiet);
        assert!(!share.is_on());
        let mut share = Share::new(PressureShare { percent: 1, window: Duration::from_nanos(1) });
        share.on_look(7, Condition::Raised);
        share.on_look(8, Condition::Raised);
        assert!(share.is_on());
    }
}
