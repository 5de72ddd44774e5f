//! The command line.

use std::fmt;

use crate::areas::{AREAS, Area};
use crate::case::Effort;

/// What to print for `--help`, and after a mistake.
pub const USAGE: &str = "usage: cargo bench -p plimsoll-bench [-- [AREA...] [--quick] [--report]]";

/// What the command line asks for.
#[derive(Debug)]
pub enum Request {
    /// Explain the command line.
    Help,
    /// Measure.
    Run {
        /// Which areas, in the order given; all of them if none was named.
        areas: Vec<&'static Area>,
        /// How long.
        effort: Effort,
        /// Whether the rows go to a file.
        write: bool,
        /// Whether all of it goes to one page with plots, too.
        report: bool,
    },
}

/// A command line that asks for something that does not exist.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageError {
    /// No area has this name.
    UnknownArea(String),
    /// No option has this name.
    UnknownOption(String),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::UnknownArea(name) => {
                write!(f, "no area is called `{name}`; the areas are: {}", area_names())
            }
            UsageError::UnknownOption(option) => {
                write!(f, "there is no option `{option}`; there are --quick and --report")
            }
        }
    }
}

impl std::error::Error for UsageError {}

/// Reads the arguments after the program's name.
///
/// `cargo bench` adds `--bench`. Without it all targets are run to see whether they work: that
/// is quick, and leaves the files of the last real run alone.
///
/// # Errors
/// An area or an option that does not exist.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Request, UsageError> {
    let (mut areas, mut quick, mut bench, mut report) = (Vec::new(), false, false, false);
    for argument in arguments {
        match argument.as_str() {
            "--bench" => bench = true,
            "--quick" => quick = true,
            "--report" => report = true,
            "--help" | "-h" => return Ok(Request::Help),
            option if option.starts_with('-') => {
                return Err(UsageError::UnknownOption(argument));
            }
            name => match AREAS.iter().find(|area| area.name == name) {
                Some(area) => areas.push(area),
                None => return Err(UsageError::UnknownArea(argument)),
            },
        }
    }
    if areas.is_empty() {
        areas.extend(AREAS);
    }
    let effort = if quick || !bench { Effort::QUICK } else { Effort::FULL };
    Ok(Request::Run { areas, effort, write: bench, report })
}

/// The help text: usage and what each area is about.
pub fn help() -> String {
    let areas = AREAS.iter().map(|area| format!("\n  {:<10}{}", area.name, area.about));
    format!(
        "{USAGE}\n\nAreas (all of them if none is named):{}\n\n  --quick   a look whether \
         everything runs; its figures mean nothing\n  --report  one page of tables \
         and plots as well, in docs/",
        areas.collect::<String>()
    )
}

fn area_names() -> String {
    AREAS.iter().map(|area| area.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> (Vec<&'static str>, Effort, bool) {
        match parse(line.split_whitespace().map(str::to_owned)).unwrap() {
            Request::Run { areas, effort, write, .. } => {
                (areas.iter().map(|area| area.name).collect(), effort, write)
            }
            Request::Help => panic!("{line} asks for help"),
        }
    }

    fn error(line: &str) -> UsageError {
        parse(line.split_whitespace().map(str::to_owned)).unwrap_err()
    }

    #[test]
    fn areas_and_effort() {
        let all: Vec<_> = AREAS.iter().map(|area| area.name).collect();
        assert_eq!(run("--bench"), (all.clone(), Effort::FULL, true));
        assert_eq!(run("--bench gauge"), (vec!["gauge"], Effort::FULL, true));
        let both = vec!["channel", "gauge"];
        assert_eq!(run("channel --quick gauge --bench"), (both, Effort::QUICK, true));
        assert_eq!(run(""), (all, Effort::QUICK, false));
    }

    #[test]
    fn mistakes_say_what_there_is() {
        let text = error("--bench gouge").to_string();
        assert!(text.contains("`gouge`"), "{text}");
        for area in AREAS {
            assert!(text.contains(area.name), "{text}");
            assert!(help().contains(area.about));
        }
        assert_eq!(error("--fast"), UsageError::UnknownOption("--fast".to_owned()));
        assert!(error("--fast").to_string().contains("--quick"));
    }

    #[test]
    fn help_wins() {
        let request = parse(["gauge", "-h", "nonsense"].map(str::to_owned)).unwrap();
        assert!(matches!(request, Request::Help));
    }
}
