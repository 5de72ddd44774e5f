//! How long after its window a silence is told.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::peers::{Polled, Queue, Stamps};
use super::runtime;
use super::watched::{Plimsoll, Told, Watched};
use crate::case::Case;

/// How many fall silent in one run, each at a time of its own.
const GUESTS: u64 = 1_000;
const WINDOW: Duration = Duration::from_millis(100);
/// From one last beat to the next, on average.
const APART: Duration = Duration::from_micros(200);
const LONGEST: Duration = Duration::from_secs(20);
const ROUNDS_MAX: usize = 11;
/// How often a run is made anew because who beats stalled for a window.
const ATTEMPTS: usize = 10;

pub(super) fn cases() -> Vec<Case> {
    let [polled, stamps, queue, plimsoll]: [Runs; 4] = Default::default();
    let percentile = |name, per_thousand| {
        Case::new(name, "silence", 1)
            .baseline(Polled::NAME, lateness::<Polled>(&polled, per_thousand))
            .subject(Stamps::NAME, Polled::NAME, lateness::<Stamps>(&stamps, per_thousand))
            .subject(Queue::NAME, Polled::NAME, lateness::<Queue>(&queue, per_thousand))
            .subject(Plimsoll::NAME, Polled::NAME, lateness::<Plimsoll>(&plimsoll, per_thousand))
            .fixed(GUESTS, ROUNDS_MAX)
    };
    vec![
        percentile("silence told after its window by, p50", 500),
        percentile("silence told after its window by, p90", 900),
        percentile("silence told after its window by, p99", 990),
        percentile("silence told after its window by, max", 1_000),
    ]
}

/// How late each silence was told, smallest first, in each run of one subject.
type Runs = Rc<RefCell<Vec<Vec<Duration>>>>;

/// A percentile of the next run. The first of the cases makes the runs, the others look at the same
/// ones. A figure is for one silence, and not to be divided by the number of them.
fn lateness<W: Watched>(runs: &Runs, per_thousand: usize) -> impl FnMut(u64) -> Duration + use<W> {
    let runs = runs.clone();
    let mut seen = 0;
    move |guests| {
        if runs.borrow().len() == seen {
            let run = (0..ATTEMPTS).find_map(|_| run::<W>(guests as usize));
            let run =
                run.unwrap_or_else(|| panic!("{}: this machine stalls all the time", W::NAME));
            runs.borrow_mut().push(run);
        }
        seen += 1;
        percentile(&runs.borrow()[seen - 1], per_thousand) * guests as u32
    }
}

/// The smallest sample that so many of a thousand do not exceed.
fn percentile(sorted: &[Duration], per_thousand: usize) -> Duration {
    sorted[(sorted.len() * per_thousand).div_ceil(1_000).max(1) - 1]
}

/// Lets all guests beat for the last time, one after the other, and waits until the last of them is
/// told silent. `None` if one was before it has beaten for the last time.
fn run<W: Watched>(guests: usize) -> Option<Vec<Duration>> {
    let runtime = runtime();
    let ends = Ends::new(guests);
    let (noted, all) = (ends.clone(), Arc::new(Notify::new()));
    let (missing, over) = (AtomicUsize::new(guests), all.clone());
    let told: Told = Arc::new(move |guest| {
        let now = Instant::now();
        let told = &mut noted.told.lock().expect("nobody panics")[guest];
        if told.is_some() {
            return; // It has beaten afterwards: the run will not count.
        }
        *told = Some(now);
        // Relaxed: a count; the lock orders what was noted.
        if missing.fetch_sub(1, Ordering::Relaxed) == 1 {
            over.notify_one();
        }
    });
    let watched = W::new(&runtime, guests, WINDOW, &told);
    thread::scope(|scope| {
        scope.spawn(|| last_beats(&watched, &ends));
        let end = runtime.block_on(async { timeout(LONGEST, all.notified()).await });
        assert!(end.is_ok(), "{}: not all were told", W::NAME);
    });
    ends.lateness(W::NAME)
}

/// Guests that have not had their last beat yet beat every now and then, for it is still to come.
fn last_beats<W: Watched>(watched: &W, ends: &Ends) {
    let guests = ends.told.lock().expect("nobody panics").len();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for guest in 0..guests {
        // Xorshift (Marsaglia 2003): pauses that keep no step with anybody's tick.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        thread::sleep(APART.mul_f64(2.0 * (random >> 11) as f64 / (1_u64 << 53) as f64));
        let others = if guest % 64 == 0 { guest + 1..guests } else { 0..0 };
        for beating in others.chain([guest]) {
            let start = Instant::now();
            watched.beat(beating);
            let beat = (start, Instant::now());
            ends.beats.lock().expect("nobody panics")[beating].push(beat);
        }
    }
}

/// When a beat began and ended.
type Beat = (Instant, Instant);

/// Of each guest the beats, and when its silence was told.
#[derive(Clone)]
struct Ends {
    beats: Arc<Mutex<Vec<Vec<Beat>>>>,
    told: Arc<Mutex<Vec<Option<Instant>>>>,
}

impl Ends {
    fn new(guests: usize) -> Self {
        let beats = vec![vec![(Instant::now(), Instant::now())]; guests];
        Self { beats: Arc::new(Mutex::new(beats)), told: Arc::new(Mutex::new(vec![None; guests])) }
    }

    /// How late each silence was told, smallest first.
    fn lateness(&self, name: &str) -> Option<Vec<Duration>> {
        let beats = self.beats.lock().expect("nobody panics");
        let told = self.told.lock().expect("nobody panics");
        let late = |(beats, told): (&Vec<Beat>, &Option<Instant>)| {
            let told = told.expect("all were told");
            let before = beats.iter().rev().find(|beat| beat.1 <= told);
            let last = before.expect("the one of the beginning");
            let late = told.checked_duration_since(last.0 + WINDOW);
            let late = late.unwrap_or_else(|| panic!("{name}: told early"));
            (beats.last() == Some(last)).then_some(late)
        };
        let mut late: Vec<Duration> = beats.iter().zip(&*told).map(late).collect::<Option<_>>()?;
        late.sort();
        Some(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_and_the_last_one_is_the_largest() {
        let samples: Vec<_> = (1..=1_000).map(Duration::from_millis).collect();
        let of = |per_thousand| percentile(&samples, per_thousand).as_millis();
        assert_eq!([500, 900, 990, 1_000].map(of), [500, 900, 990, 1_000]);
        let few = [Duration::from_millis(7)];
        assert_eq!(percentile(&few, 500), few[0]);
    }
}
