//! Attended time: the time during which the watcher was there to watch.

use std::collections::VecDeque;
use std::time::Duration;

/// Counts ticks of one length, at most one per step. Ticks are due at fixed distances, so that
/// small delays do not add up; a delay beyond one tick is a stall, and its time is not counted.
///
/// With `P(k)` the moment at which tick `k` is published and `D(k)` the moment at which it is due,
/// `D(k) <= P(k) <= D(k) + length`, and `D(k + 1) >= D(k) + length`. A beat that read tick `n` came
/// before `P(n + 1)`. So at a look at tick `m` its age is at least `P(m) - P(n + 1)`, which is
/// `(m - n - 2)` lengths or more: a window is [`MARGIN`] ticks longer than it would be otherwise,
/// and no signal is early (LIVE-2).
#[derive(Debug)]
pub(super) struct Attended {
    length: Duration,
    tick: u64,
    /// When the next tick is due; `None` while nobody is watched.
    due: Option<Duration>,
    /// The ticks that ended stalls, and how long these were in all up to there.
    stalls: VecDeque<(u64, Duration)>,
}

/// Ticks that a beat and a look may be apart without any time between them.
pub(super) const MARGIN: u64 = 2;

/// Stalls whose length is remembered.
const STALLS_MAX: usize = 64;

/// What a step finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// The next tick is due after this time.
    Early(Duration),
    /// One tick has passed.
    Tick,
}

impl Attended {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, tick: 0, due: None, stalls: VecDeque::new() }
    }

    pub(super) fn tick(&self) -> u64 {
        self.tick
    }

    /// Nobody is watched any more: time stands still until the next step.
    pub(super) fn park(&mut self) {
        self.due = None;
    }

    /// A step at this time of the clock. At the end of its range time stands still; after it has
    /// gone back, the next tick is due as after a pause.
    pub(super) fn advance(&mut self, now: Duration) -> Advance {
        let Some(next) = now.checked_add(self.length) else {
            self.due = None;
            return Advance::Early(self.length);
        };
        let due = self.due.map_or(next, |due| due.min(next));
        self.due = Some(due);
        if now < due {
            return Advance::Early(due - now);
        }
        self.tick += 1;
        let lag = now - due;
        let on_schedule = lag <= self.length;
        self.due = Some(if on_schedule { due + self.length } else { next });
        if !on_schedule {
            self.note_stall(lag);
        }
        Advance::Tick
    }

    /// How long it is until the next tick.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        self.due.map_or(self.length, |due| due.saturating_sub(now))
    }

    fn note_stall(&mut self, lag: Duration) {
        let total = self.stalls.back().map_or(Duration::ZERO, |(_, total)| *total);
        if self.stalls.len() == STALLS_MAX {
            self.stalls.pop_front();
        }
        self.stalls.push_back((self.tick, total.saturating_add(lag)));
    }

    /// The time of that many ticks for sure.
    pub(super) fn at_least(&self, ticks: u64) -> Duration {
        let ticks = u32::try_from(ticks.saturating_sub(MARGIN)).unwrap_or(u32::MAX);
        self.length.saturating_mul(ticks)
    }

    /// What stalls have taken since that tick, as far as they are remembered.
    pub(super) fn stalled_since(&self, tick: u64) -> Duration {
        let Some((_, total)) = self.stalls.back() else { return Duration::ZERO };
        let before = self.stalls.iter().take_while(|(end, _)| *end <= tick).last();
        total.saturating_sub(before.map_or(Duration::ZERO, |(_, total)| *total))
    }

    /// The ticks after which `duration` has passed for sure.
    pub(super) fn ticks(&self, duration: Duration) -> u64 {
        let ticks = duration.as_nanos().div_ceil(self.length.as_nanos());
        u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn at(now_ms: u64) -> Attended {
        let mut time = Attended::new(ms(10));
        assert_eq!(time.advance(ms(now_ms)), Advance::Early(ms(10)));
        time
    }

    #[test]
    fn small_delays_do_not_add_up() {
        let mut time = at(0);
        for tick in 1..1_000 {
            assert_eq!(time.advance(ms(10 * tick + tick % 10)), Advance::Tick);
            assert_eq!(time.wait(ms(10 * tick + tick % 10)), ms(10 - tick % 10));
        }
        assert_eq!((time.tick(), time.stalled_since(0)), (999, Duration::ZERO));
    }

    #[test]
    fn live_6_a_stall_is_one_tick() {
        let mut time = at(0);
        assert_eq!(time.advance(ms(10)), Advance::Tick);
        assert_eq!(time.advance(ms(60_000)), Advance::Tick);
        assert_eq!(time.advance(ms(60_000)), Advance::Early(ms(10)));
        assert_eq!(time.tick(), 2);
        assert_eq!(time.stalled_since(1), ms(60_000 - 20));
        assert_eq!(time.stalled_since(2), Duration::ZERO);
    }

    #[test]
    fn a_time_without_anybody_is_none() {
        let mut time = at(0);
        time.park();
        assert_eq!(time.advance(ms(99_000)), Advance::Early(ms(10)));
        assert_eq!((time.tick(), time.stalled_since(0)), (0, Duration::ZERO));
    }

    #[test]
    fn stalls_are_summed_and_the_oldest_forgotten() {
        let mut time = at(0);
        for stall in 1..=200 {
            assert_eq!(time.advance(ms(1_000 * stall)), Advance::Tick);
        }
        assert_eq!(time.stalled_since(199), ms(990));
        assert_eq!(time.stalled_since(195), ms(5 * 990));
        assert!(time.stalls.len() <= STALLS_MAX);
    }

    /// LIVE-2: no schedule of steps makes an age that is overstated.
    #[test]
    fn live_2_ages_are_never_overstated() {
        let mut state = 7_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..30 {
            let (mut time, mut now) = (at(0), 0);
            let mut beats = Vec::new();
            for _ in 0..300 {
                now += [random(3), random(12), random(25), random(400)][random(4) as usize];
                let _ = time.advance(ms(now));
                for (beat, tick) in &beats {
                    let age = time.at_least(time.tick() - tick) + time.stalled_since(*tick);
                    assert!(age <= ms(now - beat) + time.stalled_since(*tick), "{now} {beat}");
                    assert!(time.at_least(time.tick() - tick) <= ms(now - beat));
                }
                now += random(4);
                beats.push((now, time.tick()));
            }
        }
    }
}
