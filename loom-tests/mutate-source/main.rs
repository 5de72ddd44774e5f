//! Changes the source in one place at a time, and sees whether a test finds it.
//!
//! `cargo mutate-source core` or `cargo mutate-source adapters` takes a seeded sample of all mutants,
//! 150 unless said, and runs the tests against each in a copy of the tree, below `target/mutants`.
//! The results are kept in `loom-tests/mutants`: a run that was stopped goes on where it was, also
//! after the source has changed elsewhere. Only mutants of changed lines leave or join the sample.
//!
//! Arguments after the area: `sample=N`, `seed=N`, `limit=N` to stop after so many new ones, and `anew`
//! to forget the results of this seed. Survivors are printed with their reasons from
//! `loom-tests/survivors.txt`, whose lines are a mutant's name, a tab and the reason. It fails if a
//! reason is missing, or if fewer than 90 of 100 were found.

mod mutant;
mod results;
mod tree;

use std::collections::BTreeMap;
use std::process::ExitCode;

use mutant::Mutant;
use results::{Fate, Results, reasons};
use tree::Tree;

/// Of 100 mutants, so many must be found.
const SCORE_MIN: usize = 90;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutate-source: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| {
        let given = arguments.iter().find_map(|argument| argument.strip_prefix(name));
        given.map_or(Ok(default), |text| text.parse().map_err(|_| format!("{name}{text}?")))
    };
    let (sample, seed) = (number("sample=", 150)?, number("seed=", 1)?);
    let limit = number("limit=", usize::MAX)?;
    let area = arguments.first().map_or("core", String::as_str);
    let mut tree = Tree::copied(area)?;
    let mutants = sampled(tree.mutants()?, sample, seed as u64);
    let results = Results::of(area, seed);
    if arguments.iter().any(|argument| argument == "anew") {
        results.forget()?;
    }
    let mut known = results.known()?;
    let is_new = |mutant: &&Mutant| !known.contains_key(&mutant.to_string());
    let to_try: Vec<&Mutant> = mutants.iter().filter(is_new).take(limit).collect();
    if !to_try.is_empty() {
        tree.check_unchanged()?;
    }
    for mutant in to_try {
        let fate = tree.try_out(mutant)?;
        println!("{fate:14} {} in {mutant}", mutant.place());
        results.note(mutant, fate)?;
        known.insert(mutant.to_string(), fate);
    }
    report(&mutants, &known, &reasons())
}

/// Whether enough were found, and each survivor has a reason.
fn report(
    mutants: &[Mutant],
    known: &BTreeMap<String, Fate>,
    reasons: &BTreeMap<String, String>,
) -> Result<bool, String> {
    let fates: Vec<(String, Fate)> = mutants
        .iter()
        .filter_map(|mutant| Some((mutant.to_string(), *known.get(&mutant.to_string())?)))
        .collect();
    let count = |fate: Fate| fates.iter().filter(|(_, f)| *f == fate).count();
    let (found, survived) = (count(Fate::Found), count(Fate::Survived));
    let mut unexplained = 0;
    for (name, _) in fates.iter().filter(|(_, fate)| *fate == Fate::Survived) {
        let reason = reasons.get(name).map_or("NO REASON", String::as_str);
        unexplained += usize::from(!reasons.contains_key(name));
        println!("survivor: {name}\n          {reason}");
    }
    let judged = found + survived;
    println!(
        "{} of {} tried: {found} found, {survived} survived ({unexplained} without a reason), {} do \
         not build",
        fates.len(),
        mutants.len(),
        count(Fate::DoesNotBuild)
    );
    Ok(unexplained == 0 && judged > 0 && 100 * found >= SCORE_MIN * judged)
}

/// A sample of `sample` mutants: those whose names have the smallest hashes under this seed. So it stays
/// the same but for lines that have changed.
fn sampled(mut mutants: Vec<Mutant>, sample: usize, seed: u64) -> Vec<Mutant> {
    mutants.sort_by_cached_key(|mutant| {
        // FNV-1a, and the end of SplitMix64.
        let fold = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = mutant.to_string().bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, fold);
        let mixed = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 27
    });
    mutants.truncate(sample);
    mutants
}
