//! Many gauges that can be read all at once, each library in its own way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crossbeam_utils::CachePadded;
use metrics_util::debugging::{DebuggingRecorder, Snapshotter};
use plimsoll::{Limit, Registry, TrackedGauge, Watermarks};
use prometheus::core::Collector;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge as ClientGauge;

/// Many gauges that can be read all at once.
pub(super) trait Board: Sync + 'static {
    /// One enqueue and one dequeue.
    fn record(&self, gauge: usize);
    /// Reads all gauges, and answers how many there were.
    fn snapshot(&self) -> usize;
}

/// The least that there can be: words in a row, read under a lock.
pub(super) struct Atomics {
    depths: Vec<CachePadded<AtomicU64>>,
    readers: Mutex<()>,
}

impl Atomics {
    pub(super) fn new(gauges: usize) -> Atomics {
        let depths = (0..gauges).map(|_| CachePadded::new(AtomicU64::new(0))).collect();
        Atomics { depths, readers: Mutex::new(()) }
    }
}

impl Board for Atomics {
    fn record(&self, gauge: usize) {
        // AcqRel, as the gauge area's floor has it.
        self.depths[gauge].fetch_add(1, Ordering::AcqRel);
        self.depths[gauge].fetch_sub(1, Ordering::AcqRel);
    }

    fn snapshot(&self) -> usize {
        let _one_at_a_time = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // Relaxed: each word is its own message.
        let read = |depth: &CachePadded<AtomicU64>| depth.load(Ordering::Relaxed);
        self.depths.iter().map(read).collect::<Vec<_>>().len()
    }
}

/// Counted gauges in a [`Registry`].
pub(super) struct Plimsoll {
    gauges: Vec<TrackedGauge>,
    registry: Registry,
}

impl Plimsoll {
    pub(super) fn new(gauges: usize) -> Plimsoll {
        let registry = Registry::new();
        let register = |number: usize| {
            let limit = Limit::queue("javascript_event_channel").scope(number.to_string());
            registry.gauge(limit, Watermarks::new(1024)).expect("a good limit")
        };
        Plimsoll { gauges: (0..gauges).map(register).collect(), registry }
    }
}

impl Board for Plimsoll {
    fn record(&self, gauge: usize) {
        self.gauges[gauge].add(1);
        self.gauges[gauge].sub(1);
    }

    fn snapshot(&self) -> usize {
        self.registry.snapshot().entries().len()
    }
}

/// The `metrics` facade over a recorder that can be asked for everything.
pub(super) struct Facade {
    gauges: Vec<metrics::Gauge>,
    snapshotter: Snapshotter,
}

impl Facade {
    pub(super) fn new(gauges: usize) -> Facade {
        let recorder = DebuggingRecorder::new();
        let register = |number: usize| metrics::gauge!("depth", "guest" => number.to_string());
        let gauges =
            metrics::with_local_recorder(&recorder, || (0..gauges).map(register).collect());
        Facade { gauges, snapshotter: recorder.snapshotter() }
    }
}

impl Board for Facade {
    fn record(&self, gauge: usize) {
        self.gauges[gauge].increment(1.0);
        self.gauges[gauge].decrement(1.0);
    }

    fn snapshot(&self) -> usize {
        self.snapshotter.snapshot().into_vec().len()
    }
}

/// `prometheus`: a vector of gauges, gathered.
pub(super) struct Prometheus {
    gauges: Vec<prometheus::IntGauge>,
    family: prometheus::IntGaugeVec,
}

impl Prometheus {
    pub(super) fn new(gauges: usize) -> Prometheus {
        let options = prometheus::Opts::new("depth", "depth");
        let family = prometheus::IntGaugeVec::new(options, &["guest"]).expect("good names");
        let register = |number: usize| family.with_label_values(&[number.to_string()]);
        Prometheus { gauges: (0..gauges).map(register).collect(), family }
    }
}

impl Board for Prometheus {
    fn record(&self, gauge: usize) {
        self.gauges[gauge].inc();
        self.gauges[gauge].dec();
    }

    fn snapshot(&self) -> usize {
        self.family.collect().iter().map(|family| family.get_metric().len()).sum()
    }
}

/// `prometheus-client`: a family of gauges, which can be read as text only.
pub(super) struct Client {
    gauges: Vec<ClientGauge>,
    registry: prometheus_client::registry::Registry,
}

impl Client {
    pub(super) fn new(gauges: usize) -> Client {
        let family = Family::<Vec<(&str, String)>, ClientGauge>::default();
        let register =
            |number: usize| family.get_or_create_owned(&vec![("guest", number.to_string())]);
        let gauges = (0..gauges).map(register).collect();
        let mut registry = prometheus_client::registry::Registry::default();
        registry.register("depth", "depth", family);
        Client { gauges, registry }
    }
}

impl Board for Client {
    fn record(&self, gauge: usize) {
        self.gauges[gauge].inc();
        self.gauges[gauge].dec();
    }

    fn snapshot(&self) -> usize {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("a String takes everything");
        text.lines().filter(|line| !line.starts_with('#')).count()
    }
}
