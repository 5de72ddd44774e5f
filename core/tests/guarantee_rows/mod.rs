//! The rows of `docs/GUARANTEES.md`: properties, and the commands that run their proofs.

use std::collections::BTreeMap;

use crate::property_ids::property_ids;

const HEADER: &str = "| property | guarantee | proven by | command |";

/// A row as it is written.
pub(crate) struct Row {
    pub(crate) ids: Vec<String>,
    pub(crate) command: String,
}

/// The rows of all tables of properties in a document.
pub(crate) fn rows(document: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut lines = document.lines();
    while lines.any(|line| line == HEADER) {
        assert_eq!(lines.next(), Some("|---|---|---|---|"));
        rows.extend(lines.by_ref().take_while(|line| line.starts_with('|')).map(row));
    }
    rows
}

fn row(line: &str) -> Row {
    let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [ids, _guarantee, _proof, command] = cells[..] else { panic!("not four cells: {line}") };
    let ids = property_ids(ids);
    assert!(!ids.is_empty(), "no property: {line}");
    Row { ids, command: command.trim_matches('`').to_owned() }
}

/// What is wrong with the command of a row, if anything: the test files that it runs are to name each
/// property of the row. `files` are those of all packages, as `core/tests/gauge.rs`.
pub(crate) fn fault_of_command(row: &Row, files: &BTreeMap<String, String>) -> Option<String> {
    let words: Vec<_> = row.command.split(' ').collect();
    let ["cargo", "test", "-p", package, options @ ..] = &words[..] else {
        return Some("is no `cargo test -p PACKAGE`".to_owned());
    };
    let folder = match *package {
        "plimsoll-core" => "core",
        "plimsoll" => "std-adapters/plimsoll",
        "plimsoll-export" => "std-adapters/export",
        "plimsoll-fleet" => "std-adapters/fleet",
        "plimsoll-status" => "std-adapters/status",
        "plimsoll-wasmtime" => "std-adapters/wasmtime",
        "plimsoll-loom" => "loom-tests",
        _ => return Some(format!("is of an unknown package {package}")),
    };
    let (mut targets, mut filter) = (Vec::new(), "");
    let mut options = options.iter();
    while let Some(&option) = options.next() {
        match option {
            "--all-features" => {}
            "--test" => targets.extend(options.next().copied()),
            name => filter = name,
        }
    }
    if targets.is_empty() {
        return Some("names no --test".to_owned());
    }
    for target in targets {
        let root = format!("{folder}/tests/{target}");
        let run = files.iter().filter(|(file, text)| {
            let module = file.strip_prefix(&root).and_then(|rest| rest.strip_suffix(".rs"));
            module.is_some_and(|module| {
                (module.is_empty() || module.starts_with('/')) && has_test(module, text, filter)
            })
        });
        let run: Vec<_> = run.map(|(_, text)| property_ids(text)).collect();
        if run.is_empty() {
            return Some(format!("runs no test of {root}"));
        }
        if let Some(id) = row.ids.iter().find(|id| !run.iter().any(|ids| ids.contains(id))) {
            return Some(format!("runs nothing in {root} that names {id}"));
        }
    }
    None
}

/// Whether a module, as `/keepalive/slots`, has a test whose path contains `filter`.
fn has_test(module: &str, text: &str, filter: &str) -> bool {
    let module = module.trim_start_matches('/').replace('/', "::");
    let mut tests = text.split("#[test]").skip(1);
    tests.any(|test| {
        let name = test.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
        name.is_some_and(|name| format!("{module}::{name}").contains(filter))
    }) || (text.contains("#[tokio::test") && module.contains(filter))
}
