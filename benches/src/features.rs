//! What each feature of plimsoll takes in: crates, and CPU seconds to build them.
//!
//! Each build begins with a fresh folder, so all of them together take minutes. That is why this is
//! a command of its own, `plimsoll-bench-features`.

use std::io;
use std::path::Path;

use serde_json::Value;

use crate::machine::Machine;
use crate::page::Report;
use crate::report::{Row, remove_folder};
use crate::tool::Tool;

const NOTHING: &str = "no features";

/// A choice of features, and the arguments that make it.
struct Choice {
    name: String,
    arguments: Vec<String>,
}

/// Counts and builds every choice of features `rounds` times, with a folder of its own within
/// `folder` for each build. `say` gets each figure as soon as it is there.
///
/// # Errors
/// What cargo or the file system says.
pub fn measure(folder: &Path, rounds: usize, say: &mut dyn FnMut(&str)) -> io::Result<Report> {
    let machine = Machine::here();
    let choices = choices(&metadata()?)?;
    let mut crates = Vec::new();
    for choice in &choices {
        let count = distinct(&cargo("tree", choice).args(["--prefix", "none"]).output()?);
        say(&format!("{}: {count} crates", choice.name));
        crates.push(vec![count as f64]);
    }
    let target = folder.join("features-target");
    let mut seconds = vec![Vec::new(); choices.len()];
    for round in 0..rounds {
        for turn in 0..choices.len() {
            let index = (round + turn) % choices.len();
            let choice = &choices[index];
            if let Some(took) = build(choice, &target)? {
                say(&format!("{}: {took} s of CPU time", choice.name));
                seconds[index].push(took);
            }
        }
    }
    let mut rows = rows("crates, itself included: a number, not ns", &choices, &crates);
    if seconds.iter().all(|seconds| !seconds.is_empty()) {
        let case = "a build from nothing: seconds of CPU time, not ns";
        rows.extend(self::rows(case, &choices, &seconds));
    }
    let method = format!(
        "`cargo tree` and {rounds} release builds of plimsoll for each feature alone, each in a \
         fresh folder; user time of cargo and all that it starts"
    );
    Ok(Report { machine, method, rows, apart: Vec::new() })
}

/// The user time of a build from nothing; `None` where nobody can tell.
fn build(choice: &Choice, target: &Path) -> io::Result<Option<f64>> {
    remove_folder(target)?;
    let tool = cargo("build", choice).arg("--release").arg("--target-dir").arg(target);
    let took = tool.user_time()?;
    remove_folder(target)?;
    Ok(took.map(|took| took.as_secs_f64()))
}

fn cargo(verb: &str, choice: &Choice) -> Tool {
    let tool = Tool::cargo().arg(verb).args(["--locked", "--quiet", "--package", "plimsoll"]);
    let tool = tool.arg("--manifest-path").arg(manifest());
    let tool = if verb == "tree" { tool.args(["--edges", "normal"]) } else { tool };
    tool.args(&choice.arguments)
}

fn manifest() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")
}

fn metadata() -> io::Result<Value> {
    let tool = Tool::cargo().args(["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    Ok(serde_json::from_str(&tool.arg("--manifest-path").arg(manifest()).output()?)?)
}

/// No features first, which the others are compared with; then each of plimsoll's alone, the
/// default ones, and all.
fn choices(metadata: &Value) -> io::Result<Vec<Choice>> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let plimsoll = packages.into_iter().find(|package| package["name"] == "plimsoll");
    let features = plimsoll.and_then(|package| package["features"].as_object());
    let features = features.ok_or_else(|| io::Error::other("plimsoll has no features"))?;
    let choice = |name: &str, arguments: &[&str]| Choice {
        name: name.to_owned(),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
    };
    let alone = |name: &String| choice(name, &["--no-default-features", "--features", name]);
    let mut choices = vec![choice(NOTHING, &["--no-default-features"])];
    choices.extend(features.keys().filter(|name| *name != "default").map(alone));
    choices.push(choice("the default features", &[]));
    choices.push(choice("all features", &["--all-features"]));
    Ok(choices)
}

/// Lines of `cargo tree`, where a crate that was listed before has a mark.
fn distinct(tree: &str) -> usize {
    let mut crates: Vec<_> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    crates.retain(|line| !line.is_empty());
    crates.sort_unstable();
    crates.dedup();
    crates.len()
}

fn rows(case: &str, choices: &[Choice], samples: &[Vec<f64>]) -> Vec<Row> {
    let row = |(choice, figures): (&Choice, &Vec<f64>)| {
        Row::of(["features", case], 1, (&choice.name, figures), (NOTHING, &samples[0]))
    };
    choices.iter().zip(samples).map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_crate_that_is_listed_twice_counts_once() {
        let tree = "plimsoll v0.1.0 (/src)\ncfg-if v1.0.5\nlock_api v0.4.14\ncfg-if v1.0.5 (*)\n\n";
        assert_eq!(distinct(tree), 3);
    }

    #[test]
    fn each_feature_is_a_choice_of_its_own_and_the_first_one_is_none() {
        let features = json!({"default": ["pool"], "pool": [], "tower": []});
        let metadata = json!({"packages": [
            {"name": "other", "features": {"x": []}},
            {"name": "plimsoll", "features": features},
        ]});
        let choices = choices(&metadata).unwrap();
        let names: Vec<_> = choices.iter().map(|choice| choice.name.as_str()).collect();
        assert_eq!(names, [NOTHING, "pool", "tower", "the default features", "all features"]);
        let rows = rows("crates", &choices, &[10.0, 11.0, 12.0, 20.0, 30.0].map(|n| vec![n]));
        assert_eq!((rows[4].ns_median, rows[4].ratio_median), (30.0, 3.0));
        assert_eq!(rows[0].subject, rows[0].baseline);
    }

    #[test]
    fn metadata_without_plimsoll_is_an_error() {
        assert!(choices(&json!({"packages": []})).is_err());
    }
}
