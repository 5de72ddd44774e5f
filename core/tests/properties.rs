//! The properties that the documentation promises are those that models, fuzz oracles and tests
//! prove: each identifier of an `# Invariants` section is named there, and each one named there is
//! promised in such a section.

mod property_ids;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};

use property_ids::property_ids;

/// The tests about documentation: what they name proves nothing.
const ABOUT_DOCUMENTATION: [&str; 2] = ["properties.rs", "word_index.rs"];

/// The published packages beside the core.
const ADAPTERS: [&str; 2] = ["../std-adapters/plimsoll", "../std-adapters/wasmtime"];

#[test]
fn what_is_promised_is_proven_and_what_is_proven_is_promised() {
    let mut proofs = BTreeMap::new();
    let folders = ["tests", "../loom-tests/tests", "../fuzz/src"].map(str::to_owned);
    for folder in folders.into_iter().chain(ADAPTERS.map(|adapter| format!("{adapter}/tests"))) {
        for (file, text) in workspace::rust_files(&folder) {
            if !ABOUT_DOCUMENTATION.contains(&file.as_str()) {
                proofs.insert(format!("{folder}/{file}"), text);
            }
        }
    }
    let mut sources = workspace::rust_files("src");
    for adapter in ADAPTERS {
        for (file, text) in workspace::rust_files(&format!("{adapter}/src")) {
            sources.insert(format!("{adapter}/src/{file}"), text);
        }
    }
    let faults = faults(&sources, &proofs);
    assert!(faults.is_empty(), "promises and proofs disagree:\n{}", faults.join("\n"));
}

fn faults(sources: &BTreeMap<String, String>, proofs: &BTreeMap<String, String>) -> Vec<String> {
    let promised = ids_by_file(sources, |text| property_ids(&invariants(text)));
    let proven = ids_by_file(proofs, property_ids);
    assert!(!promised.is_empty(), "no property is promised anywhere");
    let without = |those: &BTreeMap<String, BTreeSet<String>>,
                   others: &BTreeMap<String, BTreeSet<String>>,
                   fault: &str| {
        let missing = those.iter().filter(|(id, _)| !others.contains_key(*id));
        missing.map(|(id, files)| format!("{id} {fault}: {files:?}")).collect::<Vec<_>>()
    };
    let mut faults =
        without(&promised, &proven, "is promised, and no model, oracle or test names it");
    faults.extend(without(
        &proven,
        &promised,
        "is proven, and no `# Invariants` section states it",
    ));
    faults
}

fn ids_by_file(
    files: &BTreeMap<String, String>,
    ids: impl Fn(&str) -> Vec<String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut by_id: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in files {
        for id in ids(text) {
            by_id.entry(id).or_default().insert(file.clone());
        }
    }
    by_id
}

/// The text of all `# Invariants` sections: each ends with the next heading, or with its comment.
fn invariants(source: &str) -> String {
    let mut sections = String::new();
    let mut inside = false;
    for line in source.lines().map(str::trim_start) {
        let documentation = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        match documentation.map(str::trim) {
            Some("# Invariants") => inside = true,
            Some(text) if text.starts_with("# ") => inside = false,
            Some(text) if inside => sections.extend([text, "\n"]),
            Some(_) => {}
            None => inside = false,
        }
    }
    sections
}

mod the_checker {
    use super::*;

    const GATE: &str = "
        /// A gate, as POOL-9 has it.
        ///
        /// # Invariants
        /// - POOL-1: it closes;
        ///   and POOL-2, it opens.
        ///
        /// # Progress
        /// POOL-8 says nothing here.
        struct Gate; // nor does POOL-7
    ";

    fn faults_of(source: &str, proof: &str) -> Vec<String> {
        let one = |text: &str| [("file.rs".to_string(), text.to_string())].into();
        faults(&one(source), &one(proof))
    }

    #[test]
    fn accepts_promises_that_are_proven() {
        assert_eq!(faults_of(GATE, "// Judges POOL-1 and POOL-2.\nfn model() {}"), [""; 0]);
    }

    #[test]
    fn finds_a_promise_without_proof() {
        let expected = r#"POOL-2 is promised, and no model, oracle or test names it: {"file.rs"}"#;
        assert_eq!(faults_of(GATE, "// POOL-1, POOL-2b, POOL-"), [expected]);
    }

    #[test]
    fn finds_a_proof_without_promise() {
        let expected = r#"POOL-9 is proven, and no `# Invariants` section states it: {"file.rs"}"#;
        assert_eq!(faults_of(GATE, "// POOL-1, POOL-2, POOL-9"), [expected]);
    }

    #[test]
    fn takes_the_name_of_a_model_for_an_identifier() {
        assert_eq!(faults_of(GATE, "fn pool_1() {} fn pool_2_opens() {} pool_3_x() }"), [""; 0]);
    }

    #[test]
    #[should_panic = "no property is promised"]
    fn refuses_a_source_without_promises() {
        faults_of(&GATE.replace("# Invariants", "# Notes"), "// POOL-1");
    }
}
