use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use plimsoll::{
    Category, EventKind, Level, Limit, MAX_STEP, PressureRule, RegisterError, Registry,
    TrackedGauge, Watermarks,
};

use super::TEN;

fn names(registry: &Registry) -> Vec<String> {
    registry.snapshot().entries().iter().map(|entry| entry.name().to_owned()).collect()
}

#[test]
fn reg_2_entries_come_in_the_order_of_registration_and_dropped_ones_vanish() {
    let registry = Registry::new();
    let a = registry.gauge("a", TEN).unwrap();
    let b = registry.gauge("b", TEN).unwrap();
    let c = registry.recorded_gauge("c", TEN).unwrap();
    assert_eq!(names(&registry), ["a", "b", "c"]);
    drop(b);
    let d = registry.gauge("d", TEN).unwrap();
    assert_eq!(names(&registry), ["a", "c", "d"]);

    let (clone, permit) = (a.clone(), a.permit(3));
    drop((a, c));
    drop(clone);
    assert_eq!(names(&registry), ["a", "d"], "the permit keeps its gauge");
    drop(permit);
    assert_eq!(names(&registry), ["d"]);
    drop(d);
    assert_eq!((names(&registry).len(), registry.stats().entries), (0, 0));
}

#[test]
fn gauge_1_a_permit_counts_out_what_it_counted_in_whole_or_split() {
    let registry = Registry::new();
    let bytes = registry.gauge(Limit::memory("bytes"), Watermarks::unbounded()).unwrap();
    let mut permit = bytes.permit(3 * MAX_STEP);
    assert_eq!((permit.amount(), bytes.depth()), (MAX_STEP, MAX_STEP));
    let part = permit.split(2 * MAX_STEP / 3);
    drop(permit);
    assert_eq!((part.amount(), bytes.depth()), (2 * MAX_STEP / 3, 2 * MAX_STEP / 3));
    drop(part);
    assert_eq!(bytes.depth(), 0);
}

#[cfg(feature = "crossbeam")]
#[test]
fn reg_2_rows_that_a_snapshot_inherits_tell_nothing_of_what_they_were() {
    use plimsoll::SnapshotEntry;
    use plimsoll::channel::crossbeam;

    let registry = Registry::new();
    let a = registry.gauge("a", TEN).unwrap();
    let heaps = registry.peak_ledger("heaps", 8).unwrap();
    let (tx, _rx) = crossbeam::bounded::<u8>(&registry, "channel", 10).unwrap();
    tx.send(1).unwrap();
    let shows = || {
        let snapshot = registry.snapshot();
        let row = |entry: &SnapshotEntry| (entry.name().to_owned(), entry.depth, entry.flow);
        snapshot.entries().iter().map(row).collect::<Vec<_>>()
    };
    let flow = shows()[1].2;
    assert!(flow.is_some());
    assert_eq!(shows(), [("a".into(), 0, None), ("channel".into(), 1, flow)]);

    let held = registry.snapshot();
    a.add(7);
    assert_eq!(held.entries()[0].depth, 0, "what is held does not change");
    let copy = held.clone();
    drop((held, a));
    assert_eq!(shows(), [("channel".into(), 1, flow)]);
    assert_eq!(copy.entries().len(), 2, "a copy has rows of its own");

    drop((tx, _rx));
    let b = registry.gauge("b", TEN).unwrap();
    b.add(2);
    assert_eq!(shows(), [("b".into(), 2, None)], "the row was the channel's");
    assert_eq!(registry.snapshot().ledgers()[0].name(), "heaps");
    drop((b, heaps));
    assert!(shows().is_empty());
}

/// What a snapshot must say of a gauge.
fn assert_tells(entry: &plimsoll::SnapshotEntry, gauge: &TrackedGauge, raised: u64) {
    let read = gauge.reading();
    assert_eq!((entry.depth, entry.level), (read.depth, read.level), "{entry}");
    assert_eq!((entry.high_water, entry.levels.raised()), (read.high_water, raised), "{entry}");
    assert_eq!((entry.waiting, entry.blocked, entry.flow), (0, Duration::ZERO, None));
    assert_eq!(raised == 0, entry.levels.pressed().is_zero(), "{entry}");
}

