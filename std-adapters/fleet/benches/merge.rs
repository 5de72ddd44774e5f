//! Merging the ledgers of a fleet, beside the union of frequent-items sketches of Apache DataSketches.
//!
//! `cargo bench -p plimsoll-fleet --bench merge` merges 1,000 states of 4,096 users, decoding included on both
//! sides, on one core, and prints the median processor time of several runs, what each side states as its error, and bytes. With
//! `--quick` (and under `cargo test`) it does a little of each, and checks that it runs.

use std::hint::black_box;
use std::time::Duration;

use datasketches::frequencies::{FrequentItemValue, FrequentItemsSketch};
use plimsoll::ledger::{Key, LedgerKind};
use plimsoll::{Limit, Snapshot};
use plimsoll_fleet::HostName;
use plimsoll_fleet::merge::Merged;
use plimsoll_fleet::sketch::FrequentItems;
use plimsoll_fleet::state::{Frame, HostState, LedgerState};
use plimsoll_fleet::view::{FleetView, Taken};
use rustix::time::{ClockId, clock_gettime};

/// What is merged.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    hosts: u64,
    users: u64,
    /// Principals of the whole fleet.
    principals: u64,
    is_text: bool,
}

/// Users that the merge lists.
const LISTED: usize = 100;

fn main() {
    let is_quick = !std::env::args().any(|arg| arg == "--bench")
        || std::env::args().any(|arg| arg == "--quick");
    let (hosts, users, runs) = if is_quick { (8, 256, 1) } else { (1_000, 4_096, 3) };
    let shape = |name, principals, is_text| Shape { name, hosts, users, principals, is_text };
    reader(shape("text, 100 hosts each", hosts * users / 100 + users, true));
    println!("{hosts} hosts x {users} users, decoding included, median processor time of {runs}");
    println!(
        "principals            of     ours  sketches  ratio   our error  theirs   bytes/user  theirs"
    );
    for shape in [
        shape("text, shared", 2 * users, true),
        shape("text, 100 hosts each", hosts * users / 100 + users, true),
        shape("text, all different", hosts * users, true),
        shape("numbers, shared", 2 * users, false),
        shape("numbers, 100 each", hosts * users / 100 + users, false),
        shape("numbers, all different", hosts * users, false),
    ] {
        if shape.is_text {
            measure::<String>(shape, runs);
        } else {
            measure::<u64>(shape, runs);
        }
    }
}

/// What a reader of such a fleet takes: states that come every 5 s, and a merge.
fn reader(shape: Shape) {
    let frames = (0..shape.hosts).map(|host| {
        let name = HostName::new(format!("host-{host}")).expect("a name");
        Frame::Whole { of: (1, 1), body: state(name, ledger(shape, host)) }.to_bytes()
    });
    let frames: Vec<bytes::Bytes> = frames.collect();
    let bytes: usize = frames.iter().map(bytes::Bytes::len).sum();
    let (mut view, now) = (FleetView::default(), Duration::from_secs(1));
    let begun = cpu_time();
    for frame in frames {
        let Ok(Frame::Whole { body, .. }) = Frame::from_bytes(frame) else { panic!("a frame") };
        let state = HostState::from_bytes(body).expect("a state");
        assert_eq!(view.on_state(now, now, state), Taken::Joined);
    }
    let taken = cpu_time().saturating_sub(begun);
    let before = memory("VmRSS:");
    let begun = cpu_time();
    let merged = view.merged(&view.ledgers()[0], LISTED).expect("a ledger of all hosts");
    let merging = cpu_time().saturating_sub(begun);
    assert_eq!(merged.hosts.len() as u64, shape.hosts);
    println!(
        "a reader: {:.1} MB/s, {} ms each 5 s to take states in, {} ms to merge them, {} MB, {} MB while it merges",
        bytes as f64 / 5e6,
        taken.as_millis(),
        merging.as_millis(),
        before / 1_000,
        memory("VmHWM:") / 1_000,
    );
}

