//! OpenTelemetry: what its SDK exports of our callbacks.
#![cfg(all(feature = "opentelemetry", feature = "text"))]
#![forbid(unsafe_code)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{assert_same, everything, series};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, Instrument, SdkMeterProvider, Stream};
use plimsoll::{Limit, Registry, Watermarks};
use plimsoll_export::{AlreadyRegistered, Exporter, Format, Kind, Scrape};

/// Longer than a snapshot is kept.
const STALE: Duration = Duration::from_millis(150);

struct Pipeline {
    memory: InMemoryMetricExporter,
    provider: SdkMeterProvider,
}

impl Pipeline {
    fn new(series_max: Option<usize>) -> Self {
        let memory = InMemoryMetricExporter::default();
        let mut builder = SdkMeterProvider::builder().with_periodic_exporter(memory.clone());
        if let Some(max) = series_max {
            builder = builder.with_view(move |_: &Instrument| {
                Stream::builder().with_cardinality_limit(max).build().ok()
            });
        }
        Self { memory, provider: builder.build() }
    }

    /// What one collection exports.
    fn collect(&self) -> BTreeMap<String, Vec<Point>> {
        self.memory.reset();
        self.provider.force_flush().unwrap();
        let exported = self.memory.get_finished_metrics().unwrap();
        exported
            .iter()
            .flat_map(metrics)
            .map(|metric| (metric.name().to_owned(), points(metric)))
            .collect()
    }
}

fn metrics(exported: &ResourceMetrics) -> impl Iterator<Item = &Metric> {
    exported.scope_metrics().flat_map(|scope| scope.metrics())
}

#[derive(Clone, Debug, PartialEq)]
struct Point {
    labels: BTreeMap<String, String>,
    number: f64,
    /// Of a sum: whether it is a counter.
    is_monotonic: Option<bool>,
    unit: String,
}

fn points(metric: &Metric) -> Vec<Point> {
    fn of<T: Copy>(metric: &Metric, data: &MetricData<T>, number: fn(T) -> f64) -> Vec<Point> {
        let point = |labels: &mut dyn Iterator<Item = &KeyValue>, value, is_monotonic| Point {
            labels: labels.map(|it| (it.key.to_string(), it.value.to_string())).collect(),
            number: number(value),
            is_monotonic,
            unit: metric.unit().to_owned(),
        };
        match data {
            MetricData::Gauge(gauge) => gauge
                .data_points()
                .map(|it| point(&mut it.attributes(), it.value(), None))
                .collect(),
            MetricData::Sum(sum) => {
                let is_monotonic = Some(sum.is_monotonic());
                let point = |it: &opentelemetry_sdk::metrics::data::SumDataPoint<T>| {
                    point(&mut it.attributes(), it.value(), is_monotonic)
                };
                sum.data_points().map(point).collect()
            }
            _ => panic!("{} is a histogram", metric.name()),
        }
    }
    match metric.data() {
        AggregatedMetrics::F64(data) => of(metric, data, |number| number),
        AggregatedMetrics::U64(data) => of(metric, data, |number| number as f64),
        AggregatedMetrics::I64(data) => of(metric, data, |number| number as f64),
    }
}

/// What is exported, by the names of Prometheus.
fn as_series(exported: &BTreeMap<String, Vec<Point>>) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for family in Scrape::families() {
        let parts = match family.kind {
            Kind::Histogram => vec![(".bucket", "_bucket"), (".sum", "_sum"), (".count", "_count")],
            _ => vec![("", "")],
        };
        for (part, suffix) in parts {
            for point in exported.get(&format!("{}{part}", family.otel)).into_iter().flatten() {
                let state = point.labels.get("guest.state");
                if state.is_some_and(|state| family.name != format!("plimsoll_guests_{state}")) {
                    continue;
                }
                let label = |(key, value): (&String, &String)| {
                    let key = key.rsplit('.').next().unwrap();
                    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                    format!("{key}=\"{value}\"")
                };
                let labels = point.labels.iter().filter(|(key, _)| *key != "guest.state");
                let mut labels: Vec<_> = labels.map(label).collect();
                labels.sort();
                let labels = labels.join(",");
                let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
                all.insert(format!("{}{suffix}{labels}", family.name), point.number);
            }
        }
    }
    all
}

#[test]
fn see_5_it_exports_what_the_text_says() {
    let all = everything();
    let pipeline = Pipeline::new(None);
    let exporter = Exporter::new(&all.registry).top_principals(true);
    let _registered = exporter.register(&pipeline.provider.meter("plimsoll")).unwrap();
    let exported = pipeline.collect();
    assert_same(&as_series(&exported), &series(&exporter.scrape().text(Format::Prometheus)));
    assert!(exported.keys().all(|name| name.starts_with("plimsoll.")));

    let instances = &exported["plimsoll.pool.instance.count"];
    let states: BTreeSet<_> =
        instances.iter().map(|it| &*it.labels["pool.instance.state"]).collect();
    assert_eq!(states, BTreeSet::from(["used", "idle", "building", "retiring"]));
    for (name, is_monotonic, unit) in [
        ("plimsoll.queue.size", Some(false), "{item}"),
        ("plimsoll.queue.size.max", None, "{item}"),
        ("plimsoll.queue.blocked.time", Some(true), "s"),
        ("plimsoll.limit.usage.bytes", Some(false), "By"),
        ("plimsoll.limit.level", None, "1"),
        ("plimsoll.events.dropped", Some(true), "{event}"),
    ] {
        let point = &exported[name][0];
        assert_eq!((point.is_monotonic, &*point.unit), (is_monotonic, unit), "{name}");
    }
}

