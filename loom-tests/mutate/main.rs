//! Weakens every ordering of the core, one at a time, and looks whether a model notices.
//!
//! `cargo mutate-orderings` builds the models once, asks each which call sites it passes, and runs
//! those that pass a site with each weaker ordering there, quickest model first, in a process of
//! their own. It fails if an ordering is found that could be weaker as far as the models tell, unless
//! a comment at the site says "No model shows this:" and why the ordering stays all the same.
//!
//! Arguments: parts of file names (`credit.rs`, `ring`) to try those sites only, and `model:NAME` for
//! parts of model names to run those models only.

mod model;
mod site;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use model::Model;
use site::Site;

const MODEL_PREFIX: &str = "model:";

fn main() -> ExitCode {
    let (names, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with(MODEL_PREFIX));
    let names: Vec<&str> = names.iter().map(|name| &name[MODEL_PREFIX.len()..]).collect();
    let models =
        match model::find(|name| names.is_empty() || names.iter().any(|n| name.contains(n))) {
            Ok(models) if !models.is_empty() => models,
            Ok(_) => return fail("there is no model"),
            Err(error) => return fail(&error),
        };
    let began = Instant::now();
    let mut sites: BTreeMap<Site, Vec<&Model>> = BTreeMap::new();
    for model in &models {
        for site in &model.sites {
            sites.entry(site.clone()).or_default().push(model);
        }
    }
    let all = sites.len();
    sites.retain(|site, _| files.is_empty() || files.iter().any(|part| site.file.contains(part)));
    let relaxed = sites.keys().filter(|site| site.weaker().is_empty()).count();
    println!(
        "{} models pass {all} orderings; {} of {} to try are Relaxed already",
        models.len(),
        relaxed,
        sites.len()
    );
    let mut tally = Tally::default();
    for (site, passing) in &mut sites {
        passing.sort_by_key(|model| model.took);
        for weaker in site.weaker() {
            tally.judge(site, weaker, passing);
        }
    }
    let Tally { killed, excused, survived } = tally;
    let took = began.elapsed().as_secs();
    println!(
        "{killed} killed, {excused} survived for a reason given, {survived} survived, {took} s"
    );
    if survived > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[derive(Default)]
struct Tally {
    killed: usize,
    excused: usize,
    survived: usize,
}

impl Tally {
    fn judge(&mut self, site: &Site, weaker: &str, passing: &[&Model]) {
        let mutant = format!("{}={weaker}", site.place());
        let killer = passing.iter().find_map(|model| Some((model.is_killed_by(&mutant)?, model)));
        let fate = match (killer, site.excuse()) {
            (Some((how, model)), _) => {
                self.killed += 1;
                format!("{how} by {}", model.name)
            }
            (None, Some(reason)) => {
                self.excused += 1;
                format!("survives {} models: {reason}", passing.len())
            }
            (None, None) => {
                self.survived += 1;
                format!("SURVIVES {} models", passing.len())
            }
        };
        println!("{site:60} {weaker:8} {fate}");
    }
}

fn fail(error: &str) -> ExitCode {
    eprintln!("mutate-orderings: {error}");
    ExitCode::FAILURE
}
