//! A copy of the repository in which mutants are tried out.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::mutant::Mutant;
use crate::results::Fate;

/// A mutant counts as found, since it may wait for ever, if its tests take this many times as long as
/// without a change, and `PATIENCE_MIN` more.
const PATIENCE: u32 = 5;
const PATIENCE_MIN: Duration = Duration::from_secs(20);
const PATIENCE_WITH_BUILDS: Duration = Duration::from_secs(3_600);

/// Stands for the models of the mutant's own file, where there are any.
const MODELS: &str = "MODELS";

/// Stands for the tests of the mutant's own part of the package. They run first, since they find most
/// mutants: then the others need not be built.
const FAMILY: &str = "FAMILY";

/// The tests of what the core does. Its other tests read documents and the source.
const CORE_TESTS: &[&str] = &[
    "-p",
    "plimsoll-core",
    "--test",
    "budget",
    "--test",
    "defects",
    "--test",
    "flow",
    "--test",
    "gauge",
    "--test",
    "keepalive",
    "--test",
    "ledger",
    "--test",
    "pool",
    "--test",
    "watermarks",
];

pub(crate) struct Tree {
    root: PathBuf,
    area: String,
    sources: &'static str,
    /// Cargo's arguments after `test`, for each suite of this area, the quickest first.
    tests: &'static [&'static [&'static str]],
    /// How long each of these takes without a change, less what other work of the machine takes.
    times: Vec<Duration>,
}

impl Tree {
    /// A fresh copy of all files that git knows, with the built dependencies of the last one.
    pub(crate) fn copied(area: &str) -> Result<Tree, String> {
        let (sources, tests): (_, &[&[&str]]) = match area {
            "core" => (
                "core/src/",
                &[
                    &["-p", "plimsoll-core", "--lib"],
                    CORE_TESTS,
                    &["-p", "plimsoll-fuzz", "--tests"],
                    &["-p", "plimsoll-loom"],
                ],
            ),
            "adapters" => (
                "std-adapters/plimsoll/src/",
                &[
                    &["-p", "plimsoll", "--all-features", "--lib"],
                    &["-p", "plimsoll", "--all-features", "--test", FAMILY],
                    &["-p", "plimsoll", "--all-features", "--tests"],
                    &["-p", "plimsoll-loom", "--test", "models", "--", MODELS],
                ],
            ),
            other => return Err(format!("{other}: `core` or `adapters`")),
        };
        let root = PathBuf::from("target/mutants");
        let list = Command::new("git").args(["ls-files", "-z"]).output();
        let list = list.map_err(|error| format!("git ls-files: {error}"))?;
        for file in String::from_utf8_lossy(&list.stdout).split_terminator('\0') {
            let (text, copy) = (fs::read(file), root.join("tree").join(file));
            let Ok(text) = text else { continue };
            // What has not changed keeps its time, so that it is not built again.
            if fs::read(&copy).is_ok_and(|before| before == text) {
                continue;
            }
            fs::create_dir_all(copy.parent().unwrap_or(&root)).map_err(|e| e.to_string())?;
            fs::write(&copy, text).map_err(|error| format!("{}: {error}", copy.display()))?;
        }
        let tree = Tree { root, area: area.to_owned(), sources, tests, times: Vec::new() };
        // Tests are built offline, so that no mutant is judged by a network.
        let fetched = tree.cargo("fetch").args(["--quiet", "--locked"]).status();
        match fetched.map_err(|error| format!("cargo fetch: {error}"))?.success() {
            true => Ok(tree),
            false => Err("`cargo fetch` fails".to_owned()),
        }
    }

