//! Generators and oracles for the core and the pool on it, one module for each fuzz target.
//!
//! A target's input is decoded into a *plan*: a value that can be printed, generated from any bytes
//! and checked. Checking a plan drives the real thing and an oracle side by side, and panics where
//! they differ. Oracles know nothing of the core's insides: they keep whole numbers and lists.
//!
//! What a plan has reached is told by [`Seen`], so that a test can hold the seed corpus against the
//! list of what it should reach.
#![forbid(unsafe_code)]

pub mod budget;
pub mod flow;
pub mod gauge;
pub mod hysteresis;
pub mod keepalive;
pub mod ledger;
pub mod lending;
pub mod machine;
pub mod marks;
pub mod number;
pub mod pool;
pub mod races;
pub mod recipe;
pub mod ring;
mod seen;
pub mod sustain;

use std::fmt::Debug;

use arbitrary::{Arbitrary, Unstructured};

pub use seen::Seen;

/// A subject under test: what is done to it, in which order.
pub trait Plan: for<'a> Arbitrary<'a> + Debug {
    /// All that [`check`](Plan::check) can report as seen, in groups.
    const REACHABLE: &'static [&'static [&'static str]];

    /// Runs the plan against the real thing and the oracle, and panics where they differ.
    fn check(&self) -> Seen;
}

/// A plan's type without its name, so that all of them fit one table.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the file in `fuzz_targets/`, without its ending.
    pub name: &'static str,
    /// See [`Plan::REACHABLE`].
    pub reachable: &'static [&'static [&'static str]],
    /// Decodes the bytes and checks the plan. Bytes that make no plan have seen nothing.
    pub check: fn(&[u8]) -> Seen,
    /// Decodes the bytes and prints the plan.
    pub print: fn(&[u8]) -> String,
}

impl Target {
    const fn of<P: Plan>(name: &'static str) -> Target {
        fn decode<P: Plan>(bytes: &[u8]) -> arbitrary::Result<P> {
            P::arbitrary_take_rest(Unstructured::new(bytes))
        }
        Target {
            name,
            reachable: P::REACHABLE,
            check: |bytes| decode::<P>(bytes).map(|plan| plan.check()).unwrap_or_default(),
            print: |bytes| format!("{:#?}", decode::<P>(bytes)),
        }
    }

    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Target> {
        TARGETS.iter().find(|target| target.name == name)
    }
}

/// Every target there is.
pub const TARGETS: &[Target] = &[
    Target::of::<budget::Job>("budget"),
    Target::of::<hysteresis::Job>("hysteresis"),
    Target::of::<gauge::Job>("gauge"),
    Target::of::<flow::Job>("flow"),
    Target::of::<keepalive::Job>("keepalive"),
    Target::of::<ledger::Job>("ledger"),
    Target::of::<lending::Job>("lending"),
    Target::of::<pool::Job>("pool"),
    Target::of::<races::Job>("races"),
    Target::of::<ring::Job>("ring"),
    Target::of::<sustain::Job>("sustain"),
];

/// Prints and checks the plans in the files that the command line names: what a target does in an
/// ordinary build.
pub fn replay_arguments(name: &str) {
    let target = Target::named(name).expect("a target is in the table");
    for path in std::env::args_os().skip(1) {
        let bytes = std::fs::read(&path).expect("an input can be read");
        println!("{}: {}", path.to_string_lossy(), (target.print)(&bytes));
        println!("{:?}", (target.check)(&bytes));
    }
}

/// The body of a fuzz target whose plan is `plimsoll_fuzz::$name::Job`.
#[cfg(fuzzing)]
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        libfuzzer_sys::fuzz_target!(|job: $crate::$name::Job| {
            $crate::Plan::check(&job);
        });
    };
}

/// The body of a fuzz target whose plan is `plimsoll_fuzz::$name::Job`.
#[cfg(not(fuzzing))]
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        fn main() {
            $crate::replay_arguments(stringify!($name));
        }
    };
}
