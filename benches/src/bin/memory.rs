//! `plimsoll-bench-memory KIND ITEMS` prints the bytes that so many items take: started by the area
//! `memory`, see `plimsoll_bench::resident`.
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use plimsoll_bench::resident;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let items = arguments.get(1).and_then(|items| items.parse().ok());
    let (Some(kind), Some(items)) = (arguments.first(), items) else {
        eprintln!("usage: plimsoll-bench-memory KIND ITEMS");
        return ExitCode::FAILURE;
    };
    let Some(bytes) = resident::held_bytes(kind, items) else {
        eprintln!("no kind {kind}, or no way to tell the memory of a process here");
        return ExitCode::FAILURE;
    };
    println!("{bytes}");
    ExitCode::SUCCESS
}
