//! The table of watched runs, which the watcher's lock guards, and one step of the watch.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use plimsoll_core::keepalive::{
    Pulse, Rule, Signal, SignalKind, SlotKey, Tick, Tracker, Wheel, WheelSlot,
};

use super::attended::{Advance, Attended, Now};
use super::crowd::Crowd;
use super::error::WatchError;
use super::latch::Once;
use super::step::{Bounds, Findings, Step};
use super::watch::{Watch, split};
use super::windows::Windows;
use crate::telemetry::{GuestChange, Silence};

/// The least time between two events of a lag.
const LAG_TOLD_EVERY: Duration = Duration::from_secs(1);

/// Notifiers never take the lock around this.
pub(super) struct Table {
    pub(super) time: Attended,
    pub(super) wheel: Wheel<Box<[WheelSlot]>>,
    pub(super) entries: Box<[Entry]>,
    windows: Windows,
    /// The silences that last, by place.
    pub(super) silent: HashMap<usize, Arc<Silence>>,
    awaited: HashMap<usize, Once<Arc<Silence>>>,
    /// Those that were reported late, by place, and their last notification then; some are late no more.
    late: HashMap<usize, Tick>,
    pub(super) crowd: Crowd,
    /// The tick of the last sweep.
    swept: u64,
    pub(super) is_behind: bool,
    /// The longest lag since the last sweep.
    lag: Duration,
    /// When a lag was last reported.
    lag_told: Option<u64>,
    /// The waker of the driver, while it waits for a run to watch.
    parked: Vec<Weak<Waker>>,
}

/// What belongs to a slot of the wheel, beside its tracker.
#[derive(Clone)]
pub(super) struct Entry {
    /// `None`: nobody is watched here.
    pub(super) ids: Option<Box<str>>,
    pub(super) window_ns: u64,
    pub(super) rule: Rule,
}

impl Entry {
    const NOBODY: Entry = match Rule::new(1) {
        Ok(rule) => Entry { ids: None, window_ns: 0, rule },
        Err(_) => panic!("a sound window"),
    };
}

/// What was kept of a run that is watched no more.
pub(super) struct Removed {
    /// The silence that lasted.
    pub(super) silence: Option<Arc<Silence>>,
    _ids: Option<Box<str>>,
    _awaited: Option<Once<Arc<Silence>>>,
}

