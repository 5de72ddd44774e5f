//! Phrases that readers have to decode, and their plain counterparts.

mod documents;
mod packages;
mod workspace;

/// What is not to be written, and what is written instead.
const RETIRED: [(&str, &str); 8] = [
    ("can not", "cannot"),
    ("unless told otherwise", "by default"),
    ("stands in line", "waits"),
    ("clock on the wall", "wall clock"),
    ("is nobody's", "has no owner"),
    ("let go of it", "released it"),
    ("who has to", "name who it is"),
    ("instance label", "scope"),
];

/// Words for which the glossary has a term, or which hide the subject; in sources only.
const RETIRED_WORDS: [(&str, &str); 5] = [
    ("beat", "notification"),
    ("beats", "notifications"),
    ("whoever", "name who it is"),
    ("somebody", "name who it is"),
    ("announcement", "notice, event"),
];

/// Messages of errors, which users may match.
const EXCEPTIONS: [&str; 3] =
    ["{warm} instances can not", "there can not be {min}", "3 instances can not"];

const FOLDERS: [&str; 19] = [
    "src",
    "tests",
    "../std-adapters/plimsoll/src",
    "../std-adapters/plimsoll/tests",
    "../std-adapters/export/src",
    "../std-adapters/export/tests",
    "../std-adapters/status/src",
    "../std-adapters/status/tests",
    "../std-adapters/fleet/src",
    "../std-adapters/fleet/tests",
    "../std-adapters/wasmtime/src",
    "../std-adapters/wasmtime/tests",
    "../std-adapters/top/src",
    "../std-adapters/top/tests",
    "../std-adapters/host/src",
    "../std-adapters/host/tests",
    "../loom-tests/tests",
    "../fuzz/src",
    "../benches/src",
];

#[test]
fn retired_phrases_are_not_used() {
    let mut files = documents::documents();
    for folder in FOLDERS {
        for (file, text) in workspace::rust_files(folder) {
            if file != "words.rs" {
                files.insert(format!("{folder}/{file}"), text);
            }
        }
    }
    let mut faults = Vec::new();
    for (file, text) in files {
        for (line, number) in text.lines().zip(1..) {
            let is_exception = EXCEPTIONS.iter().any(|words| line.contains(words));
            let found = RETIRED.iter().find(|(phrase, _)| line.contains(phrase));
            if let Some((phrase, plain)) = found.filter(|_| !is_exception) {
                faults.push(format!("{file}:{number}: {phrase:?}: {plain:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "retired phrases:\n{}", faults.join("\n"));
}

#[test]
fn retired_words_are_not_used_in_sources() {
    let mut faults = Vec::new();
    for folder in packages::SOURCES {
        for (file, text) in workspace::rust_files(folder) {
            for (line, number) in text.lines().zip(1..) {
                let words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                for word in words.map(str::to_lowercase) {
                    if let Some((_, term)) = RETIRED_WORDS.iter().find(|(old, _)| *old == word) {
                        faults.push(format!("{folder}/{file}:{number}: {word:?}: {term:?}"));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "retired words:\n{}", faults.join("\n"));
}
