//! One enqueue and one dequeue, as a gauge sees them; all threads share one gauge, far below its
//! watermark.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use metrics_util::debugging::DebuggingRecorder;
use plimsoll::{Gauge, SampledGauge, Watermarks};

use crate::case::Case;
use crate::peers::in_use::InUseGauge;
use crate::threads::{Job, together};

/// The capacity that every gauge is told.
const CAPACITY: u64 = 1024;
const FLOOR: &str = "fetch_add+fetch_sub";

pub(super) fn cases() -> Vec<Case> {
    [1, 2].map(case).into()
}

fn case(threads: usize) -> Case {
    Case::new("one enqueue + one dequeue", "pair, as a thread sees it", threads)
        .baseline(FLOOR, floor(threads))
        .subject("plimsoll Gauge: add + sub", FLOOR, counted(threads))
        .subject("plimsoll Gauge: permit + release", FLOOR, permit(threads))
        .subject("plimsoll SampledGauge: one look", FLOOR, sampled(threads))
        .subject("design in use", FLOOR, in_use(threads))
        .subject("metrics, real recorder", FLOOR, facade(threads))
        .subject("prometheus IntGauge", FLOOR, prometheus(threads))
        .subject("prometheus-client Gauge", FLOOR, prometheus_client(threads))
        .subject("fast-telemetry Counter, sharded", FLOOR, fast_telemetry(threads))
        .subject("contatori Signed, sharded", FLOOR, contatori(threads))
}

fn floor(threads: usize) -> impl FnMut(u64) -> Duration {
    let depth = CachePadded::new(AtomicU64::new(0));
    repeat(threads, move || {
        // AcqRel as any gauge needs it that is to order itself against its queue.
        let before = depth.fetch_add(1, Ordering::AcqRel);
        before ^ depth.fetch_sub(1, Ordering::AcqRel)
    })
}

fn counted(threads: usize) -> impl FnMut(u64) -> Duration {
    let gauge = CachePadded::new(Gauge::new(Watermarks::new(CAPACITY)));
    repeat(threads, move || {
        let raised = gauge.add(1).is_some();
        u64::from(raised | gauge.sub(1).is_some())
    })
}

fn permit(threads: usize) -> impl FnMut(u64) -> Duration {
    let gauge = CachePadded::new(Gauge::new(Watermarks::new(CAPACITY)));
    repeat(threads, move || {
        let (permit, edge) = gauge.permit(1);
        u64::from(edge.is_some() | permit.release().is_some())
    })
}

fn sampled(threads: usize) -> impl FnMut(u64) -> Duration {
    let depth = CachePadded::new(AtomicU64::new(CAPACITY / 4));
    let gauge = CachePadded::new(SampledGauge::new(Watermarks::new(CAPACITY)));
    // Relaxed: nobody moves it.
    repeat(threads, move || {
        u64::from(gauge.observe_with(|| depth.load(Ordering::Relaxed)).is_some())
    })
}

fn in_use(threads: usize) -> impl FnMut(u64) -> Duration {
    let gauge = CachePadded::new(InUseGauge::new(CAPACITY as usize));
    repeat(threads, move || {
        let warned = gauge.enqueue().is_some();
        u64::from(warned | gauge.dequeue().is_some())
    })
}

fn facade(threads: usize) -> impl FnMut(u64) -> Duration {
    let recorder = DebuggingRecorder::new();
    let gauge = metrics::with_local_recorder(&recorder, || metrics::gauge!("depth"));
    repeat(threads, move || {
        gauge.increment(1.0);
        gauge.decrement(1.0);
        0
    })
}

fn prometheus(threads: usize) -> impl FnMut(u64) -> Duration {
    let gauge = prometheus::IntGauge::new("depth", "depth").expect("a good name");
    repeat(threads, move || {
        gauge.inc();
        gauge.dec();
        0
    })
}

fn prometheus_client(threads: usize) -> impl FnMut(u64) -> Duration {
    let gauge = prometheus_client::metrics::gauge::Gauge::<i64>::default();
    repeat(threads, move || (gauge.inc() ^ gauge.dec()) as u64)
}

/// A part of the sum for each thread: no thread knows the depth, so that there is neither a watermark
/// nor a high-water mark.
fn fast_telemetry(threads: usize) -> impl FnMut(u64) -> Duration {
    let counter = fast_telemetry::Counter::new(64);
    repeat(threads, move || {
        counter.add(1);
        counter.add(-1);
        0
    })
}

/// As the one before.
fn contatori(threads: usize) -> impl FnMut(u64) -> Duration {
    let counter = contatori::counters::signed::Signed::new();
    repeat(threads, move || {
        counter.add(1);
        counter.sub(1);
        0
    })
}

/// Every thread does the operation as often as asked. Each answers a number, so that no answer is
/// left uncomputed.
fn repeat(
    threads: usize,
    operation: impl Fn() -> u64 + Send + Sync + 'static,
) -> impl FnMut(u64) -> Duration {
    move |times| {
        let work = || {
            black_box((0..times).fold(0, |sum: u64, _| sum.wrapping_add(operation())));
        };
        if threads == 1 {
            let start = Instant::now();
            work();
            return start.elapsed();
        }
        together((0..threads).map(|_| Box::new(&work) as Job<'_>).collect())
    }
}
