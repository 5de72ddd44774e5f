//! One thing to do, several subjects that can do it, measured in turn.

use std::time::Duration;

use crate::report::Row;

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How often each subject is measured.
    pub rounds: usize,
    /// How long one sample takes at least, as calibrated before the first round.
    pub sample_min: Duration,
    /// What part of its operations a [fixed](Case::fixed) sample has: one in so many.
    pub fixed_divisor: u64,
}

impl Effort {
    /// Numbers to quote.
    pub const FULL: Effort =
        Effort { rounds: 21, sample_min: Duration::from_millis(25), fixed_divisor: 1 };
    /// A look whether everything runs. Threads are hardly started by the time they are done.
    pub const QUICK: Effort =
        Effort { rounds: 3, sample_min: Duration::from_micros(200), fixed_divisor: 50 };
}

/// Does the asked number of operations and answers how long that took.
pub type Measure = Box<dyn FnMut(u64) -> Duration>;

struct Subject {
    name: String,
    baseline: String,
    measure: Measure,
}

/// One thing to do, and the subjects that do it.
pub struct Case {
    name: &'static str,
    quantity: &'static str,
    unit: &'static str,
    threads: usize,
    subjects: Vec<Subject>,
    fixed: Option<Fixed>,
}

/// What is measured of something that takes its own time.
#[derive(Clone, Copy)]
struct Fixed {
    operations: u64,
    rounds_max: usize,
}

impl Case {
    /// A case without subjects. `unit` is the operation that a nanosecond figure is for.
    pub fn new(name: &'static str, unit: &'static str, threads: usize) -> Case {
        Case { name, quantity: "ns", unit, threads, subjects: Vec::new(), fixed: None }
    }

    /// The figures are no nanoseconds but so many of `quantity`, which the name should tell too: a
    /// subject answers one nanosecond for each.
    pub fn counting(mut self, quantity: &'static str) -> Case {
        self.quantity = quantity;
        self
    }

    /// Every sample is of that many operations, instead of as many as take a certain time, and
    /// there are no more than that many rounds: for what takes its own time, or is no time at all.
    pub fn fixed(mut self, operations: u64, rounds_max: usize) -> Case {
        self.fixed = Some(Fixed { operations, rounds_max });
        self
    }

    /// Adds a subject that is compared with nothing but itself, for others to be compared with.
    pub fn baseline(self, name: &str, measure: impl FnMut(u64) -> Duration + 'static) -> Case {
        self.subject(name, name, measure)
    }

    /// Adds a subject that is compared with another one of this case.
    pub fn subject(
        mut self,
        name: &str,
        baseline: &str,
        measure: impl FnMut(u64) -> Duration + 'static,
    ) -> Case {
        let (name, baseline) = (name.to_owned(), baseline.to_owned());
        self.subjects.push(Subject { name, baseline, measure: Box::new(measure) });
        self
    }

    /// What this case is about.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the figures are: nanoseconds or another quantity, and the operation they are for.
    pub fn heading(&self) -> String {
        format!("{} per {}", self.quantity, self.unit)
    }

    /// How many threads take part.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Measures every subject in every round, and answers one row for each.
    ///
    /// Each round begins with another subject, so that none is always the one that runs after the
    /// heaviest.
    ///
    /// # Panics
    /// If a subject names a baseline that is no subject of this case.
    pub fn run(&mut self, area: &str, effort: Effort) -> Vec<Row> {
        let Effort { rounds, sample_min, fixed_divisor } = effort;
        let rounds = self.fixed.map_or(rounds, |fixed| rounds.min(fixed.rounds_max));
        let calibrated = |subject: &mut Subject| calibrate(sample_min, &mut subject.measure);
        let operations: Vec<u64> = match self.fixed {
            Some(fixed) => vec![fixed.operations.div_ceil(fixed_divisor); self.subjects.len()],
            None => self.subjects.iter_mut().map(calibrated).collect(),
        };
        let count = self.subjects.len();
        let mut samples = vec![Vec::with_capacity(rounds); count];
        for round in 0..rounds {
            for turn in 0..count {
                let index = (round + turn) % count;
                let took = (self.subjects[index].measure)(operations[index]);
                samples[index].push(took.as_nanos() as f64 / operations[index] as f64);
            }
        }
        (0..count).map(|index| self.row(area, index, &samples)).collect()
    }

    fn row(&self, area: &str, index: usize, samples: &[Vec<f64>]) -> Row {
        let Subject { name, baseline, .. } = &self.subjects[index];
        let base = self.subjects.iter().position(|other| other.name == *baseline);
        let base = base.unwrap_or_else(|| panic!("{name}: no subject is called {baseline}"));
        let [own, base] = [index, base].map(|index| &samples[index][..]);
        Row::of([area, self.name], self.threads, (name, own), (baseline, base))
    }
}

