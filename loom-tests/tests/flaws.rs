//! The planted mistakes: each has its place in the core as it is now, and a model that is to find it.

use std::fs;
use std::path::Path;

use plimsoll_loom::flaw::MISSING;

#[path = "../flaws/mod.rs"]
#[allow(dead_code, reason = "the build script makes the copy")]
mod flaws;

#[test]
fn every_flaw_has_its_place() {
    // `cargo mutate-source` changes the source, perhaps at such a place.
    let may_miss = std::env::var_os("PLIMSOLL_FLAWS_MAY_MISS").is_some();
    assert!(MISSING.is_empty() || may_miss, "the source of these has changed: {MISSING:?}");
}

#[test]
fn every_flaw_is_looked_for_by_a_model() {
    let mut models = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models"), &mut models);
    let all: Vec<_> = flaws::FAMILIES.iter().flat_map(|family| family.iter()).collect();
    assert!(all.len() > 30, "{} flaws", all.len());
    let is_missed = |name: &&str| !models.contains(&format!("Flaw::{name}"));
    let missed: Vec<&str> = all.iter().map(|flaw| flaw.name).filter(is_missed).collect();
    assert!(missed.is_empty(), "in no model: {missed:?}");
}

fn read(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, all);
        } else {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}