#[test]
fn reg_2_rows_at_rest_and_others_change_places_as_their_limits_do() {
    let registry = Registry::new();
    let register = |number: usize| {
        let limit = Limit::queue("gauge").scope(number.to_string());
        (number, registry.gauge(limit, TEN).unwrap(), 0)
    };
    // More than are read side by side.
    let mut gauges: Vec<_> = (0..150).map(register).collect();
    for round in 0..12 {
        for (number, gauge, raised) in &mut gauges {
            match (*number + round) % 5 {
                // An edge up, and one down in a later round.
                0 if *number % 3 == 0 => {
                    *raised += u64::from(!gauge.gauge().is_raised());
                    gauge.set(9);
                    thread::sleep(Duration::from_micros(3));
                }
                1 => gauge.set(*number as u64 % 5),
                _ => {}
            }
        }
        gauges.retain(|(number, ..)| number % 29 != round);
        gauges.push(register(1_000 + round));
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.entries().len(), gauges.len());
        for (entry, (number, gauge, raised)) in snapshot.entries().iter().zip(&gauges) {
            assert_eq!(entry.scope(), Some(number.to_string().as_str()));
            assert_tells(entry, gauge, *raised);
        }
        let held = |entry: &plimsoll::SnapshotEntry| entry.levels.normal.held;
        let later = registry.snapshot();
        let mut pairs = snapshot.entries().iter().zip(later.entries());
        assert!(pairs.all(|(before, after)| held(before) <= held(after)));
        if round % 4 == 3 {
            let window = registry.snapshot_window();
            assert!(window.entries().iter().all(|entry| entry.high_water >= entry.depth));
        }
    }
}

#[cfg(feature = "crossbeam")]
#[test]
fn reg_2_a_channel_at_rest_tells_of_the_first_refused_send() {
    use plimsoll::channel::crossbeam;

    let registry = Registry::new();
    let (tx, rx) = crossbeam::bounded::<u8>(&registry, "channel", 100).unwrap();
    let row = || registry.snapshot().entries()[0].clone();
    for number in 0..5 {
        tx.send(number).unwrap();
        let row = row();
        let flow = row.flow.unwrap();
        let high_water = u64::from(number) + 1;
        assert_eq!((row.depth, row.high_water, flow.refused.total()), (high_water, high_water, 0));
        assert_eq!((flow.sent, flow.received, flow.oldest_age), (None, None, None));
    }
    drop(rx);
    assert!(tx.send(9).is_err());
    assert_eq!((row().flow.unwrap().refused.closed, row().level), (1, Level::Normal));
}

#[test]
fn see_2_a_history_that_is_forgotten_leaves_nothing_in_rows_at_rest() {
    let registry = Registry::new();
    let _gauge = registry.gauge("gauge", TEN).unwrap();
    let is_known = || registry.snapshot().entries()[0].recent.is_some();
    assert!(!is_known());
    let history = registry.history();
    assert!(history.tick(Duration::from_secs(1)));
    assert!(is_known() && is_known());
    drop(history);
    assert!(!is_known() && !is_known());
}

