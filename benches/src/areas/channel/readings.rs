//! What channels say of themselves: one of them, and a hundred at once.

use std::hint::black_box;
use std::time::{Duration, Instant};

use plimsoll::channel::{crossbeam, mpsc, tokio};
use plimsoll::{Limit, Registry};

use super::{CAPACITY, CROSSBEAM, LIMIT};
use crate::case::Case;
use crate::peers::in_use::{InUseGauge, InUseList};

const CHANNELS: usize = 100;

/// Messages that lie in each channel.
const DEPTH: usize = 3;

const LIST: &str = "locked list in use";

pub(super) fn one() -> Case {
    let registry = Registry::new();
    let (raw_tx, raw_rx) = crossbeam_channel::bounded::<u64>(CAPACITY);
    let (tx, rx) = crossbeam::bounded::<u64>(&registry, LIMIT, CAPACITY).expect("a good limit");
    let (std_tx, std_rx) =
        mpsc::sync_channel::<u64>(&registry, LIMIT, CAPACITY).expect("a good limit");
    let (tokio_tx, tokio_rx) =
        tokio::channel::<u64>(&registry, LIMIT, CAPACITY).expect("a good limit");
    for message in 0..DEPTH as u64 {
        raw_tx.send(message).expect("there is room");
        tx.send(message).expect("there is room");
        std_tx.send(message).expect("there is room");
        tokio_tx.try_send(message).expect("there is room");
    }
    Case::new("what one channel tells", "reading", 1)
        .baseline("crossbeam len()", repeat(move || (raw_rx.len(), raw_tx.len()).0))
        .subject("plimsoll crossbeam reading()", "crossbeam len()", {
            repeat(move || {
                let _ = &tx;
                rx.reading()
            })
        })
        .subject("plimsoll sync_channel reading()", "crossbeam len()", {
            repeat(move || {
                let _ = &std_tx;
                std_rx.reading()
            })
        })
        .subject("plimsoll tokio mpsc reading()", "crossbeam len()", {
            repeat(move || {
                let _ = &tokio_tx;
                tokio_rx.reading()
            })
        })
}

pub(super) fn hundred() -> Case {
    let list = InUseList::default();
    let gauges: Vec<_> = (0..CHANNELS).map(|_| list.register(LIMIT, CAPACITY)).collect();
    gauges.iter().for_each(|gauge| fill(gauge));
    let registries = [(); 3].map(|()| Registry::new());
    let limit = |number: usize| Limit::queue(LIMIT).scope(number.to_string());
    let blocking: Vec<_> = (0..CHANNELS)
        .map(|number| crossbeam::bounded::<u64>(&registries[0], limit(number), CAPACITY))
        .map(|channel| channel.expect("a good limit"))
        .collect();
    let std: Vec<_> = (0..CHANNELS)
        .map(|number| mpsc::sync_channel::<u64>(&registries[1], limit(number), CAPACITY))
        .map(|channel| channel.expect("a good limit"))
        .collect();
    let tasks: Vec<_> = (0..CHANNELS)
        .map(|number| tokio::channel::<u64>(&registries[2], limit(number), CAPACITY))
        .map(|channel| channel.expect("a good limit"))
        .collect();
    for message in 0..DEPTH as u64 {
        blocking.iter().for_each(|(tx, _)| tx.send(message).expect("there is room"));
        std.iter().for_each(|(tx, _)| tx.send(message).expect("there is room"));
        tasks.iter().for_each(|(tx, _)| tx.try_send(message).expect("there is room"));
    }
    let [first, second, third] = registries;
    Case::new("snapshot of 100 channels", "snapshot", 1)
        .baseline(LIST, {
            repeat(move || {
                let _ = &gauges;
                list.snapshot()
            })
        })
        .subject(&format!("plimsoll {CROSSBEAM}"), LIST, {
            repeat(move || {
                let _ = &blocking;
                first.snapshot()
            })
        })
        .subject("plimsoll sync_channel", LIST, {
            repeat(move || {
                let _ = &std;
                second.snapshot()
            })
        })
        .subject("plimsoll tokio mpsc", LIST, {
            repeat(move || {
                let _ = &tasks;
                third.snapshot()
            })
        })
}

fn fill(gauge: &InUseGauge) {
    for _ in 0..DEPTH {
        gauge.enqueue();
    }
}

fn repeat<R>(mut look: impl FnMut() -> R) -> impl FnMut(u64) -> Duration {
    move |times| {
        let start = Instant::now();
        for _ in 0..times {
            black_box(look());
        }
        start.elapsed()
    }
}
