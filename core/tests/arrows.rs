//! Imports between the files of a package point one way: a file does not import one that, by any way
//! round, imports it.

mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The packages by their sources.
const PACKAGES: [&str; 3] = ["src", "../std-adapters/plimsoll/src", "../std-adapters/wasmtime/src"];

type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn imports_point_one_way() {
    let mut faults = Vec::new();
    for package in PACKAGES {
        let files = workspace::rust_files(package);
        let sources = files.iter().map(|(file, text)| (module(file), production(text)));
        let cycles = cycles(&arrows(&sources.collect()));
        faults.extend(cycles.iter().map(|cycle| format!("{package}: {cycle:?}")));
    }
    assert!(faults.is_empty(), "files that import each other:\n{}", faults.join("\n"));
}

#[test]
fn the_architecture_names_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap();
    let links: Vec<_> =
        text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 60, "{}", links.len());
    let missing = |link: &&&str| !root.join("docs").join(link).is_file();
    let missing: Vec<_> = links.iter().filter(missing).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// `a/mod.rs` and `a.rs` are both the module `a`; the root is the empty one.
fn module(file: &str) -> String {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { String::new() } else { path.to_owned() }
}

/// The text without comments and unit tests.
fn production(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    text.lines().map(|line| line.split("//").next().unwrap_or(line)).fold(
        String::new(),
        |mut all, line| {
            all.push_str(line);
            all.push('\n');
            all
        },
    )
}

/// Which module imports which. What is exported again is no arrow, nor is the root.
fn arrows(sources: &BTreeMap<String, String>) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, text) in sources {
        let mut targets = BTreeSet::new();
        for item in text.split(';') {
            let Some(tree) = item.lines().rev().fold(None, |found: Option<String>, line| {
                // From the line that begins with `use` to the end of the item.
                found.or_else(|| line.starts_with("use ").then(|| tail(item, line)))
            }) else {
                continue;
            };
            leaves(&mut Vec::new(), tree.trim_start_matches("use ").trim(), &mut |path| {
                if let Some(target) = resolved(module, path, sources) {
                    targets.insert(target);
                }
            });
        }
        targets.remove(module);
        targets.remove("");
        arrows.insert(module.clone(), targets);
    }
    arrows
}

fn tail(item: &str, line: &str) -> String {
    item[item.rfind(line).unwrap_or(0)..].to_owned()
}

/// Each path of a tree of imports.
fn leaves(prefix: &mut Vec<String>, tree: &str, found: &mut impl FnMut(&[String])) {
    let depth = prefix.len();
    let (path, group) = match tree.split_once('{') {
        Some((path, rest)) => (path, rest.rsplit_once('}').map(|(inner, _)| inner)),
        None => (tree, None),
    };
    let path = path.split(" as ").next().unwrap_or(path);
    prefix.extend(path.split("::").map(|part| part.trim().to_owned()).filter(|p| !p.is_empty()));
    match group {
        None => found(prefix),
        Some(inner) => {
            let (mut open, mut from) = (0, 0);
            for (at, character) in inner.char_indices().chain([(inner.len(), ',')]) {
                match character {
                    '{' => open += 1,
                    '}' => open -= 1,
                    ',' if open == 0 => {
                        let part = inner[from..at].trim();
                        if !part.is_empty() {
                            leaves(prefix, part, found);
                        }
                        from = at + 1;
                    }
                    _ => {}
                }
            }
        }
    }
    prefix.truncate(depth);
}

/// The module of the package that a path names something of.
fn resolved(from: &str, path: &[String], files: &BTreeMap<String, String>) -> Option<String> {
    let mut base: Vec<&str> = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => from.split('/').filter(|part| !part.is_empty()).collect(),
        _ => return None,
    };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => {
                base.pop();
            }
            part => base.push(part),
        }
    }
    (0..=base.len()).rev().map(|len| base[..len].join("/")).find(|name| files.contains_key(name))
}

/// The sets of modules that reach each other, each sorted.
fn cycles(arrows: &Arrows) -> Vec<Vec<String>> {
    let reach = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(at) = open.pop() {
            for next in &arrows[at] {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: Arrows = arrows.keys().map(|module| (module.clone(), reach(module))).collect();
    let mut cycles = BTreeSet::new();
    for (module, far) in &reached {
        let cycle: Vec<_> =
            far.iter().filter(|at| reached[*at].contains(module)).cloned().collect();
        if cycle.len() > 1 {
            cycles.insert(cycle);
        }
    }
    cycles.into_iter().collect()
}

mod the_checker {
    use super::*;

    fn cycles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let sources = files.iter().map(|(file, text)| (module(file), production(text)));
        cycles(&arrows(&sources.collect()))
    }

    #[test]
    fn finds_files_that_import_each_other() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a/mod.rs", "mod c;\n\nuse crate::b::{B, other::{self, C as D}};\n"),
            ("a/c.rs", "use super::A;\n"),
            ("b.rs", "use std::fmt;\n\nuse crate::a::c::{\n    C,\n};\n"),
        ];
        assert_eq!(cycles_of(&files), [["a", "a/c", "b"]]);
    }

    #[test]
    fn takes_neither_exports_nor_tests_nor_comments_for_arrows() {
        let files = [
            ("a.rs", "pub use crate::b::B;\n// use crate::b::C;\n"),
            ("b.rs", "use crate::a::A;\n\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n"),
        ];
        assert!(cycles_of(&files).is_empty());
    }
}