#[test]
fn reg_2_order_holds_while_gauges_come_and_go() {
    let registry = Registry::new();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2 {
            let (registry, stop) = (&registry, &stop);
            scope.spawn(move || {
                let mut kept = std::collections::VecDeque::new();
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let limit = Limit::queue(format!("t{thread}_{n:09}"));
                    kept.push_back(registry.gauge(limit, TEN).unwrap().permit(1));
                    if kept.len() > 20 {
                        kept.pop_front();
                    }
                }
            });
        }
        for _ in 0..300 {
            for thread in ["t0", "t1"] {
                let mut names = names(&registry);
                names.retain(|name| name.starts_with(thread));
                assert!(names.is_sorted() && names.len() <= 21, "{names:?}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(registry.stats().entries, 0);
}

#[test]
fn reg_1_a_snapshot_that_is_stuck_blocks_nobody() {
    let registry = Registry::new();
    let each = Limit::queue("stuck").pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(each, TEN).unwrap();
    let other = registry.gauge("other", TEN).unwrap();
    // A permit of the core leaves its edge to the next look: the snapshot's.
    let (permit, edge) = gauge.gauge().permit(8);
    assert!(edge.is_some());
    drop(permit);
    let (entered_tx, entered) = mpsc::channel();
    let (leave, leave_rx) = mpsc::channel::<()>();
    let leave_rx = std::sync::Mutex::new(leave_rx);
    let _subscription = registry.subscribe(move |event| {
        if event.name() == "stuck" {
            entered_tx.send(event.kind()).unwrap();
            leave_rx.lock().unwrap().recv().unwrap();
        }
    });
    thread::scope(|scope| {
        let stuck = scope.spawn(|| registry.snapshot());
        assert_eq!(entered.recv(), Ok(EventKind::Cleared));
        // The snapshot stands still in the middle of its reads. Nobody waits for it.
        gauge.add(3);
        other.add(9);
        drop(registry.gauge("new", TEN).unwrap());
        assert_eq!(registry.snapshot().find("stuck", None).unwrap().depth, 3);
        assert_eq!(registry.deliver(), 0);
        leave.send(()).unwrap();
        assert_eq!(stuck.join().unwrap().entries().len(), 2);
    });
}

#[test]
fn reg_1_a_recorder_that_is_stuck_blocks_no_snapshot() {
    let registry = Registry::new();
    let gauge = registry.gauge("stuck", TEN).unwrap();
    let (entered_tx, entered) = mpsc::channel();
    let (leave, leave_rx) = mpsc::channel::<()>();
    let leave_rx = std::sync::Mutex::new(leave_rx);
    let _subscription = registry.subscribe(move |_| {
        entered_tx.send(()).unwrap();
        leave_rx.lock().unwrap().recv().unwrap();
    });
    thread::scope(|scope| {
        scope.spawn(|| gauge.add(8));
        entered.recv().unwrap();
        let snapshot = registry.snapshot();
        assert_eq!(
            (snapshot.entries()[0].depth, snapshot.entries()[0].level),
            (8, Level::Elevated)
        );
        leave.send(()).unwrap();
    });
}

#[test]
fn reg_1_snapshots_are_true_while_recorders_run() {
    let registry = Registry::new();
    let gauges: Vec<_> = (0..20)
        .map(|n| registry.gauge(Limit::queue("busy").scope(n.to_string()), TEN).unwrap())
        .collect();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    gauges.iter().for_each(|gauge| drop(gauge.permit(5)));
                }
            });
        }
        for _ in 0..1_000 {
            let snapshot = registry.snapshot();
            assert_eq!(snapshot.entries().len(), gauges.len());
            for entry in snapshot.entries() {
                assert!(entry.depth <= entry.high_water && entry.high_water <= 10, "{entry:?}");
                assert_eq!(entry.depth % 5, 0, "{entry:?}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(registry.snapshot().entries().iter().all(|entry| entry.depth == 0));
}

#[test]
fn cardinality_is_capped_and_freed_on_drop() {
    let registry = Registry::builder().max_entries(2).build().unwrap();
    let a = registry.gauge("a", TEN).unwrap();
    let _b = registry.gauge("b", TEN).unwrap();
    let refused = registry.gauge("c", TEN).unwrap_err();
    assert_eq!(refused, RegisterError::TooManyEntries { max: 2 });
    assert_eq!(refused.to_string(), "the registry holds 2 entries at most (`max_entries`)");
    drop(a);
    assert!(registry.gauge("c", TEN).is_ok());
    assert_eq!(registry.stats().entries, 1);
}

#[test]
fn bad_names_and_labels_are_typed_errors_and_take_no_place() {
    let registry = Registry::builder().max_entries(1).build().unwrap();
    let refused = |limit: Limit| {
        assert!(registry.warn_exhausted(limit.clone(), None, None, "").is_err());
        registry.gauge(limit, TEN).unwrap_err()
    };
    let long = "x".repeat(65);
    assert_eq!(refused("".into()), RegisterError::NameLength { bytes: 0 });
    assert_eq!(refused(long.into()), RegisterError::NameLength { bytes: 65 });
    assert_eq!(refused("Upper".into()), RegisterError::NameCharacter { at: 0 });
    assert_eq!(refused("a-b".into()), RegisterError::NameCharacter { at: 1 });
    let labelled = |label: &str| Limit::queue("a").scope(label.to_owned());
    assert_eq!(refused(labelled("")), RegisterError::ScopeLength { bytes: 0 });
    assert_eq!(refused(labelled(&"x".repeat(129))), RegisterError::ScopeLength { bytes: 129 });
    assert_eq!(refused(labelled("a\nb")), RegisterError::ScopeCharacter { at: 1 });
    let longest = Limit::queue("x".repeat(64)).scope("é".repeat(64));
    assert!(registry.gauge(longest, TEN).is_ok());
}

#[test]
fn a_snapshot_reads_what_is_there() {
    let registry = Registry::new();
    let frames = registry.gauge(Limit::queue("frames").scope("guest-7"), TEN).unwrap();
    let heap = Limit::memory("heap_bytes");
    let heap = registry.recorded_gauge(heap, Watermarks::unbounded()).unwrap();
    frames.add(9);
    frames.sub(3);
    heap.record(1 << 33);
    heap.record(5);
    let snapshot = registry.snapshot();
    let [frames, heap] = snapshot.entries() else { panic!("{snapshot}") };
    assert_eq!((frames.name(), frames.scope()), ("frames", Some("guest-7")));
    assert_eq!((frames.category(), heap.category()), (Category::Queue, Category::Memory));
    assert_eq!((frames.depth, frames.high_water, frames.level), (6, 9, Level::Elevated));
    assert_eq!((frames.capacity(), frames.percent()), (Some(10), Some(60)));
    assert_eq!((frames.waiting, frames.blocked), (0, Duration::ZERO));
    assert_eq!((heap.depth, heap.high_water, heap.level), (5, 1 << 33, Level::Normal));
    assert_eq!((heap.capacity(), heap.percent()), (None, None));
}

#[test]
fn a_window_has_the_high_water_mark_since_the_last_one() {
    let registry = Registry::new();
    let gauge = registry.gauge("frames", TEN).unwrap();
    let recorded = registry.recorded_gauge("bytes", TEN).unwrap();
    gauge.add(7);
    gauge.sub(5);
    recorded.record(7);
    recorded.record(2);
    let marks = |snapshot: plimsoll::Snapshot| {
        snapshot.entries().iter().map(|entry| entry.high_water).collect::<Vec<_>>()
    };
    assert_eq!(marks(registry.snapshot_window()), [7, 7]);
    assert_eq!(marks(registry.snapshot_window()), [2, 2]);
    assert_eq!(marks(registry.snapshot()), [7, 7]);
}

#[test]
fn it_displays_as_a_table() {
    let registry = Registry::new();
    let frames = registry.gauge(Limit::queue("frames").scope("guest-7"), TEN).unwrap();
    let heap = registry.recorded_gauge(Limit::memory("b"), Watermarks::unbounded()).unwrap();
    frames.add(9);
    heap.record(123_456);
    let expected = "\
LIMIT            CATEGORY  LEVEL      DEPTH  CAPACITY  USED  HIGH-WATER  WAITING  BLOCKED
frames[guest-7]  queue     elevated       9        10   90%           9        0   0.000s
b                memory    normal    123456         -     -      123456        0   0.000s";
    assert_eq!(registry.snapshot().to_string(), expected);
}

#[cfg(feature = "serde")]
#[test]
fn it_serializes() {
    let registry = Registry::new();
    let frames = registry.gauge(Limit::queue("frames").scope("guest-7"), TEN).unwrap();
    let _heap = registry.recorded_gauge(Limit::memory("b"), Watermarks::unbounded()).unwrap();
    frames.add(9);
    let mut json = serde_json::to_value(registry.snapshot()).unwrap();
    let taken_ms = json["taken_unix_ms"].take();
    assert!(taken_ms.as_u64().is_some_and(|ms| ms > 1_500_000_000_000), "{taken_ms}");
    for entry in json["entries"].as_array_mut().unwrap() {
        let levels = entry["levels"].take();
        let held_us = |level: &str| levels[level]["held_us"].as_u64().unwrap();
        assert!(held_us("normal") + held_us("elevated") > 0 && held_us("full") == 0, "{levels}");
    }
    let mut expected = serde_json::json!({
        "version": 1,
        "taken_unix_ms": null,
        "entries": [
            {
                "name": "frames", "category": "queue", "scope": "guest-7", "id": 0, "depth": 9,
                "high_water": 9, "capacity": 10, "level": "elevated", "waiting": 0, "blocked_us": 0,
                "watermarks": [{ "level": "elevated", "high": 8, "low": 5 }],
                "levels": null, "flow": null, "recent": null,
            },
            {
                "name": "b", "category": "memory", "scope": null, "id": 1, "depth": 0,
                "high_water": 0, "capacity": null, "level": "normal", "waiting": 0, "blocked_us": 0,
                "watermarks": [], "levels": null, "flow": null, "recent": null,
            },
        ],
        "ledgers": [],
        "watchers": [],
        "events": { "registered": 2, "delivered": 1, "dropped": 0, "panicked": 0 },
    });
    if cfg!(feature = "pool") {
        expected["pools"] = serde_json::json!([]);
    }
    assert_eq!(json, expected);
}

#[test]
fn the_global_registry_is_one() {
    let name = "of_the_global_registry";
    let gauge = Registry::global().gauge(name, TEN).unwrap();
    assert!(Registry::global().clone().snapshot().find(name, None).is_some());
    drop(gauge);
    assert!(Registry::global().snapshot().find(name, None).is_none());
}
