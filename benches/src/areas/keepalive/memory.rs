//! What it takes to keep a guest, in a process that keeps nothing else.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use plimsoll::Registry;
use plimsoll::keepalive::Watcher;

use super::peers::{Polled, Queue, Stamps};
use super::watched::{Plimsoll, Told, Watched};
use super::{WINDOW, runtime};
use crate::case::Case;

const GUESTS: u64 = 200_000;
const ROUNDS_MAX: usize = 3;

pub(super) fn cases() -> Vec<Case> {
    if resident().is_none() {
        return Vec::new();
    }
    let case = Case::new("memory: bytes, not ns", "guest", 1).counting("bytes");
    let add = |case: Case, (number, (name, _)): (usize, &Subject)| {
        case.subject(name, Polled::NAME, in_a_process_of_its_own(number))
    };
    vec![SUBJECTS.iter().enumerate().fold(case, add).fixed(GUESTS, ROUNDS_MAX)]
}

/// A name, and the bytes that so many guests take.
type Subject = (&'static str, fn(usize) -> u64);

const SUBJECTS: [Subject; 5] = [
    (Polled::NAME, held_by::<Polled>),
    (Stamps::NAME, held_by::<Stamps>),
    (Queue::NAME, held_by::<Queue>),
    (Plimsoll::NAME, held_by::<Plimsoll>),
    ("plimsoll Watcher: without ids and handles", held_by_room),
];

/// Starts the program beside this one that calls [`held_bytes`]: what this process has given back
/// to its allocator would be taken again without a trace.
fn in_a_process_of_its_own(subject: usize) -> impl FnMut(u64) -> Duration {
    move |guests| {
        let program = program();
        let output = Command::new(&program)
            .args([subject.to_string(), guests.to_string()])
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let text = String::from_utf8_lossy(&output.stdout);
        let bytes = text.trim().parse().ok().filter(|_| output.status.success());
        Duration::from_nanos(bytes.unwrap_or_else(|| {
            panic!("{}: {}", program.display(), String::from_utf8_lossy(&output.stderr))
        }))
    }
}

/// Cargo builds it together with benches and integration tests, which lie in a folder below it.
fn program() -> PathBuf {
    let mut folder = env::current_exe().unwrap_or_default();
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    folder.join(format!("plimsoll-bench-memory{}", env::consts::EXE_SUFFIX))
}

/// The memory that the process has more while so many guests are watched by that subject; `None` if
/// there is no such subject, or no telling.
pub fn held_bytes(subject: usize, guests: usize) -> Option<u64> {
    resident()?;
    let (_, held) = SUBJECTS.get(subject)?;
    Some(held(guests))
}

/// All there is to it: ids, timers and what beats.
fn held_by<W: Watched>(guests: usize) -> u64 {
    let runtime = runtime();
    let told: Told = Arc::new(|_| ());
    let before = resident().unwrap_or(0);
    let watched = W::new(&runtime, guests, WINDOW, &told);
    // Tasks have timers once they have run.
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
    (0..guests).for_each(|guest| watched.beat(guest));
    resident().unwrap_or(0).saturating_sub(before)
}

/// What a watcher of that capacity takes when it is made.
fn held_by_room(guests: usize) -> u64 {
    let registry = Registry::new();
    let before = resident().unwrap_or(0);
    let watcher = Watcher::builder().capacity(guests).build(&registry).expect("good settings");
    let held = resident().unwrap_or(0).saturating_sub(before);
    assert_eq!(watcher.watched(), 0);
    held
}

/// The bytes of this process that are in memory; `None` where that cannot be told.
fn resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024)
}
