//! `plimsoll-bench-features [ROUNDS]`: crates and CPU seconds of each feature of plimsoll, for the
//! report; see `plimsoll_bench::features`.
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use plimsoll_bench::{features, report};

fn main() -> ExitCode {
    let rounds = env::args().nth(1).map_or(Ok(1), |rounds| rounds.parse());
    let Some(rounds) = rounds.ok().filter(|rounds| *rounds > 0) else {
        eprintln!("usage: plimsoll-bench-features [ROUNDS]");
        return ExitCode::FAILURE;
    };
    let folder = report::folder();
    let report = features::measure(&folder, rounds, &mut |line| println!("{line}"));
    match report.and_then(|report| report.write_apart(&folder, "features")) {
        Ok(path) => println!("the figures are in {}", path.display()),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
