//! A copy of the core into which mistakes can be planted, for the build scripts of its two test builds.
//!
//! The core itself has no trace of them. Each mistake is an entry of a table: an expression or statement
//! of the source, and what is wrong in its place. The copy has both, and a switch that a test sets:
//! `if crate::flaw::is_planted(Flaw::Name) { wrong } else { right }`. A line of the copy has the number
//! that it has in the source.

mod budgets;
mod gauges;
mod ledgers;
mod pools;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A mistake that some test must notice, or the test is no evidence.
pub(crate) struct Flaw {
    pub(crate) name: &'static str,
    /// What the flawed code does, in the third person.
    pub(crate) does: &'static str,
    pub(crate) places: &'static [Place],
}

/// One change in one function.
pub(crate) struct Place {
    /// Below `core/src`.
    pub(crate) file: &'static str,
    /// How the function begins, after `fn `; its body is searched.
    pub(crate) function: &'static str,
    /// The right text; it occurs once in that body.
    pub(crate) right: &'static str,
    /// The wrong text that replaces it, on one line.
    pub(crate) wrong: &'static str,
}

/// Every mistake, by family.
pub(crate) const FAMILIES: [&[Flaw]; 4] =
    [budgets::FLAWS, gauges::FLAWS, ledgers::FLAWS, pools::FLAWS];

/// Writes the copy of `core/src` into `to`, for a crate root that includes its `lib.rs`.
pub(crate) fn copy_core(core: &Path, to: &Path) {
    println!("cargo::rerun-if-changed={}", core.display());
    let mut sources = BTreeMap::new();
    read(core, "", &mut sources);
    let mut changes: BTreeMap<(&str, usize), Change> = BTreeMap::new();
    let mut missing = Vec::new();
    for flaw in FAMILIES.iter().flat_map(|family| family.iter()) {
        for place in flaw.places {
            let Some(at) = sources.get(place.file).and_then(|source| place.find(source)) else {
                missing.push(flaw.name);
                continue;
            };
            let change = changes
                .entry((place.file, at))
                .or_insert(Change { right: place.right, wrong: Vec::new() });
            assert_eq!(change.right, place.right, "two flaws overlap in {}", place.file);
            change.wrong.push((flaw.name, place.wrong));
        }
    }
    // From the end of each file, so that earlier positions stay right.
    for ((file, at), change) in changes.iter().rev() {
        let source = sources.get_mut(*file).expect("it was found there");
        source.replace_range(*at..at + change.right.len(), &change.text());
    }
    let root = sources.get_mut("lib.rs").expect("a crate has a root");
    *root = without_inner_attributes(root);
    root.push_str(&switch(&missing));
    // Files that have moved would be found in both places.
    let _ = fs::remove_dir_all(to);
    for (file, source) in sources {
        let path = to.join(file);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("a writable folder");
        fs::write(path, source).expect("a writable folder");
    }
}

impl Place {
    /// The position of the right text, if it occurs once in the functions of that name.
    fn find(&self, source: &str) -> Option<usize> {
        let head = format!("fn {}", self.function);
        let bodies = source.match_indices(&head).filter_map(|(begin, _)| {
            let line = source[..begin].rfind('\n').map_or(0, |end| end + 1);
            let indent = source[line..].len() - source[line..].trim_start_matches(' ').len();
            let end = source[begin..].find(&format!("\n{}}}\n", " ".repeat(indent)))?;
            Some((begin, &source[begin..begin + end]))
        });
        let mut found = bodies.flat_map(|(begin, body)| {
            body.match_indices(self.right).map(move |(at, _)| begin + at)
        });
        let at = found.next()?;
        found.next().is_none().then_some(at)
    }
}

/// What stands at one place of the source, and what each flaw has there.
struct Change {
    right: &'static str,
    wrong: Vec<(&'static str, &'static str)>,
}

impl Change {
    fn text(&self) -> String {
        let mut text = String::new();
        for (flaw, wrong) in &self.wrong {
            assert!(!wrong.contains('\n'), "lines keep their numbers: {wrong}");
            write!(
                text,
                "if crate::flaw::is_planted(crate::flaw::Flaw::{flaw}) {{ {wrong} }} else "
            )
            .expect("a string");
        }
        text + "{ " + self.right + " }"
    }
}

/// All sources, by their paths.
fn read(folder: &Path, prefix: &str, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("the core's sources") {
        let path = entry.expect("the core's sources").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy();
        if path.is_dir() {
            read(&path, &format!("{prefix}{name}/"), sources);
        } else {
            let source = fs::read_to_string(&path).expect("text");
            sources.insert(format!("{prefix}{name}"), source);
        }
    }
}

/// Replaces inner attributes and docs, which an included file cannot have, by empty lines.
fn without_inner_attributes(root: &str) -> String {
    let is_inner = |line: &&str| line.starts_with("//!") || line.starts_with("#![");
    let lines = root.lines().map(|line| if is_inner(&line) { "" } else { line });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The module `flaw` of the copy.
fn switch(missing: &[&str]) -> String {
    let mut variants = String::new();
    for Flaw { name, does, .. } in FAMILIES.iter().flat_map(|family| family.iter()) {
        writeln!(variants, "    /// {does}\n    {name},").expect("a string");
    }
    let missing: String = missing.iter().map(|name| format!("Flaw::{name}, ")).collect();
    SWITCH.replace("VARIANTS", variants.trim()).replace("MISSING_FLAWS", &missing)
}

const SWITCH: &str = r#"
/// Planted mistakes, for tests to find.
pub mod flaw {
    extern crate std;

    use core::cell::Cell;

    /// A mistake that some test must notice, or the test is no evidence.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Flaw {
        VARIANTS
    }

    std::thread_local! {
        static PLANTED: Cell<Option<Flaw>> = const { Cell::new(None) };
    }

    /// Flaws that were not planted, because the source has changed.
    pub const MISSING: &[Flaw] = &[MISSING_FLAWS];

    /// Plants a mistake into the core for this thread's tests, or takes it out.
    pub fn plant(flaw: Option<Flaw>) {
        PLANTED.with(|planted| planted.set(flaw));
    }

    pub(crate) fn is_planted(flaw: Flaw) -> bool {
        PLANTED.with(Cell::get) == Some(flaw)
    }
}
"#;
