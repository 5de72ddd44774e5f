//! Guests that tasks of a runtime watch: what there is to it, and plimsoll's way.

use std::sync::Arc;
use std::time::Duration;

use plimsoll::keepalive::{KeepAlive, Step, Watch, Watcher};
use plimsoll::{EventKind, Registry, Subscription};
use tokio::runtime::Runtime;

use super::clock::{Forward, cpu_time};

/// What is done when a guest falls silent.
pub(super) type Told = Arc<dyn Fn(usize) + Send + Sync>;

/// Guests, numbered from 0 on, that tasks of a runtime watch.
pub(super) trait Watched: Sync + Sized + 'static {
    /// Who watches.
    const NAME: &'static str;

    /// Begins to watch.
    fn new(runtime: &Runtime, guests: usize, window: Duration, told: &Told) -> Self;

    /// The guest has given a sign of life.
    fn beat(&self, guest: usize);

    /// Brings all guests to where they are after a long time of such turns. Nobody watches
    /// meanwhile, nor has for a while.
    fn settle(&self, turns: Turns);

    /// The CPU time per second that comes in bursts which a turn can miss, such as that of a wheel
    /// whose higher levels come round; and the next turn afterwards.
    fn bursts(&self, turns: Turns) -> (Duration, usize) {
        (Duration::ZERO, turns.next)
    }

    /// How often a guest has been looked at; `None` if there are no looks at all guests in turn.
    fn looks(&self) -> Option<u64>;
}

/// Whose turn to beat it is. A round of all guests takes a quarter of a window, and its order is
/// another one each time: in lockstep all of them would be due in one part of each window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    pub(super) guests: usize,
    pub(super) next: usize,
}

impl Turns {
    /// Rounds in a window.
    pub(super) const PER_WINDOW: f64 = 4.0;
    /// Guests that are next to each other keep together, in so many blocks.
    const BLOCKS: usize = 100;
    /// Coprime to the number of blocks, so that each has one turn in a round.
    const STRIDES: [usize; 7] = [37, 61, 23, 83, 47, 71, 13];

    /// Who has that turn. `guests` is a multiple of [`Self::BLOCKS`].
    pub(super) fn guest(self, turn: usize) -> usize {
        let (round, place) = (turn / self.guests, turn % self.guests);
        let size = self.guests / Self::BLOCKS;
        let stride = Self::STRIDES[round % Self::STRIDES.len()];
        (place / size * stride + round * 61) % Self::BLOCKS * size + place % size
    }

    /// Each guest, and for how long it has waited since a turn, the latest one last.
    pub(super) fn past(self, window: Duration) -> impl Iterator<Item = (usize, Duration)> {
        let Self { guests, next } = self;
        // As many rounds later the order is the same, and there is a past.
        let now = next + Self::STRIDES.len() * Self::BLOCKS * guests;
        let turn = window.div_f64(Self::PER_WINDOW * guests as f64);
        (now - 2 * guests..now)
            .map(move |past| (self.guest(past), turn.mul_f64((now - past) as f64)))
    }
}

/// The text that tells a guest and its run, which every design keeps for the report.
pub(super) fn ids(guest: usize) -> (String, &'static str) {
    (format!("guest-{guest}"), "run-1")
}

/// One task for all of them.
pub(super) struct Plimsoll {
    guests: Vec<KeepAlive>,
    watcher: Watcher,
    clock: Forward,
    window: Duration,
    _subscription: Subscription,
}

const STEP: Duration = Duration::from_millis(5);
/// Ticks in which the two lowest levels of the wheel come round, and the next one goes on.
const WHEEL_ROUND: u32 = 64 * 64;

impl Plimsoll {
    /// That many steps, one after the other, while all beat in turn. Answers the CPU time of the
    /// steps alone, and the next turn.
    fn quick_motion(&self, turns: Turns, steps: u32) -> (Duration, usize) {
        let per_step =
            Turns::PER_WINDOW * self.guests.len() as f64 / self.window.div_duration_f64(STEP);
        let (mut cpu, mut next) = (Duration::ZERO, turns.next);
        for step in 0..steps {
            let due = turns.next + (f64::from(step + 1) * per_step) as usize;
            (next..due).for_each(|turn| self.beat(turns.guest(turn)));
            next = due;
            self.clock.advance(STEP);
            let start = cpu_time();
            while self.watcher.step() == Step::Again {}
            cpu += cpu_time() - start;
        }
        (cpu, next)
    }
}

impl Watched for Plimsoll {
    const NAME: &'static str = "plimsoll Watcher: one task";

    fn new(runtime: &Runtime, guests: usize, window: Duration, told: &Told) -> Self {
        let (registry, clock, told) = (Registry::new(), Forward::new(), told.clone());
        let watcher = Watcher::builder().capacity(guests).clock(clock.clone());
        let watcher = watcher.build(&registry).expect("good settings");
        let watch = |guest| {
            let (guest, run) = ids(guest);
            watcher.watch(Watch::new(guest, run).window(window)).expect("room and good ids")
        };
        let guests = (0..guests).map(watch).collect();
        let subscription = registry.subscribe(move |event| {
            if event.kind() == EventKind::Silent {
                let guest = event.scope().and_then(|id| id.strip_prefix("guest-"));
                told(guest.and_then(|number| number.parse().ok()).expect("an id of ours"));
            }
        });
        let task = watcher.clone();
        runtime.spawn(async move { task.run().await });
        Self { guests, watcher, clock, window, _subscription: subscription }
    }

    fn beat(&self, guest: usize) {
        self.guests[guest].notify();
    }

    /// Time that nobody attends does not pass, so that this is to be done once only: five windows.
    fn settle(&self, turns: Turns) {
        if turns.next == 0 {
            self.quick_motion(turns, (5.0 * self.window.div_duration_f64(STEP)) as u32);
        }
    }

    /// All ticks of the time in which each level that windows of 10 s make use of comes round.
    fn bursts(&self, turns: Turns) -> (Duration, usize) {
        let (cpu, next) = self.quick_motion(turns, WHEEL_ROUND);
        (cpu.div_f64(STEP.as_secs_f64() * f64::from(WHEEL_ROUND)), next)
    }

    fn looks(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guest_has_one_turn_per_round() {
        for guests in [100, 200, 10_000] {
            let turns = Turns { guests, next: 0 };
            for round in 0..9 {
                let mut seen = vec![false; guests];
                let of_round = (round * guests..(round + 1) * guests).map(|turn| turns.guest(turn));
                assert!(
                    of_round.into_iter().all(|guest| !std::mem::replace(&mut seen[guest], true))
                );
            }
        }
    }

    #[test]
    fn the_latest_turn_is_one_turn_ago_and_none_is_half_a_window_ago() {
        let window = Duration::from_secs(10);
        let turns = Turns { guests: 200, next: 77 };
        let past: Vec<_> = turns.past(window).collect();
        let turn = Duration::from_micros(12_500);
        assert_eq!(past.last(), Some(&(turns.guest(76), turn)));
        assert!(past.iter().all(|(_, since)| *since <= window / 2));
    }
}
