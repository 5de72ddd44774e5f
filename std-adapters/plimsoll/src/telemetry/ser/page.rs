//! A test that `docs/SNAPSHOT.md` lists exactly the fields that are written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::tests::{events, full};
use crate::telemetry::{Recorder, Snapshot, SnapshotFlow, SnapshotRecent};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/SNAPSHOT.md");

/// What the page says of a field.
struct Row {
    type_: String,
    is_nullable: bool,
}

type Tables = BTreeMap<String, BTreeMap<String, Row>>;

/// The tables by the names of their sections.
fn tables(page: &str) -> Tables {
    let mut tables = Tables::new();
    for section in page.split("\n## ").skip(1) {
        let name = section.lines().next().unwrap_or_default().to_owned();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let rows: Vec<_> = rows.map(row).collect();
        let count = rows.len();
        let rows: BTreeMap<_, _> = rows.into_iter().collect();
        assert_eq!(rows.len(), count, "{name} has a field twice");
        if count > 0 {
            assert!(tables.insert(name, rows).is_none());
        }
    }
    tables
}

fn row(line: &str) -> (String, Row) {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let [name, type_, _unit, null, ""] = cells[..] else { panic!("{line}: {cells:?}") };
    let is_nullable = !null.is_empty();
    (name.trim_end_matches('`').to_owned(), Row { type_: type_.to_owned(), is_nullable })
}

/// The section that a type links to, if it does.
fn linked(type_: &str) -> Option<&str> {
    let (_, link) = type_.split_once("[")?;
    Some(link.split_once("](#")?.0)
}

/// What is found in snapshots, by section and field: whether it was ever null.
#[derive(Default)]
struct Found(BTreeMap<(String, String), bool>);

impl Found {
    fn walk(&mut self, tables: &Tables, section: &str, json: &Value) {
        match json {
            Value::Array(items) => {
                items.iter().for_each(|item| self.walk(tables, section, item));
            }
            Value::Object(fields) => {
                let table = tables.get(section).unwrap_or_else(|| panic!("no section {section}"));
                for (name, value) in fields {
                    let row = table.get(name);
                    let row = row.unwrap_or_else(|| panic!("{section} has no row of `{name}`"));
                    let key = (section.to_owned(), name.clone());
                    *self.0.entry(key).or_default() |= value.is_null();
                    match linked(&row.type_) {
                        Some(section) => self.walk(tables, section, value),
                        None => assert!(!value.is_object(), "{section}: `{name}` has no link"),
                    }
                }
            }
            _ => {}
        }
    }
}

/// Snapshots in which everything is something, and in which nothing is that need not be.
fn snapshots() -> Vec<Snapshot> {
    let mut bare = full(1 << 60);
    bare.taken = None;
    let mut entry = bare.entries[0].clone();
    entry.tag = bare.ledgers[0].tag.clone();
    (entry.flow, entry.recent) = (Some(SnapshotFlow::default()), Some(SnapshotRecent::default()));
    let mut barer = entry.clone();
    (barer.flow, barer.recent) = (None, None);
    bare.entries = vec![entry, barer].into();
    let ledger = &mut bare.ledgers[0];
    (ledger.floor, ledger.turned_away, ledger.window) = (None, None, None);
    bare.watchers[0].tag = ledger.tag.clone();
    let none = Recorder::new().read();
    let stats = &mut bare.pools[0].stats;
    (stats.wait, stats.hold, stats.create) = (none.clone(), none.clone(), none);
    vec![full(7), bare.clone(), bare.without_principals()]
}

#[test]
fn the_page_has_every_field_and_no_other() {
    let tables = tables(&std::fs::read_to_string(PAGE).unwrap());
    let mut found = Found::default();
    for snapshot in snapshots() {
        found.walk(&tables, "Snapshot", &serde_json::to_value(snapshot).unwrap());
    }
    for event in events(7) {
        found.walk(&tables, "Event", &serde_json::to_value(event).unwrap());
    }
    let rows = tables.iter().flat_map(|(section, rows)| {
        rows.iter().map(move |(name, row)| ((section.clone(), name.clone()), row.is_nullable))
    });
    let (rows, found): (BTreeMap<_, _>, _) = (rows.collect(), found.0);
    let missing: BTreeSet<_> = rows.keys().filter(|field| !found.contains_key(*field)).collect();
    assert!(missing.is_empty(), "fields of the page that there are not: {missing:?}");
    assert!(found.len() > 150, "{}", found.len());
    let unlike: Vec<_> = rows.iter().filter(|(field, null)| found[field] != **null).collect();
    assert!(unlike.is_empty(), "whether these can be null: {unlike:?}");
}
