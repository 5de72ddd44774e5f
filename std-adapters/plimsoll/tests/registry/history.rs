//! What a registry knows of its last minutes, and of its levels.

use std::time::{Duration, Instant};

use plimsoll::{Level, Limit, Registry, SnapshotEntry, SnapshotRecent};

use crate::TEN;
use crate::common::{entry, until};

const SECOND: Duration = Duration::from_secs(1);

fn recent(registry: &Registry, name: &str) -> SnapshotRecent {
    entry(registry, name).recent.unwrap()
}

#[test]
fn without_a_history_nothing_is_recent_and_with_its_last_handle_it_is_forgotten() {
    let registry = Registry::new();
    let _gauge = registry.gauge("q", TEN).unwrap();
    let recent = || entry(&registry, "q").recent;
    assert_eq!(recent(), None);
    let history = registry.history();
    assert_eq!(recent(), None, "it has not looked yet");
    assert!(history.tick(SECOND));
    assert!(recent().is_some());
    let another = registry.history();
    drop(history);
    assert!(recent().is_some(), "it is shared");
    assert!(!another.tick(SECOND), "no time has passed for this handle either");
    drop(another);
    assert_eq!(recent(), None);
    assert!(registry.history().tick(SECOND), "another one begins anew");
}

#[test]
fn the_peak_of_the_last_minute_is_told_to_every_reader_and_windows_take_nothing_from_it() {
    let registry = Registry::new();
    let gauge = registry.gauge("q", TEN).unwrap();
    gauge.add(9);
    gauge.sub(9);
    let history = registry.history();
    for second in 0..60 {
        // A visit between two looks, and a reader of windows that sees it first.
        drop(gauge.permit(second % 7));
        if second % 3 == 0 {
            assert_eq!(
                registry.snapshot_window().entries()[0].high_water.max(6),
                if second == 0 { 9 } else { 6 }
            );
        }
        history.tick(SECOND * second as u32);
    }
    assert_eq!(recent(&registry, "q").peak_minute, None);
    history.tick(SECOND * 60);
    for _reader in 0..3 {
        assert_eq!(recent(&registry, "q").peak_minute, Some(6), "9 came before the history");
    }
    assert_eq!(entry(&registry, "q").high_water, 9, "the mark for life is another one");
    let points = history.chart(entry(&registry, "q").id);
    assert_eq!(points.len(), 61);
    assert_eq!((points[0].age, points[60].age), (60 * SECOND, Duration::ZERO));
    assert_eq!(points[40].peak, 40 % 7);
    drop(gauge);
    history.tick(SECOND * 61);
    assert_eq!(history.chart(0), [], "what has left is forgotten");
}

#[cfg(feature = "std-channel")]
#[test]
fn the_blocked_share_is_that_of_the_senders_that_were_blocked() {
    use plimsoll::channel::mpsc;

    let registry = Registry::new();
    let (tx, rx) = mpsc::sync_channel::<u32>(&registry, "q", 1).unwrap();
    tx.send(0).unwrap();
    let history = registry.history();
    let begun = Instant::now();
    let tick = || {
        let now = begun.elapsed();
        assert!(history.tick(now));
        now.as_secs_f64()
    };
    let first = tick();
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..2).map(|_| scope.spawn(|| tx.send(1))).collect();
        until(|| entry(&registry, "q").waiting == 2);
        tick();
        // A reading of the blocked time, and the moments before and after it.
        let read = || {
            let before = begun.elapsed().as_secs_f64();
            let blocked = entry(&registry, "q").blocked.as_secs_f64();
            (before, blocked, begun.elapsed().as_secs_f64())
        };
        let (from, earlier, at_last) = read();
        std::thread::sleep(Duration::from_millis(300));
        let (until, before, _) = read();
        let last = tick();
        let (_, after, at_most) = read();
        // All the time in between, both of them; it is known to a millisecond or so.
        let both = 2.0 * (until - at_last) - 0.005..=2.0 * (at_most - from) + 0.005;
        assert!(
            both.contains(&(before - earlier)) && before <= after,
            "{before} {earlier} {both:?}"
        );
        // The look at the last tick has come between the two readings.
        let share = recent(&registry, "q").blocked_share_10s.unwrap();
        let [least, most] = [before - 0.005, after + 0.005].map(|time| time / (last - first));
        assert!((least..=most).contains(&share), "{share}, not {least} to {most}");
        (0..2).for_each(|_| assert!(rx.recv().is_ok()));
        senders.into_iter().for_each(|sender| sender.join().unwrap().unwrap());
    });
}

#[test]
fn one_thread_looks_for_all_that_ask_and_ends_with_the_last_of_them() {
    let registry = Registry::new();
    let gauge = registry.gauge("q", TEN).unwrap();
    let first = registry.spawn_history().unwrap();
    let second = registry.spawn_history().unwrap();
    drop(first);
    until(|| entry(&registry, "q").recent.is_some());
    let begun = Instant::now();
    until(|| second.chart(0).len() >= 2);
    assert!(begun.elapsed() < 5 * SECOND);
    drop(second);
    assert_eq!(entry(&registry, "q").recent, None);
    let another = registry.spawn_history().unwrap();
    until(|| entry(&registry, "q").recent.is_some());
    // It does not keep the registry.
    drop((another.clone(), registry, gauge));
    assert!(!another.tick(100 * SECOND));
}

