//! [`Tracker`] and [`Wheel`] against a list of guests, with a clock that jumps, stalls and ends.
//!
//! Judged: LIVE-2 (nobody is reported early, nor with a beat inside the window), LIVE-3 (once),
//! LIVE-4 (recoveries), LIVE-5 (nobody is forgotten: who is due is reported by the sweep that comes
//! by), LIVE-7 (who has left is reported no more, and its key finds nothing), LIVE-8 (a notification
//! that read the last tick before a delay counts as one at its end), LIVE-10 (pauses count).

use std::collections::HashMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::keepalive::{
    NextCheck, Pulse, Rule, SignalKind, SlotKey, StaleKey, Tick, Tracker, Wheel, WheelFull,
    WheelSlot,
};

use crate::number::hostile;
use crate::{Plan, Seen};

/// One plan: rules, a first moment, then operations.
#[derive(Debug)]
pub struct Job {
    rules: [Terms; 2],
    start: u64,
    ops: Vec<Op>,
}

/// A rule in plain numbers.
#[derive(Clone, Copy, Debug)]
struct Terms {
    window: u64,
    late: Option<u64>,
    rearms: bool,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    /// A guest comes, under one of the rules.
    Join(bool),
    /// The guest at this place of those there are.
    Leave(u8),
    /// A beat that was told a moment so long ago.
    Notify(u8, u8),
    Pause(u8),
    Resume(u8),
    /// Time passes.
    Pass(u64),
    /// A sweep of at most so many looks.
    Sweep(u8),
    /// A sweep to the end, at the moment now.
    SweepAll,
    /// A look at what was left.
    Stale(u8),
}

const OPS_MAX: usize = 256;
const SLOTS: usize = 12;
/// Of the wheel.
const LEVELS: usize = 8;

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let terms = |bytes: &mut Unstructured<'a>| {
            let window = hostile(bytes, 100)?.clamp(1, Rule::WINDOW_MAX);
            let late = match bytes.int_in_range(0..=3u8)? {
                0 if window > 1 => Some(hostile(bytes, window / 2)?.clamp(1, window - 1)),
                _ => None,
            };
            Ok(Terms { window, late, rearms: bytes.arbitrary()? })
        };
        let rules = [terms(bytes)?, terms(bytes)?];
        let start = match bytes.int_in_range(0..=3u8)? {
            0 => 0,
            1 => Tick::MAX.get().saturating_sub(hostile(bytes, 200)?),
            _ => hostile(bytes, 1 << 36)?,
        };
        let mut ops = Vec::new();
        while !bytes.is_empty() && ops.len() < OPS_MAX {
            ops.push(match bytes.int_in_range(0..=15u8)? {
                0 | 1 => Op::Join(bytes.arbitrary()?),
                2 => Op::Leave(bytes.arbitrary()?),
                3..=5 => Op::Notify(bytes.arbitrary()?, bytes.arbitrary()?),
                6 => Op::Pause(bytes.arbitrary()?),
                7 => Op::Resume(bytes.arbitrary()?),
                8..=10 => Op::Pass(u64::from(bytes.arbitrary::<u8>()?)),
                11 => Op::Pass(hostile(bytes, rules[0].window)?),
                12 => Op::Sweep(bytes.arbitrary()?),
                13 | 14 => Op::SweepAll,
                _ => Op::Stale(bytes.arbitrary()?),
            });
        }
        Ok(Job { rules, start, ops })
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[&[
        "late",
        "silent for good",
        "silent for now",
        "recovery by a beat",
        "recovery by a resumption",
        "silence again",
        "beat of a moment gone by",
        "beat in a pause",
        "pauses that overlap",
        "full wheel",
        "stale key",
        "slot held again",
        "sweep cut short",
        "look before its time",
        "end of time",
    ]];

    fn check(&self) -> Seen {
        let mut pair = Pair::new(self.rules, self.start);
        for op in &self.ops {
            pair.apply(*op);
            pair.assert_same();
        }
        pair.sweep(usize::MAX);
        pair.seen
    }
}

/// What a guest should be.
#[derive(Clone, Debug)]
struct Guest {
    key: SlotKey,
    terms: Terms,
    last: u64,
    /// What has been reported since `last`.
    was_late: bool,
    is_silent: bool,
    /// How many pauses hold.
    pauses: u32,
    /// Silent, and one-shot.
    is_spent: bool,
    silences: u32,
    /// A beat of a moment gone by has followed a report, and nobody has looked since.
    is_hidden: bool,
}

/// The real thing and what it should be.
struct Pair {
    rules: [Terms; 2],
    now: u64,
    wheel: Wheel<Vec<WheelSlot>>,
    trackers: Vec<Tracker>,
    guests: Vec<Guest>,
    gone: Vec<SlotKey>,
    seen: Seen,
}

