//! REG-5: what `tracing` is told.
//!
//! A binary of its own: a call site that another test uses for the first time just when this one sets
//! its subscriber could be taken for one that nobody listens to.
#![cfg(feature = "tracing")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll::{EventKind, Limit, PressureRule, Registry, Watermarks};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

type Fields = BTreeMap<String, String>;

/// Keeps the level and the fields of each event.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<(Level, String, Fields)>>>);

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Strings(Fields::new());
        event.record(&mut fields);
        let (level, target) = (*event.metadata().level(), event.metadata().target().to_owned());
        self.0.lock().unwrap().push((level, target, fields.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Strings(Fields);

impl Visit for Strings {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }
}

/// What the fields of `event` are to be.
fn fields_of(event: &plimsoll::Event) -> Fields {
    let mut fields = Fields::new();
    let mut field = |name: &str, value: String| drop(fields.insert(name.into(), value));
    field("message", event.to_string());
    field("name", event.name().into());
    field("category", event.category().to_string());
    field("kind", event.kind.to_string());
    field("level", event.level.to_string());
    field("depth", event.depth.to_string());
    field("sequence", event.sequence.to_string());
    field("waiting", event.waiting.to_string());
    field("peak", event.peak.to_string());
    field("repeat", event.repeat.to_string());
    let optional = [
        ("instance", event.instance().map(str::to_owned)),
        ("capacity", event.capacity.map(|capacity| capacity.to_string())),
        ("duration_ms", event.duration.map(|time| time.as_millis().to_string())),
        ("detail", event.detail.as_ref().map(|detail| detail.to_string())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            field(name, value);
        }
    }
    fields
}

#[test]
fn reg_5_one_tracing_event_per_event_with_the_same_fields() {
    let registry = Registry::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let _subscription = registry.subscribe(move |event| sink.lock().unwrap().push(event.clone()));
    let capture = Capture::default();
    tracing::subscriber::with_default(capture.clone(), || {
        let rule = PressureRule::IMMEDIATE.repeated_every(Duration::from_millis(1));
        let limit = Limit::queue("frames").instance("guest-7").pressure(rule);
        let gauge = registry.gauge(limit, Watermarks::new(10)).unwrap();
        gauge.add(8);
        std::thread::sleep(Duration::from_millis(3));
        registry.deliver();
        gauge.sub(8);
        registry.warn_exhausted("fuel", Some(3), None, "trapped").unwrap();
    });
    let events = told.lock().unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    use EventKind::{Cleared, Exhausted, Raised, Sustained};
    assert_eq!(kinds, [Raised, Sustained, Cleared, Exhausted]);
    let traced = capture.0.lock().unwrap();
    assert_eq!(traced.len(), events.len());
    for (event, (level, target, fields)) in events.iter().zip(traced.iter()) {
        let expected = if event.kind == Cleared { Level::DEBUG } else { Level::WARN };
        assert_eq!((*level, target.as_str()), (expected, "plimsoll"), "{event}");
        assert_eq!(*fields, fields_of(event));
        #[cfg(feature = "serde")]
        assert_names_of_serde(event, fields);
    }
}

#[cfg(feature = "serde")]
fn assert_names_of_serde(event: &plimsoll::Event, fields: &Fields) {
    let json = serde_json::to_value(event).unwrap();
    let names = fields.keys().filter(|name| *name != "message");
    assert!(json.as_object().unwrap().keys().eq(names), "{json} {fields:?}");
}