#[test]
fn what_leaves_the_registry_is_missing_from_the_next_collection() {
    let registry = Registry::new();
    let pipeline = Pipeline::new(None);
    let registered =
        Exporter::new(&registry).register(&pipeline.provider.meter("plimsoll")).unwrap();
    let gauge = |name: &'static str| registry.gauge(name, Watermarks::new(10)).unwrap();
    let (stays, leaves) = (gauge("stays"), gauge("leaves"));
    leaves.add(4);
    let sizes = || -> Vec<(String, f64)> {
        let exported = pipeline.collect();
        let points = exported.get("plimsoll.queue.size").cloned().unwrap_or_default();
        let mut sizes: Vec<_> =
            points.into_iter().map(|it| (it.labels["limit"].clone(), it.number)).collect();
        sizes.sort_by(|a, b| a.0.cmp(&b.0));
        sizes
    };
    assert_eq!(sizes(), [("leaves".into(), 4.0), ("stays".into(), 0.0)]);
    drop(leaves);
    stays.add(2);
    sleep(STALE);
    assert_eq!(sizes(), [("stays".into(), 2.0)]);
    drop(registered);
    assert_eq!(sizes(), [], "nothing is registered");
}

#[test]
fn a_callback_keeps_no_registry_alive() {
    let registry = Registry::new();
    let weak = registry.downgrade();
    let pipeline = Pipeline::new(None);
    let registered =
        Exporter::new(&registry).register(&pipeline.provider.meter("plimsoll")).unwrap();
    assert!(pipeline.collect().contains_key("plimsoll.events.delivered"));
    drop(registry);
    assert!(weak.upgrade().is_none());
    sleep(STALE);
    assert!(pipeline.collect().is_empty());
    drop(registered);
}

#[test]
fn a_registry_is_registered_once_at_a_time() {
    let (registry, other) = (Registry::new(), Registry::new());
    let pipeline = Pipeline::new(None);
    let register =
        |registry| Exporter::new(registry).register(&pipeline.provider.meter("plimsoll"));
    let registered = register(&registry).unwrap();
    assert_eq!(register(&registry).err(), Some(AlreadyRegistered));
    assert!(AlreadyRegistered.to_string().contains("one registration at a time"));
    drop(register(&other).unwrap());
    drop(registered);
    drop(register(&registry).unwrap());
}

#[test]
fn one_collection_reads_one_snapshot() {
    let registry = Registry::new();
    // A source that is asked by each snapshot.
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let read = move || count.fetch_add(1, Ordering::Relaxed) + 1;
    let _observed = registry.observe(Limit::queue("asked"), Watermarks::unbounded(), read).unwrap();
    let pipeline = Pipeline::new(None);
    let exporter = Exporter::new(&registry);
    let _registered = exporter.register(&pipeline.provider.meter("plimsoll")).unwrap();
    loop {
        sleep(STALE);
        let (began, asked_before) = (Instant::now(), asked.load(Ordering::Relaxed));
        let exported = pipeline.collect();
        // One that a busy machine holds up may need a second snapshot.
        if began.elapsed() < Duration::from_millis(100) {
            let [size, most] =
                ["plimsoll.queue.size", "plimsoll.queue.size.max"].map(|it| exported[it][0].number);
            assert_eq!(size, most, "read at one moment");
            assert_eq!(asked.load(Ordering::Relaxed), asked_before + 1);
            return;
        }
    }
}

#[test]
fn with_a_view_there_is_no_overflow() {
    const LIMITS: usize = 3_000;
    let registry = Registry::new();
    let gauge = |scope: usize| {
        let limit = Limit::queue("frames").scope(scope.to_string());
        registry.gauge(limit, Watermarks::new(10)).unwrap()
    };
    let gauges: Vec<_> = (0..LIMITS).map(gauge).collect();
    let sizes = |series_max| {
        let pipeline = Pipeline::new(series_max);
        let exporter = Exporter::new(&registry);
        let _registered = exporter.register(&pipeline.provider.meter("plimsoll")).unwrap();
        pipeline.collect().remove("plimsoll.queue.size").unwrap()
    };
    let is_overflow = |point: &Point| point.labels.contains_key("otel.metric.overflow");
    let all = sizes(Some(10_000));
    assert_eq!((all.len(), all.iter().filter(|it| is_overflow(it)).count()), (LIMITS, 0));
    // What the documentation of `register` warns of.
    let cut = sizes(None);
    assert_eq!((cut.len(), cut.iter().filter(|it| is_overflow(it)).count()), (2_001, 1));
    drop(gauges);
}
