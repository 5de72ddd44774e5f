//! Guests that tasks of a runtime watch: what there is to it, and plimsoll's way.

use std::sync::Arc;
use std::time::Duration;

use plimsoll::keepalive::{KeepAlive, Step, Watch, Watcher};
use plimsoll::{EventKind, Registry, Subscription};
use tokio::runtime::Runtime;

use super::clock::Forward;

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

    /// Brings all guests to where they are while they beat in turn, all of them in half a window,
    /// and `next` has its turn now. Nobody watches meanwhile, nor has for a while.
    fn settle(&self, next: usize);

    /// How often a guest has been looked at; `None` if there are no looks at all guests in turn.
    fn looks(&self) -> Option<u64>;
}

/// How long ago `guest` has had its turn, if each has one in every `round` and `next` has it now.
pub(super) fn since_turn(guest: usize, next: usize, guests: usize, round: Duration) -> Duration {
    let turns = (next + guests - 1 - guest) % guests + 1;
    round.mul_f64(turns as f64 / guests as f64)
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
            if event.kind == EventKind::Silent {
                let guest = event.instance().and_then(|id| id.strip_prefix("guest-"));
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

    /// Time that nobody attends does not pass, so that this is to be done once only: two windows
    /// in quick motion.
    fn settle(&self, next: usize) {
        if next > 0 {
            return;
        }
        let steps = (2 * self.window.as_nanos() / STEP.as_nanos()) as usize;
        for step in 0..steps {
            let turn = |step: usize| step * 4 * self.guests.len() / steps;
            (turn(step)..turn(step + 1)).for_each(|turn| self.beat(turn % self.guests.len()));
            self.clock.advance(STEP);
            while self.watcher.step() == Step::Again {}
        }
    }

    fn looks(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_has_waited_longest_and_the_last_one_least() {
        let round = Duration::from_secs(5);
        let waited = |next| [0, 1, 2, 3, 4].map(|n| since_turn(n, next, 5, round).as_secs());
        assert_eq!(waited(0), [5, 4, 3, 2, 1]);
        assert_eq!(waited(3), [3, 2, 1, 5, 4]);
    }
}
