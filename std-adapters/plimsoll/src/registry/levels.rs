//! How often a level was entered, and how long it has held.

use std::time::Duration;

use plimsoll_core::{Edge, EdgeKind, Level};

use crate::sync::{AtomicU64, Ordering};
use crate::telemetry::{LevelTotal, LevelTotals};

/// The edges of one limit, counted, and the time at each of its levels. Written on an edge, under
/// the lock of the limit's rule; read without any lock (REG-1).
///
/// ```text
/// round    0..64  twice the edges that were noted; odd while one is being noted
/// since    0..2   the level that holds, see `Level`
///          2..64  since when, in microseconds
/// sequence 0..64  the edge behind it
/// entered  0..64  for each level above normal: raises to it
/// held     0..64  for each level: microseconds that it held, up to the last edge
/// ```
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `on_edge`: own loads | Relaxed | | | the lock's holder alone writes | |
/// | `on_edge`: round store, odd | Relaxed | | | published with each word after it | |
/// | `on_edge`: words' stores | Release | | the words' loads of `read` | the odd round | `levels_agree` |
/// | `on_edge`: round store, even | Release | | the first load of `read` | the words | `levels_agree` |
/// | `read`: first round load | Acquire | | the even round | | `levels_agree` |
/// | `read`: words' loads | Acquire | | the words' stores | | `levels_agree` |
/// | `level`: load | Acquire | | `on_edge`: words' stores | what the edge's thread did before | `levels_bring_what_was_done_before` |
/// | `read`: last round load | Relaxed | | | ordered by the words' loads | |
/// | `read_before_edges`: since load, round load | Acquire, Relaxed | | the words' stores | no edge was noted before | `levels_agree` |
///
/// The model does not fail without the Release of `since` or of the even round: the writer's own loads hide
/// these orders from loom. They stay by the argument above: a reader of the even round must see all words.
#[derive(Debug)]
pub(super) struct Levels {
    round: AtomicU64,
    since: AtomicU64,
    sequence: AtomicU64,
    entered: [AtomicU64; 3],
    held: [AtomicU64; 4],
}

/// A reader that meets so many edges takes what it has: each number is right, up to those edges.
const ROUNDS_MAX: usize = if cfg!(loom) { 1 } else { 8 };

const LEVEL_BITS: u32 = 2;

impl Levels {
    /// At the normal level from now on.
    pub(super) fn new(now_us: u64) -> Self {
        Self {
            round: AtomicU64::new(0),
            since: AtomicU64::new(now_us << LEVEL_BITS),
            sequence: AtomicU64::new(0),
            entered: [0; 3].map(AtomicU64::new),
            held: [0; 4].map(AtomicU64::new),
        }
    }

    /// Notes an edge. The caller holds the lock of the limit's rule.
    ///
    /// An edge that another has overtaken counts as one, and its level as having held no time.
    pub(super) fn on_edge(&self, now_us: u64, edge: &Edge) {
        let round = self.round.load(Ordering::Relaxed);
        self.round.store(round.wrapping_add(1), Ordering::Relaxed);
        if edge.kind() == EdgeKind::Raised {
            add(&self.entered[(edge.to() as usize).max(1) - 1], 1);
        }
        if edge.sequence() > self.sequence.load(Ordering::Relaxed) {
            let (level, since_us) = parts(self.since.load(Ordering::Relaxed));
            add(&self.held[level as usize], now_us.saturating_sub(since_us));
            let since_us = since_us.max(now_us);
            // Release: as in `add`.
            self.since.store(since_us << LEVEL_BITS | edge.to() as u64, Ordering::Release);
            self.sequence.store(edge.sequence(), Ordering::Relaxed);
        }
        // Release: who sees the even round sees the words.
        self.round.store(round.wrapping_add(2), Ordering::Release);
    }

    /// The level by the last edge.
    #[allow(dead_code, reason = "pressures alone ask for it")]
    pub(super) fn level(&self) -> Level {
        // Acquire: with the level comes what its edge's thread did before.
        parts(self.since.load(Ordering::Acquire)).0
    }

    /// The numbers, up to now.
    pub(super) fn read(&self, now_us: u64) -> LevelTotals {
        let found = (0..ROUNDS_MAX).find_map(|_| self.read_between_edges(now_us));
        found.unwrap_or_else(|| self.look(now_us))
    }

    /// Writes the numbers, up to now.
    #[cfg(not(loom))]
    #[inline]
    pub(super) fn read_into(&self, now_us: u64, totals: &mut LevelTotals) {
        match self.read_before_edges(now_us) {
            Some(held) => {
                *totals = LevelTotals::default();
                totals.normal.held = held;
            }
            None => *totals = self.read(now_us),
        }
    }

