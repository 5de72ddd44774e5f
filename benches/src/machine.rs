//! What the figures were measured on, as far as it can be found out.

use std::env;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

const UNKNOWN: &str = "unknown";

/// Processor, compiler and commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model name.
    pub cpu: String,
    /// How many threads can run at once; 0 if that is unknown.
    pub cores: usize,
    /// How many threads wanted to run of late, as the system counts them.
    pub load: String,
    /// The compiler's version line.
    pub rustc: String,
    /// The commit of the source, and whether something is changed since.
    pub commit: String,
}

impl Machine {
    /// Looks around. What is not there is `"unknown"`.
    pub fn here() -> Machine {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        let cpu = cpu_model(&read("/proc/cpuinfo"))
            .or_else(|| output("sysctl", &["-n", "machdep.cpu.brand_string"]));
        Machine {
            cpu: cpu.unwrap_or_else(|| UNKNOWN.to_owned()),
            cores: thread::available_parallelism().map_or(0, usize::from),
            load: first_word(&read("/proc/loadavg")).unwrap_or_else(|| UNKNOWN.to_owned()),
            rustc: output(&rustc, &["--version"]).unwrap_or_else(|| UNKNOWN.to_owned()),
            commit: commit().unwrap_or_else(|| UNKNOWN.to_owned()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cpu     {}, {} cores, load {}", self.cpu, self.cores, self.load)?;
        writeln!(f, "rustc   {}", self.rustc)?;
        writeln!(f, "commit  {}", self.commit)
    }
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn first_word(text: &str) -> Option<String> {
    text.split_whitespace().next().map(str::to_owned)
}

fn commit() -> Option<String> {
    let source = env!("CARGO_MANIFEST_DIR");
    let head = output("git", &["-C", source, "rev-parse", "--short=12", "HEAD"])?;
    let changes = output("git", &["-C", source, "status", "--porcelain"]);
    Some(if changes.is_some() { format!("{head} with changes") } else { head })
}

/// What the command printed, if it went well and printed anything.
fn output(program: impl AsRef<Path>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program.as_ref()).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_name_is_found_or_not() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2.50GHz\nmodel name\t: Other\n";
        assert_eq!(cpu_model(text).as_deref(), Some("Some CPU @ 2.50GHz"));
        assert_eq!(cpu_model("processor\t: 0\n"), None);
        assert_eq!(cpu_model(""), None);
    }

    #[test]
    fn a_missing_or_failing_command_is_no_error() {
        assert_eq!(output("no-such-program-anywhere", &["--version"]), None);
        assert_eq!(output("git", &["no-such-verb"]), None);
    }

    #[test]
    fn the_header_names_all_of_it() {
        let text = Machine::here().to_string();
        for word in ["cpu ", "cores", "rustc ", "commit "] {
            assert!(text.contains(word), "{text}");
        }
    }
}