impl Table {
    pub(super) fn new(length: Duration, capacity: usize) -> Option<Self> {
        Some(Self {
            time: Attended::new(length),
            wheel: Wheel::with_slots(vec![WheelSlot::new(); capacity].into()).ok()?,
            entries: vec![Entry::NOBODY; capacity].into(),
            windows: Windows::default(),
            silent: HashMap::new(),
            awaited: HashMap::new(),
            late: HashMap::new(),
            crowd: Crowd::default(),
            swept: 0,
            is_behind: false,
            lag: Duration::ZERO,
            lag_told: None,
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
        let window_ns = watch.window_ns();
        self.entries[key.index()] = Entry { ids: Some(ids), window_ns, rule };
        self.windows.add(window_ns);
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
        self.crowd.release(place);
        self.late.remove(&place);
        let awaited = self.awaited.remove(&place);
        let entry = std::mem::replace(&mut self.entries[place], Entry::NOBODY);
        self.windows.remove(entry.window_ns);
        if self.wheel.is_empty() {
            self.time.park();
        }
        Some(Removed { silence, _ids: entry.ids, _awaited: awaited })
    }

    /// The guest's id and the run's.
    pub(super) fn ids(&self, key: SlotKey) -> Option<Arc<str>> {
        self.entries[key.index()].ids.as_deref().map(Arc::from)
    }

    /// The tick of the last notification.
    pub(super) fn last(&self, key: SlotKey, tracker: &Tracker) -> u64 {
        match tracker.pulse() {
            Pulse::Alive { last } | Pulse::Silent { last } | Pulse::Paused { last } => last.get(),
            _ => self.silent.get(&key.index()).map_or(self.time.tick(), |silence| silence.sequence),
        }
    }

    /// How many runs are late, and not silent yet.
    pub(super) fn late(&mut self, trackers: &[Tracker]) -> usize {
        let is_late = |place: &usize, last: &mut Tick| {
            trackers[*place].pulse() == Pulse::Alive { last: *last }
        };
        self.late.retain(is_late);
        self.late.len()
    }

    /// The silence that lasts, or the next one.
    pub(super) fn wait(
        &mut self,
        key: SlotKey,
        tracker: &Tracker,
    ) -> Result<Arc<Silence>, Once<Arc<Silence>>> {
        // It is over with the notification, not with the step that reports its end.
        match self.silent.get(&key.index()).filter(|_| !is_back(tracker)) {
            Some(silence) => Ok(silence.clone()),
            None => Err(self.awaited.entry(key.index()).or_default().clone()),
        }
    }

    /// Wakes `waker` when a run is watched, if it is still there; `false` if one is already.
    pub(super) fn park(&mut self, waker: &Arc<Waker>) -> bool {
        if self.wheel.is_empty() {
            self.parked.retain(|parked| parked.strong_count() > 0);
            self.parked.push(Arc::downgrade(waker));
        }
        self.wheel.is_empty()
    }

    /// Lets the ticks pass that are due; nothing is looked at. Nobody's time begins to run before
    /// it is watched.
    pub(super) fn advance(&mut self, now: Now, publish: impl FnOnce(u64)) -> Advance {
        let stall_above = self.windows.stall_above(self.time.length());
        let advance = self.time.advance(now, stall_above);
        if let Advance::Tick { lag } = advance {
            self.lag = self.lag.max(lag);
            publish(self.time.tick());
        }
        advance
    }

    /// Lets the ticks pass that are due, and looks at who is due then.
    pub(super) fn step(
        &mut self,
        now: Now,
        trackers: &[Tracker],
        recovered: impl Iterator<Item = usize>,
        bounds: &Bounds,
        findings: &mut Findings,
        publish: impl FnOnce(u64),
    ) -> Step {
        for place in recovered {
            self.note_recovery(place, &trackers[place], findings);
        }
        if self.wheel.is_empty() {
            self.time.park();
            return Step::Idle;
        }
        if let Advance::Early(wait) = self.advance(now, publish) {
            if self.swept == self.time.tick() && !self.is_behind {
                return Step::Wait(wait);
            }
        }
        self.swept = self.time.tick();
        self.note_lag(findings);
        self.sweep(trackers, bounds, findings);
        if self.is_behind { Step::Again } else { Step::Wait(self.time.wait(now.clock)) }
    }

    /// A lag beyond the slack is reported once per window, of the shortest there is, or second.
    fn note_lag(&mut self, findings: &mut Findings) {
        let lag = std::mem::take(&mut self.lag);
        let slack = self.windows.slack(self.time.length());
        if lag <= slack {
            return;
        }
        let tick = self.time.tick();
        let window = self.time.ticks(self.windows.shortest().max(LAG_TOLD_EVERY));
        if self.lag_told.is_none_or(|last| tick.saturating_sub(last) >= window) {
            self.lag_told = Some(tick);
            findings.lag = Some((lag, slack));
        }
    }

    pub(super) fn note_signal(&mut self, place: usize, signal: Signal, findings: &mut Findings) {
        let entry = &self.entries[place];
        let Some(ids) = entry.ids.as_deref() else { return };
        let (guest, run) = split(ids);
        let last = signal.last.get();
        let elapsed = self.time.at_least(self.time.tick().saturating_sub(self.time.notified(last)));
        let silence = Arc::new(Silence {
            guest: guest.into(),
            run: run.into(),
            window: Duration::from_nanos(entry.window_ns),
            elapsed,
            elapsed_raw: elapsed.saturating_add(self.time.stalled_since(last)),
            sequence: last,
        });
        if signal.kind == SignalKind::Late {
            self.late.insert(place, signal.last);
            findings.changes.push((GuestChange::Late, silence));
            return;
        }
        self.late.remove(&place);
        if let Some(last) = self.silent.insert(place, silence.clone()) {
            // It was back for a moment, and the record of it found no room.
            findings.changes.push((GuestChange::Recovered, last));
        }
        if let Some(awaited) = self.awaited.remove(&place) {
            findings.awaited.push((awaited, silence.clone()));
        }
        findings.changes.push((GuestChange::Silent, silence));
    }

    pub(super) fn note_recovery(
        &mut self,
        place: usize,
        tracker: &Tracker,
        findings: &mut Findings,
    ) {
        if !is_back(tracker) {
            return;
        }
        if let Some(silence) = self.silent.remove(&place) {
            let ticks = self.time.tick().saturating_sub(self.time.notified(silence.sequence));
            let elapsed = self.time.at_least(ticks).max(silence.elapsed);
            let elapsed_raw = elapsed.saturating_add(self.time.stalled_since(silence.sequence));
            let silence = Silence { elapsed, elapsed_raw, ..(*silence).clone() };
            findings.changes.push((GuestChange::Recovered, Arc::new(silence)));
        }
    }
}

/// Whether a tracker whose silence was reported is not silent any more.
pub(super) fn is_back(tracker: &Tracker) -> bool {
    matches!(tracker.pulse(), Pulse::Alive { .. })
}
