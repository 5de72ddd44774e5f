//! Who fell silent, for how long, and who came back: the watcher's events, kept by guest.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use plimsoll::{Event, EventKind};

/// A clonable book of silences.
#[derive(Clone, Default)]
pub(crate) struct Silences(Arc<Mutex<HashMap<String, Guest>>>);

#[derive(Default)]
struct Guest {
    facts: Facts,
    /// The runs under way, and since when each is silent.
    runs: HashMap<String, Option<Instant>>,
}

/// What was reported of a guest, over all its runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// How often it was late.
    pub(crate) late: u64,
    /// How often it fell silent.
    pub(crate) silent: u64,
    /// Of these, how often it came back. The others lasted until the end of their run.
    pub(crate) recovered: u64,
    /// The longest silence that is over.
    pub(crate) longest: Duration,
}

impl Silences {
    /// A run begins.
    pub(crate) fn begin(&self, guest: &str, run: &str) {
        self.lock().entry(guest.to_owned()).or_default().runs.insert(run.to_owned(), None);
    }

    /// A run is over, and with it its silence.
    pub(crate) fn end(&self, guest: &str, run: &str) {
        if let Some(guest) = self.lock().get_mut(guest)
            && let Some(Some(since)) = guest.runs.remove(run)
        {
            guest.facts.longest = guest.facts.longest.max(since.elapsed());
        }
    }

    /// Takes an event down if it is one of the watcher's.
    pub(crate) fn on_event(&self, event: &Event) {
        let (Some(guest), Some(run), Some(silent_for)) =
            (event.instance(), event.run.as_deref(), event.duration)
        else {
            return;
        };
        let mut guests = self.lock();
        let Some(Guest { facts, runs }) = guests.get_mut(guest) else { return };
        let is_over = match event.kind {
            EventKind::Late => {
                facts.late += 1;
                false
            }
            EventKind::Silent => {
                facts.silent += 1;
                let since = Instant::now().checked_sub(silent_for);
                // Events come a little later than what they tell: the run may have ended.
                runs.get_mut(run).map(|silent| *silent = since).is_none()
            }
            EventKind::Recovered => {
                facts.recovered += 1;
                runs.get_mut(run).map(Option::take);
                true
            }
            _ => false,
        };
        if is_over {
            facts.longest = facts.longest.max(silent_for);
        }
    }

    /// What was reported of a guest.
    pub(crate) fn facts(&self, guest: &str) -> Facts {
        self.lock().get(guest).map_or(Facts::default(), |guest| guest.facts)
    }

    /// How long a guest has been silent; of its runs, the one that has been so for longest.
    pub(crate) fn silent_for(&self, guest: &str) -> Option<Duration> {
        let guests = self.lock();
        let since = guests.get(guest)?.runs.values().flatten().min()?;
        Some(since.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Guest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Facts {
    /// One sentence without its subject.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = |number: u64| match number {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            _ => format!("{number} times"),
        };
        let Self { silent, recovered, longest, .. } = *self;
        if silent == 0 {
            return f.write_str("never fell silent");
        }
        write!(f, "fell silent {}, for {:.2} s", times(silent), longest.as_secs_f64())?;
        f.write_str(if silent > 1 { " at the longest, " } else { ", " })?;
        match recovered {
            1 if silent == 1 => f.write_str("and recovered"),
            0 => f.write_str("and did not recover"),
            _ if recovered == silent => f.write_str("and recovered each time"),
            _ => write!(f, "and recovered {}", times(recovered)),
        }
    }
}

#[cfg(test)]
mod tests {
    use plimsoll::Registry;
    use plimsoll::keepalive::{FakeClock, Step, Watch, Watcher};

    use super::*;

    const WINDOW: Duration = Duration::from_millis(400);

    /// A watcher with a clock that is turned by hand, and the book that it fills.
    fn bench() -> (FakeClock, Watcher, Silences, plimsoll::Subscription) {
        let (clock, registry, silences) =
            (FakeClock::default(), Registry::new(), Silences::default());
        let watcher = Watcher::builder().clock(clock.clone()).build(&registry);
        let book = silences.clone();
        let subscription = registry.subscribe(move |event| book.on_event(event));
        (clock, watcher.expect("a watcher"), silences, subscription)
    }

    fn pass(clock: &FakeClock, watcher: &Watcher, steps: u32) {
        for _ in 0..steps {
            while watcher.step() == Step::Again {}
            clock.advance(WINDOW / 100);
        }
    }

    #[test]
    fn a_silence_lasts_until_the_recovery_or_the_end_of_the_run() {
        let (clock, watcher, silences, _subscription) = bench();
        for (run, recovers) in [("run-1", true), ("run-2", false)] {
            let watch = Watch::new("hog", run).window(WINDOW).late_after(WINDOW / 2).rearming();
            let keep_alive = watcher.watch(watch).expect("there is room");
            silences.begin("hog", run);
            pass(&clock, &watcher, 150);
            assert!(silences.silent_for("hog") >= Some(WINDOW));
            if recovers {
                keep_alive.notify();
                pass(&clock, &watcher, 10);
                assert_eq!(silences.silent_for("hog"), None);
            }
            drop(keep_alive);
            silences.end("hog", run);
            assert_eq!(silences.silent_for("hog"), None);
        }
        let facts = silences.facts("hog");
        assert_eq!((facts.late, facts.silent, facts.recovered), (2, 2, 1));
        assert!(facts.longest >= 14 * WINDOW / 10, "{facts:?}");
        assert_eq!(silences.facts("nobody"), Facts::default());
    }

    #[test]
    fn an_event_that_comes_after_the_end_of_its_run_leaves_no_silence_behind() {
        let (clock, watcher, silences, _subscription) = bench();
        silences.begin("spin", "run-1");
        let watch = Watch::new("spin", "run-1").window(WINDOW);
        let _keep_alive = watcher.watch(watch).expect("there is room");
        silences.end("spin", "run-1");
        pass(&clock, &watcher, 150);
        assert_eq!((silences.facts("spin").silent, silences.silent_for("spin")), (1, None));
        assert!(silences.facts("spin").longest >= WINDOW);
    }

    #[test]
    fn facts_are_a_sentence() {
        let text = |silent, recovered| {
            let longest = Duration::from_millis(870);
            Facts { late: 9, silent, recovered, longest }.to_string()
        };
        assert_eq!(text(0, 0), "never fell silent");
        assert_eq!(text(1, 1), "fell silent once, for 0.87 s, and recovered");
        assert_eq!(text(1, 0), "fell silent once, for 0.87 s, and did not recover");
        let many = "fell silent 3 times, for 0.87 s at the longest, and";
        assert_eq!(text(3, 3), format!("{many} recovered each time"));
        assert_eq!(text(3, 2), format!("{many} recovered twice"));
    }
}
