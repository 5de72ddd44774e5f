//! REG-5: events of `tracing`.
//!
//! A binary of its own: a call site that another test uses for the first time just when this one sets
//! its subscriber could be taken for one that nobody listens to.
#![cfg(feature = "tracing")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll::{Delivery, EventKind, Limit, PressureRule, Registry, Watermarks};
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
    field("limit", event.name().into());
    field("category", event.category().to_string());
    field("kind", event.kind().to_string());
    field("pressure", event.level().to_string());
    let mut optional = vec![("scope", event.scope().map(str::to_owned))];
    match event {
        plimsoll::Event::Pressure(event) => {
            field("depth", event.depth.to_string());
            field("sequence", event.sequence.to_string());
            field("waiting", event.waiting.to_string());
            field("peak", event.peak.to_string());
            field("repeat", event.repeat.to_string());
            let duration_ms = event.duration.map(|time| time.as_millis().to_string());
            optional.push(("capacity", event.capacity.map(|capacity| capacity.to_string())));
            optional.push(("duration_ms", duration_ms));
        }
        plimsoll::Event::Exhausted(event) => {
            field("depth", event.depth().to_string());
            optional.push(("observed", event.observed.map(|observed| observed.to_string())));
            optional.push(("detail", event.detail.as_ref().map(|detail| detail.to_string())));
        }
        _ => panic!("{event}"),
    }
    for (name, value) in optional {
        if let Some(value) = value {
            field(name, value);
        }
    }
    fields
}

#[test]
fn reg_5_one_tracing_event_per_event_with_the_same_fields() {
    // The subscriber below is that of this thread, so all is delivered on it.
    let delivery = Delivery::Deferred { capacity: 16 };
    let registry = Registry::builder().delivery(delivery).build().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let _subscription = registry.subscribe(move |event| sink.lock().unwrap().push(event.clone()));
    let capture = Capture::default();
    tracing::subscriber::with_default(capture.clone(), || {
        let rule = PressureRule::IMMEDIATE.repeat(Duration::from_millis(1));
        let limit = Limit::queue("frames").scope("guest-7").pressure(rule);
        let gauge = registry.gauge(limit, Watermarks::new(10)).unwrap();
        gauge.add(8);
        registry.deliver();
        std::thread::sleep(Duration::from_millis(3));
        registry.deliver();
        gauge.sub(8);
        registry.warn_exhausted("fuel", Some(3), None, "trapped").unwrap();
        registry.deliver();
    });
    let events = told.lock().unwrap();
    let mut kinds: Vec<_> = events.iter().map(|event| event.kind()).collect();
    // On a busy machine more than one interval may pass.
    kinds.dedup();
    use EventKind::{Cleared, Exhausted, Raised, Sustained};
    assert_eq!(kinds, [Raised, Sustained, Cleared, Exhausted]);
    let traced = capture.0.lock().unwrap();
    assert_eq!(traced.len(), events.len());
    for (event, (level, target, fields)) in events.iter().zip(traced.iter()) {
        let expected = if event.kind() == Cleared { Level::DEBUG } else { Level::WARN };
        assert_eq!((*level, target.as_str()), (expected, "plimsoll"), "{event}");
        assert_eq!(*fields, fields_of(event));
        #[cfg(feature = "serde")]
        assert_names_of_serde(event, fields);
    }
}

#[cfg(feature = "serde")]
fn assert_names_of_serde(event: &plimsoll::Event, fields: &Fields) {
    let json = serde_json::to_value(event).unwrap();
    let renamed = |name: &str| match name {
        "limit" => "name".to_owned(),
        "pressure" => "level".to_owned(),
        name => name.to_owned(),
    };
    let names: std::collections::BTreeSet<_> =
        fields.keys().filter(|name| *name != "message").map(|n| renamed(n)).collect();
    assert!(json.as_object().unwrap().keys().eq(&names), "{json} {fields:?}");
}

/// What subscribers and collectors write into the same object themselves.
const RESERVED: [&str; 16] = [
    "level",
    "message",
    "msg",
    "target",
    "name",
    "timestamp",
    "time",
    "span",
    "spans",
    "fields",
    "threadName",
    "threadId",
    "filename",
    "line_number",
    "module_path",
    "severity",
];

#[test]
fn reg_11_no_field_is_called_as_one_of_a_subscribers_own() {
    let capture = Capture::default();
    tracing::subscriber::with_default(capture.clone(), || {
        let registry = Registry::new();
        for kind in [Level::WARN, Level::DEBUG] {
            let gauge = registry.gauge("frames", Watermarks::new(10)).unwrap();
            gauge.add(if kind == Level::WARN { 8 } else { 10 });
            gauge.sub(8);
        }
        registry.warn_exhausted("fuel", Some(3), None, "trapped").unwrap();
        let frames = registry.gauge("frames", Watermarks::new(10)).unwrap();
        frames.add(9);
        registry.log_snapshot();
    });
    let traced = capture.0.lock().unwrap();
    assert!(traced.len() >= 8, "{traced:?}");
    for (_, _, fields) in traced.iter() {
        let reserved = fields.keys().filter(|name| RESERVED.contains(&name.as_str()));
        assert!(reserved.eq(["message"]), "{fields:?}");
    }
}

#[test]
fn a_logged_snapshot_is_one_summary_and_a_warning_for_each_raised_limit() {
    let (capture, mut traced) = (Capture::default(), Vec::new());
    tracing::subscriber::with_default(capture.clone(), || {
        let registry = Registry::new();
        let full = Limit::queue("frames").scope("guest-7").pressure(PressureRule::IMMEDIATE);
        let full = registry.gauge(full, Watermarks::new(10)).unwrap();
        let _quiet = registry.gauge("quiet", Watermarks::new(10)).unwrap();
        full.add(9);
        capture.0.lock().unwrap().clear();
        registry.log_snapshot();
        traced = capture.0.lock().unwrap().clone();
    });
    let [(info, _, summary), (warn, target, raised)] = &traced[..] else { panic!("{traced:?}") };
    assert_eq!((*info, *warn, target.as_str()), (Level::INFO, Level::WARN, "plimsoll"));
    assert_eq!((&summary["limits"][..], &summary["raised"][..]), ("2", "1"));
    assert_eq!(raised["message"], "queue frames[guest-7] is elevated: 9 of 10, 90 %, 0 waiting");
    assert_eq!((&raised["limit"][..], &raised["scope"][..]), ("frames", "guest-7"));
    assert_eq!((&raised["pressure"][..], &raised["percent"][..]), ("elevated", "90"));
}
