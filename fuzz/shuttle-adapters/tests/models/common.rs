//! How a model is run, and how a planted mistake is found by one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use plimsoll_core::stepped::{Flaw, plant};
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// A scenario, and how many schedules it is run under.
pub(crate) struct Model {
    scenario: fn(),
    schedules: usize,
}

/// Changes of priority in a schedule of the second kind.
const DEPTH: usize = 3;
/// More steps than any schedule takes: a scenario that does not come to its end has failed.
const STEPS_MAX: usize = 100_000;
/// How a schedule fails in which a thread waits for ever.
pub(crate) const DEADLOCK: &str = "deadlock";
/// The same where another one goes on.
pub(crate) const FOREVER: &str = "exceeded max_steps";

impl Model {
    /// A scenario that is run under so many schedules of each kind.
    pub(crate) const fn new(schedules: usize, scenario: fn()) -> Self {
        Self { scenario, schedules }
    }

    /// It holds under every schedule that is tried: at each step any thread, or few changes of priority.
    pub(crate) fn check(&self) {
        let began = Instant::now();
        let schedules = self.schedules * times();
        let (random, pct) = (random(schedules), pct(schedules));
        let ran = run(random, self.scenario) + run(pct, self.scenario);
        assert_eq!(ran, 2 * schedules, "schedules");
        println!("{ran} schedules in {:?}", began.elapsed());
    }

    /// It holds under every schedule that there is, none left out: there are fewer than it was given.
    pub(crate) fn check_all(&self) {
        let began = Instant::now();
        let ran = run(DfsScheduler::new(Some(self.schedules), false), self.scenario);
        assert!((2..self.schedules).contains(&ran), "{ran} schedules");
        println!("all {ran} schedules in {:?}", began.elapsed());
    }

    /// With that mistake in the primitives some schedule fails, and says so.
    pub(crate) fn check_finds(&self, flaw: Flaw, symptom: &str) {
        plant(Some(flaw));
        let schedules: [&dyn Fn() -> usize; 2] =
            [&|| run(random(self.schedules), self.scenario), &|| {
                run(pct(self.schedules), self.scenario)
            }];
        let failure = schedules
            .into_iter()
            .find_map(|schedules| catch_unwind(AssertUnwindSafe(schedules)).err());
        plant(None);
        let failure = failure.unwrap_or_else(|| {
            panic!("{flaw:?} shows in none of {} schedules", 2 * self.schedules)
        });
        let text = failure.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| failure.downcast_ref::<&str>().copied()).unwrap_or_default();
        assert!(text.contains(symptom), "{flaw:?} shows as something else: {text}");
    }
}

/// How many times as many schedules are tried as a model says: for a run that is longer.
fn times() -> usize {
    let times = std::env::var("PLIMSOLL_SCHEDULES_TIMES").ok();
    times.map_or(1, |times| times.parse().expect("PLIMSOLL_SCHEDULES_TIMES is a number"))
}

fn random(schedules: usize) -> RandomScheduler {
    RandomScheduler::new_from_seed(1, schedules)
}

fn pct(schedules: usize) -> PctScheduler {
    PctScheduler::new_from_seed(1, DEPTH, schedules)
}

/// Runs what only one thread does.
pub(crate) fn run_alone(scenario: fn()) {
    assert_eq!(run(random(1), scenario), 1);
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn()) -> usize {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.stack_size = 1 << 18;
    // That it takes every ordering for the strongest is said in README.md.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(scenario)
}
