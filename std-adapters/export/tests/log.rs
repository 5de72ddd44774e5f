//! Events of a registry as lines of JSON, by `tracing-subscriber`: what a log collector reads.
//!
//! A binary of its own: a call site that another test uses first could be taken for one that nobody
//! listens to.
#![forbid(unsafe_code)]

mod common;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use common::HOSTILE;
use plimsoll::{Limit, PressureRule, Registry, Watermarks};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Lines;

    fn make_writer(&self) -> Lines {
        self.clone()
    }
}

#[test]
fn each_event_is_a_line_of_json_with_its_fields() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(lines.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let registry = Registry::builder().pressure(PressureRule::IMMEDIATE).build().unwrap();
        let limit = Limit::queue("frames").scope(HOSTILE);
        let frames = registry.gauge(limit, Watermarks::percent(10, 80, 50)).unwrap();
        frames.add(9);
        frames.sub(9);
        registry.warn_exhausted(Limit::memory("heap"), Some(7), Some(8), "a\nb").unwrap();
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 3, "{text}");

    let [raised, cleared, exhausted] = &events[..] else { panic!("{text}") };
    assert_eq!((&raised["level"], &cleared["level"]), (&"WARN".into(), &"DEBUG".into()));
    assert_eq!(raised["target"], "plimsoll");
    assert_eq!((&raised["limit"], &raised["scope"]), (&"frames".into(), &HOSTILE.into()));
    assert_eq!((&raised["kind"], &raised["pressure"]), (&"raised".into(), &"elevated".into()));
    // Numbers are numbers, so that a collector can compare them.
    assert_eq!((&raised["depth"], &raised["capacity"]), (&9.into(), &10.into()));
    assert_eq!((&cleared["kind"], &cleared["peak"]), (&"cleared".into(), &9.into()));
    assert_eq!((&exhausted["kind"], &exhausted["detail"]), (&"exhausted".into(), &"a\nb".into()));
    assert!(raised.get("run").is_none(), "what an event does not have is not there: {raised}");
}
