//! Side-by-side comparisons of plimsoll with its peers.
//!
//! `cargo bench -p plimsoll-bench [-- AREA... [--quick] [--report]]` prints a table per area and
//! writes `plimsoll-bench/AREA.json` into the target folder. See the README beside this crate for how to
//! read the numbers.
//!
//! | module | what it does |
//! |---|---|
//! | [`stats`] | medians, spreads, ratios per round |
//! | [`case`] | subjects, calibration, interleaved rounds |
//! | [`threads`] | starts threads before the clock does |
//! | [`report`] | the rows, and the file they go to |
//! | [`table`], [`machine`] | the rows for people, and what they were measured on |
//! | [`page`], [`plot`] | the report of a whole run, and its plots |
//! | [`resident`] | the memory of items, in a process of their own |
//! | [`features`] | what each feature takes in, for the report |
//! | [`program`] | a real program with raw and with tracked channels, for the report |
//! | [`tool`] | programs that are started |
//! | [`command`], [`run`] | the command line, and what it sets going |
//! | [`areas`] | what is compared |
//! | [`peers`] | a design that is in use today, for comparison |
#![forbid(unsafe_code)]

pub mod areas;
pub mod case;
pub mod command;
pub mod features;
pub mod machine;
pub mod page;
pub mod peers;
pub mod plot;
pub mod program;
pub mod report;
pub mod resident;
pub mod run;
pub mod stats;
pub mod table;
pub mod threads;
pub mod tool;
