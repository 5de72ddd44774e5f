//! Attended time: the time during which the watcher was there to watch.

use std::collections::VecDeque;
use std::time::Duration;

/// Counts ticks of one length. Ticks are due at fixed distances, so that small delays do not add
/// up. A watcher that comes late counts all ticks that have become due, so that a run that is dead
/// is found in time on a busy host too (LIVE-8); of a stall, it counts one (LIVE-6).
///
/// With `P(k)` the moment at which tick `k` is published and `D(k)` the moment at which it is due,
/// `D(k) <= P(k) <= D(k) + length`, and `D(k + 1) >= D(k) + length`. A notification that read tick
/// `n` came before the next tick `s` was published. Without a delay, `s` is `n + 1`; after one it
/// is later, and the notification counts as one of tick `s - 1`: that is
/// [`notified`](Self::notified). At tick `m` its age is at least `P(m) - P(s)`, which is
/// `(m - (s - 1) - 2)` lengths or more: a window is [`MARGIN`] ticks longer than it would be
/// otherwise, and no signal is early (LIVE-2).
#[derive(Debug)]
pub(super) struct Attended {
    length: Duration,
    tick: u64,
    /// When the next tick is due; `None` while nobody is watched.
    due: Option<Duration>,
    /// How late the last tick was published.
    lag: Duration,
    was_stall: bool,
    delays: Delays,
    /// The ticks that ended stalls, and how long these were in all up to there.
    stalls: VecDeque<(u64, Duration)>,
    /// How many stalls there were in all.
    stall_count: u64,
    /// When everybody was spared, oldest first.
    spared: VecDeque<u64>,
}

/// Ticks that a notification and a look may be apart without any time between them.
pub(super) const MARGIN: u64 = 2;

/// Stalls whose length is remembered, and sparings.
const REMEMBERED: usize = 64;

/// Delays that are remembered one by one.
const DELAYS_MAX: usize = 1_024;

/// More ticks than the longest window has.
const TICKS_MAX: u64 = 1 << 32;

/// A reading of the watcher's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Now {
    pub(super) clock: Duration,
    /// A test has paused the clock. What time has passed on it, the test has put it forward by, and
    /// nothing has happened meanwhile: that is neither a stall nor a delay.
    pub(super) is_paused: bool,
}

/// What a step finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// The next tick is due after this time.
    Early(Duration),
    /// A tick is published, so much later than it was due.
    Tick { lag: Duration },
}

impl Attended {
    pub(super) fn new(length: Duration) -> Self {
        Self {
            length,
            tick: 0,
            due: None,
            lag: Duration::ZERO,
            was_stall: false,
            delays: Delays::default(),
            stalls: VecDeque::new(),
            stall_count: 0,
            spared: VecDeque::new(),
        }
    }

    pub(super) fn tick(&self) -> u64 {
        self.tick
    }

    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// Nobody is watched any more: time stands still until the next step.
    pub(super) fn park(&mut self) {
        (self.due, self.was_stall, self.lag) = (None, false, Duration::ZERO);
    }

    /// When the next tick is due; `None` while nobody is watched.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// How late the last tick was published.
    pub(super) fn lag(&self) -> Duration {
        self.lag
    }

    /// A step. A lag of more than `stall_above` is a stall, if it does not follow another: a
    /// watcher that always comes that late is slow, and its host does not stand still.
    ///
    /// At the end of the clock's range time stands still; after it has gone back, the next tick is
    /// due as after a pause.
    pub(super) fn advance(&mut self, now: Now, stall_above: Duration) -> Advance {
        let Some(next) = now.clock.checked_add(self.length) else {
            self.due = None;
            return Advance::Early(self.length);
        };
        let due = self.due.map_or(next, |due| due.min(next));
        self.due = Some(due);
        if now.clock < due {
            return Advance::Early(due - now.clock);
        }
        let lag = now.clock - due;
        self.lag = if now.is_paused { Duration::ZERO } else { lag };
        let was_stall = std::mem::replace(&mut self.was_stall, self.lag > stall_above);
        if self.was_stall && !was_stall {
            self.tick += 1;
            self.due = Some(next);
            self.note_stall(lag);
        } else {
            let (beyond, rest) = div_rem(lag, self.length);
            let ticks = 1 + beyond.min(TICKS_MAX);
            if ticks > 1 && !now.is_paused {
                self.delays.push(self.tick, ticks);
            }
            self.tick += ticks;
            self.due = Some(next.saturating_sub(rest));
        }
        Advance::Tick { lag: self.lag }
    }

    /// How many stalls of the host there were.
    pub(super) fn stall_count(&self) -> u64 {
        self.stall_count
    }

