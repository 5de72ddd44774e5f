//! What a run of the real program prints, and what pairs of runs amount to.

use std::fmt;

use crate::report::Row;

const RAW: &str = "crossbeam_channel";
const TRACKED: &str = "plimsoll, tracked crossbeam";

/// Two threads hand over, and two index.
const THREADS: usize = 4;

/// The figures of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// From the start of `main` until all is indexed and merged.
    pub wall_ns: u64,
    /// The CPU time of all threads until then.
    pub cpu_ns: u64,
    /// How long it takes to hand over a document: percentiles of a run.
    pub p50_ns: u64,
    /// As the one before.
    pub p99_ns: u64,
    /// As the one before.
    pub p999_ns: u64,
    /// Documents in the index.
    pub messages: u64,
    /// The largest depth that a tracked channel has had; 0 with raw ones.
    pub high_water: u64,
}

impl Run {
    /// Reads a line of `name=number` for each field; `None` if one is not there.
    pub fn parse(text: &str) -> Option<Run> {
        let field = |name: &str| {
            let mut words = text.split_whitespace().filter_map(|word| word.split_once('='));
            words.find(|(known, _)| *known == name)?.1.parse().ok()
        };
        Some(Run {
            wall_ns: field("wall_ns")?,
            cpu_ns: field("cpu_ns")?,
            p50_ns: field("p50_ns")?,
            p99_ns: field("p99_ns")?,
            p999_ns: field("p999_ns")?,
            messages: field("messages")?,
            high_water: field("high_water")?,
        })
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [wall, cpu] = [self.wall_ns, self.cpu_ns].map(|ns| ns as f64 / 1e9);
        write!(f, "{wall:.3} s, {cpu:.3} s of CPU time")
    }
}

/// The rows of runs that were made in pairs.
///
/// # Panics
/// If there is no pair, or a run without a partner.
pub fn rows(raw: &[Run], tracked: &[Run]) -> Vec<Row> {
    let of = |field: fn(&Run) -> u64| {
        [raw, tracked].map(|runs| runs.iter().map(|run| field(run) as f64).collect::<Vec<_>>())
    };
    let wall = of(|run| run.wall_ns);
    let cpu = of(|run| run.cpu_ns);
    let slowest = [&wall, &cpu].map(|[raw, tracked]| [vec![p99(raw)], vec![p99(tracked)]]);
    let [slowest_wall, slowest_cpu] = slowest;
    let cases = [
        ("a run of tantivy's indexer: wall time", wall),
        ("a run of tantivy's indexer: CPU time", cpu),
        ("a run of tantivy's indexer: wall time, p99 of the runs", slowest_wall),
        ("a run of tantivy's indexer: CPU time, p99 of the runs", slowest_cpu),
        ("a document handed over, p50 of a run", of(|run| run.p50_ns)),
        ("a document handed over, p99 of a run", of(|run| run.p99_ns)),
        ("a document handed over, p99.9 of a run", of(|run| run.p999_ns)),
    ];
    cases.into_iter().flat_map(|(case, samples)| pair(case, &samples)).collect()
}

/// The smallest sample that 99 of 100 do not exceed: of fewer than 100 the largest.
fn p99(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() * 99).div_ceil(100) - 1]
}

fn pair(case: &str, samples: &[Vec<f64>; 2]) -> [Row; 2] {
    [(RAW, &samples[0]), (TRACKED, &samples[1])].map(|(subject, own)| {
        Row::of(["program", case], THREADS, (subject, own), (RAW, &samples[0]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(wall_ns: u64) -> Run {
        let (cpu_ns, p50_ns, p99_ns, p999_ns) = (2 * wall_ns, 100, 200, 300);
        Run { wall_ns, cpu_ns, p50_ns, p99_ns, p999_ns, messages: 7, high_water: 3 }
    }

    #[test]
    fn a_line_of_figures_is_read_and_less_than_that_is_not() {
        let line =
            "wall_ns=5 cpu_ns=10 p50_ns=100 p99_ns=200 p999_ns=300 messages=7 high_water=3\n";
        assert_eq!(Run::parse(line), Some(run(5)));
        for missing in ["wall_ns=5", "high_water=3", "messages=7"] {
            assert_eq!(Run::parse(&line.replace(missing, "")), None);
            assert_eq!(Run::parse(&line.replace(missing, "messages=many")), None);
        }
    }

    #[test]
    fn ratios_are_of_the_pairs_and_percentiles_of_all_runs() {
        let raw = [10, 40, 20].map(run);
        let tracked = [11, 60, 20].map(run);
        let rows = rows(&raw, &tracked);
        let find = |case: &str| {
            let is_tracked = |row: &&Row| row.subject == TRACKED && row.case.ends_with(case);
            let row = rows.iter().find(is_tracked).unwrap();
            (row.ns_median, row.ratio_min, row.ratio_median, row.ratio_max)
        };
        assert_eq!(find("indexer: wall time"), (20.0, 1.0, 1.1, 1.5));
        assert_eq!(find("indexer: CPU time"), (40.0, 1.0, 1.1, 1.5));
        assert_eq!(find("wall time, p99 of the runs"), (60.0, 1.5, 1.5, 1.5));
        assert_eq!(find("p99.9 of a run"), (300.0, 1.0, 1.0, 1.0));
        assert!(rows.iter().all(|row| row.baseline == RAW && row.area == "program"));
    }

    #[test]
    fn the_p99_of_many_is_not_the_largest() {
        let samples: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!((p99(&samples), p99(&samples[..99]), p99(&[7.0])), (198.0, 99.0, 7.0));
    }
}
