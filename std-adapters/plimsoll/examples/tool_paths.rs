//! Runs one hot path of gauges, keep-alive, ledgers or snapshots a number of times, so that its
//! instructions can be counted: `tool_paths PATH TIMES`. Without arguments it lists the paths.
//! `.ci/instructions` compares what they cost with `tool_paths.txt` beside it.

#[path = "../../../core/examples/hot_path/mod.rs"]
mod hot_path;

use std::hint::black_box;
use std::process::ExitCode;

use hot_path::HotPath;
use plimsoll::channel::{crossbeam, mpsc, tokio as tracked};
use plimsoll::keepalive::{Watch, Watcher};
use plimsoll::ledger::{LedgerSettings, PeakLedger, PrincipalId, Seed, SumLedger};
use plimsoll::{Limit, Registry, Watermarks};

const PATHS: [HotPath; 17] = [
    ("gauge_add_sub", gauge_add_sub),
    ("gauge_permit", gauge_permit),
    ("gauge_reading", gauge_reading),
    ("recorded_gauge", recorded_gauge),
    ("keepalive_notify", keepalive_notify),
    ("ledger_hit", ledger_hit),
    ("ledger_hit_number", ledger_hit_number),
    ("ledger_principal", ledger_principal),
    ("ledger_turned_away", ledger_turned_away),
    ("ledger_top_10", ledger_top_10),
    ("ledger_sum_hit", ledger_sum_hit),
    ("snapshot_empty", |times| snapshots(&Registry::new(), times)),
    ("snapshot_gauges_100", |times| snapshot_gauges(100, times)),
    ("snapshot_window_100", snapshot_window),
    ("snapshot_crossbeam_100", snapshot_crossbeam),
    ("snapshot_sync_100", snapshot_sync),
    ("snapshot_tokio_100", snapshot_tokio),
];

const CAPACITY: usize = 1024;

/// Limits of a registry that is read.
const LISTED: usize = 100;

/// Principals of a ledger that is full.
const TRACKED: u64 = 4_096;

fn main() -> ExitCode {
    hot_path::main_of("tool_paths", &PATHS)
}

fn watermarks() -> Watermarks {
    Watermarks::new(CAPACITY as u64)
}

fn scoped(number: usize) -> Limit {
    Limit::queue("replies").scope(number.to_string())
}

fn gauge_add_sub(times: u64) {
    let gauge = Registry::new().gauge("sockets", watermarks()).expect("a sound limit");
    for _ in 0..times {
        black_box(&gauge).add(black_box(1));
        black_box(&gauge).sub(black_box(1));
    }
}

fn gauge_permit(times: u64) {
    let gauge = Registry::new().gauge("sockets", watermarks()).expect("a sound limit");
    for _ in 0..times {
        drop(black_box(black_box(&gauge).permit(black_box(1))));
    }
}

fn gauge_reading(times: u64) {
    let gauge = Registry::new().gauge("sockets", watermarks()).expect("a sound limit");
    gauge.add(3);
    for _ in 0..times {
        black_box(black_box(&gauge).reading());
    }
}

fn recorded_gauge(times: u64) {
    let gauge = Registry::new().recorded_gauge("heap", watermarks()).expect("a sound limit");
    for n in 0..times {
        black_box(&gauge).record(black_box(n % 8));
    }
}

/// The watcher is not driven: all notifications are in one tick.
fn keepalive_notify(times: u64) {
    let watcher = Watcher::builder().build(&Registry::new()).expect("sound settings");
    let guest = watcher.watch(Watch::new("guest-7", "run-1")).expect("room for one");
    for _ in 0..times {
        black_box(&guest).notify();
    }
}

/// An id of 20 bytes.
fn id(number: u64) -> String {
    format!("tenant-7/guest-{number:05}")
}

fn ids() -> Vec<String> {
    (0..1_000).map(id).collect()
}

/// Without chance: two runs place the principals alike.
fn settings() -> LedgerSettings {
    LedgerSettings::new(TRACKED as usize).seed(Seed::new(17, 4))
}

/// A ledger of peaks without a free slot, in which all ids have 2, and others 1 or 2.
fn full_of_peaks() -> PeakLedger {
    let ledger = Registry::new().peak_ledger("heaps", settings()).expect("a sound limit");
    for number in 0u64.. {
        if number % 1_000 == 0 && ledger.floor() > 0 {
            break;
        }
        ledger.record(number, 1).expect("a number is an id");
    }
    for id in ids() {
        ledger.record(&*id, 2).expect("a sound id");
    }
    ledger
}

