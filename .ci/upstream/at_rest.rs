//! The registry of the process, and what must hold of it at the end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::{Level, Limit, PressureRule, Registry};

/// The last event's number and level, of each channel that was ever raised.
static LEVELS: LazyLock<Mutex<HashMap<String, (u64, Level)>>> = LazyLock::new(Mutex::default);

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let registry = Registry::builder()
        .max_entries(1 << 20)
        .pressure(PressureRule::IMMEDIATE)
        .build()
        .expect("a sound registry");
    registry.set_handler(|event| {
        let channel = event.instance().expect("each channel has a number").to_owned();
        let mut levels = LEVELS.lock().unwrap_or_else(PoisonError::into_inner);
        let last = levels.entry(channel).or_insert((0, Level::Normal));
        // Events of two threads may overtake each other.
        *last = (*last).max((event.sequence, event.level));
    });
    thread::spawn(look_on);
    registry
});

/// A number that no other channel has. Every second channel counts what goes through.
pub fn limit(kind: &'static str) -> Limit {
    static CHANNELS: AtomicU64 = AtomicU64::new(0);
    let number = CHANNELS.fetch_add(1, Relaxed);
    let limit = Limit::queue(kind).instance(number.to_string());
    if number % 2 == 0 { limit } else { limit.flow_totals() }
}

pub fn registry() -> &'static Registry {
    &REGISTRY
}

/// Holds every snapshot to what must always be so.
fn look_on() {
    loop {
        for entry in REGISTRY.snapshot().entries() {
            let is_right = entry.depth <= entry.high_water
                && entry.capacity().is_none_or(|capacity| entry.high_water <= capacity);
            if !is_right {
                eprintln!("a snapshot is wrong: {entry:?}");
                std::process::abort();
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits a little for `is_so`: what a test has left behind may still run.
pub fn comes_true(is_so: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

/// With all tests done: no channel is left but the `kept` ones, which tests leak, each of them at the
/// level that fits its depth; and all that was raised was cleared.
pub fn assert_at_rest(kept: usize) {
    let entries = || REGISTRY.snapshot().entries().to_vec();
    let left = || entries().into_iter().filter(|entry| entry.name() != "never").collect::<Vec<_>>();
    assert!(comes_true(|| left().len() <= kept), "left behind: {:#?}", left());
    let raised = || {
        let levels = LEVELS.lock().unwrap_or_else(PoisonError::into_inner);
        let raised = levels.iter().filter(|(_, (_, level))| *level != Level::Normal);
        raised.map(|(channel, _)| channel.clone()).collect::<Vec<_>>()
    };
    let is_agreed = || {
        raised().iter().all(|channel| {
            left().iter().any(|entry| {
                entry.instance() == Some(channel.as_str()) && entry.level != Level::Normal
            })
        })
    };
    assert!(comes_true(is_agreed), "raised and never cleared: {:?}", raised());
    let told = LEVELS.lock().unwrap_or_else(PoisonError::into_inner).len();
    println!("at rest: {} channels left, {told} were raised and cleared", left().len());
}