/// From when the age of a beat counts: some ticks are followed by a delay, and a beat within one counts
/// from its end. So a later beat never counts from earlier, as with a watcher's own delays.
fn since(last: u64) -> u64 {
    let counts_from = match last % 64 {
        at @ 5..45 => last - at + 45,
        at @ 50..53 => last - at + 53,
        _ => last,
    };
    Tick::new(counts_from).get()
}

impl Terms {
    fn rule(self) -> Rule {
        let rule = Rule::new(self.window).expect("a sound window");
        let rule = self.late.map_or(rule, |late| rule.late_after(late).expect("sound"));
        if self.rearms { rule.rearming() } else { rule }
    }
}

impl Pair {
    fn new(rules: [Terms; 2], start: u64) -> Self {
        let wheel = Wheel::with_slots(vec![WheelSlot::new(); SLOTS]).expect("a few slots");
        let trackers = (0..SLOTS).map(|_| Tracker::closed()).collect();
        let (guests, gone, seen) = (Vec::new(), Vec::new(), Seen::default());
        let now = start.min(Tick::MAX.get());
        Pair { rules, now, wheel, trackers, guests, gone, seen }
    }

    fn at(&self) -> Tick {
        Tick::new(self.now)
    }

    fn place(&self, pick: u8) -> Option<usize> {
        (!self.guests.is_empty()).then(|| usize::from(pick) % self.guests.len())
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Join(second) => self.join(self.rules[usize::from(second)]),
            Op::Leave(pick) => {
                if let Some(place) = self.place(pick) {
                    let guest = self.guests.remove(place);
                    assert!(self.trackers[guest.key.index()].close());
                    assert_eq!(self.wheel.remove(guest.key), Ok(()));
                    self.gone.push(guest.key);
                }
            }
            Op::Notify(pick, ago) => {
                if let Some(place) = self.place(pick) {
                    self.notify(place, u64::from(ago) / 2);
                }
            }
            Op::Pause(pick) => {
                if let Some(place) = self.place(pick) {
                    let guest = &mut self.guests[place];
                    assert_eq!(self.trackers[guest.key.index()].pause(), Ok(()));
                    guest.pauses += u32::from(!guest.is_spent);
                    self.seen.note_if(guest.pauses > 1, "pauses that overlap");
                }
            }
            Op::Resume(pick) => {
                if let Some(place) = self.place(pick) {
                    self.resume(place);
                }
            }
            Op::Pass(ticks) => {
                self.now = Tick::new(self.now.saturating_add(ticks)).get();
                self.seen.note_if(self.at() == Tick::MAX, "end of time");
            }
            Op::Sweep(budget) => self.sweep(usize::from(budget % 8)),
            Op::SweepAll => self.sweep(usize::MAX),
            Op::Stale(pick) => {
                if let Some(key) = self.gone.get(usize::from(pick) % self.gone.len().max(1)) {
                    let key = *key;
                    assert!(!self.wheel.holds(key), "LIVE-7");
                    assert_eq!(self.wheel.remove(key), Err(StaleKey), "LIVE-7");
                    assert_eq!(self.wheel.schedule(key, self.at()), Err(StaleKey), "LIVE-7");
                    self.seen.note("stale key");
                }
            }
        }
    }

    fn join(&mut self, terms: Terms) {
        let due = self.at().after(terms.late.unwrap_or(terms.window));
        match self.wheel.insert(due) {
            Err(WheelFull { capacity }) => {
                assert_eq!((capacity, self.guests.len()), (SLOTS, SLOTS));
                self.seen.note("full wheel");
            }
            Ok(key) => {
                assert!(self.guests.iter().all(|guest| guest.key.index() != key.index()));
                let same = |old: &SlotKey| old.index() == key.index();
                self.seen.note_if(self.gone.iter().any(same), "slot held again");
                assert!(!self.gone.contains(&key), "LIVE-7: an old key for a new guest");
                self.trackers[key.index()].renew(self.at());
                self.guests.push(Guest {
                    key,
                    terms,
                    last: self.now,
                    was_late: false,
                    is_silent: false,
                    pauses: 0,
                    is_spent: false,
                    silences: 0,
                    is_hidden: false,
                });
            }
        }
    }

    fn notify(&mut self, place: usize, ago: u64) {
        let (told, guest) = (self.now.saturating_sub(ago), &mut self.guests[place]);
        let recovery = self.trackers[guest.key.index()].notify(Tick::new(told));
        let counts = guest.pauses == 0 && !guest.is_spent && told > guest.last;
        self.seen.note_if(guest.pauses > 0, "beat in a pause");
        self.seen.note_if(told < guest.last, "beat of a moment gone by");
        let expected = (counts && guest.is_silent).then_some((guest.last, told));
        let recovery = recovery.map(|recovery| (recovery.last.get(), recovery.now.get()));
        assert_eq!(recovery, expected, "LIVE-4");
        self.seen.note_if(recovery.is_some(), "recovery by a beat");
        if counts {
            let reported = guest.is_silent || guest.was_late;
            guest.is_hidden = told < self.now && (reported || guest.is_hidden);
            (guest.last, guest.is_silent, guest.was_late) = (told, false, false);
        }
    }

    fn resume(&mut self, place: usize) {
        let (now, guest) = (self.now, &mut self.guests[place]);
        let recovery = self.trackers[guest.key.index()].resume(Tick::new(now));
        let expected = guest.pauses == 1 && guest.is_silent;
        assert_eq!(recovery.map(|recovery| recovery.last.get()), expected.then_some(guest.last));
        self.seen.note_if(expected, "recovery by a resumption");
        if guest.pauses == 1 {
            guest.last = now.max(guest.last);
            (guest.is_silent, guest.was_late) = (false, false);
        }
        guest.pauses = guest.pauses.saturating_sub(1);
    }

    fn sweep(&mut self, budget: usize) {
        let now = self.now;
        let mut looks = HashMap::<SlotKey, usize>::new();
        let Self { wheel, trackers, guests, seen, .. } = self;
        let swept = wheel.sweep(Tick::new(now), budget, |key| {
            let guest = guests.iter_mut().find(|guest| guest.key == key);
            let guest = guest.expect("LIVE-7: a look at nobody");
            let counts_from = |last: Tick| Tick::new(since(last.get()));
            let rule = guest.terms.rule();
            let look = trackers[key.index()].judge_since(Tick::new(now), rule, counts_from);
            let look = look.expect("LIVE-7: a look at a closed tracker");
            let times = looks.entry(key).or_insert(0);
            *times += 1;
            assert!(*times <= LEVELS, "LIVE-5: looked at again and again");
            guest.is_hidden = false;
            let expected = guest.expire(now, seen);
            assert_eq!(look.signal.map(|signal| signal.kind), expected, "LIVE-2, LIVE-3");
            if let Some(signal) = look.signal {
                assert_eq!((signal.last.get(), signal.now.get()), (guest.last, now));
                assert_eq!(signal.since.get(), since(guest.last), "LIVE-8");
            }
            seen.note_if(look.signal.is_none() && !guest.is_spent, "look before its time");
            NextCheck::from(look.due)
        });
        assert!(swept.looks <= budget && swept.looks == looks.values().sum::<usize>());
        seen.note_if(swept.is_behind, "sweep cut short");
        if !swept.is_behind && now < Tick::MAX.get() {
            // LIVE-5: the sweep has passed nobody by.
            for guest in guests.iter().filter(|guest| !guest.is_hidden) {
                assert_eq!(guest.clone().expire(now, seen), None, "LIVE-5: {guest:?} at {now}");
            }
        }
    }

    fn assert_same(&self) {
        for guest in &self.guests {
            let last = Tick::new(guest.last);
            let expected = match guest {
                Guest { is_spent: true, .. } => Pulse::Spent,
                Guest { pauses: 1.., .. } => Pulse::Paused { last },
                Guest { is_silent: true, .. } => Pulse::Silent { last },
                _ => Pulse::Alive { last },
            };
            assert_eq!(self.trackers[guest.key.index()].pulse(), expected);
            assert!(self.wheel.holds(guest.key));
        }
        assert_eq!(self.wheel.len(), self.guests.len());
        assert_eq!(self.wheel.keys().count(), self.guests.len());
    }
}

impl Guest {
    /// What is to be reported at `now`, which is noted as reported.
    fn expire(&mut self, now: u64, seen: &mut Seen) -> Option<SignalKind> {
        let age = now.saturating_sub(since(self.last));
        if self.pauses > 0 || self.is_silent || self.is_spent {
            return None;
        }
        if age >= self.terms.window {
            self.silences += 1;
            self.is_silent = self.terms.rearms;
            self.is_spent = !self.terms.rearms;
            seen.note(if self.is_spent { "silent for good" } else { "silent for now" });
            seen.note_if(self.silences > 1, "silence again");
            return Some(SignalKind::Silent);
        }
        let is_late = !self.was_late && self.terms.late.is_some_and(|late| age >= late);
        self.was_late |= is_late;
        seen.note_if(is_late, "late");
        is_late.then_some(SignalKind::Late)
    }
}
