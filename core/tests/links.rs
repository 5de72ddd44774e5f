//! Documents agree with the tree: links lead somewhere, the figures of the front page are those of the
//! whole table, and the glossary has the names of the code.

mod documents;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The packages by their sources.
const PACKAGES: [&str; 4] = [
    "src",
    "../std-adapters/plimsoll/src",
    "../std-adapters/wasmtime/src",
    "../std-adapters/fleet/src",
];

#[test]
fn relative_links_lead_somewhere() {
    let documents = documents::documents();
    let count = |document: &str| links(&documents[document]).len();
    assert!(
        count("docs/ARCHITECTURE.md") > 60 && count("README.md") > 15,
        "too few links are seen"
    );
    let faults = faults(&documents, |path| documents::root().join(path).exists());
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
}

#[test]
fn the_figures_of_the_front_page_are_those_of_the_whole_table() {
    let documents = documents::documents();
    let (_, compared) = documents["README.md"].split_once("\n## Compared\n").expect("the section");
    let rows: Vec<_> =
        compared.lines().take_while(|line| !line.starts_with("## ")).filter(is_row).collect();
    assert!(rows.len() > 8, "{rows:?}");
    let whole: BTreeSet<_> = documents["docs/BENCHMARKS.md"].lines().collect();
    let other: Vec<_> = rows.iter().filter(|row| !whole.contains(**row)).collect();
    assert!(other.is_empty(), "not in docs/BENCHMARKS.md: {other:#?}");
}

#[test]
fn the_glossary_has_names_of_the_code() {
    let mut names = BTreeSet::new();
    for text in PACKAGES.map(workspace::rust_files).iter().flat_map(BTreeMap::values) {
        names.extend(text.split(is_no_part_of_a_name).map(str::to_owned));
    }
    let documents = documents::documents();
    let rows = documents["docs/GLOSSARY.md"].lines().filter(is_row);
    let cells = rows.filter_map(|row| row.trim_matches('|').rsplit(" | ").next());
    let spans = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let asked: BTreeSet<_> =
        spans.flat_map(|span| span.split(is_no_part_of_a_name)).filter(|n| !n.is_empty()).collect();
    assert!(asked.len() > 100, "{}", asked.len());
    let unknown: Vec<_> = asked.iter().filter(|name| !names.contains(**name)).collect();
    assert!(unknown.is_empty(), "in no source: {unknown:?}");
}

fn is_row(line: &&str) -> bool {
    line.starts_with('|')
}

fn is_no_part_of_a_name(c: char) -> bool {
    !c.is_ascii_alphanumeric() && c != '_'
}

fn faults(documents: &BTreeMap<String, String>, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (document, text) in documents {
        for link in links(text) {
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { Some(document.clone()) } else { at(document, path) };
            let leads = target.is_some_and(|target| {
                exists(&target)
                    && (heading.is_empty()
                        || documents.get(&target).is_some_and(|t| headings(t).contains(heading)))
            });
            if !leads {
                faults.push(format!("{document}: {link}"));
            }
        }
    }
    faults
}

/// Where a link leads, from the root; `None` for one that leaves it.
fn at(document: &str, link: &str) -> Option<String> {
    let folder = Path::new(document).parent()?.to_str()?;
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The lines of a document outside its blocks of code, without code in the lines.
fn prose(text: &str) -> impl Iterator<Item = String> {
    let mut is_code = false;
    let lines = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        is_code ^= fence;
        !is_code && !fence
    });
    lines.map(|line| line.split('`').step_by(2).collect())
}

/// The targets of all links but those to other sites.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(text) {
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        links.extend(inline.chain(defined.map(|(_, target)| target)).map(str::to_owned));
    }
    links.retain(|link| !link.starts_with("https://") && !link.starts_with("http://"));
    links
}

/// The headings as links name them: in lower case, with `-` for spaces, without other signs.
fn headings(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        is_code ^= line.starts_with("```");
        !is_code && line.starts_with('#')
    });
    let slug = |heading: &str| {
        let characters = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = characters.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    lines.map(slug).collect()
}

mod the_checker {
    use super::*;

    const GUIDE: &str = "# A guide\n## Where, `when` and why\n";

    fn faults_of(text: &str) -> Vec<String> {
        let documents = [("README.md", GUIDE), ("docs/PAGE.md", text)]
            .map(|(file, text)| (file.to_owned(), text.to_owned()))
            .into();
        faults(&documents, |path| {
            ["README.md", "docs/PAGE.md", "core/src", "core/src/lib.rs"].contains(&path)
        })
    }

    #[test]
    fn accepts_links_to_files_folders_headings_and_other_sites() {
        let text = "# Page\n[`a`](../README.md), [b](../README.md#where-when-and-why), [c](#page)\n\
             [d](../core/src/), [e](https://docs.rs/loom)\n\n[`e`]: ../core/src/lib.rs\n";
        assert_eq!(links(text).len(), 5);
        assert_eq!(faults_of(text), [""; 0]);
    }

    #[test]
    fn finds_links_that_lead_nowhere() {
        let text = "[a](README.md) and [b](../../README.md), [c](../README.md#how)\n\
             [d](../core/src/lib.rs#page)\n[e]: ../core/src/gone.rs\n";
        let expected = [
            "docs/PAGE.md: README.md",
            "docs/PAGE.md: ../../README.md",
            "docs/PAGE.md: ../README.md#how",
            "docs/PAGE.md: ../core/src/lib.rs#page",
            "docs/PAGE.md: ../core/src/gone.rs",
        ];
        assert_eq!(faults_of(text), expected);
    }

    #[test]
    fn takes_no_code_for_a_link() {
        let text = "```rust\nlet b = a[0](gone);\n# [x](gone)\n```\nand `a[0](gone)` too\n";
        assert_eq!(faults_of(text), [""; 0]);
    }
}
