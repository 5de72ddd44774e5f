//! The tracker's word as a plain value.

use super::rule::{Rule, Tick};

/// The last sign of life in 64 bits, low bit first:
///
/// ```text
/// 0..2    mark     0 alive, 1 late, 2 silent, 3 none
/// 2..48   tick     of the last notification; all ones: none, the run is over
/// 48..64  pauses   how many hold now; while one does, not judged, and not moved by notifications
/// ```
///
/// | word | meaning |
/// |---|---|
/// | no pause, mark 0 to 2 | the last notification, and what has been reported since |
/// | 1 to `PAUSES_MAX` pauses, mark 0 to 2 | the same, kept until the last of them has ended |
/// | `SPENT`: all ones but the last bit | reported silent, and not to be watched again |
/// | `CLOSED`: all ones | ended by its owner |
/// | pauses or tick all ones, and neither | impossible: `PAUSES_MAX` and `Tick::MAX` are below |
/// | mark 3, and not `CLOSED` | impossible: nothing makes it |
///
/// A later notification is a larger word, whatever the mark, so a notification is a `fetch_max`: it
/// replaces marks of earlier ticks, and leaves later notifications, pauses and ends alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State(u64);

const MARK_MASK: u64 = 0b11;
const TICK_SHIFT: u32 = 2;
const PAUSES_SHIFT: u32 = TICK_SHIFT + Tick::BITS;
const PAUSE: u64 = 1 << PAUSES_SHIFT;
const PAUSES_MASK: u64 = u64::MAX << PAUSES_SHIFT;
const TICK_MASK: u64 = !(MARK_MASK | PAUSES_MASK);

const _: () = assert!(MARK_MASK ^ TICK_MASK ^ PAUSES_MASK == u64::MAX);
const _: () = assert!(Tick::MAX.get() << TICK_SHIFT < TICK_MASK);
const _: () = assert!(State::PAUSES_MAX << PAUSES_SHIFT < PAUSES_MASK);

/// What has been reported since the last notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Alive = 0,
    Late = 1,
    Silent = 2,
}

/// What a look at a word finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing is due before this moment.
    Wait(Tick),
    /// The thread that replaces the word by this one reports it, and checks again.
    Report(Mark, State),
    /// Never again.
    Spent,
    Closed,
}

impl State {
    pub(super) const SPENT: State = State(u64::MAX - 1);
    pub(super) const CLOSED: State = State(u64::MAX);

    #[inline(always)]
    pub(super) const fn from_word(word: u64) -> State {
        State(word)
    }

    #[inline(always)]
    pub(super) const fn word(self) -> u64 {
        self.0
    }

    /// A notification at this moment.
    #[inline(always)]
    pub(super) const fn notified(now: Tick) -> State {
        State(now.get() << TICK_SHIFT)
    }

    /// A count of pauses that has come this far stays there: a guest that is not watched any more
    /// does less harm than one that is watched during a pause.
    pub(super) const PAUSES_MAX: u64 = (1 << (u64::BITS - PAUSES_SHIFT)) - 2;

    /// The last notification; of no meaning once the run is over.
    pub(super) const fn tick(self) -> Tick {
        Tick::new((self.0 & TICK_MASK) >> TICK_SHIFT)
    }

    pub(super) const fn is_over(self) -> bool {
        self.0 >= Self::SPENT.0
    }

    pub(super) const fn is_paused(self) -> bool {
        self.0 >= PAUSE && !self.is_over()
    }

    /// Whether a silence has been reported that is not over.
    #[inline(always)]
    pub(super) const fn is_silent(self) -> bool {
        self.0 & MARK_MASK == Mark::Silent as u64 && !self.is_over()
    }

    const fn pauses(self) -> u64 {
        self.0 >> PAUSES_SHIFT
    }

    /// What becomes of a run that is not over when one more pause begins.
    pub(super) const fn transition_to_paused(self) -> State {
        if self.pauses() < Self::PAUSES_MAX { State(self.0 + PAUSE) } else { self }
    }

    /// What becomes of a paused word when one of its pauses ends (LIVE-10): with the last one, the
    /// window begins anew.
    pub(super) const fn transition_to_resumed(self, now: Tick) -> State {
        match self.pauses() {
            Self::PAUSES_MAX => self,
            2.. => State(self.0 - PAUSE),
            _ => {
                let last = self.tick();
                State::notified(if now.get() > last.get() { now } else { last })
            }
        }
    }

    /// What is to be said at `now` about this word, whose age counts from `since` (LIVE-2: never
    /// before the threshold).
    #[inline]
    pub(super) const fn judge(self, since: Tick, now: Tick, rule: Rule) -> Finding {
        if self.is_over() {
            return if self.0 == Self::CLOSED.0 { Finding::Closed } else { Finding::Spent };
        }
        // A notification that comes from now on is not due before this.
        let next = now.after(rule.first());
        let mark = self.0 & MARK_MASK;
        if self.is_paused() || mark == Mark::Silent as u64 {
            return Finding::Wait(next);
        }
        let window = rule.window();
        let elapsed = now.since(since);
        if elapsed >= window {
            let marked = if rule.rearms() { self.marked(Mark::Silent) } else { Self::SPENT };
            return Finding::Report(Mark::Silent, marked);
        }
        let due = match rule.late() {
            Some(late) if mark == Mark::Alive as u64 => {
                if elapsed >= late {
                    return Finding::Report(Mark::Late, self.marked(Mark::Late));
                }
                since.after(late)
            }
            _ => since.after(window),
        };
        Finding::Wait(if due.get() < next.get() { due } else { next })
    }

