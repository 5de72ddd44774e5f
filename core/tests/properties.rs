//! The properties that the documentation promises are those that models, fuzz oracles and tests
//! prove: each identifier of an `# Invariants` section is named there, and each one named there is
//! promised in such a section. Each has a row in `docs/GUARANTEES.md`, whose command runs a proof.

mod documents;
mod guarantee_rows;
mod property_ids;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};

use guarantee_rows::{Row, fault_of_command, rows};
use property_ids::property_ids;

/// The tests about documentation: what they name proves nothing.
const ABOUT_DOCUMENTATION: [&str; 2] = ["properties.rs", "word_index.rs"];

/// The published packages beside the core.
const ADAPTERS: [&str; 5] = [
    "../std-adapters/plimsoll",
    "../std-adapters/export",
    "../std-adapters/fleet",
    "../std-adapters/status",
    "../std-adapters/wasmtime",
];

#[test]
fn what_is_promised_is_proven_and_what_is_proven_is_promised() {
    let mut proofs = BTreeMap::new();
    let folders = ["tests", "../loom-tests/tests", "../fuzz/src", "../fuzz/shuttle-adapters/tests"];
    let folders = folders.map(str::to_owned);
    for folder in folders.into_iter().chain(ADAPTERS.map(|adapter| format!("{adapter}/tests"))) {
        for (file, text) in workspace::rust_files(&folder) {
            if !ABOUT_DOCUMENTATION.contains(&file.as_str()) {
                proofs.insert(format!("{folder}/{file}"), text);
            }
        }
    }
    let faults = faults(&sources(), &proofs);
    assert!(faults.is_empty(), "promises and proofs disagree:\n{}", faults.join("\n"));
}

#[test]
fn the_table_of_guarantees_has_what_is_promised_and_commands_that_run_proofs() {
    let mut tests = BTreeMap::new();
    for folder in [
        "core",
        "loom-tests",
        "std-adapters/plimsoll",
        "std-adapters/export",
        "std-adapters/fleet",
        "std-adapters/status",
        "std-adapters/wasmtime",
    ] {
        for (file, text) in workspace::rust_files(&format!("../{folder}/tests")) {
            tests.insert(format!("{folder}/tests/{file}"), text);
        }
    }
    let rows = rows(&documents::documents()["docs/GUARANTEES.md"]);
    let faults = faults_of_rows(&rows, &sources(), &tests);
    assert!(faults.is_empty(), "docs/GUARANTEES.md:\n{}", faults.join("\n"));
}

/// The sources of the published packages.
fn sources() -> BTreeMap<String, String> {
    let mut sources = workspace::rust_files("src");
    for adapter in ADAPTERS {
        for (file, text) in workspace::rust_files(&format!("{adapter}/src")) {
            sources.insert(format!("{adapter}/src/{file}"), text);
        }
    }
    sources
}

fn faults_of_rows(
    rows: &[Row],
    sources: &BTreeMap<String, String>,
    tests: &BTreeMap<String, String>,
) -> Vec<String> {
    let promised = ids_by_file(sources, |text| property_ids(&invariants(text)));
    let mut faults = Vec::new();
    let mut listed = BTreeSet::new();
    for id in rows.iter().flat_map(|row| &row.ids) {
        if !promised.contains_key(id) {
            faults.push(format!("{id} has a row, and no `# Invariants` section states it"));
        }
        if !listed.insert(id) {
            faults.push(format!("{id} has two rows"));
        }
    }
    let missing = promised.iter().filter(|(id, _)| !listed.contains(id));
    faults
        .extend(missing.map(|(id, files)| format!("{id} is promised, and has no row: {files:?}")));
    for row in rows {
        if let Some(fault) = fault_of_command(row, tests) {
            faults.push(format!("{}: the command {fault}: {}", row.ids.join(", "), row.command));
        }
    }
    faults
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

    /// The faults of a table with these first cells and commands.
    fn faults_of_table(cells: &[(&str, &str)]) -> Vec<String> {
        let mut table =
            "| property | guarantee | proven by | command |\n|---|---|---|---|\n".to_owned();
        for (ids, command) in cells {
            table += &format!("| {ids} | a gate, or POOL-9 | tests | `{command}` |\n");
        }
        let test = "#[test]\nfn opens() {} // POOL-2\n";
        let tests = [
            ("core/tests/gate.rs", "mod hinge;\n// POOL-1\n"),
            ("core/tests/gate/hinge.rs", test),
            ("core/tests/gates.rs", "#[test]\nfn pool_1_closes() {}\n"),
        ];
        let tests = tests.map(|(file, text)| (file.to_owned(), text.to_owned()));
        let sources = [("file.rs".to_owned(), GATE.to_owned())];
        faults_of_rows(&rows(&table), &sources.into(), &tests.into())
    }

    const GATES: &str = "cargo test -p plimsoll-core --test gates pool_1";
    const HINGE: &str = "cargo test -p plimsoll-core --test gate hinge::";

    #[test]
    fn accepts_a_table_of_all_promises() {
        assert_eq!(faults_of_table(&[("POOL-1", GATES), ("POOL-2", HINGE)]), [""; 0]);
    }

    #[test]
    fn finds_a_promise_without_row() {
        let expected = r#"POOL-2 is promised, and has no row: {"file.rs"}"#;
        assert_eq!(faults_of_table(&[("POOL-1", GATES)]), [expected]);
    }

    #[test]
    fn finds_rows_without_promise_and_second_ones() {
        let rows = [("POOL-1", GATES), ("POOL-2", HINGE), ("POOL-2", HINGE), ("POOL-3", "")];
        let expected = [
            "POOL-2 has two rows",
            "POOL-3 has a row, and no `# Invariants` section states it",
            "POOL-3: the command is no `cargo test -p PACKAGE`: ",
        ];
        assert_eq!(faults_of_table(&rows), expected);
    }

    #[test]
    fn finds_commands_that_prove_nothing() {
        let wrong = "cargo test -p plimsoll-core --test gates pool_9";
        let fault = |command: &str| faults_of_table(&[("POOL-1, POOL-2", command)]);
        let expected = "the command runs no test of core/tests/gates";
        assert_eq!(fault(wrong), [format!("POOL-1, POOL-2: {expected}: {wrong}")]);
        let expected = "the command runs nothing in core/tests/gates that names POOL-2";
        assert_eq!(fault(GATES), [format!("POOL-1, POOL-2: {expected}: {GATES}")]);
    }

    #[test]
    #[should_panic = "no property is promised"]
    fn refuses_a_source_without_promises() {
        faults_of(&GATE.replace("# Invariants", "# Notes"), "// POOL-1");
    }
}