/// How many operations take `sample_min`. The search also warms caches and branch predictors.
fn calibrate(sample_min: Duration, measure: &mut Measure) -> u64 {
    let mut operations = 1;
    loop {
        let mut took = measure(operations);
        if took >= sample_min {
            // Once more: one that was interrupted takes long for its operations.
            took = took.min(measure(operations));
        }
        if took >= sample_min {
            return operations;
        }
        // A short sample says little about a long one: grow by 16 at most, and aim a little higher.
        let wanted = 1.2 * sample_min.as_secs_f64() / took.as_secs_f64().max(1e-9);
        operations = (operations as f64 * wanted.clamp(1.5, 16.0)).ceil() as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    const EFFORT: Effort =
        Effort { rounds: 3, sample_min: Duration::from_micros(100), fixed_divisor: 4 };

    /// A subject of known cost, which also notes that it had its turn.
    fn pretend(ns: u64, name: char, log: &Rc<RefCell<String>>) -> Measure {
        let log = Rc::clone(log);
        Box::new(move |operations| {
            log.borrow_mut().push(name);
            Duration::from_nanos(ns * operations)
        })
    }

    #[test]
    fn rows_carry_figures_and_ratios_to_the_named_baseline() {
        let log = Rc::default();
        let mut case = Case::new("lift", "lift", 2)
            .baseline("crane", pretend(100, 'c', &log))
            .subject("two cranes", "crane", pretend(50, 't', &log))
            .baseline("hand", pretend(1_000, 'h', &log));
        let rows = case.run("cargo", EFFORT);
        let figures: Vec<_> = rows
            .iter()
            .map(|row| (row.subject.as_str(), row.ns_median, row.baseline.as_str(), row.ratio_max))
            .collect();
        let expected = [
            ("crane", 100.0, "crane", 1.0),
            ("two cranes", 50.0, "crane", 0.5),
            ("hand", 1_000.0, "hand", 1.0),
        ];
        assert_eq!(figures, expected);
        assert!(rows.iter().all(|row| row.area == "cargo" && row.case == "lift"));
        assert!(rows.iter().all(|row| row.threads == 2));
    }

    #[test]
    fn rounds_are_interleaved_and_begin_with_another_subject_each() {
        let log = Rc::default();
        let mut case = Case::new("lift", "lift", 1)
            .baseline("a", pretend(1, 'a', &log))
            .baseline("b", pretend(1, 'b', &log))
            .baseline("c", pretend(1, 'c', &log));
        case.run("cargo", EFFORT);
        let log = log.borrow();
        assert!(log.ends_with("abcbcacab"), "{log}");
    }

    #[test]
    fn a_sample_is_long_enough_whatever_an_operation_costs() {
        for ns in [1, 7, 1_000, 10_000_000] {
            let log = Rc::default();
            let mut measure = pretend(ns, 'x', &log);
            let operations = calibrate(Duration::from_millis(20), &mut measure);
            assert!(Duration::from_nanos(ns * operations) >= Duration::from_millis(20));
        }
    }

    #[test]
    fn an_interrupted_sample_is_not_taken_for_a_long_one() {
        let mut interruptions = 3;
        let mut measure: Measure = Box::new(move |operations| {
            interruptions -= 1;
            Duration::from_nanos(operations + if interruptions > 0 { 1 << 30 } else { 0 })
        });
        measure(1);
        let operations = calibrate(Duration::from_millis(20), &mut measure);
        assert!(operations >= 20_000_000, "{operations}");
    }

    #[test]
    fn a_fixed_sample_is_not_calibrated() {
        let asked = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&asked);
        let measure = move |operations| {
            log.borrow_mut().push(operations);
            Duration::from_nanos(5 * operations)
        };
        let mut case = Case::new("lift", "lift", 1).counting("bytes").baseline("a", measure);
        assert_eq!(case.heading(), "bytes per lift");
        case = case.fixed(10, 2);
        assert_eq!((case.run("x", EFFORT)[0].ns_median, &*asked.borrow()), (5.0, &vec![3, 3]));
    }

    #[test]
    #[should_panic(expected = "no subject is called nobody")]
    fn an_unknown_baseline_is_a_mistake() {
        let log = Rc::default();
        Case::new("lift", "lift", 1).subject("a", "nobody", pretend(1, 'a', &log)).run("x", EFFORT);
    }
}