    const fn marked(self, mark: Mark) -> State {
        State(self.0 & !MARK_MASK | mark as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notifications at these, marked in every way, paused and not.
    const TICKS: [u64; 5] = [0, 1, 2, 1_000, Tick::MAX.get()];
    const MARKS: [Mark; 3] = [Mark::Alive, Mark::Late, Mark::Silent];

    #[test]
    fn words_are_ordered_by_beat_then_mark_then_pause_then_end() {
        let mut last = None;
        for pauses in [0, 1, 2, State::PAUSES_MAX] {
            for tick in TICKS {
                for mark in MARKS {
                    let paused = pauses << PAUSES_SHIFT;
                    let state = State(State::notified(Tick::new(tick)).marked(mark).0 | paused);
                    assert!(last < Some(state.0), "{state:?}");
                    last = Some(state.0);
                    assert_eq!(state.tick().get(), tick);
                    assert_eq!(state.is_silent(), mark == Mark::Silent);
                    assert_eq!(state.is_paused(), pauses != 0);
                    assert!(!state.is_over());
                }
            }
        }
        assert!(last < Some(State::SPENT.0) && State::SPENT.0 < State::CLOSED.0);
        assert!(![State::SPENT, State::CLOSED].iter().any(|over| over.is_silent()));
    }

    #[test]
    fn live_2_the_whole_table_of_states_and_ages() {
        let late = Rule::new(10).unwrap().late_after(4).unwrap();
        let rule = Rule::new(10).unwrap();
        let wait = |tick| Finding::Wait(Tick::new(tick));
        let at = |mark| State::notified(Tick::new(100)).marked(mark);
        let [alive, tardy, silent] = MARKS.map(at);
        let paused = alive.transition_to_paused();
        let report = |mark, state| Finding::Report(mark, state);
        let table = [
            // state, now, by the plain rule, by the one that knows lateness
            (alive, 90, wait(100), wait(94)),
            (alive, 100, wait(110), wait(104)),
            (alive, 103, wait(110), wait(104)),
            (alive, 104, wait(110), report(Mark::Late, tardy)),
            (tardy, 104, wait(110), wait(108)),
            (tardy, 109, wait(110), wait(110)),
            (tardy, 110, report(Mark::Silent, State::SPENT), report(Mark::Silent, State::SPENT)),
            (alive, 110, report(Mark::Silent, State::SPENT), report(Mark::Silent, State::SPENT)),
            (silent, 500, wait(510), wait(504)),
            (paused, 500, wait(510), wait(504)),
            (State::SPENT, 500, Finding::Spent, Finding::Spent),
            (State::CLOSED, 500, Finding::Closed, Finding::Closed),
        ];
        for (state, now, plain, lateness) in table {
            let now = Tick::new(now);
            assert_eq!(state.judge(state.tick(), now, rule), plain, "{state:?} at {now:?}");
            assert_eq!(state.judge(state.tick(), now, late), lateness, "{state:?} at {now:?}");
        }
        assert_eq!(
            alive.judge(alive.tick(), Tick::new(110), rule.rearming()),
            report(Mark::Silent, silent),
            "LIVE-4"
        );
    }

    #[test]
    fn live_10_pauses_add_up_and_a_count_at_its_end_stays_there() {
        let alive = State::notified(Tick::new(7)).marked(Mark::Late);
        let twice = alive.transition_to_paused().transition_to_paused();
        let once = twice.transition_to_resumed(Tick::new(50));
        assert!(twice.is_paused() && once.is_paused());
        assert_eq!((once.tick(), once.0 & MARK_MASK), (Tick::new(7), Mark::Late as u64));
        assert_eq!(once.transition_to_resumed(Tick::new(60)), State::notified(Tick::new(60)));
        let full = State(alive.0 | State::PAUSES_MAX << PAUSES_SHIFT);
        assert_eq!(State(full.0 - PAUSE).transition_to_paused(), full);
        assert_eq!(full.transition_to_paused(), full);
        assert_eq!(full.transition_to_resumed(Tick::new(60)), full);
        assert!(full.is_paused() && full.0 < State::SPENT.0);
    }

    #[test]
    fn live_2_the_age_counts_from_what_the_caller_knows() {
        let (state, rule) = (State::notified(Tick::new(100)), Rule::new(10).unwrap());
        let judge = |since, now| state.judge(Tick::new(since), Tick::new(now), rule);
        assert_eq!(judge(104, 113), Finding::Wait(Tick::new(114)));
        assert_eq!(judge(104, 114), Finding::Report(Mark::Silent, State::SPENT));
    }

    #[test]
    fn at_the_end_of_time_nothing_is_due() {
        let rule = Rule::new(10).unwrap();
        let last = State::notified(Tick::MAX);
        assert_eq!(last.judge(Tick::MAX, Tick::MAX, rule), Finding::Wait(Tick::MAX));
        assert!(!State::notified(Tick::new(u64::MAX)).is_over());
    }
}