/// Kilobytes of this process; 0 where it is not told.
fn memory(of: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(of));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn measure<T: FrequentItemValue + Clone>(shape: Shape, runs: usize) {
    let ledgers: Vec<LedgerState> = (0..shape.hosts).map(|host| ledger(shape, host)).collect();
    let host = HostName::new("host").expect("a name");
    let ours: Vec<_> = ledgers.iter().map(|ledger| state(host.clone(), ledger.clone())).collect();
    let sketch =
        |ledger| FrequentItems::of_ledger(ledger).expect("a sketch of a sum ledger").to_bytes();
    let theirs: Vec<Vec<u8>> = ledgers.iter().map(sketch).collect();
    let merged = || {
        let states = ours.iter().map(|bytes: &bytes::Bytes| {
            HostState::from_bytes(bytes.clone()).expect("a state").ledgers.remove(0)
        });
        let states: Vec<LedgerState> = states.collect();
        Merged::of(&states, LISTED).expect("states of one ledger")
    };
    let union = || {
        let size = (shape.users * 2).next_power_of_two() as usize;
        let mut union = FrequentItemsSketch::<T>::new(size).expect("a power of two");
        for bytes in &theirs {
            union.merge(&FrequentItemsSketch::deserialize(bytes).expect("a sketch"));
        }
        union
    };
    let (our_time, our_merged) = median(runs, merged);
    let (their_time, their_union) = median(runs, union);
    let our_error = our_merged.users().iter().map(|user| user.error()).max().unwrap_or(0);
    let total = our_merged.total as f64;
    assert!(our_error <= their_union.maximum_error(), "our error is no larger");
    assert_eq!(our_merged.total, their_union.total_weight(), "both have merged all");
    let entries = (shape.hosts * shape.users) as f64;
    let each = |bytes: usize| bytes as f64 / entries;
    println!(
        "{:22} {:>8} {:>6.0} ms {:>5.0} ms  {:.2}x {:>9.5} % {:>9.5} % {:>7.1} {:>9.1}",
        shape.name,
        shape.principals.min(shape.hosts * shape.users),
        our_time.as_secs_f64() * 1e3,
        their_time.as_secs_f64() * 1e3,
        our_time.as_secs_f64() / their_time.as_secs_f64(),
        100.0 * our_error as f64 / total,
        100.0 * their_union.maximum_error() as f64 / total,
        each(ours.iter().map(bytes::Bytes::len).sum()),
        each(theirs.iter().map(Vec::len).sum()),
    );
}

/// What this thread has used of a processor: others on the machine do not count.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The median time of several runs, and what the last one returned.
fn median<T>(runs: usize, mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut times = Vec::new();
    loop {
        let begun = cpu_time();
        let result = black_box(run());
        times.push(cpu_time().saturating_sub(begun));
        if times.len() >= runs {
            times.sort_unstable();
            return (times[times.len() / 2], result);
        }
    }
}

/// The ledger of a host: few large users, many small ones, some of them on many hosts.
fn ledger(shape: Shape, host: u64) -> LedgerState {
    let limit = Limit::cpu("guest_fuel");
    let bound = 1_000 + mixed(host) % 1_000;
    // Each host has users that lie together, so that none of its principals comes twice.
    let first = mixed(host) % shape.principals;
    let users = (0..shape.users).map(|at| {
        let principal = match shape.principals == shape.hosts * shape.users {
            true => host * shape.users + at,
            false => (first + at) % shape.principals,
        };
        // By rank, as Zipf's law has it.
        let value = bound
            + 1
            + 1_000_000_000 / (1 + mixed(principal) % shape.users)
            + mixed(host ^ at) % 1_000;
        (key(principal, shape.is_text), value, mixed(at) % bound)
    });
    let users: Vec<_> = users.collect();
    let total = users.iter().map(|(_, value, _)| value).sum();
    LedgerState::new(&limit, LedgerKind::Sum, users, bound, total)
}

fn key(principal: u64, is_text: bool) -> Key {
    if !is_text {
        return Key::from(mixed(principal));
    }
    Key::new(format!("tenant-{:012x}", mixed(principal) >> 16).as_bytes()).expect("19 bytes")
}

/// SplitMix64.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn state(host: HostName, ledger: LedgerState) -> bytes::Bytes {
    let state = HostState {
        host,
        incarnation: 1,
        sequence: 1,
        at_unix_ms: 0,
        started_unix_ms: 0,
        interval_ms: 5_000,
        snapshot: Snapshot::default(),
        ledgers: vec![ledger],
        silent: Vec::new(),
        silent_more: 0,
        events: Default::default(),
    };
    state.to_bytes().expect("a state")
}
