//! Programs that are started: what they print, and the CPU time that they take.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A program and its arguments.
#[derive(Debug)]
pub struct Tool(Command);

impl Tool {
    /// The cargo that runs this, or else the one of the search path. It calls the compiler itself,
    /// without a wrapper that has the result of an earlier build.
    pub fn cargo() -> Tool {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.env_remove("RUSTC_WRAPPER").env_remove("CARGO_TARGET_DIR");
        Tool(command)
    }

    /// Any program.
    pub fn new(program: &Path) -> Tool {
        Tool(Command::new(program))
    }

    /// A program of this package. Cargo builds it together with benches and integration tests, which lie in
    /// a folder below it.
    pub(crate) fn beside(name: &str) -> Tool {
        let mut folder = env::current_exe().unwrap_or_default();
        folder.pop();
        if folder.ends_with("deps") {
            folder.pop();
        }
        Tool::new(&folder.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
    }

    /// With one argument more.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Tool {
        self.0.arg(argument);
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Tool {
        self.0.args(arguments);
        self
    }

    /// What it prints; its complaints go to those of this process.
    ///
    /// # Errors
    /// It cannot be started, or it fails.
    pub fn output(mut self) -> io::Result<String> {
        let output = self.0.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| self.failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(self.failed(&output.status.to_string()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The number that it prints.
    ///
    /// # Panics
    /// As of [`output`](Self::output), or it prints none.
    pub(crate) fn number(self) -> u64 {
        let name = format!("{:?}", self.0);
        let text = self.output().unwrap_or_else(|error| panic!("{error}"));
        text.trim().parse().unwrap_or_else(|_| panic!("{name}: {text}"))
    }

    /// The time for which it and all that it starts and waits for use a CPU outside the system's
    /// calls; `None` where nobody can tell. No other child of this process may end meanwhile.
    ///
    /// # Errors
    /// As of [`output`](Self::output).
    pub fn user_time(self) -> io::Result<Option<Duration>> {
        let before = children();
        self.output()?;
        Ok(before.zip(children()).map(|(before, after)| after - before))
    }

    fn failed(&self, why: &str) -> io::Error {
        io::Error::other(format!("{:?}: {why}", self.0))
    }
}

/// The user time of all children of this process that have ended.
fn children() -> Option<Duration> {
    user_time_of_children(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Field 16 of proc_pid_stat(5), in clock ticks of 10 ms: `USER_HZ` is 100 wherever Rust's tier 1
/// runs Linux. The second field, in brackets, may have spaces and brackets in it.
fn user_time_of_children(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(16 - 3)?.parse().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_is_no_field() {
        let stat = "1 (a) b) S 4 5 6 7 8 9 10 11 12 13 14 15 160 17";
        assert_eq!(user_time_of_children(stat), Some(Duration::from_millis(1_600)));
        assert_eq!(user_time_of_children("1 (a) S 4"), None);
    }

    #[test]
    fn a_program_that_fails_or_is_not_there_is_an_error_that_names_it() {
        for (program, argument) in [("/no/such/program", "x"), ("git", "no-such-verb")] {
            let error = Tool::new(Path::new(program)).arg(argument).output().unwrap_err();
            assert!(error.to_string().contains(argument), "{error}");
        }
    }
}
