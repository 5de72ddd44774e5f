//! The rate at which raises of a limit become events.

use plimsoll_core::Level;

use crate::clock;
use crate::telemetry::EventRate;

/// Allows so many raises in an interval, and each raise above all that were allowed in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    events: u32,
    interval_ms: u64,
    /// When the interval began: with its first raise.
    since_ms: u64,
    allowed: u32,
    /// The highest level that was allowed in it.
    highest: Level,
}

impl Rate {
    pub(super) fn new(rate: EventRate) -> Self {
        Self {
            events: rate.events,
            interval_ms: clock::ceil_ms(rate.interval),
            since_ms: 0,
            allowed: 0,
            highest: Level::Normal,
        }
    }

    pub(super) fn allows(&self, now_ms: u64, level: Level) -> bool {
        self.allowed < self.events || level > self.highest || now_ms >= self.over_ms()
    }

    /// A raise to `level`, which was allowed, has become an event.
    pub(super) fn on_raise(&mut self, now_ms: u64, level: Level) {
        if self.allowed == 0 || now_ms >= self.over_ms() {
            (self.since_ms, self.allowed, self.highest) = (now_ms, 0, Level::Normal);
        }
        self.allowed = self.allowed.saturating_add(1);
        self.highest = self.highest.max(level);
    }

    /// When the interval is over.
    pub(super) fn over_ms(&self) -> u64 {
        self.since_ms.saturating_add(self.interval_ms)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use Level::{Critical, Elevated, Full};

    #[test]
    fn so_many_in_an_interval_and_each_step_up() {
        let mut rate = Rate::new(EventRate { events: 2, interval: Duration::from_millis(10) });
        for began_ms in [5, 15, 100] {
            for (level, allowed) in [
                (Elevated, true),
                (Elevated, true),
                (Elevated, false),
                (Full, true),
                (Critical, false),
            ] {
                assert_eq!(rate.allows(began_ms + 3, level), allowed, "{level} at {began_ms}");
                if allowed {
                    rate.on_raise(began_ms, level);
                }
            }
            assert!(!rate.allows(began_ms + 9, Full));
            assert_eq!(rate.over_ms(), began_ms + 10);
        }
    }
}
