//! What can be stepped through is named by `sync` alone: no other file of `plimsoll` takes locks, atomics,
//! threads or waits from elsewhere, but for the channels, which are not modelled.

use std::fs;
use std::path::Path;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../std-adapters/plimsoll/src");

/// Folders that are free to.
const FREE: [&str; 2] = ["sync/", "channel/"];

/// Files that take a moment from their callers, or look whether tokio's time goes on, and wait for neither.
const MOMENTS: [&str; 2] = ["ledger/held.rs", "keepalive/lag.rs"];

/// Paths that may not be named.
const PATHS: [&str; 4] =
    ["parking_lot", "std::thread", "std::sync::atomic", "crossbeam_utils::sync"];

/// Names that may not be imported from the standard library or from crossbeam.
const NAMES: [&str; 11] = [
    "Backoff",
    "Barrier",
    "Condvar",
    "Instant",
    "LazyLock",
    "Mutex",
    "Once",
    "OnceLock",
    "RwLock",
    "mpsc",
    "thread_local",
];

/// Crates whose imports are looked at.
const LOOKED_AT: [&str; 2] = ["use std::", "use crossbeam_utils::"];

fn faults(file: &str, text: &str) -> Vec<String> {
    let is_moment = |word: &&str| *word == "Instant" && MOMENTS.contains(&file);
    let mut faults = Vec::new();
    for item in production(text).split(';') {
        let lines = item.lines().map(str::trim).skip_while(|line| !line.starts_with("use "));
        let import: String = lines.collect();
        if LOOKED_AT.iter().any(|from| import.starts_with(from)) {
            let words = import.split(|c: char| !c.is_alphanumeric() && c != '_');
            let named = words.filter(|word| NAMES.contains(word) && !is_moment(word));
            faults.extend(named.map(|word| format!("{file}: {word}")));
        }
        let paths = PATHS.iter().filter(|path| item.contains(**path));
        faults.extend(paths.map(|path| format!("{file}: {path}")));
    }
    faults
}

/// The text without comments and unit tests.
fn production(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let text = text.split("#[cfg(all(test, not(loom)))]\nmod tests").next().unwrap_or(text);
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn visit(folder: &Path, found: &mut impl FnMut(&str, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.strip_prefix(SOURCES).unwrap().to_str().unwrap().replace('\\', "/");
            found(&file, &fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn no_other_file_names_what_is_stepped_through() {
    let (mut files, mut wrong) = (0, Vec::new());
    visit(Path::new(SOURCES), &mut |file, text| {
        files += 1;
        if !FREE.iter().any(|folder| file.starts_with(folder)) {
            wrong.extend(faults(file, text));
        }
    });
    assert!(files > 100, "{files} files");
    assert!(wrong.is_empty(), "to be taken from `crate::sync`:\n{}", wrong.join("\n"));
}

#[test]
fn the_checker_finds_what_is_named() {
    let found = |text: &str| faults("pool/x.rs", text).len();
    assert_eq!(found("use crate::sync::{Mutex, thread};\nuse std::sync::{Arc, Weak};\n"), 0);
    assert_eq!(found("use parking_lot::Mutex;\n"), 1);
    assert_eq!(found("use std::sync::{Arc, OnceLock};\nuse std::thread;\n"), 2);
    assert_eq!(found("use std::time::{\n    Duration, Instant,\n};\n"), 1);
    assert_eq!(found("fn f() { std::thread::yield_now(); }\n// std::thread\n"), 1);
    assert_eq!(found("#[cfg(test)]\nmod tests {\n    use std::thread;\n}\n"), 0);
}
