//! `plimsoll-bench-memory SUBJECT GUESTS` prints the bytes that so many guests take: started by the
//! area `keepalive`, see `areas::keepalive::held_bytes`.
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use plimsoll_bench::areas::keepalive;

fn main() -> ExitCode {
    let numbers: Vec<usize> = env::args().skip(1).flat_map(|text| text.parse()).collect();
    let [subject, guests] = numbers[..] else {
        eprintln!("usage: plimsoll-bench-memory SUBJECT GUESTS");
        return ExitCode::FAILURE;
    };
    let Some(bytes) = keepalive::held_bytes(subject, guests) else {
        eprintln!("no subject {subject}, or no way to tell the memory of a process here");
        return ExitCode::FAILURE;
    };
    println!("{bytes}");
    ExitCode::SUCCESS
}
