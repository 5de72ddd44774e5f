//! The pressure of a limit, and a pool that shrinks under it.

use std::convert::Infallible;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::Registry;
use plimsoll::pool::{Manager, Pool, Shrink};
use plimsoll::probes::{ProbeLimit, Probes};

use super::tree::Tree;
use super::{SERVICE, V2, probes};

const LIMIT: ProbeLimit = ProbeLimit::MemoryStallUs;

fn stall(tree: &Tree, percent: &str) {
    let text = format!("some avg10={percent} avg60=0.00\nfull avg10=0.00 avg60=0.00\n");
    tree.write(&format!("{SERVICE}/memory.pressure"), text);
}

#[test]
fn a_pressure_follows_the_samples() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    let pressure = probes.pressure(LIMIT);
    let mut seen = Vec::new();
    for percent in ["5.00", "7.50", "10.00", "99.99", "7.50", "5.00"] {
        stall(&tree, percent);
        assert_eq!(probes.sample(), []);
        seen.push((pressure.is_on(), pressure.scaled()));
        assert_eq!(probes.pressure(LIMIT).is_on(), pressure.is_on());
    }
    let up = [(false, 0.0), (false, 0.5), (true, 1.0), (true, 1.0)];
    let down = [(true, 0.5), (false, 0.0)];
    assert_eq!(seen, [&up[..], &down].concat());
}

#[test]
fn a_pressure_that_is_asked_for_late_has_the_scale_of_the_last_sample() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    stall(&tree, "7.50");
    probes.sample();
    let pressure = probes.pressure(LIMIT);
    assert_eq!((pressure.is_on(), pressure.scaled()), (false, 0.5));
}

#[test]
fn a_pressure_that_is_asked_for_beside_a_sample_follows_it() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    let pressure = probes.pressure(LIMIT);
    for turn in 0..500 {
        let is_on = turn % 2 == 0;
        stall(&tree, if is_on { "50.00" } else { "0.00" });
        let (asking, is_sampled) = (Barrier::new(4), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    asking.wait();
                    while !is_sampled.load(Ordering::Relaxed) {
                        drop(probes.pressure(LIMIT));
                    }
                });
            }
            asking.wait();
            probes.sample();
            is_sampled.store(true, Ordering::Relaxed);
        });
        assert_eq!((pressure.is_on(), pressure.scaled()), (is_on, f64::from(u8::from(is_on))));
    }
}

#[test]
fn a_pressure_is_off_while_nothing_is_measured() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    stall(&tree, "50.00");
    probes.sample();
    let pressure = probes.pressure(LIMIT);
    assert!(pressure.is_on(), "it was raised before it was asked for");
    tree.write(&format!("{SERVICE}/memory.pressure"), "");
    assert_eq!(probes.sample().len(), 2);
    assert_eq!((pressure.is_on(), pressure.scaled()), (false, 0.0));
    stall(&tree, "50.00");
    probes.sample();
    assert!(pressure.is_on());
    drop(probes);
    assert_eq!((pressure.is_on(), pressure.scaled()), (false, 0.0), "the probes are gone");
}

#[test]
fn a_pressure_needs_no_room_in_the_registry() {
    let tree = Tree::of(V2);
    let registry = Registry::builder().max_entries(1).build().unwrap();
    let probes = probes(&tree, &registry);
    let pressure = probes.pressure(LIMIT);
    stall(&tree, "50.00");
    assert_eq!(probes.sample(), []);
    assert!(pressure.is_on());
}

struct Units;

impl Manager for Units {
    type Object = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[track_caller]
fn until_idle(pool: &Pool<Units>, idle: usize) {
    let began = Instant::now();
    while pool.counts().idle != idle {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}, not {idle} idle", pool.counts());
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn pool_17_a_pool_shrinks_while_memory_is_short_and_comes_back() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let builder = Probes::builder().root(tree.root()).period(Duration::from_millis(10));
    let probes = builder.build(&registry).unwrap();
    let _sampler = probes.spawn_thread().unwrap();
    let pool = Pool::builder(Units).max(8).warm(6).build().unwrap();
    let shrink = Shrink::new().warm(1).idle_age(Duration::from_millis(20));
    pool.shrink_under(&probes.pressure(LIMIT), shrink).unwrap();
    until_idle(&pool, 6);
    let put = |percent: &str| {
        let text = format!("some avg10={percent} avg60=0.00\nfull avg10=0.00 avg60=0.00\n");
        tree.write("next", text);
        let file = tree.at(&format!("{SERVICE}/memory.pressure"));
        std::fs::rename(tree.at("next"), file).unwrap();
    };
    put("12.00");
    until_idle(&pool, 1);
    put("0.00");
    until_idle(&pool, 6);
}
