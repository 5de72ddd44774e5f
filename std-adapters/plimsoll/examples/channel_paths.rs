//! Runs one path of a tracked channel a number of times, so that its instructions can be counted:
//! `channel_paths PATH TIMES`. Without arguments it lists the paths. `.ci/instructions` compares what
//! they cost with `channel_paths.txt` beside it.
//!
//! A round is one send and one receive on one thread. Those named `_raw` are upstream's own channel.

#[path = "../../../core/examples/hot_path/mod.rs"]
mod hot_path;

use std::future::Future;
use std::hint::black_box;
use std::process::ExitCode;

use hot_path::HotPath;
use plimsoll::channel::{crossbeam, mpsc, tokio as tracked};
use plimsoll::{Limit, Registry};
use tokio::sync::mpsc as upstream;

const PATHS: [HotPath; 14] = [
    ("crossbeam_raw", crossbeam_raw),
    ("crossbeam", |times| crossbeam_round(plain(), times)),
    ("crossbeam_totals", |times| crossbeam_round(with_totals(), times)),
    ("crossbeam_reading", |times| crossbeam_reading(plain(), times)),
    ("sync_channel_raw", sync_channel_raw),
    ("sync_channel", |times| sync_channel_round(plain(), times)),
    ("sync_channel_totals", |times| sync_channel_round(with_totals(), times)),
    ("sync_channel_reading", sync_channel_reading),
    ("tokio_raw", tokio_raw),
    ("tokio", |times| tokio_round(plain(), times)),
    ("tokio_totals", |times| tokio_round(with_totals(), times)),
    ("tokio_try", tokio_try),
    ("tokio_unbounded", tokio_unbounded),
    ("tokio_reading", tokio_reading),
];

const CAPACITY: usize = 1024;

fn main() -> ExitCode {
    hot_path::main_of("channel_paths", &PATHS)
}

/// One send and one receive, so many times; with `await` as a task.
macro_rules! round {
    ($times:ident, $tx:ident, $rx:ident $(, $await:ident)?) => {
        for n in 0..$times {
            $tx.send(black_box(n))$(.$await)?.expect("a receiver");
            black_box($rx.recv()$(.$await)?.expect("an item"));
        }
    };
}

/// Readings of a channel with an item in it.
macro_rules! readings {
    ($times:ident, $tx:ident, $send:ident) => {
        $tx.$send(1).expect("room");
        for _ in 0..$times {
            black_box(&$tx.reading());
        }
    };
}

fn plain() -> Limit {
    Limit::queue("replies")
}

fn with_totals() -> Limit {
    plain().flow_totals()
}

/// Drives futures that never wait.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        // Without the budget of a task, which would add a pause now and then.
        .block_on(tokio::task::unconstrained(future))
}

fn crossbeam_raw(times: u64) {
    let (tx, rx) = crossbeam_channel::bounded(CAPACITY);
    round!(times, tx, rx);
}

fn crossbeam_round(limit: Limit, times: u64) {
    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded(&registry, limit, CAPACITY).expect("a sound limit");
    round!(times, tx, rx);
}

fn crossbeam_reading(limit: Limit, times: u64) {
    let registry = Registry::new();
    let (tx, _rx) = crossbeam::bounded(&registry, limit, CAPACITY).expect("a sound limit");
    readings!(times, tx, send);
}

fn sync_channel_raw(times: u64) {
    let (tx, rx) = std::sync::mpsc::sync_channel(CAPACITY);
    round!(times, tx, rx);
}

fn sync_channel_round(limit: Limit, times: u64) {
    let registry = Registry::new();
    let (tx, rx) = mpsc::sync_channel(&registry, limit, CAPACITY).expect("a sound limit");
    round!(times, tx, rx);
}

fn sync_channel_reading(times: u64) {
    let registry = Registry::new();
    let (tx, _rx) = mpsc::sync_channel(&registry, plain(), CAPACITY).expect("a sound limit");
    readings!(times, tx, send);
}

fn tokio_raw(times: u64) {
    block_on(async {
        let (tx, mut rx) = upstream::channel(CAPACITY);
        round!(times, tx, rx, await);
    });
}

fn tokio_round(limit: Limit, times: u64) {
    let registry = Registry::new();
    let (tx, mut rx) = tracked::channel(&registry, limit, CAPACITY).expect("a sound limit");
    block_on(async {
        round!(times, tx, rx, await);
    });
}

fn tokio_try(times: u64) {
    let registry = Registry::new();
    let (tx, mut rx) = tracked::channel(&registry, plain(), CAPACITY).expect("a sound limit");
    for n in 0..times {
        tx.try_send(black_box(n)).expect("room");
        black_box(rx.try_recv().expect("an item"));
    }
}

fn tokio_unbounded(times: u64) {
    let registry = Registry::new();
    let (tx, mut rx) = tracked::unbounded_channel(&registry, plain()).expect("a sound limit");
    block_on(async {
        for n in 0..times {
            tx.send(black_box(n)).expect("a receiver");
            black_box(rx.recv().await.expect("an item"));
        }
    });
}

fn tokio_reading(times: u64) {
    let registry = Registry::new();
    let (tx, _rx) = tracked::channel(&registry, plain(), CAPACITY).expect("a sound limit");
    readings!(times, tx, try_send);
}
