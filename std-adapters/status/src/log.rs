//! The latest events, and the guests that are silent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use parking_lot::Mutex;
use plimsoll::{Event, GuestChange, Registry, Subscription};
use serde::Serialize;

use crate::sse;

/// Guests that are kept by name while they are silent; the others are counted.
const SILENT_MAX: usize = 500;

/// Keeps the last events of a registry. With none to keep it is not subscribed.
#[derive(Debug)]
pub(crate) struct Log {
    kept: Arc<Mutex<Kept>>,
    _subscription: Option<Subscription>,
    /// When this was made: tells its numbers from those of another run.
    run_ms: u64,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Arc<Logged>>,
    /// The number of the last event, from 1 on.
    last: u64,
    silent: BTreeMap<Run, Silent>,
    /// How often `silent` has changed.
    changes: u64,
}

/// A watcher, a guest and its run.
type Run = (String, Arc<str>, Arc<str>);

/// An event with the time at which it came.
#[derive(Debug)]
pub(crate) struct Logged {
    number: u64,
    at_ms: u64,
    event: Event,
    /// What is sent, made by the first reader.
    text: OnceLock<Bytes>,
}

#[derive(Clone, Debug, Serialize)]
struct Silent {
    watcher: String,
    guest: Arc<str>,
    run: Arc<str>,
    /// When it was reported.
    at_ms: u64,
    window_ms: u64,
    elapsed_ms: u64,
}

/// How far a reader has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    number: u64,
    changes: Option<u64>,
}

impl Log {
    pub(crate) fn new(registry: &Registry, events: usize) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let keeper = kept.clone();
        let subscribe = || {
            registry.subscribe_with_current(move |event| {
                let forgotten = keeper.lock().keep(event, events);
                // Dropped without the lock.
                drop(forgotten);
            })
        };
        Self { kept, _subscription: (events > 0).then(subscribe), run_ms: now_ms() }
    }

    /// Where a reader begins that was last sent the event of this id.
    pub(crate) fn place_after(&self, id: Option<&str>) -> Place {
        let number = id.and_then(|id| id.split_once('-')).and_then(|(run, number)| {
            (run.parse() == Ok(self.run_ms)).then(|| number.parse().ok()).flatten()
        });
        Place { number: number.unwrap_or(0), changes: None }
    }

    /// What there is since then, as events of a stream, and moves the place.
    pub(crate) fn since(&self, place: &mut Place) -> Vec<Bytes> {
        let (events, silent) = {
            let kept = self.kept.lock();
            let newer = kept.events.iter().filter(|logged| logged.number > place.number);
            let events: Vec<_> = newer.cloned().collect();
            place.number = kept.last;
            let is_changed = place.changes.replace(kept.changes) != Some(kept.changes);
            (events, is_changed.then(|| kept.silent.values().cloned().collect::<Vec<_>>()))
        };
        let mut sent: Vec<_> = events.iter().map(|logged| logged.text(self.run_ms)).collect();
        sent.extend(silent.map(|silent| sse::event("silent", None, &silent)));
        sent
    }
}

impl Kept {
    fn keep(&mut self, event: &Event, events: usize) -> Option<Arc<Logged>> {
        self.last += 1;
        let at_ms = now_ms();
        self.keep_silence(event, at_ms);
        let logged =
            Logged { number: self.last, at_ms, event: event.clone(), text: OnceLock::new() };
        self.events.push_back(Arc::new(logged));
        if self.events.len() > events { self.events.pop_front() } else { None }
    }

    fn keep_silence(&mut self, event: &Event, at_ms: u64) {
        let Some(guest) = event.as_guest() else { return };
        let silence = &guest.silence;
        let run = (event.name().to_owned(), silence.guest.clone(), silence.run.clone());
        let is_changed = match guest.change {
            GuestChange::Silent if self.silent.len() < SILENT_MAX => {
                let silent = Silent {
                    watcher: event.name().to_owned(),
                    guest: silence.guest.clone(),
                    run: silence.run.clone(),
                    at_ms,
                    window_ms: whole_ms(silence.window.as_millis()),
                    elapsed_ms: whole_ms(silence.elapsed.as_millis()),
                };
                self.silent.insert(run, silent);
                true
            }
            GuestChange::Recovered | GuestChange::Ended => self.silent.remove(&run).is_some(),
            _ => false,
        };
        self.changes += u64::from(is_changed);
    }
}

