#!/usr/bin/env bash
# shuttle 0.9.9: a wait with a time-out never times out.
#
# `thread::park_timeout` and `Condvar::wait_timeout` wait as if no time were given. A thread that would
# only be woken by its time-out counts as deadlocked, and the schedule ends with that error. A model of
# code with timed waits replaces them: by a yield, say, after which the time may have run out or not.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
shuttle = "=0.9.9"
TOML

program <<'RUST'
use std::panic::catch_unwind;
use std::time::Duration;

use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let waits: [(&str, fn()); 3] = [
        ("yield_now", thread::yield_now),
        ("park_timeout", || thread::park_timeout(Duration::from_millis(1))),
        ("wait_timeout", || {
            let (lock, changed) = (Mutex::new(()), Condvar::new());
            drop(changed.wait_timeout(lock.lock().unwrap(), Duration::from_millis(1)));
        }),
    ];
    for (name, wait) in waits {
        let ended = catch_unwind(|| shuttle::check_random(wait, 1));
        let error = ended.err().and_then(|error| error.downcast::<String>().ok());
        let is_deadlock = error.is_some_and(|text| text.contains("deadlock"));
        println!("{name}: {}", if is_deadlock { "a deadlock" } else { "ends" });
    }
}
RUST

prints <<'TEXT'
yield_now: ends
park_timeout: a deadlock
wait_timeout: a deadlock
TEXT
