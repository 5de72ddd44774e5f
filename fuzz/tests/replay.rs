//! Replays the seed corpora, and some inputs of chance.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use plimsoll_fuzz::{Seen, TARGETS, Target};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The names of the files in `fuzz_targets/`, without their ending.
fn target_names() -> BTreeSet<String> {
    files(&folder("fuzz_targets"))
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_target_is_in_the_table_and_the_other_way_round() {
    let table: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(target_names(), table);
}

#[test]
fn every_corpus_has_a_target() {
    let corpora = files(&folder("corpus"));
    let names: BTreeSet<_> =
        corpora.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, target_names());
}

/// A corpus that no longer reaches what it should checks less than it seems to.
#[test]
fn the_corpora_pass_and_reach_all_there_is() {
    for name in target_names() {
        let target = Target::named(&name).unwrap();
        let inputs = files(&folder("corpus").join(&name));
        assert!(!inputs.is_empty(), "{name} has no corpus");
        let mut seen = Seen::default();
        for path in inputs {
            println!("{}", path.display());
            seen.merge(&(target.check)(&fs::read(path).unwrap()));
        }
        let seen: BTreeSet<_> = seen.names().iter().copied().collect();
        let reachable: BTreeSet<_> = target.reachable.concat().into_iter().collect();
        assert_eq!(seen, reachable, "{name}");
    }
}

#[test]
fn inputs_of_chance_pass() {
    const INPUTS: u64 = 400;
    const LENGTH_MAX: u64 = 120;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        // xorshift64, Marsaglia 2003.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for target in TARGETS {
        for _ in 0..INPUTS {
            let length = next() % LENGTH_MAX;
            let bytes: Vec<u8> = (0..length).map(|_| next() as u8).collect();
            (target.check)(&bytes);
        }
    }
}

#[test]
fn plans_can_be_printed() {
    for target in TARGETS {
        assert!((target.print)(&[0; 40]).contains("Job"), "{}", target.name);
    }
}