impl Logged {
    fn text(&self, run_ms: u64) -> Bytes {
        #[derive(Serialize)]
        struct Line<'a> {
            at_ms: u64,
            text: String,
            event: &'a Event,
        }
        let make = || {
            let line = Line { at_ms: self.at_ms, text: self.event.to_string(), event: &self.event };
            sse::event("event", Some((run_ms, self.number)), &line)
        };
        self.text.get_or_init(make).clone()
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    whole_ms(since.as_millis())
}

fn whole_ms(ms: u128) -> u64 {
    u64::try_from(ms).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll::{GuestEvent, Level, Limit, PressureEvent, Silence};
    use std::time::Duration;

    fn raised(depth: u64) -> Event {
        PressureEvent::raised(Limit::queue("frames"), Level::Elevated, depth, 10).into()
    }

    fn guest(change: GuestChange, run: &str) -> Event {
        let window = Duration::from_secs(10);
        let silence = Silence::new("guest", run, window, window * 2);
        GuestEvent::new(Limit::resource("alive"), change, silence).into()
    }

    #[test]
    fn the_oldest_events_leave_first_and_a_reader_gets_each_once() {
        let log = Log::new(&Registry::new(), 0);
        for depth in 1..=5 {
            log.kept.lock().keep(&raised(depth), 3);
        }
        let mut place = log.place_after(None);
        let first = log.since(&mut place);
        assert_eq!(first.len(), 4, "three events, and the guests that are silent");
        assert!(first[0].starts_with(format!("event: event\nid: {}-3\n", log.run_ms).as_bytes()));
        assert!(log.since(&mut place).is_empty());
        log.kept.lock().keep(&raised(6), 3);
        assert_eq!(log.since(&mut place).len(), 1);
    }

    #[test]
    fn a_reader_that_comes_back_goes_on_where_it_was() {
        let log = Log::new(&Registry::new(), 0);
        for depth in 1..=3 {
            log.kept.lock().keep(&raised(depth), 10);
        }
        let sent = |id: &str| log.since(&mut log.place_after(Some(id))).len() - 1;
        assert_eq!(sent(&format!("{}-2", log.run_ms)), 1);
        for other in ["1-2", "", "x", "-", &format!("{}-x", log.run_ms)] {
            assert_eq!(sent(other), 3, "{other:?} is of another run, or no id");
        }
    }

    #[test]
    fn silent_guests_are_those_that_have_not_come_back() {
        let log = Log::new(&Registry::new(), 0);
        let silent = || {
            let kept = log.kept.lock();
            kept.silent.values().map(|silent| silent.run.to_string()).collect::<Vec<_>>()
        };
        for run in ["a", "b", "c"] {
            log.kept.lock().keep(&guest(GuestChange::Late, run), 10);
            log.kept.lock().keep(&guest(GuestChange::Silent, run), 10);
        }
        assert_eq!(silent(), ["a", "b", "c"]);
        log.kept.lock().keep(&guest(GuestChange::Recovered, "b"), 10);
        log.kept.lock().keep(&guest(GuestChange::Ended, "c"), 10);
        assert_eq!(silent(), ["a"]);
    }

    #[test]
    fn see_3_the_silent_guests_that_are_kept_are_bounded() {
        let log = Log::new(&Registry::new(), 0);
        for run in 0..SILENT_MAX * 2 {
            log.kept.lock().keep(&guest(GuestChange::Silent, &run.to_string()), 10);
        }
        let kept = log.kept.lock();
        assert_eq!((kept.silent.len(), kept.events.len()), (SILENT_MAX, 10));
    }
}
