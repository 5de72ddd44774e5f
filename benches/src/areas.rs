//! What is compared.

pub mod budget;
pub mod channel;
pub mod export;
pub mod gauge;
pub mod growth;
pub mod keepalive;
pub mod ledger;
pub mod memory;
pub mod pool;
pub mod snapshot;
pub mod tails;

use crate::case::{Case, Effort};
use crate::report::Row;

/// Cases that belong together, and go to one file.
#[derive(Debug)]
pub struct Area {
    /// As on the command line and in the file's name.
    pub name: &'static str,
    /// One line for the help text.
    pub about: &'static str,
    cases: fn() -> Vec<Case>,
}

/// Every area.
pub const AREAS: &[Area] = &[
    Area {
        name: "gauge",
        about: "one enqueue and one dequeue, as a gauge sees them",
        cases: gauge::cases,
    },
    Area {
        name: "budget",
        about: "a reserve and a release, of one limit and of two, one within the other",
        cases: budget::cases,
    },
    Area {
        name: "channel",
        about: "messages through raw, tracked and metered channels",
        cases: channel::cases,
    },
    Area {
        name: "snapshot",
        about: "reading 10,000 gauges, and counting meanwhile",
        cases: snapshot::cases,
    },
    Area {
        name: "export",
        about: "10,000 limits as the text that a scrape gets",
        cases: export::cases,
    },
    Area {
        name: "ledger",
        about: "the largest of 4,096 users, and newcomers without end",
        cases: ledger::cases,
    },
    Area {
        name: "keepalive",
        about: "a beat; watching 10,000 to 1,000,000: CPU time, detection",
        cases: keepalive::cases,
    },
    Area {
        name: "pool",
        about: "an instance checked out and returned, and the last one of two",
        cases: pool::cases,
    },
    Area {
        name: "growth",
        about: "costs by the number of gauges, entries, trackers and threads",
        cases: growth::cases,
    },
    Area {
        name: "memory",
        about: "bytes of a gauge, a channel, an entry, an instance, a budget, a guest",
        cases: memory::cases,
    },
    Area { name: "tails", about: "the slow ones among many operations", cases: tails::cases },
    #[cfg(feature = "wasm")]
    Area {
        name: "wasm",
        about: "calls of wasm guests: one's own store, pooled, fresh; and under load",
        cases: pool::wasm::cases,
    },
];

impl Area {
    /// Measures every case, shows each one's rows as soon as they are there, and answers them all.
    pub fn run(&self, effort: Effort, mut show: impl FnMut(&Case, &[Row])) -> Vec<Row> {
        let mut all = Vec::new();
        for mut case in (self.cases)() {
            let rows = case.run(self.name, effort);
            show(&case, &rows);
            all.extend(rows);
        }
        all
    }
}
