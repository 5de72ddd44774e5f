//! What it costs to watch guests that beat: the CPU time of the thread that watches.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::peers::{Polled, Queue, Stamps};
use super::watched::{Plimsoll, Told, Watched};
use super::{WINDOW, clock, runtime};
use crate::case::Case;

/// How long one sample lasts, at least.
const TURN: Duration = Duration::from_millis(300);
/// What is watched before a sample begins, so that what has come due meanwhile is no part of it.
const BEFORE: Duration = Duration::from_millis(30);
const ROUNDS_MAX: usize = 9;

/// The times between two looks at a guest, of turns whose CPU time has been measured.
type Looks = Rc<RefCell<VecDeque<Duration>>>;

pub(super) fn cases() -> Vec<Case> {
    let looks: [Looks; 3] = Default::default();
    let each = "time between looks at a guest, where 10 ms are wanted";
    vec![
        case("CPU time of watching 10,000, window 10 s", 10_000, &looks[0]),
        case("CPU time of watching 100,000, window 10 s", 100_000, &looks[1]),
        case("CPU time of watching 1,000,000, window 10 s", 1_000_000, &looks[2]),
        Case::new(each, "look", 1)
            .baseline("polling: 10,000 tasks", again(looks[0].clone()))
            .subject("polling: 100,000 tasks", "polling: 10,000 tasks", again(looks[1].clone()))
            .subject("polling: 1,000,000 tasks", "polling: 10,000 tasks", again(looks[2].clone()))
            .fixed(1, ROUNDS_MAX),
    ]
}

fn case(name: &'static str, guests: u64, looks: &Looks) -> Case {
    let looks = looks.clone();
    let note = move |turn: &Turn| looks.borrow_mut().extend(turn.between_looks);
    Case::new(name, "guest and second", 1)
        .baseline(Polled::NAME, turns::<Polled>(note))
        .subject(Stamps::NAME, Polled::NAME, turns::<Stamps>(|_| ()))
        .subject(Queue::NAME, Polled::NAME, turns::<Queue>(|_| ()))
        .subject(Plimsoll::NAME, Polled::NAME, turns::<Plimsoll>(|_| ()))
        .fixed(guests, ROUNDS_MAX)
}

/// What the turns before have noted.
fn again(looks: Looks) -> impl FnMut(u64) -> Duration {
    move |_| looks.borrow_mut().pop_front().expect("as many turns as rounds")
}

/// Watches that many guests for one turn in each sample, and answers the CPU time that a second of
/// it takes.
fn turns<W: Watched>(note: impl Fn(&Turn)) -> impl FnMut(u64) -> Duration {
    let mut watch: Option<Watch<W>> = None;
    move |guests| {
        let watch = watch.get_or_insert_with(|| Watch::new(guests as usize));
        let turn = watch.turn();
        note(&turn);
        turn.cpu_per_second
    }
}

struct Turn {
    cpu_per_second: Duration,
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
    /// from another thread while this one watches.
    fn turn(&mut self) -> Turn {
        self.watched.settle(*self.next.get_mut());
        let done = AtomicBool::new(false);
        let turn = thread::scope(|scope| {
            scope.spawn(|| self.beat_until(&done));
            let turn = self.runtime.block_on(self.watch());
            // Relaxed: only to stop; the scope's join orders the rest.
            done.store(true, Ordering::Relaxed);
            turn
        });
        // Relaxed: as above.
        assert!(!self.anybody_silent.load(Ordering::Relaxed), "{}: all of them beat", W::NAME);
        turn
    }

    /// All guests in turn, each of them once in half a window.
    fn beat_until(&self, done: &AtomicBool) {
        let (start, first) = (Instant::now(), self.next.load(Ordering::Relaxed));
        let mut beats = 0;
        // Relaxed: as in `turn`.
        while !done.load(Ordering::Relaxed) {
            let rounds = start.elapsed().div_duration_f64(WINDOW / 2);
            let due = (rounds * self.guests as f64) as usize;
            (beats..due).for_each(|beat| self.watched.beat((first + beat) % self.guests));
            beats = due;
            thread::sleep(Duration::from_millis(5));
        }
        // Relaxed: as in `turn`.
        self.next.store((first + beats) % self.guests, Ordering::Relaxed);
    }

    /// Where there are looks at all guests, each of them gets one at least.
    async fn watch(&self) -> Turn {
        sleep(BEFORE).await;
        let (start, cpu_start, first) = (Instant::now(), clock::cpu_time(), self.watched.looks());
        sleep(TURN).await;
        let looks = loop {
            let looks = self.watched.looks().zip(first).map(|(now, first)| now - first);
            if looks.is_none_or(|looks| looks >= self.guests as u64) {
                break looks;
            }
            sleep(Duration::from_millis(1)).await;
        };
        let (took, cpu) = (start.elapsed(), clock::cpu_time() - cpu_start);
        Turn {
            cpu_per_second: cpu.div_f64(took.as_secs_f64()),
            between_looks: looks.map(|looks| took.mul_f64(self.guests as f64 / looks as f64)),
        }
    }
}
