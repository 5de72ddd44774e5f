//! `plimsoll-bench-hotpath THREADS MESSAGES` prints the nanoseconds that so many messages take: started by
//! the area `channel`, see `plimsoll_bench::areas::channel::hotpath`.
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use plimsoll_bench::areas::channel::hotpath;

fn main() -> ExitCode {
    let mut numbers = env::args().skip(1).map(|argument| argument.parse().ok());
    let (Some(Some(threads)), Some(Some(messages))) = (numbers.next(), numbers.next()) else {
        eprintln!("usage: plimsoll-bench-hotpath THREADS MESSAGES");
        return ExitCode::FAILURE;
    };
    let Some(took) = hotpath::time(threads, messages) else {
        eprintln!("1 or 2 threads, not {threads}");
        return ExitCode::FAILURE;
    };
    println!("{}", took.as_nanos());
    ExitCode::SUCCESS
}
