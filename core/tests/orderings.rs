//! Holds the `# Orderings` tables of the documentation against the models: a model that a row names
//! has to be there.

mod workspace;

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

#[test]
fn the_models_that_the_tables_name_are_there() {
    let models = models(&workspace::rust_files("../loom-tests/tests"));
    let mut named = BTreeMap::new();
    for (file, text) in workspace::rust_files("src") {
        named.extend(named_models(&text).into_iter().map(|name| (name, file.clone())));
    }
    assert!(!named.is_empty(), "no row of any table names a model");
    named.retain(|name, _| !is_there(name, &models));
    assert!(named.is_empty(), "tables name models that are not there: {named:#?}");
}

/// A row may name one model, or by the words they begin with several.
fn is_there(name: &str, models: &BTreeSet<String>) -> bool {
    let several = format!("{name}_");
    models.iter().any(|model| model == name || model.starts_with(&several))
}

/// The names of all test functions.
fn models(files: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut finder = Tests(BTreeSet::new());
    for (file, text) in files {
        finder.visit_file(&syn::parse_file(text).unwrap_or_else(|e| panic!("{file}: {e}")));
    }
    finder.0
}

struct Tests(BTreeSet<String>);

impl Visit<'_> for Tests {
    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("test")) {
            self.0.insert(item.sig.ident.to_string());
        }
    }
}

/// What stands in backticks in the last column of the tables where that is headed `model`.
fn named_models(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in source.lines().map(str::trim_start) {
        let documentation = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let row = documentation.map_or("", str::trim);
        if row.ends_with("| model |") {
            inside = true;
        } else if !row.starts_with('|') {
            inside = false;
        } else if inside {
            let last = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
            names.extend(last.split('`').skip(1).step_by(2).map(String::from));
        }
    }
    names
}

mod the_checker {
    use super::*;

    #[test]
    fn finds_the_names_of_a_table() {
        let source = "
            /// | operation | success | model |
            /// |---|---|---|
            /// | `open` | Release | `doors`, `gate_1_opens` |
            /// | `look` | Relaxed | |
            struct Gate;
            /// | `x` | `y` |
            /// | a | b |
            /// | `x` | `y` |
        ";
        assert_eq!(named_models(source), ["doors", "gate_1_opens"]);
    }

    #[test]
    fn knows_a_model_by_its_name_or_by_its_first_words() {
        let file = "mod gate { #[test] fn gate_1_opens() {} #[cfg(loom)] #[test] fn shut() {} fn help() {} }";
        let models = models(&[("gate.rs".to_string(), file.to_string())].into());
        assert!(
            ["gate_1_opens", "gate_1", "gate", "shut"].iter().all(|name| is_there(name, &models))
        );
        assert!(!["gate_", "ga", "gate_2", "help", ""].iter().any(|name| is_there(name, &models)));
    }
}
