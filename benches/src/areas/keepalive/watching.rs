//! What it costs to watch guests that beat: the CPU time of the thread that watches.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::peers::{Polled, Queue, Stamps};
use super::watched::{Plimsoll, Told, Turns, Watched};
use super::{WINDOW, clock, runtime};
use crate::case::Case;

/// How long one sample lasts, at least.
const TURN: Duration = Duration::from_millis(640);
/// What is watched before a sample begins, so that what has come due meanwhile is no part of it.
const BEFORE: Duration = Duration::from_millis(30);
const ROUNDS_MAX: usize = 7;
/// How often a turn is begun anew because the machine, or who beats, stalled for half a window.
const ATTEMPTS: usize = 5;

/// What has been measured, for the cases that look at another side of it.
type Noted = Rc<RefCell<Vec<Turn>>>;

/// The notes of each subject.
type Notes = [Noted; 4];

pub(super) fn cases() -> Vec<Case> {
    let notes: [Notes; 3] = Default::default();
    vec![
        case("CPU time of watching 10,000, window 10 s", 10_000, &notes[0]),
        case("CPU time of watching 100,000, window 10 s", 100_000, &notes[1]),
        case("CPU time of watching 1,000,000, window 10 s", 1_000_000, &notes[2]),
        beats_included("the same, and the beats that 1,000,000 make", 1_000_000, &notes[2]),
        between_looks("time between looks at a guest, where 10 ms are wanted", &notes),
    ]
}

fn case(name: &'static str, guests: u64, [polled, stamps, queue, plimsoll]: &Notes) -> Case {
    Case::new(name, "guest and second", 1)
        .baseline(Polled::NAME, turns::<Polled>(guests, polled))
        .subject(Stamps::NAME, Polled::NAME, turns::<Stamps>(guests, stamps))
        .subject(Queue::NAME, Polled::NAME, turns::<Queue>(guests, queue))
        .subject(Plimsoll::NAME, Polled::NAME, turns::<Plimsoll>(guests, plimsoll))
        .fixed(guests, ROUNDS_MAX)
}

/// Work that a beat takes over from the watcher, or leaves to it, is in the sum of both.
fn beats_included(name: &'static str, guests: u64, notes: &Notes) -> Case {
    let names = [Polled::NAME, Stamps::NAME, Queue::NAME, Plimsoll::NAME];
    let sum = |turn: Turn| turn.watching + turn.beating;
    let add = |case: Case, (name, noted)| case.subject(name, Polled::NAME, again(noted, sum));
    let case = Case::new(name, "guest and second", 2);
    names.into_iter().zip(notes).fold(case, add).fixed(guests, ROUNDS_MAX)
}

fn between_looks(name: &'static str, [few, more, most]: &[Notes; 3]) -> Case {
    let base = "polling: 10,000 tasks";
    let time = |turn: Turn| turn.between_looks.expect("it polls");
    Case::new(name, "look", 1)
        .baseline(base, again(&few[0], time))
        .subject("polling: 100,000 tasks", base, again(&more[0], time))
        .subject("polling: 1,000,000 tasks", base, again(&most[0], time))
        .fixed(1, ROUNDS_MAX)
}

/// A side of the turns that have been measured before, one after the other.
fn again(noted: &Noted, side: fn(Turn) -> Duration) -> impl FnMut(u64) -> Duration + use<> {
    let (noted, mut seen) = (noted.clone(), 0);
    move |_| {
        seen += 1;
        side(noted.borrow()[seen - 1])
    }
}

/// Watches so many guests for one turn in each sample, and answers the CPU time that a second of it
/// takes. If it is asked for fewer than `all`, the turn is shorter as well.
fn turns<W: Watched>(all: u64, noted: &Noted) -> impl FnMut(u64) -> Duration + use<W> {
    let (noted, mut watch) = (noted.clone(), None::<Watch<W>>);
    move |guests| {
        let time = TURN.mul_f64(guests as f64 / all as f64);
        let turn = (0..ATTEMPTS).find_map(|_| {
            let turn = watch.get_or_insert_with(|| Watch::new(guests as usize)).turn(time);
            if turn.is_none() {
                watch = None;
            }
            turn
        });
        let turn = turn.unwrap_or_else(|| panic!("{}: this machine stalls all the time", W::NAME));
        noted.borrow_mut().push(turn);
        turn.watching
    }
}

