//! Who is watched: what the watcher's lock guards, and one step of the watch.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use plimsoll_core::{
    NextLook, Pulse, Rule, Signal, SignalKind, SlotKey, Tick, Tracker, Wheel, WheelSlot,
};

use super::attended::{Advance, Attended};
use super::error::WatchError;
use super::silence::Silence;
use super::step::{Awaited, Bounds, Step, Told};
use super::watch::{Watch, split};
use crate::event::EventKind;

/// Notifiers never take the lock around this.
pub(super) struct Table {
    pub(super) time: Attended,
    wheel: Wheel<Box<[WheelSlot]>>,
    entries: Box<[Entry]>,
    /// The silences that last, by place.
    silent: HashMap<usize, Arc<Silence>>,
    awaited: HashMap<usize, Vec<Weak<Awaited>>>,
    /// Those that expired in a suspicious crowd, and until when they are spared.
    spared: HashMap<usize, Tick>,
    is_behind: bool,
    /// Who drives the watch and waits for somebody to be watched, for as long as it does.
    parked: Vec<Weak<Waker>>,
}

/// What belongs to a slot of the wheel, beside its tracker.
#[derive(Clone, Default)]
struct Entry {
    ids: Option<Box<str>>,
    window_ns: u64,
    rule: Option<Rule>,
}

/// What was kept of a run that is watched no more.
pub(super) struct Removed {
    /// The silence that lasted.
    pub(super) silence: Option<Arc<Silence>>,
    _ids: Option<Box<str>>,
    _awaited: Vec<Weak<Awaited>>,
}

impl Table {
    pub(super) fn new(length: Duration, capacity: usize) -> Option<Self> {
        Some(Self {
            time: Attended::new(length),
            wheel: Wheel::with_slots(vec![WheelSlot::new(); capacity].into()).ok()?,
            entries: vec![Entry::default(); capacity].into(),
            silent: HashMap::new(),
            awaited: HashMap::new(),
            spared: HashMap::new(),
            is_behind: false,
            parked: Vec::new(),
        })
    }

    pub(super) fn capacity(&self) -> usize {
        self.wheel.capacity()
    }

    pub(super) fn len(&self) -> usize {
        self.wheel.len()
    }

    /// Begins to watch. Who is parked is to be woken.
    pub(super) fn insert(
        &mut self,
        watch: &Watch,
        ids: Box<str>,
        trackers: &[Tracker],
    ) -> Result<(SlotKey, Vec<Weak<Waker>>), WatchError> {
        let rule = watch.rule(&self.time)?;
        let now = Tick::new(self.time.tick());
        let first = rule.late().unwrap_or(rule.window());
        let key = self
            .wheel
            .insert(now.after(first))
            .map_err(|full| WatchError::Full { capacity: full.capacity })?;
        self.entries[key.index()] =
            Entry { ids: Some(ids), window_ns: watch.window_ns(), rule: Some(rule) };
        trackers[key.index()].renew(now);
        Ok((key, std::mem::take(&mut self.parked)))
    }

    /// Watches no more; the tracker is closed.
    ///
    /// # Returns
    /// What was kept of it, to be dropped outside the lock.
    pub(super) fn remove(&mut self, key: SlotKey) -> Option<Removed> {
        self.wheel.remove(key).ok()?;
        let place = key.index();
        let silence = self.silent.remove(&place);
        self.spared.remove(&place);
        let awaited = self.awaited.remove(&place).unwrap_or_default();
        let entry = std::mem::take(&mut self.entries[place]);
        if self.wheel.is_empty() {
            self.time.park();
        }
        Some(Removed { silence, _ids: entry.ids, _awaited: awaited })
    }

    /// The silence that lasts; or else `awaited` is filled as soon as there is one.
    pub(super) fn wait(
        &mut self,
        key: SlotKey,
        tracker: &Tracker,
        awaited: &Arc<Awaited>,
    ) -> Option<Arc<Silence>> {
        // It is over with the beat, not with the step that tells of its end.
        if let Some(silence) = self.silent.get(&key.index()).filter(|_| !is_back(tracker)) {
            return Some(silence.clone());
        }
        let waiting = self.awaited.entry(key.index()).or_default();
        waiting.retain(|other| other.strong_count() > 0);
        waiting.push(Arc::downgrade(awaited));
        None
    }

    /// Wakes `waker` when somebody is watched, if it is still there; `false` if somebody is.
    pub(super) fn park(&mut self, waker: &Arc<Waker>) -> bool {
        if self.wheel.is_empty() {
            self.parked.retain(|parked| parked.strong_count() > 0);
            self.parked.push(Arc::downgrade(waker));
        }
        self.wheel.is_empty()
    }

    /// Lets a tick pass if one is due, and looks at who is due then.
    pub(super) fn step(
        &mut self,
        clock: Duration,
        trackers: &[Tracker],
        recovered: impl Iterator<Item = usize>,
        bounds: &Bounds,
        told: &mut Told,
        publish: impl FnOnce(u64),
    ) -> Step {
        for place in recovered {
            self.note_recovery(place, &trackers[place], told);
        }
        if self.wheel.is_empty() {
            self.time.park();
            return Step::Idle;
        }
        match self.time.advance(clock) {
            Advance::Early(wait) if !self.is_behind => return Step::Wait(wait),
            Advance::Early(_) => {}
            Advance::Tick => publish(self.time.tick()),
        }
        self.sweep(trackers, bounds, told);
        if self.is_behind { Step::Again } else { Step::Wait(self.time.wait(clock)) }
    }

