//! What is not here, what cannot be read, what is garbage: typed errors, each once.

use std::io;
use std::time::Duration;

use plimsoll::probes::{ProbeError, ProbeLimit, Probes, ProbesError};
use plimsoll::{EventKind, RegisterError, Registry};

use super::tree::Tree;
use super::{HYBRID, NESTED, SERVICE, V1, V2, listed, probes, values};

/// The limits of the errors that stand, by their kinds.
fn missing(probes: &Probes) -> Vec<ProbeLimit> {
    let errors = probes.errors();
    assert!(errors.iter().all(|error| matches!(error, ProbeError::NotHere { .. })), "{errors:?}");
    errors.iter().map(ProbeError::limit).collect()
}

const MEMORY: [ProbeLimit; 5] = [
    ProbeLimit::CgroupMemoryBytes,
    ProbeLimit::MemoryHighHits,
    ProbeLimit::MemoryMaxHits,
    ProbeLimit::MemoryOoms,
    ProbeLimit::OomKills,
];

#[test]
fn a_tree_of_v1_has_the_process_only() {
    let (tree, registry) = (Tree::of(V1), Registry::new());
    let probes = probes(&tree, &registry);
    assert_eq!(missing(&probes).len(), ProbeLimit::ALL.len() - 1);
    assert_eq!(probes.value(ProbeLimit::ProcessRssBytes), Some(1728 << 10));
    assert_eq!(probes.headroom(0), None);
    assert_eq!(registry.snapshot().entries().len(), 1);
    let Some(ProbeError::NotHere { file, .. }) = probes.errors().into_iter().next() else {
        panic!()
    };
    assert_eq!(file, tree.at("proc/self/cgroup"), "its line of v2 is what is missing");
}

#[test]
fn a_hybrid_tree_has_stalls_and_no_memory() {
    let (tree, registry) = (Tree::of(HYBRID), Registry::new());
    let probes = probes(&tree, &registry);
    assert_eq!(missing(&probes), MEMORY);
    let [cpu, io] = [ProbeLimit::CpuStallUs, ProbeLimit::IoStallUs].map(|it| probes.value(it));
    assert_eq!((cpu, io), (Some(538_000), Some(10_300)), "of the cgroup, and else of the system");
    let error = probes.errors().remove(0).to_string();
    for part in
        ["cgroup_memory_bytes is not here", "unified", "memory.current", "memory controller"]
    {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn nothing_at_all_is_no_failure() {
    let (tree, registry) = (Tree::empty(), Registry::new());
    let probes = probes(&tree, &registry);
    assert_eq!(missing(&probes), ProbeLimit::ALL);
    assert_eq!(probes.sample(), [], "each was told by the first sample, and stands in the errors");
    assert!(registry.snapshot().entries().is_empty());
}

#[test]
fn a_cgroup_out_of_sight_is_not_here() {
    for (path, mounted) in [("/../other", "/"), ("/a", "/b"), ("/a/../b", "/")] {
        let (tree, registry) = (Tree::of(V2), Registry::new());
        tree.write("proc/self/cgroup", format!("0::{path}\n"));
        tree.write(
            "proc/self/mountinfo",
            format!("3 2 0:2 {mounted} /sys/fs/cgroup rw - cgroup2 c rw\n"),
        );
        let probes = probes(&tree, &registry);
        assert_eq!(missing(&probes), MEMORY, "{path} of {mounted}");
        assert_eq!(probes.value(ProbeLimit::CpuStallUs), Some(99_900), "the system's");
    }
}

#[test]
fn a_file_that_vanishes_takes_its_limit_along_and_is_told_once() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    let limit = ProbeLimit::CgroupMemoryBytes;
    let file = format!("{SERVICE}/memory.current");
    let vanish = |expected: usize| {
        tree.remove(&file);
        // The slice above has one too: without its own, the cgroup is accounted there.
        tree.remove("sys/fs/cgroup/system.slice/memory.current");
        let told = probes.sample();
        assert_eq!(told.len(), expected, "{told:?}");
        assert_eq!((probes.value(limit), probes.capacity(limit)), (None, None));
        assert_eq!(listed(&registry, limit), [], "no old number stays");
        assert_eq!(probes.sample(), []);
        assert_eq!(missing(&probes), [limit]);
    };
    vanish(1);
    let appear = || {
        tree.write(&file, "1000\n");
        tree.write("sys/fs/cgroup/system.slice/memory.current", "2000\n");
        assert_eq!(probes.sample(), []);
        assert_eq!((probes.errors().len(), listed(&registry, limit).len()), (0, 1));
    };
    appear();
    vanish(0);
    appear();
}

#[test]
fn what_cannot_be_read_or_parsed_is_told_by_its_file() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    tree.write("proc/self/status", "Name:\tsandbox_host\nVmRSS:\tmany\n");
    let cpu = format!("{SERVICE}/cpu.pressure");
    tree.remove(&cpu);
    std::fs::create_dir(tree.at(&cpu)).unwrap();
    let told = probes.sample();
    let [ProbeError::Content { limit, file, .. }, ProbeError::Unreadable { cause, .. }] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((*limit, file), (ProbeLimit::ProcessRssBytes, &tree.at("proc/self/status")));
    assert_eq!(*cause, io::ErrorKind::IsADirectory);
    assert_eq!(probes.sample(), []);
    assert_eq!(probes.errors(), told);
    // Another kind of error of the same limit is reported.
    tree.remove("proc/self/status");
    let [ProbeError::NotHere { limit, .. }] = probes.sample()[..] else { panic!() };
    assert_eq!(limit, ProbeLimit::ProcessRssBytes);
}

