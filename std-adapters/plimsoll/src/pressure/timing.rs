//! The time that a condition has to hold before it counts.

use crate::registry::{Condition, Share};
use crate::telemetry::PressureShare;

/// How the state of a pressure follows its condition: at once, when the condition has held for a
/// time, or by the share of the time for which it held.
///
/// A plain state machine for one thread. Time is an argument, in milliseconds; one before an earlier
/// one counts as no time.
#[derive(Debug)]
pub(super) struct Timing {
    /// How long the condition has to hold; `None` if the share alone decides.
    hold_ms: Option<u64>,
    share: Option<Share>,
    /// Whether the condition holds, and since when.
    holds: bool,
    since_ms: u64,
    /// The latest condition that has held for long enough.
    has_held: bool,
    now_ms: u64,
}

impl Timing {
    pub(super) fn new(hold_ms: Option<u64>, share: Option<PressureShare>) -> Self {
        // Without either it goes at once.
        let hold_ms = if share.is_none() { hold_ms.or(Some(0)) } else { hold_ms };
        let share = share.map(Share::new);
        Self { hold_ms, share, holds: false, since_ms: 0, has_held: false, now_ms: 0 }
    }

    /// Whether time alone can change the state.
    pub(super) fn goes_by_time(&self) -> bool {
        self.share.is_some() || self.hold_ms.is_some_and(|hold_ms| hold_ms > 0)
    }

    /// Takes a look at the condition. The one that was found before is taken to have lasted until
    /// now.
    ///
    /// # Returns
    /// The state.
    pub(super) fn on_look(&mut self, now_ms: u64, holds: bool) -> bool {
        self.now_ms = self.now_ms.max(now_ms);
        // What has held for long enough counts, also if nobody looked when it had.
        self.settle();
        if holds != self.holds {
            (self.holds, self.since_ms) = (holds, self.now_ms);
            self.settle();
        }
        if let Some(share) = &mut self.share {
            share.on_look(self.now_ms, if holds { Condition::Raised } else { Condition::Quiet });
        }
        self.has_held || self.share.as_ref().is_some_and(Share::is_on)
    }

    fn settle(&mut self) {
        if self.held_ms().is_some_and(|held_ms| held_ms <= self.now_ms) {
            self.has_held = self.holds;
        }
    }

    /// When the condition will have held, if it has not yet.
    fn held_ms(&self) -> Option<u64> {
        let hold_ms = self.hold_ms.filter(|_| self.holds != self.has_held)?;
        Some(self.since_ms.saturating_add(hold_ms))
    }

    /// When the next look is due, if nothing happens before.
    pub(super) fn due_ms(&self) -> Option<u64> {
        [self.held_ms(), self.share.as_ref().and_then(Share::due_ms)].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn share(percent: u32, window_ms: u64) -> Option<PressureShare> {
        Some(PressureShare { percent, window: Duration::from_millis(window_ms) })
    }

    #[test]
    fn without_a_time_it_goes_at_once() {
        let mut timing = Timing::new(None, None);
        assert!(!timing.goes_by_time());
        let looks = [(5, true), (5, false), (6, true), (9, false)];
        for (now_ms, holds) in looks {
            assert_eq!((timing.on_look(now_ms, holds), timing.due_ms()), (holds, None));
        }
    }

    #[test]
    fn held_for_turns_on_and_off_to_the_millisecond() {
        let mut timing = Timing::new(Some(100), None);
        assert!(!timing.on_look(1_000, true));
        assert_eq!(timing.due_ms(), Some(1_100));
        assert!(!timing.on_look(1_099, true));
        assert!(timing.on_look(1_100, true));
        assert_eq!(timing.due_ms(), None);
        assert!(timing.on_look(1_500, false));
        assert_eq!(timing.due_ms(), Some(1_600));
        assert!(timing.on_look(1_599, false));
        assert!(!timing.on_look(1_600, false));
        assert_eq!(timing.due_ms(), None);
    }

    #[test]
    fn held_for_begins_again_with_each_change() {
        let mut timing = Timing::new(Some(100), None);
        for began_ms in (0..2_000).step_by(100) {
            assert!(!timing.on_look(began_ms, true));
            assert!(!timing.on_look(began_ms + 99, false), "99 ms are not 100");
        }
        assert!(!timing.on_look(5_000, false));
    }

    /// Random conditions, looked at when they change and when it is due, against what each millisecond
    /// says by itself.
    #[test]
    fn random_histories_agree_with_the_definition() {
        let mut state = 11u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for round in 0..300 {
            let hold_ms = [0, 1, 5, 40][round % 4];
            let mut timing = Timing::new(Some(hold_ms), None);
            let (mut holds, mut since_ms, mut is_on) = (false, 0, false);
            let mut told = timing.on_look(0, false);
            for now_ms in 1..600 {
                let is_change = random(hold_ms + 2) == 0;
                // What ends now has lasted until now.
                for ends in [false, is_change] {
                    if ends {
                        (holds, since_ms) = (!holds, now_ms);
                    }
                    if now_ms - since_ms >= hold_ms {
                        is_on = holds;
                    }
                }
                if is_change || timing.due_ms() == Some(now_ms) || random(9) == 0 {
                    told = timing.on_look(now_ms, holds);
                }
                assert_eq!(told, is_on, "round {round} at {now_ms} ms, hold {hold_ms} ms");
            }
        }
    }

    #[test]
    fn a_hold_that_nobody_saw_end_counts_all_the_same() {
        let mut timing = Timing::new(Some(100), None);
        assert!(!timing.on_look(0, true));
        assert!(timing.on_look(300, false), "it has held for 300 ms");
        assert!(!timing.on_look(400, false));
    }

    #[test]
    fn a_share_turns_it_on_though_it_never_holds() {
        let mut timing = Timing::new(Some(100), share(50, 400));
        let mut is_on = false;
        for began_ms in (0..2_000).step_by(50) {
            is_on |= timing.on_look(began_ms, true);
            is_on |= timing.on_look(began_ms + 35, false);
        }
        assert!(is_on, "70 % of the time, 35 ms at a time");
        let mut now_ms = 2_000;
        while let Some(due_ms) = timing.due_ms() {
            assert!(due_ms > now_ms, "time goes on");
            now_ms = due_ms;
            is_on = timing.on_look(now_ms, false);
        }
        assert!(!is_on && now_ms < 3_000, "over {now_ms}");
    }

    #[test]
    fn a_share_without_a_hold_decides_alone() {
        let mut timing = Timing::new(None, share(50, 400));
        assert!(timing.goes_by_time());
        assert!(!timing.on_look(0, true), "at once is not half of the window");
        assert!(timing.on_look(300, true));
    }

    #[test]
    fn a_time_before_an_earlier_one_is_no_time() {
        let mut timing = Timing::new(Some(100), None);
        assert!(!timing.on_look(1_000, true));
        assert!(!timing.on_look(5, true));
        assert!(timing.on_look(1_100, true));
        let mut never = Timing::new(Some(u64::MAX), None);
        assert!(!never.on_look(1, true));
        assert_eq!(never.due_ms(), Some(u64::MAX));
    }
}
