//! No content of any file makes a sample panic, or leaves a number that is not there.

use plimsoll::probes::{ProbeError, ProbeLimit};
use plimsoll::{EventKind, Registry};

use super::tree::Tree;
use super::{SERVICE, V2, listed, probes, values};

const FILES: [&str; 11] = [
    "proc/self/cgroup",
    "proc/self/mountinfo",
    "proc/self/status",
    "sys/fs/cgroup/system.slice/memory.max",
    "sys/fs/cgroup/system.slice/sandbox.service/memory.current",
    "sys/fs/cgroup/system.slice/sandbox.service/memory.max",
    "sys/fs/cgroup/system.slice/sandbox.service/memory.stat",
    "sys/fs/cgroup/system.slice/sandbox.service/memory.events",
    "sys/fs/cgroup/system.slice/sandbox.service/cpu.pressure",
    "sys/fs/cgroup/system.slice/sandbox.service/memory.pressure",
    "sys/fs/cgroup/system.slice/sandbox.service/io.pressure",
];

const CONTENTS: [&[u8]; 12] = [
    b"",
    b"\n",
    b"\0\0\0\0",
    b"\xff\xfe garbage \x80",
    b"-1\n",
    b"max",
    b"99999999999999999999999999\n",
    b"18446744073709551615\n",
    b"some\nfull\n",
    b"some avg10=99999999999999999999.99 avg60=\n",
    b"0::",
    b"VmRSS: kB\nhigh\nmax \noom x\noom_kill 99999999999999999999\n",
];

#[test]
fn no_content_of_any_file_makes_a_sample_panic() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    let whole = values(&probes);
    for file in FILES {
        let before = std::fs::read(tree.at(file)).unwrap();
        for content in CONTENTS {
            tree.write(file, content);
            probes.sample();
            let measured = values(&probes).iter().filter(|value| value.is_some()).count();
            let errors = probes.errors();
            assert_eq!(measured + errors.len(), whole.len(), "{file}: {content:?}: {errors:?}");
            assert_eq!(registry.snapshot().entries().len(), measured, "{file}: {content:?}");
            for error in errors {
                assert!(!error.to_string().contains(char::is_control), "{error}");
            }
        }
        tree.write(file, before);
        probes.sample();
        assert_eq!(values(&probes), whole, "all is well again after {file}");
    }
}

#[test]
fn huge_numbers_are_kept_in_bounds() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    let huge = format!("{}\n", u64::MAX);
    for file in ["memory.current", "memory.max"] {
        tree.write(&format!("{SERVICE}/{file}"), &huge);
    }
    tree.write(&format!("{SERVICE}/memory.stat"), format!("inactive_file {huge}"));
    assert_eq!(probes.sample(), []);
    assert_eq!(probes.value(ProbeLimit::CgroupMemoryBytes), Some(0), "all of it is cache");
    tree.write(&format!("{SERVICE}/memory.stat"), "");
    assert_eq!(probes.sample(), []);
    assert_eq!(probes.value(ProbeLimit::CgroupMemoryBytes), Some(u64::MAX));
    assert_eq!(probes.headroom(0), Some(0));
    let [(depth, None, _)] = listed(&registry, ProbeLimit::CgroupMemoryBytes)[..] else { panic!() };
    assert_eq!(depth, plimsoll::MAX_CAPACITY);
}

#[test]
fn a_line_of_a_file_that_is_missing_is_told() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    tree.write(&format!("{SERVICE}/memory.events"), "low 0\nhigh 0\nmax 0\noom 0\n");
    let probes = probes(&tree, &registry);
    let [ProbeError::Content { limit, .. }] = probes.errors()[..] else { panic!() };
    assert_eq!(limit, ProbeLimit::OomKills);
}

#[test]
fn a_kill_is_an_event_of_the_memory() {
    let (tree, registry) = (Tree::of(V2), Registry::new());
    let probes = probes(&tree, &registry);
    let events = super::thread::kinds(&registry);
    assert_eq!(probes.sample(), []);
    let count = |kills: u64| {
        let text = format!("low 0\nhigh 9\nmax 99\noom 9\noom_kill {kills}\n");
        tree.write(&format!("{SERVICE}/memory.events"), text);
        assert_eq!(probes.sample(), []);
        std::mem::take(&mut *events.lock().unwrap())
    };
    assert_eq!(count(2), [], "other counts are gauges only");
    assert_eq!(count(4), [EventKind::Exhausted]);
    assert_eq!(count(4), []);
    assert_eq!(count(1), [], "a count that falls is another cgroup's");
    assert_eq!(listed(&registry, ProbeLimit::OomKills)[0].0, 1);
}
