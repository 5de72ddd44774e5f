//! The facade `metrics`, with a recorder that writes down what it is told.
#![cfg(all(feature = "metrics", feature = "text"))]
#![forbid(unsafe_code)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use common::{assert_same, everything, series};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit,
};
use plimsoll_export::{Exporter, Format};

#[derive(Default)]
struct Written {
    numbers: Mutex<BTreeMap<String, f64>>,
    counters: Mutex<BTreeSet<String>>,
    described: Mutex<BTreeSet<String>>,
}

/// One handle: it counts how often it was used in `Written`.
struct Handle {
    name: String,
    written: Arc<Written>,
}

impl Handle {
    fn write(&self, number: f64) {
        self.written.numbers.lock().unwrap().insert(self.name.clone(), number);
    }
}

impl CounterFn for Handle {
    fn increment(&self, _: u64) {
        panic!("counters are set");
    }
    fn absolute(&self, number: u64) {
        self.write(number as f64);
    }
}

impl GaugeFn for Handle {
    fn increment(&self, _: f64) {
        panic!("gauges are set");
    }
    fn decrement(&self, _: f64) {
        panic!("gauges are set");
    }
    fn set(&self, number: f64) {
        self.write(number);
    }
}

struct Test(Arc<Written>);

impl Test {
    fn handle(&self, key: &Key) -> Arc<Handle> {
        let label = |label: &metrics::Label| {
            let value = label.value().replace('\\', "\\\\").replace('"', "\\\"");
            format!("{}=\"{value}\"", label.key())
        };
        let mut labels: Vec<_> = key.labels().map(label).collect();
        labels.sort();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        Arc::new(Handle { name: format!("{}{labels}", key.name()), written: self.0.clone() })
    }
}

impl Recorder for Test {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, help: SharedString) {
        assert!(help.ends_with('.'));
        self.0.described.lock().unwrap().insert(name.as_str().to_owned());
    }
    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, help: SharedString) {
        assert!(help.ends_with('.'));
        self.0.described.lock().unwrap().insert(name.as_str().to_owned());
    }
    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("{} cannot be set", name.as_str());
    }
    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        assert_eq!(metadata.target(), "plimsoll");
        self.0.counters.lock().unwrap().insert(key.name().to_owned());
        Counter::from_arc(self.handle(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.handle(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("{} cannot be set", key.name());
    }
}

#[test]
fn see_5_a_report_sets_what_the_text_says() {
    let all = everything();
    let exporter = Exporter::new(&all.registry).top_principals(true);
    let written = Arc::new(Written::default());
    exporter.report_to(&Test(written.clone()));
    let numbers = std::mem::take(&mut *written.numbers.lock().unwrap());
    assert_same(&numbers, &series(&exporter.scrape().text(Format::Prometheus)));
    let counters = written.counters.lock().unwrap();
    assert!(counters.contains("plimsoll_events_delivered_total"));
    assert!(counters.contains("plimsoll_pool_wait_seconds_bucket"));
    assert!(!counters.contains("plimsoll_queue_blocked_seconds_total"), "it has fractions");
    let name_of = |series: &String| series.split('{').next().unwrap().to_owned();
    assert_eq!(*written.described.lock().unwrap(), numbers.keys().map(name_of).collect());
}

#[test]
fn a_recorder_that_comes_later_gets_the_next_report() {
    let all = everything();
    let exporter = Exporter::new(&all.registry);
    exporter.report(); // to nobody
    let [first, second] = [(); 2].map(|()| Arc::new(Written::default()));
    metrics::with_local_recorder(&Test(first.clone()), || exporter.report());
    metrics::with_local_recorder(&Test(second.clone()), || exporter.report());
    let [first, second] = [first, second].map(|it| it.numbers.lock().unwrap().clone());
    assert!(first.len() > 100);
    assert_same(&first, &second); // no handle of the first is kept
}
