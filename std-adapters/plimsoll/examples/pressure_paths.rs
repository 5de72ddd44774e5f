//! Runs one path of a pressure a number of times, so that its instructions can be counted:
//! `pressure_paths PATH TIMES`. Without arguments it lists the paths. `.ci/instructions` compares what
//! they cost with `pressure_paths.txt` beside it.

#[path = "../../../core/examples/hot_path/mod.rs"]
mod hot_path;

use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Waker};

use hot_path::HotPath;
use plimsoll::pressure::{HasLevel, Pressure};
use plimsoll::{Limit, PressureRule, Registry, TrackedGauge, Watermarks};

const PATHS: [HotPath; 6] = [
    ("pressure_is_on", is_on),
    ("pressure_scaled", scaled),
    ("pressure_off_ready", off_ready),
    ("gauge_room", room),
    ("edges_unwatched", |times| edges(times, 0)),
    ("edges_of_a_pressure", |times| edges(times, 1)),
];

fn main() -> ExitCode {
    hot_path::main_of("pressure_paths", &PATHS)
}

/// A gauge of ten, and so many pressures that go by it.
fn stand(pressures: usize) -> (TrackedGauge, Vec<Pressure>) {
    let registry = Registry::new();
    // Each edge is an event at once: no thread is started.
    let limit = Limit::queue("jobs").pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(limit, Watermarks::new(10)).expect("a free place");
    let pressure = |_| Pressure::builder(&registry).when(&gauge).build().expect("a condition");
    let pressures = (0..pressures).map(pressure).collect();
    (gauge, pressures)
}

/// A read of the state.
fn is_on(times: u64) {
    let (_gauge, pressures) = stand(1);
    for _ in 0..times {
        black_box(black_box(&pressures[0]).is_on());
    }
}

/// A read of the scale: of one gauge.
fn scaled(times: u64) {
    let (_gauge, pressures) = stand(1);
    for _ in 0..times {
        black_box(black_box(&pressures[0]).scaled());
    }
}

/// A wait that is over at once.
fn off_ready(times: u64) {
    let (_gauge, pressures) = stand(1);
    let context = &mut Context::from_waker(Waker::noop());
    for _ in 0..times {
        let off = pin!(black_box(&pressures[0]).off());
        assert!(off.poll(context).is_ready());
    }
}

/// How much is left until the next level.
fn room(times: u64) {
    let (gauge, _) = stand(0);
    for _ in 0..times {
        black_box(black_box(&gauge).room());
    }
}

/// Two edges, and what goes by them.
fn edges(times: u64, pressures: usize) {
    let (gauge, _pressures) = stand(pressures);
    for _ in 0..times {
        gauge.add(9);
        gauge.sub(9);
    }
}
