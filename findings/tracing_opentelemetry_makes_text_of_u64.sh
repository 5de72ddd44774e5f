#!/usr/bin/env bash
# tracing-opentelemetry 0.34.0: a `u64` field of a `tracing` event becomes text in a span's event.
#
# The layer has no case for `u64`, so `tracing`'s default takes it: the field is formatted with `Debug`
# and arrives as a string attribute. An `i64` arrives as a number. A backend that compares or sums depths
# sees text. Fields that are meant for OpenTelemetry are recorded as `i64`.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
opentelemetry = { version = "=0.33.1", default-features = false, features = ["trace"] }
opentelemetry_sdk = { version = "=0.33.1", default-features = false, features = ["testing", "trace"] }
tracing = { version = "=0.1.44", default-features = false, features = ["std"] }
tracing-opentelemetry = { version = "=0.34.0", default-features = false }
tracing-subscriber = { version = "=0.3.23", default-features = false, features = ["registry", "std"] }
TOML

program <<'RUST'
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing_subscriber::layer::SubscriberExt;

fn main() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("finding"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info_span!("request")
            .in_scope(|| tracing::info!(unsigned = 9_u64, signed = 9_i64, "queue"));
    });
    let spans = exporter.get_finished_spans().unwrap();
    for attribute in &spans[0].events.events[0].attributes {
        if ["unsigned", "signed"].contains(&attribute.key.as_str()) {
            println!("{} is {:?}", attribute.key, attribute.value);
        }
    }
}
RUST

prints <<'TEXT'
unsigned is String(Owned("9"))
signed is I64(9)
TEXT
