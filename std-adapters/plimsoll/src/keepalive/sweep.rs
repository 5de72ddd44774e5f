//! One sweep of the wheel: expired runs, runs held back, and the suspicion against the host.

use plimsoll_core::keepalive::{NextCheck, Pulse, Rule, Signal, SlotKey, Tick, Tracker};

use super::attended::Attended;
use super::crowd::{Others, hold_ticks};
use super::step::{Bounds, Findings};
use super::table::{Entry, Table, is_back};

impl Table {
    pub(super) fn sweep(&mut self, trackers: &[Tracker], bounds: &Bounds, findings: &mut Findings) {
        let now = Tick::new(self.time.tick());
        let mut expired = Vec::new();
        let mut due = Vec::new();
        let Self { wheel, entries, time, silent, crowd, .. } = self;
        let swept = wheel.sweep(now, bounds.checks_max, |key| {
            let place = key.index();
            let (Entry { ids: Some(_), rule, window_ns }, tracker) =
                (&entries[place], &trackers[place])
            else {
                return NextCheck::Never;
            };
            if bounds.suspect_above.is_some() {
                match expired_at(tracker, now, *rule, time) {
                    None => crowd.release(place),
                    Some(at) => {
                        let until = crowd.hold(key, at, *window_ns, time);
                        if until > now.get() {
                            return NextCheck::At(Tick::new(until));
                        }
                        due.push(key);
                        return NextCheck::At(now.after(1));
                    }
                }
            }
            // A recovery whose record found no room is found here.
            let is_back = silent.contains_key(&place) && is_back(tracker);
            match tracker.judge_since(now, *rule, since(time, *rule)) {
                Ok(look) => {
                    if is_back || look.signal.is_some() {
                        expired.push((place, is_back, look.signal));
                    }
                    look.due.into()
                }
                // Its owner is on the way to take it out.
                Err(_) => NextCheck::Never,
            }
        });
        self.is_behind = swept.is_behind;
        if !self.suspects(&due, trackers, bounds, findings) {
            for key in due {
                let signal = self.judge(key, &trackers[key.index()], now);
                expired.push((key.index(), false, signal));
            }
        }
        for (place, is_back, signal) in expired {
            if is_back {
                self.note_recovery(place, &trackers[place], findings);
            }
            if let Some(signal) = signal {
                self.note_signal(place, signal, findings);
            }
        }
    }

    /// Whether the runs that would be reported silent are spared, with all others, since it looks
    /// as if the host had stood still.
    fn suspects(
        &mut self,
        due: &[SlotKey],
        trackers: &[Tracker],
        bounds: &Bounds,
        findings: &mut Findings,
    ) -> bool {
        let Some(max) = bounds.suspect_above else { return false };
        let now = Tick::new(self.time.tick());
        let Self { crowd, entries, time, .. } = self;
        if crowd.len() > max {
            crowd.retain(|key| {
                let place = key.index();
                expired_at(&trackers[place], now, entries[place].rule, time).is_some()
            });
        }
        let suspected = if self.crowd.len() > max {
            Some(self.crowd.len())
        } else {
            due.first().and_then(|key| self.others(*key, trackers, bounds).all_quiet(max))
        };
        let Some(suspected) = suspected else { return false };
        findings.suspicion = Some((suspected, self.wheel.len()));
        self.time.spare_all();
        for key in self.crowd.take() {
            let rule = self.entries[key.index()].rule;
            let _ = self.wheel.schedule(key, now.after(rule.late().unwrap_or(rule.window())));
        }
        true
    }

    /// What the others do while this one is silent, of as many as a step may look at.
    fn others(&self, key: SlotKey, trackers: &[Tracker], bounds: &Bounds) -> Others {
        /// Empty places are passed by quickly.
        const PLACES_MAX: usize = 1 << 16;
        let just_now = hold_ticks(self.entries[key.index()].window_ns, &self.time).max(2);
        let (before, after) = self.entries.split_at(key.index());
        let (trackers_before, trackers_after) = trackers.split_at(key.index());
        let places = after.iter().zip(trackers_after).chain(before.iter().zip(trackers_before));
        let watched = places.take(PLACES_MAX).filter(|(entry, _)| entry.ids.is_some());
        let mut others = Others::default();
        for (entry, tracker) in watched.take(bounds.checks_max) {
            if let Pulse::Alive { last } = tracker.pulse() {
                let age = self.time.tick().saturating_sub(self.time.notified(last.get()));
                others.add(age, entry.rule.window(), just_now);
            }
        }
        others
    }

    /// Looks at one that was held back because it might have been part of a crowd.
    fn judge(&mut self, key: SlotKey, tracker: &Tracker, now: Tick) -> Option<Signal> {
        self.crowd.release(key.index());
        let Self { entries, time, .. } = self;
        let rule = entries[key.index()].rule;
        let look = tracker.judge_since(now, rule, since(time, rule)).ok()?;
        if let Some(due) = look.due {
            let _ = self.wheel.schedule(key, due);
        }
        look.signal
    }
}

/// From when the age of a notification counts.
fn since(time: &Attended, rule: Rule) -> impl Fn(Tick) -> Tick {
    move |last| Tick::new(time.since(last.get(), rule.window()))
}

/// Since when a run has been silent that was not reported, nor spared since its last notification.
fn expired_at(tracker: &Tracker, now: Tick, rule: Rule, time: &Attended) -> Option<u64> {
    let Pulse::Alive { last } = tracker.pulse() else { return None };
    let is_spared = time.spared_after(last.get()).is_some();
    let expired = time.notified(last.get()).saturating_add(rule.window());
    (!is_spared && now.get() >= expired).then_some(expired)
}
