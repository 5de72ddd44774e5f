//! Runs one hot path of the crate a number of times, so that its instructions can be counted:
//! `hot_paths PATH TIMES`. Without arguments it lists the paths. `.ci/instructions` compares what
//! they cost with `core/instructions.txt`.

use std::hint::black_box;
use std::num::NonZeroU64;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use plimsoll_core::{
    FlowGauge, Gauge, Ring, RingSlot, SampledGauge, SplitCount, Waiters, Watermarks,
};

/// A name, and what to do so many times.
type HotPath = (&'static str, fn(u64));

const PATHS: [HotPath; 9] = [
    ("gauge_add_sub", gauge_add_sub),
    ("gauge_permit", gauge_permit),
    ("gauge_two_edges", gauge_two_edges),
    ("gauge_reading", gauge_reading),
    ("sampled_observe", sampled_observe),
    ("flow_send_receive", flow_send_receive),
    ("split_count", split_count),
    ("waiters", waiters),
    ("ring_push_pop", ring_push_pop),
];

const CAPACITY: u64 = 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => PATHS.iter().for_each(|(name, _)| println!("{name}")),
        [path, times] => {
            let found = PATHS.iter().find(|(name, _)| *name == path);
            let (Some((_, run)), Ok(times)) = (found, times.parse()) else {
                eprintln!("no path {path}, or no number {times}");
                return ExitCode::FAILURE;
            };
            run(times);
        }
        _ => {
            eprintln!("usage: hot_paths [PATH TIMES]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn gauge_add_sub(times: u64) {
    let gauge = Gauge::new(Watermarks::new(CAPACITY));
    for _ in 0..times {
        black_box(gauge.add(black_box(1)).is_some());
        black_box(gauge.sub(black_box(1)).is_some());
    }
}

fn gauge_permit(times: u64) {
    let gauge = Gauge::new(Watermarks::new(CAPACITY));
    for _ in 0..times {
        let (permit, edge) = gauge.permit(black_box(1));
        black_box(edge.is_some());
        drop(permit);
    }
}

fn gauge_two_edges(times: u64) {
    let gauge = Gauge::new(Watermarks::counts(1, 1, 0));
    for _ in 0..times {
        black_box(gauge.add(black_box(1)).is_some());
        black_box(gauge.sub(black_box(1)).is_some());
    }
}

fn gauge_reading(times: u64) {
    let gauge = Gauge::new(Watermarks::new(CAPACITY));
    for _ in 0..times {
        black_box(black_box(&gauge).reading());
    }
}

fn sampled_observe(times: u64) {
    let gauge = SampledGauge::new(Watermarks::new(CAPACITY));
    for _ in 0..times {
        black_box(gauge.observe_with(|| black_box(3)).is_some());
    }
}

fn flow_send_receive(times: u64) {
    let depth = AtomicU64::new(0);
    let look = || depth.load(SeqCst);
    let flow = FlowGauge::new(Watermarks::new(CAPACITY));
    let (sender, receiver) = (flow.join_sender(), flow.join_receiver());
    for _ in 0..times {
        depth.fetch_add(1, SeqCst);
        black_box(flow.after_send(&sender, NonZeroU64::MIN, look).is_some());
        depth.fetch_sub(1, SeqCst);
        black_box(flow.after_receive(&receiver, NonZeroU64::MIN, look).is_some());
    }
}

fn split_count(times: u64) {
    let count = SplitCount::new();
    for _ in 0..times {
        count.on_sent(black_box(1));
        count.on_received(black_box(1));
        black_box(count.depth());
    }
}

fn waiters(times: u64) {
    let waiters = Waiters::new();
    for now_us in 0..times {
        waiters.enter(now_us);
        waiters.exit(now_us, black_box(now_us));
    }
}

fn ring_push_pop(times: u64) {
    let ring = Ring::with_slots([const { RingSlot::new() }; 8]).expect("8 is a power of two");
    for n in 0..times {
        black_box(ring.push(black_box([n; 4])).is_ok());
        black_box(ring.pop());
    }
}