    /// All mutants of the area's sources.
    pub(crate) fn mutants(&self) -> Result<Vec<Mutant>, String> {
        let mut mutants = Vec::new();
        let mut folders = vec![PathBuf::from(self.sources)];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).map_err(|error| error.to_string())?;
            for path in entries.flatten().map(|entry| entry.path()) {
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                // What only tests and models are built with.
                if matches!(stem, Some("tests" | "model" | "stepped")) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    let source = fs::read_to_string(&path).map_err(|error| error.to_string())?;
                    mutants.extend(Mutant::all_of(&path.to_string_lossy(), &source));
                }
            }
        }
        mutants.sort_by_key(ToString::to_string);
        Ok(mutants)
    }

    /// Runs and times all tests without a change: if they fail then, no mutant can be judged.
    pub(crate) fn check_unchanged(&mut self) -> Result<(), String> {
        for suite in self.tests {
            // Any family may be asked for.
            let named = |part: &&'static str| match *part {
                FAMILY => vec!["*"],
                MODELS => Mutant::all_models().collect(),
                part => vec![part],
            };
            let suite: Vec<&str> = suite.iter().flat_map(named).collect();
            let arguments = suite.join(" ");
            let place = self.root.join("tree").display().to_string();
            let broken = || format!("`cargo test {arguments}` fails in {place} without a change");
            self.passes(&["--no-run"], &suite, &[], PATIENCE_WITH_BUILDS)?.ok_or_else(broken)?;
            let took = self.passes(&[], &suite, &[], PATIENCE_WITH_BUILDS)?;
            self.times.push(took.ok_or_else(broken)?);
        }
        Ok(())
    }

    /// Runs the tests against a mutant, until one finds it.
    pub(crate) fn try_out(&self, mutant: &Mutant) -> Result<Fate, String> {
        let path = self.root.join("tree").join(&mutant.file);
        let source = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        fs::write(&path, mutant.apply(&source)).map_err(|error| error.to_string())?;
        let fate = self.judge(mutant);
        fs::write(&path, source).map_err(|error| error.to_string())?;
        fate
    }

    fn judge(&self, mutant: &Mutant) -> Result<Fate, String> {
        for (suite, time) in self.tests.iter().zip(&self.times) {
            let is_model = suite.contains(&"plimsoll-loom");
            if mutant.is_ordering() && self.area == "core" && !is_model {
                continue;
            }
            if suite.contains(&MODELS) && mutant.models().is_none() {
                continue;
            }
            let family = family_tests(mutant);
            let named = |part: &&'static str| match *part {
                FAMILY => family.as_str(),
                MODELS => mutant.models().unwrap_or_default(),
                part => part,
            };
            let suite: Vec<&str> = suite.iter().map(named).collect();
            if self.passes(&["--no-run"], &suite, &[], PATIENCE_WITH_BUILDS)?.is_none() {
                return Ok(Fate::DoesNotBuild);
            }
            // The time of a family is that of all of them, which is more than it takes.
            let times = if suite.contains(&FAMILY) { 2 } else { PATIENCE };
            let patience = PATIENCE_MIN + times * *time;
            // The models of a file are named after it, or after its folder. Those of other parts may check it
            // as well: those of a flow check its credit.
            let folder = mutant.file.rsplit('/').nth(1).unwrap_or("");
            let part = if folder == "src" { mutant.stem() } else { folder };
            let narrow: &[&str] = &["--", part];
            let runs: &[&[&str]] =
                if is_model && self.area == "core" { &[narrow, &[]] } else { &[&[]] };
            for rest in runs {
                if self.passes(&[], &suite, rest, patience)?.is_none() {
                    return Ok(Fate::Found);
                }
            }
        }
        Ok(Fate::Survived)
    }

    /// A command of cargo in the copy.
    fn cargo(&self, name: &str) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.arg(name).current_dir(self.root.join("tree"));
        command
    }

    /// Runs tests. Returns how long they took, less what other work of the machine took; `None` if one
    /// fails, or if they take longer than `patience`.
    fn passes(
        &self,
        flags: &[&str],
        suite: &[&str],
        rest: &[&str],
        patience: Duration,
    ) -> Result<Option<Duration>, String> {
        let mut command = self.cargo("test");
        command.args(["--quiet", "--offline"]).args(flags).args(suite).args(rest);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.process_group(0);
        command.env("CARGO_TARGET_DIR", "../build").env("RUST_BACKTRACE", "0");
        // A mutant may have changed the text that a planted flaw replaces.
        command.env("PLIMSOLL_FLAWS_MAY_MISS", "1");
        command.env("CARGO_INCREMENTAL", "1").env("CARGO_PROFILE_DEV_DEBUG", "0");
        let mut child = command.spawn().map_err(|error| format!("cargo: {error}"))?;
        let mut waited = Duration::ZERO;
        loop {
            match child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => return Ok(status.success().then_some(waited)),
                None if waited < patience => {
                    let began = Instant::now();
                    std::thread::sleep(Duration::from_millis(20));
                    waited += began.elapsed().div_f64(crowding());
                }
                None => {
                    // The test is cargo's child: all of its group must end.
                    let group = format!("-{}", child.id());
                    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
                    let _ = child.wait();
                    return Ok(None);
                }
            }
        }
    }
}

/// How many tasks there are for each core, at least one: by this factor everything takes longer.
fn crowding() -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = text.split(' ').next().and_then(|load| load.parse::<f64>().ok()).unwrap_or(0.0);
    (load / cores).max(1.0)
}

/// The tests in `tests` that are named after the folder of a file, or those of the registry.
fn family_tests(mutant: &Mutant) -> String {
    let family = mutant.file.rsplit("/src/").next().and_then(|rest| rest.split('/').next());
    match family {
        Some(
            family @ ("budget" | "channel" | "keepalive" | "ledger" | "pool" | "pressure"
            | "probes"),
        ) => format!("{family}*"),
        _ => "registry*".to_owned(),
    }
}
