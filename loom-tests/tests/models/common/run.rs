//! Runs a model in all load modes, counts its iterations, and holds them against a minimum.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use plimsoll_loom::flaw::{Flaw, MISSING, plant};
use plimsoll_loom::model::{Frozen, Loads, freeze_after, set_loads, thaw};

/// How far to explore a model, and how many iterations there have to be.
///
/// The preemption bound is the model's own unless `LOOM_MAX_PREEMPTIONS` gives another one.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    preemptions_max: usize,
    iterations_min: [usize; 3],
}

const MODES: [Loads; 3] = [Loads::Natural, Loads::Mixed, Loads::Rmw];

impl Model {
    /// Explores up to `preemptions_max` preemptions per execution.
    pub(crate) const fn bounded(preemptions_max: usize) -> Self {
        Self { preemptions_max, iterations_min: [1, 2, 2] }
    }

    /// Fails below these numbers of iterations, in the order of [`Loads`]: a model that has come
    /// down to one iteration shows nothing.
    pub(crate) const fn at_least(self, iterations_min: [usize; 3]) -> Self {
        Self { iterations_min, ..self }
    }

    /// Explores `model` in all load modes.
    pub(crate) fn check(self, model: impl Fn() + Send + Sync + 'static) {
        let model = Arc::new(model);
        for (loads, iterations_min) in MODES.into_iter().zip(self.iterations_min) {
            let began = Instant::now();
            let iterations = self.explore(loads, model.clone());
            report(iterations, loads, began);
            assert_enough(iterations, iterations_min);
        }
    }

    /// Explores `model` once for each atomic step at which a thread can stop for ever, in all load
    /// modes. The model gives that thread's work to the [`Freezer`], and shows that the other
    /// threads come to an end and to right answers.
    pub(crate) fn check_frozen(self, model: impl Fn(&Freezer) + Send + Sync + 'static) {
        let model = Arc::new(model);
        for (loads, iterations_min) in MODES.into_iter().zip(self.iterations_min) {
            let began = Instant::now();
            let mut iterations = 0;
            for steps in 0.. {
                let freezer = Freezer { steps, stopped: Arc::default() };
                let stopped = freezer.stopped.clone();
                let model = model.clone();
                iterations += self.explore(loads, Arc::new(move || model(&freezer)));
                // A thread that can no longer be stopped has made all its steps.
                if !stopped.load(Relaxed) {
                    assert!(steps > 0, "the thread makes no atomic step");
                    break;
                }
            }
            report(iterations, loads, began);
            assert_enough(iterations, iterations_min);
        }
    }

    /// Explores `model`, a design that is known to be wrong: one of the load modes has to find out.
    pub(crate) fn check_wrong(self, model: impl Fn() + Send + Sync + 'static) {
        let model = Arc::new(model);
        let fails = |loads| {
            let model = model.clone();
            catch_unwind(AssertUnwindSafe(|| self.explore(loads, model))).is_err()
        };
        assert!(MODES.into_iter().any(fails), "no execution shows the fault");
    }

    /// Checks that `model` passes, and that it fails with each of the mistakes planted into the core.
    pub(crate) fn check_with_flaws(
        self,
        flaws: &[Flaw],
        model: impl Fn() + Copy + Send + Sync + 'static,
    ) {
        plant(None);
        self.check(model);
        for flaw in flaws.iter().filter(|flaw| !MISSING.contains(flaw)) {
            plant(Some(*flaw));
            self.check_wrong(model);
        }
        plant(None);
    }

    fn explore(self, loads: Loads, model: Arc<impl Fn() + Send + Sync + 'static>) -> usize {
        let iterations = Arc::new(AtomicUsize::new(0));
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound.get_or_insert(self.preemptions_max);
        set_loads(loads);
        thaw();
        let counted = iterations.clone();
        builder.check(move || {
            counted.fetch_add(1, Relaxed);
            model();
        });
        iterations.load(Relaxed)
    }
}

/// Stops one thread's work for ever at one of its atomic steps.
#[derive(Clone)]
pub(crate) struct Freezer {
    steps: u32,
    stopped: Arc<AtomicBool>,
}

impl Freezer {
    /// Does `work` up to the step that is this run's.
    pub(crate) fn run(&self, work: impl FnOnce()) {
        freeze_after(self.steps);
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(()) => thaw(),
            Err(frozen) if frozen.is::<Frozen>() => self.stopped.store(true, Relaxed),
            Err(failure) => resume_unwind(failure),
        }
    }
}

fn report(iterations: usize, loads: Loads, began: Instant) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    let took = began.elapsed().as_secs_f32();
    println!("{iterations:>9} {:7} {took:7.2} s  {name}", format!("{loads:?}"));
}

fn assert_enough(iterations: usize, iterations_min: usize) {
    // Some runs explore less, or something else, than the minimum is stated for.
    let special = ["PLIMSOLL_MUTANT", "LOOM_MAX_PREEMPTIONS", "LOOM_MAX_PERMUTATIONS"];
    let is_special = special.iter().any(|name| std::env::var_os(name).is_some());
    assert!(
        iterations >= iterations_min || is_special,
        "{iterations} iterations of at least {iterations_min}"
    );
}
