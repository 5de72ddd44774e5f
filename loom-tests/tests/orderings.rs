//! The `# Orderings` tables of the core and of `plimsoll` against the models: what a table names exists.

use std::fs;
use std::path::{Path, PathBuf};

const HEAD: &str = "| operation | success | failure | pairs with | publishes | model |";

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    rust_files(&root)
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// The names of all models: functions that are tests.
fn models() -> Vec<String> {
    let mut names = Vec::new();
    for (_, text) in sources("tests/models") {
        let tests = text.split("#[test]").skip(1);
        let functions = tests.filter_map(|test| test.trim_start().strip_prefix("fn "));
        names.extend(functions.filter_map(|name| name.split('(').next()).map(str::to_owned));
    }
    names
}

/// What is wrong with the tables of a source: rows without six cells, a model that does not exist,
/// an ordering stronger than `Relaxed` without a model.
fn faults(text: &str, models: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        let row = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim);
        match row {
            Some(HEAD) => inside = true,
            Some(row) if inside && row.starts_with('|') => {
                faults.extend(fault(row, models).map(|fault| format!("{fault}: {row}")));
            }
            _ => inside = false,
        }
    }
    faults
}

fn fault(row: &str, models: &[String]) -> Option<&'static str> {
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [_, success, failure, _, _, model] = cells[..] else { return Some("not six cells") };
    if success.starts_with("---") {
        return None;
    }
    if success == "Relaxed" && matches!(failure, "" | "Relaxed") && model.is_empty() {
        return None;
    }
    // The beginning of a name stands for all models that begin so.
    let mut names = model.split(',').map(|name| name.trim().trim_matches('`'));
    let exists =
        |name: &str| models.iter().any(|model| !name.is_empty() && model.starts_with(name));
    if names.all(exists) { None } else { Some("no such model") }
}

#[test]
fn the_tables_name_models_that_exist() {
    let models = models();
    assert!(models.len() > 20, "{models:?}");
    let mut tables = 0;
    let mut wrong = Vec::new();
    let adapters = sources("../std-adapters/plimsoll/src");
    for (path, text) in sources("../core/src").into_iter().chain(adapters) {
        tables += text.lines().filter(|line| line.contains(HEAD)).count();
        wrong.extend(
            faults(&text, &models).iter().map(|fault| format!("{}: {fault}", path.display())),
        );
    }
    assert!(tables > 5, "{tables} tables");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let models = ["ring_4_laps".to_owned()];
    let table = |row: &str| format!("/// {HEAD}\n/// |---|---|---|---|---|---|\n/// {row}\n");
    let faults_of = |row: &str| faults(&table(row), &models).len();
    assert_eq!(faults_of("| `push` | Release | | `pop` | words | `ring_4` |"), 0);
    assert_eq!(faults_of("| `push` | Relaxed | Relaxed | | | |"), 0);
    assert_eq!(faults_of("| `push` | Release | | `pop` | words | |"), 1);
    assert_eq!(faults_of("| `push` | Release | | `pop` | words | `ring_5` |"), 1);
    assert_eq!(faults_of("| `push` | Release | `ring_4` |"), 1);
}
