//! What a watcher tells of itself in a snapshot.

use plimsoll::SnapshotWatcher;
use plimsoll::keepalive::Watch;

use crate::{Bench, ms};

fn watcher(bench: &Bench) -> SnapshotWatcher {
    let snapshot = bench.registry.snapshot();
    let [watcher] = snapshot.watchers() else { panic!("one watcher:\n{snapshot}") };
    watcher.clone()
}

fn numbers(bench: &Bench) -> [u64; 5] {
    let SnapshotWatcher { watched, late, silent, silences, recoveries, .. } = watcher(bench);
    [watched, late, silent, silences, recoveries]
}

#[test]
fn see_5_who_is_watched_late_and_silent_and_how_often_they_were() {
    let bench = Bench::new();
    assert_eq!(numbers(&bench), [0; 5]);
    let watch = |guest: &'static str| Watch::new(guest, "run").window(ms(200)).rearming();
    let a = bench.watcher.watch(watch("a").late_after(ms(100))).unwrap();
    let b = bench.watcher.watch(watch("b").late_after(ms(100))).unwrap();
    let c = bench.watcher.watch(watch("c")).unwrap();
    assert_eq!(numbers(&bench), [3, 0, 0, 0, 0]);
    bench.pass(ms(140));
    assert_eq!(numbers(&bench), [3, 2, 0, 0, 0], "c has no threshold");
    b.notify();
    assert_eq!(numbers(&bench), [3, 1, 0, 0, 0], "b is late no more");
    c.notify();
    bench.pass(ms(100));
    assert_eq!(numbers(&bench), [3, 0, 1, 1, 0], "a is silent");
    a.notify();
    b.notify();
    c.notify();
    bench.pass(ms(20));
    assert_eq!(numbers(&bench), [3, 0, 0, 1, 1]);
    bench.pass(ms(300));
    assert_eq!(numbers(&bench), [3, 0, 3, 4, 1]);
    drop((a, b));
    assert_eq!(numbers(&bench), [1, 0, 1, 4, 1]);
    let listed = watcher(&bench);
    assert_eq!((listed.name(), listed.scope()), ("guest_keepalive", None));
    let table = bench.registry.snapshot().to_string();
    let (_, watchers) = table.split_once("\n\nWATCHER").expect("a table of the watchers");
    assert!(watchers.contains("guest_keepalive        1     0       1"), "{table}");
}

#[test]
fn live_6_a_stall_of_the_host_is_counted_and_so_is_a_suspicion() {
    let bench = Bench::with(|builder| builder.suspect_above(2));
    let watch = |n: u32| Watch::new(format!("guest-{n}"), "run").window(ms(200));
    let guests: Vec<_> = (0..3).map(|n| bench.watcher.watch(watch(n)).unwrap()).collect();
    bench.pass(ms(50));
    assert_eq!((watcher(&bench).stalls, watcher(&bench).suspicions), (0, 0));
    bench.clock.advance(ms(5_000));
    let late = watcher(&bench).lag;
    assert!(late >= ms(4_900), "{late:?}");
    bench.pass(ms(50));
    assert_eq!((watcher(&bench).stalls, watcher(&bench).suspicions), (1, 0));
    assert!(watcher(&bench).lag < ms(100));
    bench.pass(ms(300));
    assert_eq!((watcher(&bench).stalls, watcher(&bench).suspicions), (1, 1));
    assert_eq!(numbers(&bench), [3, 0, 0, 0, 0], "they were spared");
    drop(guests);
    assert_eq!(watcher(&bench).watched, 0);
}
