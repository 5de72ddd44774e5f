//! All of 10,000 gauges at once, and what that does to those who count meanwhile.

mod boards;

use std::hint::black_box;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::threads::beside;
use boards::{Atomics, Board, Client, Facade, Plimsoll, Prometheus};

const GAUGES: usize = 10_000;

const FLOOR: &str = "bare atomics";

/// Which gauges a recorder counts on.
#[derive(Clone, Copy)]
enum Reach {
    One,
    All,
}

/// How long the neighbour rests after each snapshot.
const NO_PAUSE: Duration = Duration::ZERO;
const PAUSE: Duration = Duration::from_millis(10);

pub(super) fn cases() -> Vec<Case> {
    let boards = Boards {
        atomics: Rc::new(Atomics::new(GAUGES)),
        plimsoll: Rc::new(Plimsoll::new(GAUGES)),
        facade: Rc::new(Facade::new(GAUGES)),
        prometheus: Rc::new(Prometheus::new(GAUGES)),
        client: Rc::new(Client::new(GAUGES)),
    };
    vec![
        boards.look("snapshot, nobody records", 0),
        boards.look("snapshot, 1 recorder on all gauges", 1),
        boards.look("snapshot, 2 recorders on all gauges", 2),
        boards.record("recorder on 1 gauge, endless snapshots", Reach::One, NO_PAUSE),
        boards.record("recorder on all gauges, endless snapshots", Reach::All, NO_PAUSE),
        boards.record("recorder on all gauges, 100 snapshots/s", Reach::All, PAUSE),
    ]
}

struct Boards {
    atomics: Rc<Atomics>,
    plimsoll: Rc<Plimsoll>,
    facade: Rc<Facade>,
    prometheus: Rc<Prometheus>,
    client: Rc<Client>,
}

impl Boards {
    fn look(&self, name: &'static str, recorders: usize) -> Case {
        Case::new(name, "snapshot of 10,000", recorders + 1)
            .baseline(FLOOR, look(&self.atomics, recorders))
            .subject("plimsoll Registry::snapshot", FLOOR, look(&self.plimsoll, recorders))
            .subject("metrics, debugging recorder", FLOOR, look(&self.facade, recorders))
            .subject("prometheus gather", FLOOR, look(&self.prometheus, recorders))
            .subject("prometheus-client encode", FLOOR, look(&self.client, recorders))
    }

    fn record(&self, name: &'static str, reach: Reach, pause: Duration) -> Case {
        let case = Case::new(name, "enqueue + dequeue", 2);
        let case = beside_snapshots(case, FLOOR, &self.atomics, reach, pause);
        let case = beside_sums(case, &self.atomics, reach);
        let case = beside_snapshots(case, "plimsoll", &self.plimsoll, reach, pause);
        let case = beside_snapshots(case, "metrics", &self.facade, reach, pause);
        let case = beside_snapshots(case, "prometheus", &self.prometheus, reach, pause);
        beside_snapshots(case, "prometheus-client", &self.client, reach, pause)
    }
}

/// Snapshots while recorders count, each on gauges of its own.
fn look<B: Board>(board: &Rc<B>, recorders: usize) -> impl FnMut(u64) -> Duration + use<B> {
    let board = Rc::clone(board);
    move |times| {
        let board = &*board;
        let passes: Vec<_> = (0..recorders)
            .map(|first| move || (first..GAUGES).step_by(2).for_each(|gauge| board.record(gauge)))
            .collect();
        let passes: Vec<_> = passes.iter().map(|pass| pass as &(dyn Fn() + Sync)).collect();
        beside(&passes, || {
            for _ in 0..times {
                assert_eq!(black_box(board.snapshot()), GAUGES);
            }
        })
    }
}

/// A recorder next to a thread that computes: what any neighbour costs on this processor.
fn beside_sums(case: Case, board: &Rc<Atomics>, reach: Reach) -> Case {
    let board = Rc::clone(board);
    let measure = move |times| beside(&[&compute], || record(&*board, reach, times));
    case.subject(&format!("{FLOOR}: beside sums"), &alone(FLOOR), measure)
}

/// A recorder that is alone, and one next to a thread that takes snapshots.
fn beside_snapshots<B: Board>(
    case: Case,
    name: &str,
    board: &Rc<B>,
    reach: Reach,
    pause: Duration,
) -> Case {
    let (one, two) = (Rc::clone(board), Rc::clone(board));
    case.baseline(&alone(name), move |times| beside(&[], || record(&*one, reach, times))).subject(
        &format!("{name}: beside snapshots"),
        &alone(name),
        move |times| {
            let board = &*two;
            let snapshots = || {
                assert_eq!(board.snapshot(), GAUGES);
                if !pause.is_zero() {
                    thread::sleep(pause);
                }
            };
            beside(&[&snapshots], || record(board, reach, times))
        },
    )
}

fn alone(name: &str) -> String {
    format!("{name}: alone")
}

fn record(board: &impl Board, reach: Reach, times: u64) {
    match reach {
        Reach::One => (0..times).for_each(|_| board.record(0)),
        Reach::All => {
            let mut gauge = 0;
            for _ in 0..times {
                board.record(gauge);
                gauge = if gauge + 1 == GAUGES { 0 } else { gauge + 1 };
            }
        }
    }
}

/// A neighbour that shares nothing but the processor.
fn compute() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(100) {
        black_box((0..1000).fold(0_u64, |sum, number| black_box(sum ^ number)));
    }
}
