//! Probes on recorded trees, and on the system that runs the test.
#![cfg(all(feature = "probes", feature = "pool"))]

mod contents;
mod errors;
mod live;
mod pressure;
mod thread;
mod tree;

use plimsoll::probes::{ProbeLimit, Probes};
use plimsoll::{Level, Registry};

use tree::Tree;

const V2: &str = include_str!("trees/v2.txt");
const V1: &str = include_str!("trees/v1.txt");
const HYBRID: &str = include_str!("trees/hybrid.txt");
const NESTED: &str = include_str!("trees/nested.txt");

/// The folder of the cgroup in [`V2`].
const SERVICE: &str = "sys/fs/cgroup/system.slice/sandbox.service";
const MIB: u64 = 1 << 20;

fn probes(tree: &Tree, registry: &Registry) -> Probes {
    Probes::builder().root(tree.root()).build(registry).unwrap()
}

/// What is measured, in the order of the catalog.
fn values(probes: &Probes) -> Vec<Option<u64>> {
    ProbeLimit::ALL.iter().map(|limit| probes.value(*limit)).collect()
}

/// A snapshot's lines of a limit: depth, capacity, level.
fn listed(registry: &Registry, limit: ProbeLimit) -> Vec<(u64, Option<u64>, Level)> {
    let snapshot = registry.snapshot();
    let entries = snapshot.entries().iter().filter(|entry| entry.name() == limit.as_str());
    entries.map(|entry| (entry.depth, entry.capacity(), entry.level)).collect()
}

#[test]
fn a_tree_of_v2_has_everything() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    let used = 512 * MIB - 100 * MIB; // without the file cache that is taken back first
    let [memory, rss] = [used, 40 * MIB].map(Some);
    let stalls = [123_400, 25_000, 100, 0, 0].map(Some);
    let events = [3, 20, 1, 2].map(Some);
    let expected: Vec<_> = [memory, rss].into_iter().chain(stalls).chain(events).collect();
    assert_eq!(values(&probes), expected);
    assert_eq!(probes.errors(), []);
    let names: Vec<_> = registry
        .snapshot()
        .entries()
        .iter()
        .map(|it| (it.name().to_owned(), it.category()))
        .collect();
    let all = ProbeLimit::ALL.iter().map(|limit| (limit.as_str().to_owned(), limit.category()));
    assert_eq!(names, all.collect::<Vec<_>>());
    let memory = listed(&registry, ProbeLimit::CgroupMemoryBytes);
    assert_eq!(memory, [(used, Some(1024 * MIB), Level::Normal)]);
    let stall = listed(&registry, ProbeLimit::CpuStallUs);
    assert_eq!(stall, [(123_400, Some(1_000_000), Level::Normal)]);
    assert_eq!(listed(&registry, ProbeLimit::OomKills), [(2, None, Level::Normal)]);
    drop(probes);
    assert!(registry.snapshot().entries().is_empty(), "they leave with the last handle");
}

#[test]
fn headroom_is_what_is_neither_measured_nor_granted() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    assert_eq!(probes.capacity(ProbeLimit::CgroupMemoryBytes), Some(1024 * MIB));
    let headrooms = [0, 412 * MIB, 500 * MIB, 1024 * MIB, u64::MAX].map(|it| probes.headroom(it));
    assert_eq!(headrooms, [612 * MIB, 612 * MIB, 524 * MIB, 0, 0].map(Some));
    tree.write(&format!("{SERVICE}/memory.current"), "1100000000\n");
    assert_eq!(probes.sample(), []);
    assert!(probes.headroom(0).unwrap() > 0, "part of it is cache");
    tree.write(&format!("{SERVICE}/memory.stat"), "");
    assert_eq!(probes.sample(), []);
    assert_eq!(probes.headroom(0), Some(0), "more than there may be");
}