    /// How long the normal level has held, if no edge was noted yet, as most limits never have one:
    /// then one word tells all.
    #[inline]
    pub(super) fn read_before_edges(&self, now_us: u64) -> Option<Duration> {
        // Acquire: with the word of an edge comes its round, which the next load sees.
        let (_, since_us) = parts(self.since.load(Ordering::Acquire));
        // Relaxed: ordered by the load above.
        let is_before = self.round.load(Ordering::Relaxed) == 0;
        is_before.then(|| Duration::from_micros(now_us.saturating_sub(since_us)))
    }

    /// The numbers, if no edge was noted meanwhile: then they agree.
    pub(super) fn read_between_edges(&self, now_us: u64) -> Option<LevelTotals> {
        // Acquire: pairs with the last store of an edge.
        let round = self.round.load(Ordering::Acquire);
        let numbers = self.look(now_us);
        // Relaxed: a word of a later edge came with its odd round.
        let is_one = round % 2 == 0 && self.round.load(Ordering::Relaxed) == round;
        is_one.then_some(numbers)
    }

    fn look(&self, now_us: u64) -> LevelTotals {
        // Acquire: with a word comes the round in which it was written.
        let load = |word: &AtomicU64| word.load(Ordering::Acquire);
        let (holds, since_us) = parts(load(&self.since));
        let total = |level: Level| {
            let place = level as usize;
            let more_us = if level == holds { now_us.saturating_sub(since_us) } else { 0 };
            LevelTotal {
                raised: place.checked_sub(1).map_or(0, |place| load(&self.entered[place])),
                held: Duration::from_micros(load(&self.held[place]) + more_us),
            }
        };
        let [normal, elevated, critical, full] = Level::ALL.map(total);
        LevelTotals { normal, elevated, critical, full }
    }
}

/// Adds to a word that the caller alone writes.
fn add(word: &AtomicU64, more: u64) {
    let sum = word.load(Ordering::Relaxed).wrapping_add(more);
    // Release: who sees the sum sees the odd round.
    word.store(sum, Ordering::Release);
}

fn parts(since: u64) -> (Level, u64) {
    let level = Level::ALL[(since & ((1 << LEVEL_BITS) - 1)) as usize];
    (level, since >> LEVEL_BITS)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use plimsoll_core::{Hysteresis, Watermarks};

    use super::*;

    fn marks() -> Watermarks {
        Watermarks::counts(10, 4, 1).with_level(7, 5).with_level(10, 8)
    }

    fn held_us(numbers: &LevelTotals) -> [u64; 4] {
        Level::ALL.map(|level| numbers.of(level).held.as_micros() as u64)
    }

    fn entered(numbers: &LevelTotals) -> [u64; 3] {
        [1, 2, 3].map(|place| numbers.of(Level::ALL[place]).raised)
    }

    #[test]
    fn the_time_at_each_level_is_that_between_its_edges() {
        let mut gauge = Hysteresis::new(marks());
        let levels = Levels::new(1_000);
        for (now_us, depth) in [(1_500, 4), (1_700, 10), (1_710, 0), (2_000, 8), (2_040, 9)] {
            if let Some(edge) = gauge.on_depth(depth) {
                levels.on_edge(now_us, &edge);
            }
        }
        let numbers = levels.read(2_100);
        assert_eq!(entered(&numbers), [1, 1, 1]);
        assert_eq!(held_us(&numbers), [500 + 290, 200, 100, 10], "all of the time");
        assert_eq!(held_us(&levels.read(500))[2], 0, "a clock that has gone back adds nothing");
    }

    #[test]
    fn an_edge_that_was_overtaken_is_counted_and_takes_no_time() {
        let mut gauge = Hysteresis::new(marks());
        let levels = Levels::new(0);
        let [raise, clear] = [5, 0].map(|depth| gauge.on_depth(depth).unwrap());
        levels.on_edge(100, &clear);
        levels.on_edge(110, &raise);
        let numbers = levels.read(200);
        assert_eq!((entered(&numbers), held_us(&numbers)), ([1, 0, 0], [200, 0, 0, 0]));
    }

    #[test]
    fn reg_1_a_reader_among_edges_sees_all_of_the_time_and_no_number_fall() {
        let levels = Levels::new(0);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut gauge = Hysteresis::new(marks());
                for now_us in 0..200_000_u64 {
                    if let Some(edge) = gauge.on_depth(now_us % 11) {
                        levels.on_edge(now_us, &edge);
                    }
                }
                is_over.store(true, Ordering::Relaxed);
            });
            let mut before = levels.read(u64::MAX >> 2);
            while !is_over.load(Ordering::Relaxed) {
                // A time after all edges: what is held sums up to it, whichever edges were noted.
                let numbers = levels.read(1_000_000);
                assert!(entered(&before).iter().zip(entered(&numbers)).all(|(a, b)| *a <= b));
                before = numbers;
            }
        });
        let numbers = levels.read(1_000_000);
        assert_eq!(held_us(&numbers).iter().sum::<u64>(), 1_000_000);
        assert!(entered(&numbers).iter().all(|count| *count > 10_000), "{numbers:?}");
    }
}
