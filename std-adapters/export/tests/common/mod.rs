//! A registry with everything in it, and how texts are compared.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use plimsoll::channel::crossbeam::{self as tracked, Receiver, Sender};
use plimsoll::keepalive::{FakeClock, KeepAlive, Watch, Watcher};
use plimsoll::ledger::{PeakLedger, SumLedger};
use plimsoll::pool::{Isolation, Manager, OwnedLease, Pool};
use plimsoll::{History, Limit, Registry, TrackedGauge, Watermarks};

pub(crate) struct Buffers;

impl Manager for Buffers {
    type Object = Vec<u8>;
    type Error = Infallible;

    async fn create(&self) -> Result<Vec<u8>, Infallible> {
        Ok(Vec::new())
    }
}

/// What is registered, in numbers that do not depend on the time.
pub(crate) struct Everything {
    pub(crate) registry: Registry,
    pub(crate) gauges: Vec<TrackedGauge>,
    pub(crate) channel: (Sender<u8>, Receiver<u8>),
    pub(crate) history: History,
    pub(crate) peaks: PeakLedger,
    pub(crate) sums: SumLedger,
    pub(crate) pool: Pool<Buffers>,
    pub(crate) lease: OwnedLease<Buffers>,
    pub(crate) watcher: Watcher,
    pub(crate) guests: Vec<KeepAlive>,
}

/// Text that breaks lines, quotes and terminals wherever it is not escaped.
pub(crate) const HOSTILE: &str = "a\"b\\c\\n{d}=e,f # é";

pub(crate) fn everything() -> Everything {
    let registry = Registry::new();
    let gauge = |limit: Limit, watermarks: Watermarks, depth: u64, now: u64| {
        let gauge = registry.gauge(limit, watermarks).unwrap();
        gauge.set(depth);
        gauge.set(now);
        gauge
    };
    let gauges = vec![
        gauge(Limit::queue("stdout_frames"), Watermarks::percent(100, 80, 50), 91, 85),
        gauge(Limit::queue("stdout_frames"), Watermarks::unbounded(), 7, 3),
        gauge(Limit::queue("stdout_frames").scope(HOSTILE), Watermarks::new(10), 10, 10),
        gauge(Limit::queue("stdin_bytes"), Watermarks::new(4096), 512, 256),
        gauge(Limit::resource("9lives").scope("cat"), Watermarks::new(9), 9, 1),
        gauge(Limit::resource("vm_filesystem_bytes"), Watermarks::new(1 << 45), 1 << 44, 1 << 43),
        gauge(Limit::memory("v8_heap"), Watermarks::new(1 << 30), 3, 2),
        gauge(Limit::cpu("v8_cpu_time_ms"), Watermarks::new(30_000), 1_500, 1_250),
    ];
    let limit = Limit::queue("replies").flow_totals();
    let channel = tracked::bounded(&registry, limit, 2).unwrap();
    channel.0.send(1).unwrap();
    channel.0.send(2).unwrap();
    assert!(channel.0.try_send(3).is_err());
    channel.1.recv().unwrap();
    let peaks = registry.peak_ledger(Limit::memory("guest_memory"), 64).unwrap();
    for guest in 0..12_u64 {
        peaks.record(&*format!("guest-{guest}"), 1_000 * (guest + 1)).unwrap();
    }
    peaks.record(HOSTILE, 1 << 40).unwrap();
    let sums = registry.sum_ledger(Limit::cpu("wasm_fuel").scope("eu"), 64).unwrap();
    sums.record(7_u64, 500).unwrap();
    sums.record(7_u64, 600).unwrap();
    sums.record(8_u64, 40).unwrap();
    let pool = Pool::builder(Buffers)
        .max(4)
        .objects([Vec::new(), Vec::new()])
        .isolation(Isolation::Shared)
        .registry(&registry, Limit::resource("interpreters"))
        .build()
        .unwrap();
    let principal = pool.principal("acme").unwrap();
    let lease = pool.checkout_blocking(&principal).unwrap().into_owned();
    let clock = FakeClock::default();
    let watcher = Watcher::builder().clock(clock.clone()).build(&registry).unwrap();
    let window = Duration::from_millis(100);
    let watch = |run| watcher.watch(Watch::new("guest-1", run).window(window)).unwrap();
    let guests = vec![watch("r1"), watch("r2")];
    for _ in 0..40 {
        guests[0].notify();
        let _ = watcher.step();
        clock.advance(Duration::from_millis(5));
    }
    let _ = watcher.step();
    let history = registry.history();
    for second in 0..=61 {
        gauges[0].set(85 + second % 5);
        assert!(history.tick(Duration::from_secs(second)));
    }
    gauges[0].set(85);
    Everything { registry, gauges, channel, history, peaks, sums, pool, lease, watcher, guests }
}

/// The series of a text: names with their labels in order, and numbers. Panics on a line that is none,
/// and on a series that is there twice.
pub(crate) fn series(text: &str) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, number) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no series: {line}"));
        let number = match number {
            "+Inf" => f64::INFINITY,
            number => number.parse().unwrap_or_else(|_| panic!("no number: {line}")),
        };
        let before = all.insert(with_sorted_labels(name), number);
        assert_eq!(before, None, "twice: {line}");
    }
    all
}

fn with_sorted_labels(series: &str) -> String {
    let Some((name, labels)) = series.split_once('{') else {
        return series.to_owned();
    };
    let mut rest = labels.strip_suffix('}').unwrap_or_else(|| panic!("not closed: {series}"));
    let mut labels = Vec::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{series}"));
        let mut is_escaped = false;
        let end = after.find(|c| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        });
        let (value, after) = after.split_at(end.unwrap_or_else(|| panic!("{series}")));
        // Bounds of buckets are written as numbers of one kind or another.
        let value = match (label, value.parse::<f64>()) {
            ("le", Ok(bound)) if bound.is_finite() => bound.to_string(),
            _ => value.to_owned(),
        };
        labels.push(format!("{label}=\"{value}\""));
        rest = after[1..].trim_start_matches(',');
    }
    labels.sort();
    format!("{name}{{{}}}", labels.join(","))
}

/// Families whose numbers grow while nothing happens.
pub(crate) const GROWING: [&str; 2] =
    ["plimsoll_limit_pressure_seconds_total", "plimsoll_queue_oldest_age_seconds"];

/// Asserts that both are the same, but for the time between them; says in what they differ.
pub(crate) fn assert_same(one: &BTreeMap<String, f64>, other: &BTreeMap<String, f64>) {
    let differs = |(name, number): (&String, &f64), than: &BTreeMap<String, f64>| {
        let slack = if GROWING.iter().any(|it| name.starts_with(it)) { 60.0 } else { 0.0 };
        let is_same = than.get(name).is_some_and(|it| (it - number).abs() <= slack);
        (!is_same).then(|| format!("{name} {number}"))
    };
    let first: Vec<_> = one.iter().filter_map(|it| differs(it, other)).take(5).collect();
    let second: Vec<_> = other.iter().filter_map(|it| differs(it, one)).take(5).collect();
    assert!(first.is_empty() && second.is_empty(), "{first:#?}\nis not\n{second:#?}");
}
