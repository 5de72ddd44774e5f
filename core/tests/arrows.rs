//! Imports between the files of a package point one way: a file does not import one that, by any way
//! round, imports it. In `plimsoll` they point down, by the floors of `docs/ARCHITECTURE.md`.

mod packages;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};

/// The package that has floors.
const FLOORED: &str = "../std-adapters/plimsoll/src";

const ARCHITECTURE: &str = include_str!("../../docs/ARCHITECTURE.md");

type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn imports_point_one_way() {
    let mut faults = Vec::new();
    for package in packages::SOURCES {
        let files = workspace::rust_files(package);
        let sources = files.iter().map(|(file, text)| (module(file), production(text)));
        let cycles = cycles(&arrows(&sources.collect()));
        faults.extend(cycles.iter().map(|cycle| format!("{package}: {cycle:?}")));
    }
    assert!(faults.is_empty(), "files that import each other:\n{}", faults.join("\n"));
}

#[test]
fn imports_point_to_lower_floors() {
    let files = workspace::rust_files(FLOORED);
    let sources = files.iter().map(|(file, text)| (module(file), production(text))).collect();
    let floors = floors(ARCHITECTURE);
    assert!(floors.len() > 5, "{floors:?}");
    let faults = faults(&sources, &floors);
    assert!(faults.is_empty(), "floors of docs/ARCHITECTURE.md:\n{}", faults.join("\n"));
}

/// The floor of each folder or file at the root of the package: the row of the table that links to it.
fn floors(document: &str) -> BTreeMap<String, usize> {
    let section =
        document.split("\n## ").find(|section| section.starts_with("Floors of `plimsoll`"));
    let rows = section.unwrap_or_default().lines().filter(|line| line.starts_with('|')).enumerate();
    let mut floors = BTreeMap::new();
    for (floor, row) in rows {
        for link in row.split("](").skip(1) {
            let path = link.split(')').next().unwrap_or_default();
            let path = path.strip_prefix(FLOORED).unwrap_or(path).trim_start_matches('/');
            floors.insert(top(path.trim_end_matches(".rs")).to_owned(), floor);
        }
    }
    floors
}

fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// The imports that do not point down, and the modules that are on no floor.
fn faults(sources: &BTreeMap<String, String>, floors: &BTreeMap<String, usize>) -> Vec<String> {
    let exports = exports(sources);
    let mut faults = Vec::new();
    for (module, text) in sources.iter().filter(|(module, _)| !module.is_empty()) {
        let Some(floor) = floors.get(top(module)) else {
            faults.push(format!("{module} is on no floor"));
            continue;
        };
        for path in mentioned(text) {
            let Some(base) = absolute(module, &path) else { continue };
            let Some(first) = base.first() else { continue };
            let target = exports.get(*first).map_or(*first, String::as_str);
            if target != top(module) && floors.get(target).is_some_and(|lower| lower >= floor) {
                faults.push(format!("{module} names {}, which is not below", path.join("::")));
            }
        }
    }
    faults
}

/// What the root exports, by the module at the root that it comes from.
fn exports(sources: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    let root = sources.get("").map(String::as_str).unwrap_or_default();
    for item in root.split(';') {
        let Some((_, tree)) = item.split_once("pub use ") else { continue };
        leaves(&mut Vec::new(), tree.trim(), &mut |path| {
            if let [first, .., name] = path {
                exports.insert(name.clone(), first.clone());
            }
        });
    }
    exports
}

/// Every path of the text that begins at the root or above its own module, exported again or not.
fn mentioned(text: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut paths = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            if text[..at].ends_with(is_word) {
                continue;
            }
            let rest = &text[at..];
            let mut end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if rest[..end].ends_with("::") && rest[end..].starts_with('{') {
                end = rest.find(';').unwrap_or(rest.len());
            }
            leaves(&mut Vec::new(), &rest[..end], &mut |path| paths.push(path.to_vec()));
        }
    }
    paths
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
    let base = absolute(from, path)?;
    (0..=base.len()).rev().map(|len| base[..len].join("/")).find(|name| files.contains_key(name))
}

/// A path of the module `from` as one from the root; `None` if it is of another crate.
fn absolute<'a>(from: &'a str, path: &'a [String]) -> Option<Vec<&'a str>> {
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
    Some(base)
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

    const TABLE: &str = "# A\n\n## Floors of `plimsoll`\n| floor | files |\n|---|---|\n\
        | low | [a](../std-adapters/plimsoll/src/a/mod.rs) |\n\
        | high | [b](../std-adapters/plimsoll/src/b.rs), [c](../std-adapters/plimsoll/src/c.rs) |\n\
        \n## More\n| x | [d](../std-adapters/plimsoll/src/d.rs) |\n";

    fn faults_of(files: &[(&str, &str)]) -> Vec<String> {
        let sources = files.iter().map(|(file, text)| (module(file), production(text)));
        faults(&sources.collect(), &floors(TABLE))
    }

    #[test]
    fn finds_arrows_up_and_between_siblings_however_they_are_written() {
        for up in [
            "use crate::b::B;",
            "use std::fmt;\n\nuse crate::{other, B};",
            "pub(crate) use crate::{\n    b::{self, X},\n};",
            "    crate::b::call();",
            "fn f(b: &super::super::b::B) {}",
        ] {
            let root = ("lib.rs", "mod a;\npub use b::{B, X};\n");
            assert!(!faults_of(&[root, ("a/deep.rs", up)]).is_empty(), "up: {up}");
            assert!(!faults_of(&[root, ("c.rs", up)]).is_empty(), "aside: {up}");
        }
        assert_eq!(faults_of(&[("d.rs", "")]), ["d is on no floor"]);
    }

    #[test]
    fn takes_arrows_down_and_links_of_documents_for_no_fault() {
        let files = [
            ("lib.rs", "mod a;\npub use a::A;\n"),
            (
                "b.rs",
                "//! [C](crate::c::C)\nuse crate::A;\nuse crate::a::deep::D;\nuse super::a;\n",
            ),
            ("a/deep.rs", "use super::E;\nuse crate::a::A;\n"),
        ];
        assert!(faults_of(&files).is_empty(), "{:?}", faults_of(&files));
    }
}
