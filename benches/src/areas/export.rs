//! What a scrape costs: 10,000 limits as text.

use std::hint::black_box;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use plimsoll::{Limit, Registry, TrackedGauge, Watermarks};
use plimsoll_export::{Exporter, Format};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry as ClientRegistry;

use crate::case::Case;

const LIMITS: usize = 10_000;

const BASELINE: &str = "prometheus-client encode";

pub(super) fn cases() -> Vec<Case> {
    let host = Rc::new(Host::new());
    let peer = client();
    assert_eq!(series(&host.text()), series(&encode(&peer)), "as many series");
    let (ours, collected) = (Rc::clone(&host), host.collector());
    let case = Case::new("text of 10,000 limits, 8 series each", "scrape", 1)
        .baseline(BASELINE, timed(move || encode(&peer)))
        .subject("plimsoll-export text", BASELINE, timed(move || ours.text()))
        .subject(
            "plimsoll-export in prometheus-client",
            BASELINE,
            timed(move || encode(&collected)),
        );
    vec![case]
}

fn timed(mut scrape: impl FnMut() -> String) -> impl FnMut(u64) -> Duration {
    move |times| {
        let start = Instant::now();
        for _ in 0..times {
            black_box(scrape());
        }
        start.elapsed()
    }
}

fn series(text: &str) -> usize {
    text.lines()
        .filter(|line| line.starts_with("plimsoll_queue") || line.starts_with("plimsoll_limit"))
        .count()
}

/// A host with a queue for each of its guests.
struct Host {
    registry: Registry,
    exporter: Exporter,
    _gauges: Vec<TrackedGauge>,
}

fn scope(number: usize) -> String {
    format!("guest-{number}")
}

impl Host {
    fn new() -> Self {
        let registry = Registry::new();
        let gauge = |number: usize| {
            let limit = Limit::queue("stdout_frames").scope(scope(number));
            let gauge = registry.gauge(limit, Watermarks::percent(1024, 80, 50));
            let gauge = gauge.expect("a name as any, and room for it");
            gauge.add(depth(number));
            gauge
        };
        let _gauges = (0..LIMITS).map(gauge).collect();
        Self { exporter: Exporter::new(&registry), registry, _gauges }
    }

    fn text(&self) -> String {
        self.exporter.scrape().text(Format::OpenMetrics)
    }

    fn collector(&self) -> ClientRegistry {
        let mut registry = ClientRegistry::default();
        registry.register_collector(Box::new(Exporter::new(&self.registry)));
        registry
    }
}

fn depth(number: usize) -> u64 {
    number as u64 % 1_000
}

type Labels = Vec<(&'static str, String)>;

fn labels(number: usize) -> Labels {
    let limit = ("limit", "stdout_frames".to_owned());
    vec![limit, ("category", "queue".to_owned()), ("scope", scope(number))]
}

/// The same numbers, kept by `prometheus-client`.
fn client() -> ClientRegistry {
    let mut registry = ClientRegistry::default();
    for (name, number) in [
        ("plimsoll_queue_size", depth as fn(usize) -> u64),
        ("plimsoll_queue_capacity", |_| 1024),
        ("plimsoll_queue_size_max", depth),
        ("plimsoll_queue_blocked_senders", |_| 0),
        ("plimsoll_limit_level", |number| u64::from(depth(number) > 819)),
    ] {
        let family = Family::<Labels, Gauge>::default();
        for limit in 0..LIMITS {
            family.get_or_create(&labels(limit)).set(number(limit) as i64);
        }
        registry.register(name, "As many as there are", family);
    }
    let raised = Family::<Labels, Counter>::default();
    let leveled = |limit| {
        let mut labels = labels(limit);
        labels.push(("level", "elevated".to_owned()));
        labels
    };
    for limit in 0..LIMITS {
        raised.get_or_create(&leveled(limit)).inc_by(u64::from(depth(limit) > 819));
    }
    registry.register("plimsoll_limit_raised", "Edges", raised);
    let seconds = |name: &str, labels: &dyn Fn(usize) -> Labels| {
        let family = Family::<Labels, Counter<f64, AtomicU64>>::default();
        for limit in 0..LIMITS {
            let is_raised = depth(limit) > 819 && name.contains("pressure");
            let time = if is_raised { 1.0 + limit as f64 / 1e6 } else { 0.0 };
            family.get_or_create(&labels(limit)).inc_by(time);
        }
        family
    };
    let blocked = seconds("plimsoll_queue_blocked_seconds", &labels);
    registry.register("plimsoll_queue_blocked_seconds", "Seconds", blocked);
    let pressure = seconds("plimsoll_limit_pressure_seconds", &leveled);
    registry.register("plimsoll_limit_pressure_seconds", "Seconds", pressure);
    registry
}

fn encode(registry: &ClientRegistry) -> String {
    let mut out = String::new();
    text::encode(&mut out, registry).expect("a String takes everything");
    out
}