    /// How long it is until the next tick.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        self.due.map_or(self.length, |due| due.saturating_sub(now))
    }

    fn note_stall(&mut self, lag: Duration) {
        self.stall_count += 1;
        let total = self.stalls.back().map_or(Duration::ZERO, |(_, total)| *total);
        push(&mut self.stalls, (self.tick, total.saturating_add(lag)), REMEMBERED);
    }

    /// Every run gets another window (LIVE-9), once between two notifications.
    pub(super) fn spare_all(&mut self) {
        push(&mut self.spared, self.tick, REMEMBERED);
    }

    /// When a run whose last notification was at that tick was spared.
    pub(super) fn spared_after(&self, tick: u64) -> Option<u64> {
        self.spared.get(self.spared.partition_point(|spared| *spared <= tick)).copied()
    }

    /// The tick of a notification that read `tick`, or a later one if it may have come later.
    pub(super) fn notified(&self, tick: u64) -> u64 {
        self.delays.notified(tick)
    }

    /// From when the age of such a notification counts: from the notification, or, if its run was
    /// spared, from when that was or when its window had passed, whichever came later.
    pub(super) fn since(&self, tick: u64, window: u64) -> u64 {
        let notified = self.notified(tick);
        self.spared_after(tick)
            .map_or(notified, |spared| spared.max(notified.saturating_add(window)))
    }

    /// The time of that many ticks for sure.
    pub(super) fn at_least(&self, ticks: u64) -> Duration {
        let ticks = u32::try_from(ticks.saturating_sub(MARGIN)).unwrap_or(u32::MAX);
        self.length.saturating_mul(ticks)
    }

    /// The time since the tick became due, by the clock, stalls included as far as they are
    /// remembered.
    pub(super) fn age(&self, tick: u64, now: Duration) -> Duration {
        let ticks = u32::try_from(self.tick.saturating_sub(tick)).unwrap_or(u32::MAX);
        let last = self.due.map_or(now, |due| due.saturating_sub(self.length));
        let attended = self.length.saturating_mul(ticks).saturating_add(self.stalled_since(tick));
        now.saturating_sub(last).saturating_add(attended)
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

/// The ticks that were not the next ones after those before them.
#[derive(Debug, Default)]
struct Delays {
    /// The tick before, and how many ticks later the next one was; oldest first.
    list: VecDeque<(u64, u64)>,
    /// The longest one that is forgotten.
    forgotten: u64,
}

impl Delays {
    fn push(&mut self, tick: u64, ticks: u64) {
        if let Some((_, ticks)) = push(&mut self.list, (tick, ticks), DELAYS_MAX) {
            self.forgotten = self.forgotten.max(ticks);
        }
    }

    fn notified(&self, tick: u64) -> u64 {
        let found = self.list.binary_search_by_key(&tick, |(before, _)| *before);
        let ticks = match found {
            Ok(place) => self.list[place].1,
            // It may have been followed by any that is forgotten.
            Err(0) if self.forgotten > 0 => self.forgotten,
            Err(_) => return tick,
        };
        tick + (ticks - 1)
    }
}

/// Pushes, and answers what there was no room for.
fn push<T>(list: &mut VecDeque<T>, last: T, max: usize) -> Option<T> {
    let forgotten = if list.len() == max { list.pop_front() } else { None };
    list.push_back(last);
    forgotten
}

/// How often `length` is in `time`, and what is left.
fn div_rem(time: Duration, length: Duration) -> (u64, Duration) {
    let (time, length) = (time.as_nanos(), length.as_nanos());
    let rest = u64::try_from(time % length).unwrap_or(0);
    (u64::try_from(time / length).unwrap_or(u64::MAX), Duration::from_nanos(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALL: Duration = ms(50);

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn at(now_ms: u64) -> Attended {
        let mut time = Attended::new(ms(10));
        assert_eq!(step(&mut time, now_ms), Advance::Early(ms(10)));
        time
    }

    fn step(time: &mut Attended, now_ms: u64) -> Advance {
        time.advance(Now { clock: ms(now_ms), is_paused: false }, STALL)
    }

    fn late(ms_late: u64) -> Advance {
        Advance::Tick { lag: ms(ms_late) }
    }

    #[test]
    fn live_8_the_longest_delay_that_is_forgotten_stands_for_all_of_them() {
        let mut delays = Delays::default();
        [(10, 7), (20, 3)].iter().for_each(|(tick, ticks)| delays.push(*tick, *ticks));
        assert_eq!([5, 10, 20].map(|tick| delays.notified(tick)), [5, 16, 22]);
        (0..DELAYS_MAX as u64).for_each(|n| delays.push(100 + 10 * n, 2));
        assert_eq!([5, 10, 20, 100, 105].map(|tick| delays.notified(tick)), [11, 16, 26, 101, 105]);
    }

    #[test]
    fn small_delays_do_not_add_up() {
        let mut time = at(0);
        for tick in 1..1_000 {
            assert_eq!(step(&mut time, 10 * tick + tick % 10), late(tick % 10));
            assert_eq!(time.wait(ms(10 * tick + tick % 10)), ms(10 - tick % 10));
        }
        assert_eq!((time.tick(), time.stalled_since(0)), (999, Duration::ZERO));
        assert!(time.delays.list.is_empty());
    }

    #[test]
    fn live_8_a_late_step_counts_the_ticks_that_are_due() {
        let mut time = at(0);
        for step_of in 1..=100 {
            assert!(matches!(step(&mut time, 33 * step_of), Advance::Tick { lag } if lag < ms(33)));
            assert_eq!(time.tick(), 33 * step_of / 10, "at {} ms", 33 * step_of);
        }
        assert_eq!(time.stalled_since(0), Duration::ZERO);
    }

    /// LIVE-2, LIVE-8: a notification that read the tick before a delay may have come at its end.
    #[test]
    fn live_8_a_beat_before_a_delay_has_the_benefit_of_the_doubt() {
        let mut time = at(0);
        assert_eq!(step(&mut time, 10), late(0));
        assert_eq!(step(&mut time, 55), late(35));
        assert_eq!(
            (time.tick(), time.notified(0), time.notified(1), time.notified(5)),
            (5, 0, 4, 5)
        );
    }

    #[test]
    fn live_6_a_stall_is_one_tick_and_a_watcher_that_is_always_late_has_none() {
        let mut time = at(0);
        assert_eq!(step(&mut time, 10), late(0));
        assert_eq!(step(&mut time, 60_000), late(60_000 - 20));
        assert_eq!(step(&mut time, 60_000), Advance::Early(ms(10)));
        assert_eq!(time.tick(), 2);
        assert_eq!(time.stalled_since(1), ms(60_000 - 20));
        assert_eq!(time.stalled_since(2), Duration::ZERO);
        assert_eq!(step(&mut time, 61_000), late(990));
        assert_eq!((time.tick(), time.notified(2)), (102, 101));
    }

    #[test]
    fn live_12_a_clock_that_a_test_puts_forward_counts_in_full() {
        let mut time = at(0);
        let paused = Now { clock: ms(60_000), is_paused: true };
        assert_eq!(time.advance(paused, STALL), late(0));
        assert_eq!(
            (time.tick(), time.notified(0), time.stalled_since(0)),
            (6_000, 0, Duration::ZERO)
        );
    }

    #[test]
    fn a_time_without_anybody_is_none() {
        let mut time = at(0);
        time.park();
        assert_eq!(step(&mut time, 99_000), Advance::Early(ms(10)));
        assert_eq!((time.tick(), time.stalled_since(0)), (0, Duration::ZERO));
    }

    #[test]
    fn stalls_are_summed_and_the_oldest_forgotten() {
        let (mut time, mut now) = (at(0), 0);
        for _ in 1..=200 {
            now += 1_010;
            assert_eq!(step(&mut time, now), late(1_000));
            now += 10;
            assert_eq!(step(&mut time, now), late(0));
        }
        assert_eq!(time.stalled_since(398), ms(1_000));
        assert_eq!(time.stalled_since(390), ms(5 * 1_000));
        assert!(time.stalls.len() <= REMEMBERED);
    }

    #[test]
    fn live_9_who_is_spared_is_spared_once_between_two_beats() {
        let mut time = at(0);
        for (tick, spares) in [(1, false), (2, true), (3, false), (4, true), (5, false)] {
            assert_eq!(step(&mut time, 10 * tick), late(0));
            if spares {
                time.spare_all();
            }
        }
        let since = |window| (0..6).map(|tick| time.since(tick, window)).collect::<Vec<_>>();
        assert_eq!((since(1), since(7)), (vec![2, 2, 4, 4, 4, 5], vec![7, 8, 9, 10, 4, 5]));
        assert_eq!((time.spared_after(1), time.spared_after(4)), (Some(2), None));
    }

    #[test]
    fn an_age_goes_by_the_clock() {
        let mut time = at(100);
        assert_eq!(time.age(0, ms(107)), ms(7));
        assert_eq!(step(&mut time, 110), late(0));
        assert_eq!(step(&mut time, 143), late(23));
        assert_eq!((time.age(0, ms(143)), time.age(1, ms(143))), (ms(43), ms(33)));
        assert_eq!(step(&mut time, 150), late(0));
        assert_eq!(step(&mut time, 5_000), late(4_840));
        assert_eq!((time.age(0, ms(5_003)), time.age(6, ms(5_003))), (ms(4_903), ms(3)));
    }

    /// LIVE-2: no schedule of steps makes an age that is overstated, however many delays are
    /// forgotten.
    #[test]
    fn live_2_ages_are_never_overstated() {
        let mut state = 7_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for round in 0..40 {
            let (mut time, mut now) = (at(0), 0);
            let mut notified = Vec::new();
            for _ in 0..if round == 0 { 3_000 } else { 300 } {
                now += [random(3), random(12), random(25), random(400)][random(4) as usize];
                let _ = step(&mut time, now);
                for (at, tick) in notified.iter().rev().step_by(7) {
                    let age = time.at_least(time.tick() - time.notified(*tick).min(time.tick()));
                    assert!(age <= ms(now - at), "{age:?} at {now} of {at}");
                }
                now += random(4);
                notified.push((now, time.tick()));
            }
        }
    }
}
