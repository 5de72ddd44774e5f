//! From a command line to tables and files.

use std::io::{self, Write};
use std::path::Path;

use crate::areas::Area;
use crate::case::Effort;
use crate::command::{self, Request};
use crate::machine::Machine;
use crate::page::Report;
use crate::report::{self, Row};
use crate::table;

/// Exit status: all went well.
pub const OK: u8 = 0;
/// Exit status: a file could not be written.
pub const FAILED: u8 = 1;
/// Exit status: the command line asks for something that does not exist.
pub const MISUSED: u8 = 2;

/// Does what the command line asks for: tables go to `out`, files into `folder`, the page of a
/// report into `docs`, complaints to `errors`.
///
/// # Returns
/// The exit status: [`OK`], [`FAILED`] or [`MISUSED`].
pub fn run(
    arguments: impl IntoIterator<Item = String>,
    folder: &Path,
    docs: &Path,
    out: &mut impl Write,
    errors: &mut impl Write,
) -> u8 {
    match command::parse(arguments) {
        Ok(Request::Help) => say(out, &command::help()),
        Ok(Request::Run { areas, effort, write, report }) => {
            let Effort { rounds, sample_min, .. } = effort;
            let method = format!("{rounds} rounds of every subject in turn, {sample_min:?} each");
            let machine = Machine::here();
            say(out, &format!("{machine}rounds  {method}\n"));
            let mut whole = Report { machine, method, rows: Vec::new(), apart: Vec::new() };
            for area in areas {
                match measure(area, effort, write.then_some(folder), out) {
                    Ok(rows) => whole.rows.extend(rows),
                    Err(error) => return fail(errors, folder, &error),
                }
            }
            if report {
                if let Err(error) = whole.add_apart(folder) {
                    return fail(errors, folder, &error);
                }
                match whole.write(folder, docs) {
                    Ok(page) => say(out, &format!("the report is {}\n", page.display())),
                    Err(error) => return fail(errors, docs, &error),
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
) -> io::Result<Vec<Row>> {
    let rows = area.run(effort, |case, rows| {
        let threads = if case.threads() == 1 { "thread" } else { "threads" };
        let title = format!("{}: {}, {} {threads}", area.name, case.name(), case.threads());
        say(out, &table::render(&title, &case.heading(), rows));
    });
    if let Some(folder) = folder {
        let path = report::write_json(folder, area.name, &rows)?;
        say(out, &format!("{} rows in {}\n", rows.len(), path.display()));
    }
    Ok(rows)
}

fn fail(errors: &mut impl Write, folder: &Path, error: &io::Error) -> u8 {
    say(errors, &format!("error: {}: {error}", folder.display()));
    FAILED
}

/// Prints a line. A reader who has left (`| head`) is no reason to lose the file, nor to fail.
fn say(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
}
