//! The command line: `--seconds N`, `--json`, `--help`.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
Runs WebAssembly guests behind a chain of tracked queues, and tenants on a pool of instances. Shows
where the pressure builds, which guest falls silent, and that nobody suffers from the worst tenants.

Usage: sandbox_host [--seconds N] [--json]

  --seconds N   end after N seconds (default 15; fractions allowed, at most 86400)
  --json        no view; print the final snapshot as JSON on standard output
  -h, --help    print this text

On a terminal the view is live: q or ctrl-c ends it early. Elsewhere it prints plain lines.
";

/// The longest run that can be asked for: one day.
const SECONDS_MAX: f64 = 86_400.0;

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Run the host.
    Run(Options),
    /// Print [`USAGE`].
    Help,
}

/// How to run the host.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// When the run ends by itself.
    pub(crate) length: Duration,
    /// Print the final snapshot as JSON, and nothing else, on standard output.
    pub(crate) json: bool,
}

/// Why a command line was refused.
#[derive(Debug, PartialEq)]
pub(crate) enum BadArgument {
    /// No such option.
    Unknown(String),
    /// `--seconds` stands last.
    NoSeconds,
    /// `--seconds` with something that is no usable number.
    Seconds(String),
}

impl fmt::Display for BadArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(given) => write!(f, "unknown argument '{given}'"),
            Self::NoSeconds => write!(f, "--seconds needs a number after it"),
            Self::Seconds(given) => {
                write!(f, "--seconds takes a number above 0 and up to {SECONDS_MAX}, not '{given}'")
            }
        }
    }
}

impl std::error::Error for BadArgument {}

/// Reads the arguments that follow the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, BadArgument> {
    let mut options = Options { length: Duration::from_secs(15), json: false };
    let mut args = args.into_iter().map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--json" => options.json = true,
            "--seconds" => options.length = seconds(&args.next().ok_or(BadArgument::NoSeconds)?)?,
            _ => match arg.strip_prefix("--seconds=") {
                Some(given) => options.length = seconds(given)?,
                None => return Err(BadArgument::Unknown(arg)),
            },
        }
    }
    Ok(Command::Run(options))
}

fn seconds(given: &str) -> Result<Duration, BadArgument> {
    let refused = || BadArgument::Seconds(given.to_owned());
    let number: f64 = given.parse().map_err(|_| refused())?;
    if number > 0.0 && number <= SECONDS_MAX {
        Duration::try_from_secs_f64(number).map_err(|_| refused())
    } else {
        Err(refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, BadArgument> {
        parse(args.iter().map(OsString::from))
    }

    fn run(seconds: f64, json: bool) -> Result<Command, BadArgument> {
        Ok(Command::Run(Options { length: Duration::from_secs_f64(seconds), json }))
    }

    #[test]
    fn options_are_read_in_any_order() {
        assert_eq!(parsed(&[]), run(15.0, false));
        assert_eq!(parsed(&["--json", "--seconds", "2"]), run(2.0, true));
        assert_eq!(parsed(&["--seconds=0.5"]), run(0.5, false));
        assert_eq!(parsed(&["--seconds", "3", "--help"]), Ok(Command::Help));
    }

    #[test]
    fn what_is_refused_is_named() {
        for bad in ["0", "-1", "nan", "inf", "1e9", "soon", ""] {
            assert_eq!(parsed(&["--seconds", bad]), Err(BadArgument::Seconds(bad.to_owned())));
        }
        assert_eq!(parsed(&["--seconds"]), Err(BadArgument::NoSeconds));
        assert_eq!(parsed(&["--fast"]), Err(BadArgument::Unknown("--fast".to_owned())));
        assert!(BadArgument::Unknown("--fast".to_owned()).to_string().contains("--fast"));
        assert!(USAGE.lines().all(|line| line.len() <= 100), "the usage text fits the width");
    }
}