fn ledger_hit(times: u64) {
    let (ledger, ids) = (full_of_peaks(), ids());
    for step in 0..times as usize {
        black_box(ledger.record(&*ids[step % ids.len()], black_box(1)).is_ok());
    }
}

/// The same for principals that are numbers.
fn ledger_hit_number(times: u64) {
    let ledger = full_of_peaks();
    for number in 1_000_000..1_001_000u64 {
        ledger.record(number, 2).expect("a number is an id");
    }
    for step in 0..times {
        black_box(ledger.record(1_000_000 + step % 1_000, black_box(1)).is_ok());
    }
}

fn ledger_principal(times: u64) {
    let ledger = full_of_peaks();
    let mut principal = ledger.principal(&*id(7)).expect("a sound id");
    for _ in 0..times {
        black_box(principal.record(black_box(1)));
    }
}

fn ledger_turned_away(times: u64) {
    let ledger = full_of_peaks();
    let newcomers: Vec<_> = (10_000..11_000).map(id).collect();
    for step in 0..times as usize {
        black_box(ledger.record(&*newcomers[step % newcomers.len()], black_box(1)).is_ok());
    }
}

/// The ten largest of all that are tracked.
fn ledger_top_10(times: u64) {
    let ledger = full_of_peaks();
    for place in 0..TRACKED {
        // In no order that helps: each number once.
        let number = place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        ledger.record(place, 2 + number % 100_000).expect("a number is an id");
    }
    let mut buffer = [plimsoll::ledger::Entry::NONE; 10];
    for _ in 0..times {
        black_box(ledger.top(&mut buffer).entries().len());
    }
}

fn ledger_sum_hit(times: u64) {
    let ledger: SumLedger = Registry::new().sum_ledger("fuel", settings()).expect("a sound limit");
    let ids = ids();
    for id in &ids {
        ledger.record(&**id, 1_000).expect("a sound id");
    }
    for step in 0..times as usize {
        let id = PrincipalId::new(&ids[step % ids.len()]).expect("a sound id");
        black_box(ledger.record(id, black_box(1)).is_ok());
    }
}

fn snapshots(registry: &Registry, times: u64) {
    for _ in 0..times {
        drop(black_box(black_box(registry).snapshot()));
    }
}

fn snapshot_gauges(count: usize, times: u64) {
    let registry = Registry::new();
    let register = |number| registry.gauge(scoped(number), watermarks()).expect("a sound limit");
    let gauges: Vec<_> = (0..count).map(register).collect();
    gauges.iter().for_each(|gauge| gauge.add(3));
    snapshots(&registry, times);
}

/// With the high-water marks since the last one.
fn snapshot_window(times: u64) {
    let registry = Registry::new();
    let register = |number| registry.gauge(scoped(number), watermarks()).expect("a sound limit");
    let _gauges: Vec<_> = (0..LISTED).map(register).collect();
    for _ in 0..times {
        drop(black_box(black_box(&registry).snapshot_window()));
    }
}

fn snapshot_crossbeam(times: u64) {
    let registry = Registry::new();
    let register = |number| crossbeam::bounded(&registry, scoped(number), CAPACITY);
    let channels: Vec<_> = (0..LISTED).map(|n| register(n).expect("a sound limit")).collect();
    channels.iter().for_each(|(tx, _)| tx.send(1).expect("room"));
    snapshots(&registry, times);
}

fn snapshot_sync(times: u64) {
    let registry = Registry::new();
    let register = |number| mpsc::sync_channel(&registry, scoped(number), CAPACITY);
    let channels: Vec<_> = (0..LISTED).map(|n| register(n).expect("a sound limit")).collect();
    channels.iter().for_each(|(tx, _)| tx.send(1).expect("room"));
    snapshots(&registry, times);
}

fn snapshot_tokio(times: u64) {
    let registry = Registry::new();
    let register = |number| tracked::channel(&registry, scoped(number), CAPACITY);
    let channels: Vec<_> = (0..LISTED).map(|n| register(n).expect("a sound limit")).collect();
    channels.iter().for_each(|(tx, _)| tx.try_send(1).expect("room"));
    snapshots(&registry, times);
}
