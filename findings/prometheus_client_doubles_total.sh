#!/usr/bin/env bash
# prometheus-client 0.26.0: the name of a counter that is called `..._total` already.
#
# The encoder appends `_total` to the name of each counter without a look at it. A `Collector` that
# gives the name as Prometheus shows it, `sent_total`, exports a series `sent_total_total`, and queries
# for `sent_total` find nothing. No error says so. (`Registry::register` asserts in debug builds that a
# name does not end so; a `Collector` has no such check.)
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
prometheus-client = "=0.26.0"
TOML

program <<'RUST'
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text::encode};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;

#[derive(Debug)]
struct Counters;

impl Collector for Counters {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        for (name, value) in [("sent_total", 3u64), ("received", 2)] {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, "Items.", None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        Ok(())
    }
}

fn main() {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Counters));
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    print!("{text}");
}
RUST

prints <<'TEXT'
# HELP sent_total Items.
# TYPE sent_total counter
sent_total_total 3
# HELP received Items.
# TYPE received counter
received_total 2
# EOF
TEXT
