//! How fast leases follow each other.

use std::time::Duration;

/// After that time without the end of a lease there is a pause.
const PAUSE: Duration = Duration::from_millis(4);

/// The mean interval between the ends of leases, not all of which are timed.
#[derive(Default)]
pub(super) struct Pace {
    /// When the last one ended that was timed.
    last: Duration,
    /// How many have ended since.
    ends: u32,
    interval: Duration,
}

impl Pace {
    /// A lease has ended; at `now`, if it was timed.
    ///
    /// The mean is a moving one, over the last eight times or so. A pause weighs as much as an interval
    /// of `longest`.
    pub(super) fn on_end(&mut self, now: Option<Duration>, longest: Duration) {
        self.ends = self.ends.saturating_add(1);
        let Some(now) = now else { return };
        let interval = now.saturating_sub(self.last) / self.ends;
        self.interval = (self.interval * 7 + interval.min(longest)) / 8;
        (self.last, self.ends) = (now, 0);
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// A clock that has gone back tells as little of what is going on.
    pub(super) fn is_pause(&self, now: Duration) -> bool {
        now.abs_diff(self.last) >= PAUSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);

    #[test]
    fn the_mean_follows_the_leases_and_a_pause_weighs_little() {
        let mut pace = Pace::default();
        let mut now = Duration::ZERO;
        let mut end = |pace: &mut Pace, us: u32, is_timed| {
            now += us * US;
            pace.on_end(Some(now).filter(|_| is_timed), 80 * US);
            pace.interval()
        };
        for lease in 0..400 {
            end(&mut pace, 10, lease % 4 == 3);
        }
        let settled = pace.interval();
        assert!(settled > 9 * US && settled <= 10 * US, "{settled:?}");
        let after_pause = end(&mut pace, 1_000_000, true);
        assert_eq!(after_pause, (settled * 7 + 80 * US) / 8);
        for _ in 0..40 {
            end(&mut pace, 2, true);
        }
        assert!(pace.interval() < 3 * US, "{:?}", pace.interval());
    }

    #[test]
    fn a_pause_is_told_by_the_last_end() {
        let mut pace = Pace::default();
        pace.on_end(Some(7 * PAUSE), PAUSE);
        assert!(!pace.is_pause(8 * PAUSE - US) && pace.is_pause(8 * PAUSE));
        assert!(pace.is_pause(Duration::ZERO), "a clock that has gone back");
    }
}