/// What one turn has shown.
#[derive(Clone, Copy)]
struct Turn {
    /// The CPU time that a second of watching takes.
    watching: Duration,
    /// The same of the thread that beats.
    beating: Duration,
    between_looks: Option<Duration>,
}

struct Watch<W> {
    watched: W,
    runtime: Runtime,
    guests: usize,
    /// Whose turn to beat it is.
    next: AtomicUsize,
    anybody_silent: Arc<AtomicBool>,
}

impl<W: Watched> Watch<W> {
    fn new(guests: usize) -> Self {
        let (runtime, anybody_silent) = (runtime(), Arc::new(AtomicBool::new(false)));
        let silent = anybody_silent.clone();
        // Relaxed: looked at when the turn is over, on the same thread.
        let told: Told = Arc::new(move |_| silent.store(true, Ordering::Relaxed));
        let watched = W::new(&runtime, guests, WINDOW, &told);
        Self { watched, runtime, guests, next: AtomicUsize::new(0), anybody_silent }
    }

    /// Nobody has watched since the last turn: the guests are put where they would be, and beat
    /// from another thread while this one watches. `None` if a guest has fallen silent: most
    /// designs take a stall for the end of their guests.
    fn turn(&mut self, time: Duration) -> Option<Turn> {
        self.watched.settle(self.turns());
        let done = AtomicBool::new(false);
        let turn = thread::scope(|scope| {
            let beating = scope.spawn(|| self.beat_until(&done));
            let turn = self.runtime.block_on(self.watch(time));
            // Relaxed: only to stop; the join orders the rest.
            done.store(true, Ordering::Relaxed);
            Turn { beating: beating.join().expect("nobody panics"), ..turn }
        });
        let (bursts, next) = self.watched.bursts(self.turns());
        *self.next.get_mut() = next;
        let turn = Turn { watching: turn.watching + bursts, ..turn };
        (!self.is_void()).then_some(turn)
    }

    /// Whether a guest was reported silent that beats.
    fn is_void(&self) -> bool {
        // Relaxed: told on the thread that looks here.
        self.anybody_silent.load(Ordering::Relaxed)
    }

    fn turns(&self) -> Turns {
        // Relaxed: the thread that beats is joined before the next one is started.
        Turns { guests: self.guests, next: self.next.load(Ordering::Relaxed) }
    }

    /// Answers the CPU time that a second of it takes.
    fn beat_until(&self, done: &AtomicBool) -> Duration {
        let (start, cpu_start, turns) = (Instant::now(), clock::cpu_time(), self.turns());
        let per_second = self.guests as f64 * Turns::PER_WINDOW / WINDOW.as_secs_f64();
        let mut next = turns.next;
        // Relaxed: as in `turn`.
        while !done.load(Ordering::Relaxed) {
            let due = turns.next + (start.elapsed().as_secs_f64() * per_second) as usize;
            (next..due).for_each(|turn| self.watched.beat(turns.guest(turn)));
            next = due;
            thread::sleep(Duration::from_millis(5));
        }
        // Relaxed: as in `turns`.
        self.next.store(next, Ordering::Relaxed);
        (clock::cpu_time() - cpu_start).div_f64(start.elapsed().as_secs_f64())
    }

    /// Where there are looks at all guests, as many are made as there are guests at least.
    async fn watch(&self, time: Duration) -> Turn {
        sleep(BEFORE).await;
        let (start, cpu_start, first) = (Instant::now(), clock::cpu_time(), self.watched.looks());
        sleep(time).await;
        let looks = loop {
            let looks = self.watched.looks().zip(first).map(|(now, first)| now - first);
            let is_over = looks.is_none_or(|looks| looks >= self.guests as u64);
            if is_over || self.is_void() {
                break looks;
            }
            sleep(Duration::from_millis(1)).await;
        };
        let (took, cpu) = (start.elapsed(), clock::cpu_time() - cpu_start);
        Turn {
            watching: cpu.div_f64(took.as_secs_f64()),
            beating: Duration::ZERO,
            between_looks: looks
                .map(|looks| took.mul_f64(self.guests as f64 / looks.max(1) as f64)),
        }
    }
}
