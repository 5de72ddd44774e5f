//! Glue: see `plimsoll_bench::run`.
#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::process::ExitCode;

use plimsoll_bench::{page, report, run};

fn main() -> ExitCode {
    let arguments = env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned());
    let (folder, docs) = (report::folder(), page::docs());
    ExitCode::from(run::run(arguments, &folder, &docs, &mut io::stdout(), &mut io::stderr()))
}
