//! Glue: see `plimsoll_bench::run`.
#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::process::ExitCode;

use plimsoll_bench::{report, run};

fn main() -> ExitCode {
    let arguments = env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned());
    ExitCode::from(run::run(arguments, &report::folder(), &mut io::stdout(), &mut io::stderr()))
}
