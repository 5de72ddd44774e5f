//! The program `plimsoll`: what a running host's status page says, in a terminal.

#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