#[test]
fn a_subscriber_of_an_edge_that_a_look_makes_may_ask_for_everything() {
    let registry = Registry::new();
    let depth = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let asked = depth.clone();
    let ask = move || asked.load(std::sync::atomic::Ordering::Relaxed);
    let _gauge = registry.observe("q", TEN, ask).unwrap();
    let history = registry.history();
    let (tell, told) = std::sync::mpsc::channel();
    let (inner, handle) = (registry.clone(), history.clone());
    let _subscription = registry.subscribe(move |_| {
        let answers = (handle.tick(9 * SECOND), handle.chart(0).len(), inner.snapshot());
        tell.send(answers).unwrap();
    });
    history.tick(SECOND);
    depth.store(9, std::sync::atomic::Ordering::Relaxed);
    assert!(history.tick(2 * SECOND));
    let (has_ticked, points, snapshot) = told.try_recv().unwrap();
    assert!(!has_ticked, "a look within a look is none");
    assert_eq!((points, snapshot.entries()[0].depth), (1, 9));
}

#[test]
fn levels_are_counted_and_their_time_is_all_there_is() {
    let registry = Registry::new();
    let marks = TEN.with_level(10, 9);
    let gauge = registry.gauge(Limit::queue("q").scope("a"), marks).unwrap();
    let begun = Instant::now();
    let read = || registry.snapshot().entries()[0].clone();
    gauge.add(8);
    gauge.add(2);
    std::thread::sleep(Duration::from_millis(20));
    let SnapshotEntry { levels, .. } = read();
    assert_eq!(levels.of(Level::Critical).raised, 1);
    assert!(levels.critical.held >= Duration::from_millis(20), "{levels:?}");
    gauge.sub(10);
    for _ in 0..3 {
        gauge.add(8);
        gauge.sub(8);
    }
    let SnapshotEntry { levels, id, .. } = read();
    assert_eq!((levels.elevated.raised, levels.critical.raised, levels.raised()), (4, 1, 5));
    assert_eq!(
        (levels.full.held, levels.full.raised, levels.normal.raised),
        (Duration::ZERO, 0, 0)
    );
    let held = levels.normal.held + levels.pressed();
    assert!(held <= begun.elapsed() + Duration::from_millis(5), "{held:?}");
    assert!(held >= Duration::from_millis(20));
    let again = registry.gauge(Limit::queue("q").scope("a"), marks).unwrap();
    let ids: Vec<_> = registry.snapshot().entries().iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [id, id + 1], "limits of one name are told apart");
    drop((gauge, again));
}

#[cfg(feature = "std-channel")]
#[test]
fn see_5_the_table_has_what_has_gone_through_and_what_is_recent() {
    use plimsoll::channel::mpsc;

    let registry = Registry::new();
    let limit = Limit::queue("replies").flow_totals();
    let (tx, rx) = mpsc::sync_channel::<u32>(&registry, limit, 2).unwrap();
    let _plain = registry.gauge("plain", TEN).unwrap();
    (0..2).for_each(|n| tx.send(n).unwrap());
    assert!(tx.try_send(2).is_err());
    rx.recv().unwrap();
    let table = registry.snapshot().to_string();
    let (_, flow) = table.split_once("\n\n").expect("a second table");
    let lines: Vec<_> = flow.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    let words: Vec<_> = lines[1].split_whitespace().collect();
    assert_eq!((words[0], words[1], words[2], words[3]), ("replies", "2", "1", "1"), "{table}");
    assert_eq!(words[7..], ["-", "-", "-"], "{table}");
    let history = registry.history();
    (0..2).for_each(|second| _ = history.tick(SECOND * second));
    let table = registry.snapshot().to_string();
    let (_, flow) = table.split_once("\n\n").expect("a second table");
    assert_eq!(flow.lines().count(), 3, "{table}");
    assert!(flow.lines().nth(1).unwrap().ends_with("0.0%         0.0%            -"), "{table}");
}

#[test]
fn a_tick_at_which_nothing_is_noted_takes_no_peak_with_it() {
    let registry = Registry::new();
    let gauge = registry.gauge("q", TEN).unwrap();
    let history = registry.history();
    assert!(history.tick(SECOND));
    drop(gauge.permit(7));
    assert!(
        !history.tick(SECOND) && !history.tick(Duration::ZERO),
        "the clock stands, or goes back"
    );
    assert!(history.tick(61 * SECOND));
    assert_eq!(recent(&registry, "q").peak_minute, Some(7));
    assert!(history.tick(Duration::MAX), "it may jump");
    assert_eq!(history.chart(entry(&registry, "q").id).len(), 3);
}

#[test]
fn the_clock_of_a_host_and_that_of_the_thread_do_not_stop_each_other() {
    let registry = Registry::new();
    let _gauge = registry.gauge("q", TEN).unwrap();
    let history = registry.history();
    let since_1970 = 1_800_000_000 * SECOND;
    assert!(history.tick(since_1970));
    let looks = || history.chart(0).len();
    let thread = registry.spawn_history().unwrap();
    until(|| looks() >= 2);
    assert!(!history.tick(Duration::MAX), "the thread looks");
    let before = looks();
    until(|| looks() > before);
    drop(thread);
    assert!(history.tick(since_1970 + 60 * SECOND));
}

/// What a panic carries, and panics in its turn when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("a payload");
        }
    }
}

#[test]
fn a_function_that_panics_is_counted_and_ends_no_look() {
    let registry = Registry::new();
    let ask = || std::panic::panic_any(Bomb);
    let _broken = registry.observe("broken", TEN, ask).unwrap();
    let gauge = registry.gauge("q", TEN).unwrap();
    let history = registry.spawn_history().unwrap();
    gauge.add(3);
    let id = entry(&registry, "q").id;
    until(|| history.chart(id).len() >= 3);
    assert_eq!(registry.snapshot().entries().len(), 2);
    assert!(registry.stats().panicked > 3, "{:?}", registry.stats());
}
