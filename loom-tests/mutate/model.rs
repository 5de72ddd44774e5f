//! The models: found in the test binaries, run in processes of their own.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::site::Site;

/// A mutated model gets this many times as long as the sound one, and a while on top.
const PATIENCE: u32 = 10;
const PATIENCE_LEAST: Duration = Duration::from_secs(20);

/// One model: a test of a test binary.
pub(crate) struct Model {
    pub(crate) name: String,
    /// How long it runs unharmed.
    pub(crate) took: Duration,
    /// The orderings that it passes.
    pub(crate) sites: BTreeSet<Site>,
    binary: String,
}

/// Builds the models, finds those that are wanted, and runs each once.
pub(crate) fn find(is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Model>, String> {
    let mut models = Vec::new();
    for binary in binaries()? {
        let list = output(Command::new(&binary).args(["--list", "--format", "terse"]))?;
        let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
        for name in names.filter(|name| is_wanted(name)) {
            let model = Model::survey(&binary, name)?;
            if !model.sites.is_empty() {
                models.push(model);
            }
        }
    }
    Ok(models)
}

impl Model {
    fn survey(binary: &str, name: &str) -> Result<Model, String> {
        let began = Instant::now();
        let text = output(test(binary, name).env("PLIMSOLL_SITES", "1"))?;
        let sites = text.lines().filter_map(Site::parse).collect();
        Ok(Model { name: name.to_owned(), took: began.elapsed(), sites, binary: binary.to_owned() })
    }

    /// Runs the model with `mutant`; how it died, or `None` if it passed.
    pub(crate) fn is_killed_by(&self, mutant: &str) -> Option<&'static str> {
        let mut command = test(&self.binary, &self.name);
        command.env("PLIMSOLL_MUTANT", mutant).env("RUST_BACKTRACE", "0");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("a model that ran before");
        let deadline = Instant::now() + self.took * PATIENCE + PATIENCE_LEAST;
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return None,
                Ok(Some(_)) => return Some("killed"),
                Ok(None) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Ok(None) | Err(_) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Some("out of time");
                }
            }
        }
    }
}

fn test(binary: &str, name: &str) -> Command {
    let mut command = Command::new(binary);
    command.args(["--exact", name, "--nocapture", "--test-threads", "1"]);
    command
}

/// Builds the test binaries; their paths, as cargo tells them.
fn binaries() -> Result<Vec<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "--package", "plimsoll-loom", "--no-run", "--message-format", "json"]);
    let messages = output(command.stderr(Stdio::inherit()))?;
    let is_test = |line: &&str| line.contains(r#""kind":["test"]"#);
    let executable = |line: &str| {
        let (_, rest) = line.split_once(r#""executable":""#)?;
        rest.split('"').next().map(str::to_owned)
    };
    Ok(messages.lines().filter(is_test).filter_map(executable).collect())
}

fn output(command: &mut Command) -> Result<String, String> {
    let name = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        return Err(format!("{name}: {}\n{text}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{name}: {error}"))
}
