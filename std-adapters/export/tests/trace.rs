//! Events of a registry within a span of OpenTelemetry, by `tracing-opentelemetry`: what a trace shows of
//! a request that met a full queue.
//!
//! A binary of its own, as `log.rs`.
#![cfg(feature = "opentelemetry")]
#![forbid(unsafe_code)]

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Value, trace::Event};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use plimsoll::{Limit, PressureRule, Registry, Watermarks};
use tracing_subscriber::layer::SubscriberExt;

fn attribute(event: &Event, key: &str) -> Value {
    let found = event.attributes.iter().find(|attribute| attribute.key.as_str() == key);
    found.unwrap_or_else(|| panic!("{key} is not in {event:?}")).value.clone()
}

#[test]
fn an_event_within_a_span_is_an_event_of_the_span_with_its_fields() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("host"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let registry = Registry::builder().pressure(PressureRule::IMMEDIATE).build().unwrap();
        let limit = Limit::queue("frames").scope("guest-7");
        let frames = registry.gauge(limit, Watermarks::percent(10, 80, 50)).unwrap();
        tracing::info_span!("request").in_scope(|| frames.add(9));
    });
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 1, "{spans:?}");
    assert_eq!(spans[0].name, "request");
    let events = &spans[0].events.events;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(attribute(&events[0], "limit"), Value::from("frames"));
    assert_eq!(attribute(&events[0], "scope"), Value::from("guest-7"));
    assert_eq!(attribute(&events[0], "kind"), Value::from("raised"));
    assert_eq!(attribute(&events[0], "pressure"), Value::from("elevated"));
    assert_eq!(attribute(&events[0], "depth"), Value::from(9_i64));
    assert_eq!(attribute(&events[0], "capacity"), Value::from(10_i64));
    // The level of the event is the subscriber's own; the limit's is `pressure` (REG-11).
    assert_eq!(attribute(&events[0], "level"), Value::from("WARN"));
}
