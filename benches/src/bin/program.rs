//! `plimsoll-bench-program [--quick]`: a real program with raw and with tracked channels, for the
//! report; see `plimsoll_bench::program`.
#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use plimsoll_bench::program::{self, Load, build};
use plimsoll_bench::report;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let load = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Load::FULL,
        ["--quick"] => Load::QUICK,
        _ => {
            eprintln!("usage: plimsoll-bench-program [--quick]");
            return ExitCode::FAILURE;
        }
    };
    match measure(load) {
        Ok(Some(path)) => println!("the figures are in {}", path.display()),
        Ok(None) => println!("it runs; its figures mean nothing"),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Figures that mean nothing go to no file.
fn measure(load: Load) -> io::Result<Option<PathBuf>> {
    let folder = report::folder();
    let builds = build::build(&folder.join("real-program"))?;
    let report = program::measure(&builds, load, &mut |line| println!("{line}"))?;
    if load == Load::QUICK { Ok(None) } else { report.write_apart(&folder, "program").map(Some) }
}