#[test]
fn a_registry_that_is_full_is_told_and_the_numbers_are_there() {
    let tree = Tree::of(V2);
    let registry = Registry::builder().max_entries(1).build().unwrap();
    let probes = probes(&tree, &registry);
    let errors = probes.errors();
    assert_eq!(errors.len(), ProbeLimit::ALL.len() - 1);
    let full = RegisterError::TooManyEntries { max: 1 };
    let limit = ProbeLimit::ProcessRssBytes;
    assert_eq!(errors[0], ProbeError::Register { limit, error: full });
    assert!(values(&probes).iter().all(Option::is_some));
}

#[test]
fn a_process_that_moves_is_measured_where_it_is() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    let events = super::thread::kinds(&registry);
    let exhausted =
        || events.lock().unwrap().iter().filter(|kind| **kind == EventKind::Exhausted).count();
    let other = "sys/fs/cgroup/other";
    for (file, text) in [("current", "7\n"), ("max", "9\n"), ("events", "oom_kill 50\n")] {
        tree.write(&format!("{other}/memory.{file}"), text);
    }
    tree.write("proc/self/cgroup", "0::/other\n");
    probes.sample();
    let limit = ProbeLimit::CgroupMemoryBytes;
    assert_eq!((probes.value(limit), probes.headroom(0)), (Some(7), Some(2)));
    assert_eq!(probes.value(ProbeLimit::OomKills), Some(50));
    assert_eq!(exhausted(), 0, "kills of another cgroup are no rise");
    tree.write(&format!("{other}/memory.events"), "oom_kill 51\n");
    probes.sample();
    assert_eq!(exhausted(), 1);
}

#[test]
fn settings_out_of_range_are_refused() {
    let registry = Registry::new();
    let build = |builder: plimsoll::probes::ProbesBuilder| builder.build(&registry).map(drop);
    for period in [Duration::ZERO, Duration::from_millis(9), Duration::from_secs(3601)] {
        assert_eq!(build(Probes::builder().period(period)), Err(ProbesError::Period { period }));
    }
    let limit = ProbeLimit::MemoryStallUs;
    for (high, low) in [(0, 0), (50, 50), (50, 80), (101, 0)] {
        let refused = build(Probes::builder().watermarks(limit, high, low));
        let Err(ProbesError::Watermarks { limit: of, .. }) = refused else {
            panic!("{high} {low}")
        };
        assert_eq!(of, limit);
    }
    assert!(registry.snapshot().entries().is_empty());
    let tree = Tree::of(NESTED);
    assert_eq!(
        build(Probes::builder().root(tree.root()).period(Duration::from_millis(10))),
        Ok(())
    );
}
