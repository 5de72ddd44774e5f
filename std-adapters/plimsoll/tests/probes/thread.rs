//! The thread that samples: it ends with its handle, and what subscribers do to it harms nobody.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::probes::{ProbeLimit, Probes, SamplerThread};
use plimsoll::{EventKind, Registry};

use super::tree::Tree;
use super::{SERVICE, V2, probes};

/// The kinds of the events from now on.
pub(crate) fn kinds(registry: &Registry) -> Arc<Mutex<Vec<EventKind>>> {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = events.clone();
    // It is to stay for as long as the registry.
    std::mem::forget(registry.subscribe(move |event| sink.lock().unwrap().push(event.kind())));
    events
}

fn quick(tree: &Tree, registry: &Registry) -> Probes {
    let builder = Probes::builder().root(tree.root()).period(Duration::from_millis(10));
    builder.build(registry).unwrap()
}

/// Waits until it is so, for as long as a busy machine may take.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Writes a stall of the processor, in whole percent. A reader sees it whole or not at all.
fn stall(tree: &Tree, percent: u8) {
    let text = format!("some avg10={percent}.00 avg60=0.00 avg300=0.00 total=0\n");
    tree.write("next", text);
    std::fs::rename(tree.at("next"), tree.at(&format!("{SERVICE}/cpu.pressure"))).unwrap();
}

#[test]
fn the_thread_samples_until_its_handle_is_dropped() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = quick(&tree, &registry);
    let sampler = probes.spawn_thread().unwrap();
    stall(&tree, 30);
    until("a sample", || probes.value(ProbeLimit::CpuStallUs) == Some(300_000));
    drop(sampler);
    stall(&tree, 40);
    let later = probes.clone();
    drop(probes);
    assert_eq!(later.value(ProbeLimit::CpuStallUs), Some(300_000), "the thread has ended");
    assert_eq!(registry.snapshot().entries().len(), ProbeLimit::ALL.len());
    drop(later);
    assert!(registry.snapshot().entries().is_empty(), "the thread has left nothing");
}

#[test]
fn a_subscriber_that_panics_ends_no_thread() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = quick(&tree, &registry);
    let _subscription = registry.subscribe(|_| panic!("a subscriber panics"));
    let _sampler = probes.spawn_thread().unwrap();
    for percent in [90, 10, 91, 11] {
        stall(&tree, percent);
        let value = u64::from(percent) * 10_000;
        until("a sample", || probes.value(ProbeLimit::CpuStallUs) == Some(value));
    }
    until("the panics are counted", || registry.stats().panicked >= 1);
}

#[test]
fn a_subscriber_may_sample_and_drop_the_thread() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = quick(&tree, &registry);
    let place: Arc<Mutex<Option<SamplerThread>>> = Arc::default();
    let was_dropped = Arc::new(AtomicBool::new(false));
    let (taken, done, inside) = (place.clone(), was_dropped.clone(), probes.clone());
    let _subscription = registry.subscribe(move |_| {
        inside.sample();
        let sampler = taken.lock().unwrap().take();
        if sampler.is_some() {
            drop(sampler);
            done.store(true, Ordering::SeqCst);
        }
    });
    *place.lock().unwrap() = Some(probes.spawn_thread().unwrap());
    stall(&tree, 95);
    until("the subscriber has dropped the handle", || was_dropped.load(Ordering::SeqCst));
    assert_eq!(probes.value(ProbeLimit::CpuStallUs), Some(950_000));
}

#[test]
fn samples_of_many_threads_end_at_what_is_there() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    thread::scope(|scope| {
        for number in 0..4_u64 {
            let (probes, tree) = (&probes, &tree);
            scope.spawn(move || {
                for turn in 0..25 {
                    let bytes = (1 << 30) + (number << 20) + turn;
                    tree.write(&format!("next-{number}"), format!("{bytes}\n"));
                    let (from, to) = (format!("next-{number}"), format!("{SERVICE}/memory.max"));
                    std::fs::rename(tree.at(&from), tree.at(&to)).unwrap();
                    probes.sample();
                }
            });
        }
    });
    assert_eq!(probes.sample(), []);
    assert_eq!(registry.snapshot().entries().len(), ProbeLimit::ALL.len(), "each is listed once");
    let capacity = probes.capacity(ProbeLimit::CgroupMemoryBytes);
    assert_eq!(super::listed(&registry, ProbeLimit::CgroupMemoryBytes)[0].1, capacity);
}
