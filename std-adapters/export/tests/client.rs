//! A collector of `prometheus-client` gives the series of our own text.
#![cfg(all(feature = "prometheus", feature = "text"))]
#![forbid(unsafe_code)]

mod common;

use common::{assert_same, everything, series};
use plimsoll_export::{Exporter, Format};
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

/// The lines that begin with `#`, in order.
fn heads(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with('#')).collect()
}

#[test]
fn see_5_both_of_its_encodings_equal_ours() {
    let all = everything();
    let exporter = Exporter::new(&all.registry).top_principals(true);
    let mut client = Registry::default();
    client.register_collector(Box::new(exporter.clone()));

    let mut open_metrics = String::new();
    text::encode(&mut open_metrics, &client).unwrap();
    let ours = exporter.scrape().text(Format::OpenMetrics);
    assert_same(&series(&open_metrics), &series(&ours));
    assert_eq!(heads(&open_metrics), heads(&ours));

    let mut plain = String::new();
    prometheus_text::encode(&mut plain, &client).unwrap();
    let ours = exporter.scrape().text(Format::Prometheus);
    assert_same(&series(&plain), &series(&ours));
    assert!(series(&plain).len() > 100);
    assert!(plain.contains("plimsoll_events_delivered_total "), "{plain}");
    assert!(!plain.contains("_total_total") && !plain.contains("_bytes_bytes"), "{plain}");
}

#[test]
fn a_prefix_and_labels_of_the_registry_go_before_ours() {
    let all = everything();
    let labels = [("site".into(), "fra".into())].into_iter();
    let mut client = Registry::with_prefix_and_labels("host", labels);
    client.register_collector(Box::new(Exporter::new(&all.registry)));
    let mut text = String::new();
    text::encode(&mut text, &client).unwrap();
    let line = "host_plimsoll_limit_usage{site=\"fra\",limit=\"9lives\",category=\"resource\",scope=\"cat\"} 1";
    assert!(text.lines().any(|it| it == line), "{text}");
}
