#!/usr/bin/env bash
# loom 0.7.2: an interleaving that it does not explore (tokio-rs/loom#166).
#
# Two threads do the same: each loads a word and exchanges the value that it read for its own number. There
# are four outcomes: either thread comes first, and the other one fails or reads the new value. Loom shows
# three. It never runs the whole second thread before the load of the first one, and a model whose fault
# needs that order passes. With `fetch_add(0)` in place of the load, all four outcomes are explored. So run
# such a model both ways: loads can return old values, and read-modify-writes hide no order.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
loom = "=0.7.2"
TOML

program <<'RUST'
use std::collections::BTreeSet;
use std::sync::Mutex;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

type Outcome = (usize, Result<usize, usize>);

fn outcomes(load: fn(&AtomicUsize) -> usize) -> BTreeSet<(Outcome, Outcome)> {
    let outcomes = std::sync::Arc::new(Mutex::new(BTreeSet::new()));
    let noted = outcomes.clone();
    loom::model(move || {
        let word = Arc::new(AtomicUsize::new(0));
        let threads = [1, 2].map(|number| {
            let word = word.clone();
            loom::thread::spawn(move || {
                let read = load(&word);
                let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
                (read, word.compare_exchange(read, number, success, failure))
            })
        });
        let [first, second] = threads.map(|thread| thread.join().unwrap());
        noted.lock().unwrap().insert((first, second));
    });
    outcomes.lock().unwrap().clone()
}

fn main() {
    for (name, outcomes) in [
        ("load", outcomes(|word| word.load(Ordering::Acquire))),
        ("fetch_add(0)", outcomes(|word| word.fetch_add(0, Ordering::AcqRel))),
    ] {
        println!("by {name}, {} outcomes:", outcomes.len());
        for (first, second) in outcomes {
            println!("  first read {first:?}, second read {second:?}");
        }
    }
}
RUST

prints <<'TEXT'
by load, 3 outcomes:
  first read (0, Ok(0)), second read (0, Err(1))
  first read (0, Ok(0)), second read (1, Ok(1))
  first read (0, Err(2)), second read (0, Ok(0))
by fetch_add(0), 4 outcomes:
  first read (0, Ok(0)), second read (0, Err(1))
  first read (0, Ok(0)), second read (1, Ok(1))
  first read (0, Err(2)), second read (0, Ok(0))
  first read (2, Ok(2)), second read (0, Ok(0))
TEXT
