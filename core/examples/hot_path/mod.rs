//! A program that runs one of several hot paths a number of times, so that its instructions can be counted.

use std::process::ExitCode;

/// A name, and what to do so many times.
pub(crate) type HotPath = (&'static str, fn(u64));

/// `PROGRAM PATH TIMES` runs a path; without arguments all paths are listed.
pub(crate) fn main_of(program: &str, paths: &[HotPath]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => paths.iter().for_each(|(name, _)| println!("{name}")),
        [path, times] => {
            let found = paths.iter().find(|(name, _)| *name == path);
            let (Some((_, run)), Ok(times)) = (found, times.parse()) else {
                eprintln!("no path {path}, or no number {times}");
                return ExitCode::FAILURE;
            };
            run(times);
        }
        _ => {
            eprintln!("usage: {program} [PATH TIMES]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