    fn sweep(&mut self, trackers: &[Tracker], bounds: &Bounds, told: &mut Told) {
        let now = Tick::new(self.time.tick());
        let mut expired = Vec::new();
        let mut crowd = Vec::new();
        let Self { wheel, entries, spared, silent, .. } = self;
        let swept = wheel.sweep(now, bounds.looks_max, |key| {
            let place = key.index();
            let (Some(rule), tracker) = (entries[place].rule, &trackers[place]) else {
                return NextLook::Never;
            };
            if bounds.suspect_above.is_some() {
                match (tracker.is_due(now, rule), spared.get(&place)) {
                    (false, _) => drop(spared.remove(&place)),
                    // The wheel looks before a moment that is far away.
                    (true, Some(until)) if *until > now => return NextLook::At(*until),
                    (true, Some(_)) => {}
                    (true, None) => {
                        crowd.push(key);
                        return NextLook::At(now.after(1));
                    }
                }
            }
            // A recovery whose notice found no room is found here.
            let is_back = silent.contains_key(&place) && is_back(tracker);
            match tracker.judge(now, rule) {
                Ok(look) => {
                    if is_back || look.signal.is_some() {
                        expired.push((place, is_back, look.signal));
                    }
                    look.due.into()
                }
                // Its owner is on the way to take it out.
                Err(_) => NextLook::Never,
            }
        });
        self.is_behind = swept.is_behind;
        if bounds.suspect_above.is_some_and(|max| crowd.len() > max) {
            told.suspicion = Some((crowd.len(), self.wheel.len()));
            self.spare(crowd, now);
        } else {
            for key in crowd {
                let signal = self.judge(key, &trackers[key.index()], now);
                expired.push((key.index(), false, signal));
            }
        }
        for (place, is_back, signal) in expired {
            if is_back {
                self.note_recovery(place, &trackers[place], told);
            }
            if let Some(signal) = signal {
                self.note_signal(place, signal, told);
            }
        }
    }

    /// Gives another window to those who expired in a suspicious crowd.
    fn spare(&mut self, crowd: Vec<SlotKey>, now: Tick) {
        for key in crowd {
            let Some(rule) = self.entries[key.index()].rule else { continue };
            self.spared.insert(key.index(), now.after(rule.window()));
            let _ = self.wheel.schedule(key, now.after(rule.late().unwrap_or(rule.window())));
        }
    }

    /// Looks at one who was put off because it might have been part of such a crowd.
    fn judge(&mut self, key: SlotKey, tracker: &Tracker, now: Tick) -> Option<Signal> {
        let rule = self.entries[key.index()].rule?;
        let look = tracker.judge(now, rule).ok()?;
        if let Some(due) = look.due {
            let _ = self.wheel.schedule(key, due);
        }
        look.signal
    }

    fn note_signal(&mut self, place: usize, signal: Signal, told: &mut Told) {
        let entry = &self.entries[place];
        let Some(ids) = entry.ids.as_deref() else { return };
        let (guest, run) = split(ids);
        let elapsed = self.time.at_least(signal.elapsed());
        let silence = Arc::new(Silence {
            guest: guest.into(),
            run: run.into(),
            window: Duration::from_nanos(entry.window_ns),
            elapsed,
            elapsed_raw: elapsed.saturating_add(self.time.stalled_since(signal.last.get())),
            sequence: signal.last.get(),
        });
        if signal.kind == SignalKind::Late {
            told.news.push((EventKind::Late, silence));
            return;
        }
        self.spared.remove(&place);
        if let Some(last) = self.silent.insert(place, silence.clone()) {
            // It was back for a moment, and its notice has found no room.
            told.news.push((EventKind::Recovered, last));
        }
        let awaited = self.awaited.remove(&place).into_iter().flatten();
        told.awaited.extend(awaited.map(|awaited| (awaited, silence.clone())));
        told.news.push((EventKind::Silent, silence));
    }

    fn note_recovery(&mut self, place: usize, tracker: &Tracker, told: &mut Told) {
        if !is_back(tracker) {
            return;
        }
        if let Some(silence) = self.silent.remove(&place) {
            let ticks = self.time.tick().saturating_sub(silence.sequence);
            let elapsed = self.time.at_least(ticks).max(silence.elapsed);
            let elapsed_raw = elapsed.saturating_add(self.time.stalled_since(silence.sequence));
            let silence = Silence { elapsed, elapsed_raw, ..(*silence).clone() };
            told.news.push((EventKind::Recovered, Arc::new(silence)));
        }
    }
}

/// Whether a tracker whose silence was reported is not silent any more.
fn is_back(tracker: &Tracker) -> bool {
    matches!(tracker.pulse(), Pulse::Beating { .. })
}