#[test]
fn the_tightest_bound_above_counts() {
    let (tree, registry) = (Tree::of(NESTED), Registry::new());
    let probes = probes(&tree, &registry);
    let limit = ProbeLimit::CgroupMemoryBytes;
    // The guest has 100 MB of its 200 left, and the pod 50 of its 1,000.
    assert_eq!(
        (probes.value(limit), probes.capacity(limit)),
        (Some(150_000_000), Some(200_000_000))
    );
    assert_eq!(probes.headroom(0), Some(50_000_000));
    // The leaf has no controller of its own, and the bound is that of the pod.
    tree.write("sys/fs/cgroup v2/pod 7/guest/memory.max", "max\n");
    probes.sample();
    assert_eq!(
        (probes.value(limit), probes.capacity(limit)),
        (Some(950_000_000), Some(1_000_000_000))
    );
    // The part of the tree that is mounted has a bound as well.
    tree.write("sys/fs/cgroup v2/memory.current", "10737418239\n");
    probes.sample();
    assert_eq!(probes.headroom(0), Some(1));
}

#[test]
fn without_a_bound_memory_has_no_capacity() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    tree.write(&format!("{SERVICE}/memory.max"), "max\n");
    let probes = probes(&tree, &registry);
    let limit = ProbeLimit::CgroupMemoryBytes;
    assert_eq!((probes.value(limit), probes.capacity(limit)), (Some(412 * MIB), None));
    assert_eq!(probes.headroom(0), None);
    assert_eq!(listed(&registry, limit), [(412 * MIB, None, Level::Normal)]);
}

#[test]
fn a_bound_that_changes_is_registered_anew() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    let limit = ProbeLimit::CgroupMemoryBytes;
    let pressure = probes.pressure(limit);
    assert_eq!((pressure.is_on(), pressure.scaled()), (false, 0.0));
    tree.write(&format!("{SERVICE}/memory.max"), format!("{}\n", 440 * MIB));
    assert_eq!(probes.sample(), []);
    assert_eq!((pressure.is_on(), pressure.scaled()), (true, 1.0), "it is the same");
    assert_eq!(listed(&registry, limit), [(412 * MIB, Some(440 * MIB), Level::Elevated)]);
    for huge in [(1 << 46) + 1, u64::MAX] {
        tree.write(&format!("{SERVICE}/memory.max"), format!("{huge}\n"));
        assert_eq!(probes.sample(), []);
        let [(_, None, Level::Normal)] = listed(&registry, limit)[..] else { panic!("{huge}") };
        assert!(probes.headroom(0).unwrap() > 1 << 45, "it is a bound still");
    }
    tree.write(&format!("{SERVICE}/memory.max"), "0\n");
    assert_eq!(probes.sample(), []);
    assert_eq!((probes.headroom(0), listed(&registry, limit)[0].1), (Some(0), Some(1)));
}

#[test]
fn levels_follow_the_watermarks_that_were_asked() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let builder = Probes::builder().root(tree.root());
    let builder = builder.watermarks(ProbeLimit::CpuStallUs, 20, 10).without(ProbeLimit::IoStallUs);
    let probes = builder.build(&registry).unwrap();
    assert_eq!(probes.value(ProbeLimit::IoStallUs), None);
    assert_eq!(listed(&registry, ProbeLimit::IoStallUs), []);
    let mut levels = Vec::new();
    for percent in ["19.99", "20.00", "10.01", "10.00"] {
        tree.write(
            &format!("{SERVICE}/cpu.pressure"),
            format!("some avg10={percent} avg60=0.00\n"),
        );
        assert_eq!(probes.sample(), []);
        let pressure = probes.pressure(ProbeLimit::CpuStallUs);
        let level = listed(&registry, ProbeLimit::CpuStallUs)[0].2;
        assert_eq!(pressure.is_on(), level > Level::Normal, "{percent}");
        levels.push(level);
    }
    assert_eq!(levels, [Level::Normal, Level::Elevated, Level::Elevated, Level::Normal]);
}
