//! Phrases that readers have to decode, and their plain counterparts.

mod workspace;

/// What is not to be written, and what is written instead.
const RETIRED: [(&str, &str); 7] = [
    ("can not", "cannot"),
    ("unless told otherwise", "by default"),
    ("stands in line", "waits"),
    ("clock on the wall", "wall clock"),
    ("is nobody's", "has no owner"),
    ("let go of it", "released it"),
    ("who has to", "name who it is"),
];

/// Messages of errors, which users may match.
const EXCEPTIONS: [&str; 3] =
    ["{warm} instances can not", "there can not be {min}", "3 instances can not"];

const FOLDERS: [&str; 10] = [
    "src",
    "tests",
    "../std-adapters/plimsoll/src",
    "../std-adapters/plimsoll/tests",
    "../std-adapters/wasmtime/src",
    "../std-adapters/wasmtime/tests",
    "../std-adapters/host/src",
    "../loom-tests/tests",
    "../fuzz/src",
    "../benches/src",
];

#[test]
fn retired_phrases_are_not_used() {
    let mut faults = Vec::new();
    for folder in FOLDERS {
        for (file, text) in workspace::rust_files(folder) {
            if file == "words.rs" {
                continue;
            }
            for (line, number) in text.lines().zip(1..) {
                let is_exception = EXCEPTIONS.iter().any(|words| line.contains(words));
                let found = RETIRED.iter().find(|(phrase, _)| line.contains(phrase));
                if let Some((phrase, plain)) = found.filter(|_| !is_exception) {
                    faults.push(format!("{folder}/{file}:{number}: {phrase:?}: {plain:?}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "retired phrases:\n{}", faults.join("\n"));
}
