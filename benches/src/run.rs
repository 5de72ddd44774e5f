//! From a command line to tables and files.

use std::io::{self, Write};
use std::path::Path;

use crate::areas::Area;
use crate::case::Effort;
use crate::command::{self, Request};
use crate::machine::Machine;
use crate::report;
use crate::table;

/// Exit status: all went well.
pub const OK: u8 = 0;
/// Exit status: a file could not be written.
pub const FAILED: u8 = 1;
/// Exit status: the command line asks for something that does not exist.
pub const MISUSED: u8 = 2;

/// Does what the command line asks for: tables go to `out`, files into `folder`, complaints to
/// `errors`.
///
/// # Returns
/// The exit status: [`OK`], [`FAILED`] or [`MISUSED`].
pub fn run(
    arguments: impl IntoIterator<Item = String>,
    folder: &Path,
    out: &mut impl Write,
    errors: &mut impl Write,
) -> u8 {
    match command::parse(arguments) {
        Ok(Request::Help) => say(out, &command::help()),
        Ok(Request::Run { areas, effort, write }) => {
            let Effort { rounds, sample_min, .. } = effort;
            let rounds = format!("rounds  {rounds} of every subject in turn, {sample_min:?} each");
            say(out, &format!("{}{rounds}\n", Machine::here()));
            for area in areas {
                if let Err(error) = measure(area, effort, write.then_some(folder), out) {
                    say(errors, &format!("error: {}: {error}", folder.display()));
                    return FAILED;
                }
            }
        }
        Err(error) => {
            say(errors, &format!("error: {error}\n{}", command::USAGE));
            return MISUSED;
        }
    }
    OK
}

fn measure(
    area: &Area,
    effort: Effort,
    folder: Option<&Path>,
    out: &mut impl Write,
) -> io::Result<()> {
    let rows = area.run(effort, |case, rows| {
        let threads = if case.threads() == 1 { "thread" } else { "threads" };
        let title = format!("{}: {}, {} {threads}", area.name, case.name(), case.threads());
        say(out, &table::render(&title, &case.heading(), rows));
    });
    if let Some(folder) = folder {
        let path = report::write_json(folder, area.name, &rows)?;
        say(out, &format!("{} rows in {}\n", rows.len(), path.display()));
    }
    Ok(())
}

/// Prints a line. A reader who has left (`| head`) is no reason to lose the file, nor to fail.
fn say(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
}
