//! The dashboard and the alerts ask for what is exported, and for nothing else.
#![cfg(feature = "text")]
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use plimsoll_export::{Kind, Scrape};

const DASHBOARD: &str = include_str!("../dashboards/plimsoll.json");
const ALERTS: &str = include_str!("../alerts/plimsoll.yml");
const ALERT_TESTS: &str = include_str!("../alerts/plimsoll.test.yml");
const README: &str = include_str!("../README.md");

/// The words that are names of metrics.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("plimsoll_") && *word != "plimsoll_export").collect()
}

/// The names of the series that there can be.
fn exported() -> BTreeSet<String> {
    let series = |family: &plimsoll_export::Family| -> Vec<String> {
        let parts: &[&str] = match family.kind {
            Kind::Histogram => &["", "_bucket", "_sum", "_count"],
            _ => &[""],
        };
        parts.iter().map(|part| format!("{}{part}", family.name)).collect()
    };
    Scrape::families().flat_map(series).collect()
}

#[test]
fn every_name_is_one_that_is_exported() {
    let exported = exported();
    for (file, text, least) in [
        ("dashboard", DASHBOARD, 15),
        ("alerts", ALERTS, 5),
        ("alert tests", ALERT_TESTS, 5),
        ("README", README, 1),
    ] {
        let names = metrics(text);
        assert!(names.len() >= least, "{file} has {names:?}");
        let unknown: Vec<_> = names.iter().filter(|name| !exported.contains(**name)).collect();
        assert!(unknown.is_empty(), "{file} asks for {unknown:?}, which are not exported");
    }
}

#[test]
fn the_dashboard_is_well_formed() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut cells = BTreeSet::new();
    for panel in panels {
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{panel}");
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{panel}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(cells.insert((x, y)), "{} lies on another panel", panel["title"]);
            }
        }
    }
}
