//! Runs one hot path of the crate a number of times, so that its instructions can be counted:
//! `hot_paths PATH TIMES`. Without arguments it lists the paths. `.ci/instructions` compares what
//! they cost with `core/instructions.txt`.

mod hot_path;

use std::hint::black_box;
use std::num::NonZeroU64;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use hot_path::HotPath;
use plimsoll_core::budget::{Asker, Node, PercentWatermarks, release, try_reserve};
use plimsoll_core::keepalive::{Rule, Tick, Tracker, Wheel, WheelSlot};
use plimsoll_core::ledger::{
    Entry, KeyRef, LedgerHandle, LedgerSet, PeakLedger, Seed, SumLedger, sets_for,
};
use plimsoll_core::pool::{Demand, PoolId, PoolSlot, PoolSlots, SlotId, Tenant};
use plimsoll_core::{
    FlowGauge, Gauge, Ring, RingSlot, SampledGauge, SplitCount, Tally, Waiters, Watermarks,
};

const PATHS: [HotPath; 32] = [
    ("gauge_add_sub", gauge_add_sub),
    ("gauge_permit", gauge_permit),
    ("gauge_two_edges", gauge_two_edges),
    ("gauge_set", gauge_set),
    ("gauge_reading", gauge_reading),
    ("sampled_observe", sampled_observe),
    ("flow_send_receive", flow_send_receive),
    ("flow_two_senders", flow_two_senders),
    ("split_count", split_count),
    ("tally_owner", |times| tally(1, times)),
    ("tally_other", |times| tally(2, times)),
    ("waiters", waiters),
    ("ring_push_pop", ring_push_pop),
    ("keepalive_notify", |times| keepalive_notify(|_| 7, times)),
    ("keepalive_notify_new_tick", |times| keepalive_notify(|beat| beat, times)),
    ("keepalive_look", keepalive_look),
    ("ledger_hit", ledger_hit),
    ("ledger_raise", ledger_raise),
    ("ledger_turned_away", ledger_turned_away),
    ("ledger_admit_4096", |times| ledger_admit(4_096, times)),
    ("ledger_admit_65536", |times| ledger_admit(65_536, times)),
    ("ledger_handle", ledger_handle),
    ("ledger_top_ten", ledger_top_ten),
    ("ledger_sum_hit", ledger_sum_hit),
    ("ledger_sum_newcomer", ledger_sum_newcomer),
    ("pool_take_near", pool_take_near),
    ("pool_take_hottest", pool_take_hottest),
    ("budget_one_level", |times| budget(1, times)),
    ("budget_two_levels", |times| budget(2, times)),
    ("budget_three_levels", |times| budget(3, times)),
    ("budget_refused", budget_refused),
    ("budget_two_edges", budget_two_edges),
];

const CAPACITY: u64 = 1024;

fn main() -> ExitCode {
    hot_path::main_of("hot_paths", &PATHS)
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

fn gauge_set(times: u64) {
    let gauge = Gauge::new(Watermarks::new(CAPACITY));
    for n in 0..times {
        black_box(gauge.set(black_box(n % 8)).is_some());
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

/// Two handles in turn, well below the high-water mark.
fn flow_two_senders(times: u64) {
    let depth = AtomicU64::new(0);
    let look = || depth.load(SeqCst);
    let flow = FlowGauge::new(Watermarks::new(CAPACITY));
    let (senders, receiver) = ([(); 2].map(|()| flow.join_sender()), flow.join_receiver());
    let send = |sender: usize| {
        depth.fetch_add(1, SeqCst);
        black_box(flow.after_send(&senders[sender], NonZeroU64::MIN, look).is_some());
    };
    let receive = || {
        depth.fetch_sub(1, SeqCst);
        black_box(flow.after_receive(&receiver, NonZeroU64::MIN, look).is_some());
    };
    (0..600).for_each(|_| send(0));
    (0..600).for_each(|_| receive());
    for n in 0..times {
        send(n as usize % 2);
        receive();
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

/// Thread 1 owns half of the count.
fn tally(thread: u64, times: u64) {
    let tally = Tally::new();
    tally.count(NonZeroU64::MIN);
    let thread = NonZeroU64::new(thread).expect("threads are numbered from 1 on");
    for _ in 0..times {
        black_box(&tally).count(black_box(thread));
    }
    black_box(tally.total());
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

type Boxed = Box<[LedgerSet]>;

/// An id of 20 bytes.
fn id(number: u64) -> [u8; 20] {
    let mut id = *b"tenant-7/guest-00000";
    for place in (15..20).rev().zip([1, 10, 100, 1_000, 10_000]) {
        id[place.0] += (number / place.1 % 10) as u8;
    }
    id
}

fn ids() -> Vec<[u8; 20]> {
    (0..1_000).map(id).collect()
}

fn key(id: &[u8; 20]) -> KeyRef<'_> {
    KeyRef::new(id).expect("20 bytes")
}

fn sets(capacity: usize) -> Boxed {
    (0..sets_for(capacity)).map(|_| LedgerSet::new()).collect()
}

/// A ledger of peaks without a free slot, in which all ids have 2, and others 1 or 2.
fn full_of_peaks(capacity: usize) -> PeakLedger<Boxed> {
    let ledger =
        PeakLedger::with_sets(sets(capacity), Seed::new(17, 4)).expect("a capacity above 0");
    for number in 0.. {
        if number % 1_000 == 0 && ledger.floor() > 0 {
            break;
        }
        ledger.record(number, 1);
    }
    ids().iter().for_each(|id| {
        ledger.record(key(id), 2);
    });
    ledger
}

fn ledger_hit(times: u64) {
    let (ledger, ids) = (full_of_peaks(4_096), ids());
    for step in 0..times as usize {
        black_box(ledger.record(key(&ids[step % ids.len()]), black_box(1)));
    }
}

fn ledger_raise(times: u64) {
    let (ledger, ids) = (full_of_peaks(4_096), ids());
    for step in 0..times {
        black_box(ledger.record(key(&ids[step as usize % ids.len()]), 3 + step));
    }
}

fn ledger_turned_away(times: u64) {
    let ledger = full_of_peaks(4_096);
    let newcomers: Vec<_> = (10_000..11_000).map(id).collect();
    for step in 0..times as usize {
        black_box(ledger.record(key(&newcomers[step % newcomers.len()]), black_box(1)));
    }
}

fn ledger_admit(capacity: usize, times: u64) {
    let ledger = full_of_peaks(capacity);
    for step in 0..times {
        black_box(ledger.record(key(&id(10_000 + step)), 3 + step));
    }
}

fn ledger_handle(times: u64) {
    let ledger = full_of_peaks(4_096);
    let mut handle = LedgerHandle::new(&ledger, key(&id(7)).into());
    for _ in 0..times {
        black_box(handle.record(black_box(1)));
    }
}

/// The ten largest of a full ledger in which every second user of 4,096 has more than the one before.
fn ledger_top_ten(times: u64) {
    let ledger = PeakLedger::with_sets(sets(4_096), Seed::new(1, 2)).expect("a capacity above 0");
    (0..12 * 4_096).for_each(|number| {
        ledger.record(number, 1 << 20);
    });
    for number in 0..4_096 {
        ledger.record(key(&id(number)), (1 << 20) + 1 + number % 2 * number);
    }
    for _ in 0..times {
        let mut buffer = [Entry::NONE; 10];
        black_box(ledger.top(&mut buffer).entries().len());
    }
}

fn ledger_sum_hit(times: u64) {
    let (ledger, ids) = (full_of_sums(), ids());
    for step in 0..times as usize {
        black_box(ledger.record(key(&ids[step % ids.len()]), black_box(1)));
    }
}

fn ledger_sum_newcomer(times: u64) {
    let ledger = full_of_sums();
    for step in 0..times {
        black_box(ledger.record(key(&id(10_000 + step)), black_box(1)));
    }
}

/// A ledger of sums without a free slot, in which all ids are among the largest.
fn full_of_sums() -> SumLedger<Boxed> {
    let ledger = SumLedger::with_sets(sets(4_096), Seed::new(17, 4)).expect("a capacity above 0");
    for number in 0..40_000 {
        ledger.record(number, 1);
    }
    ids().iter().for_each(|id| {
        ledger.record(key(id), 1_000);
    });
    ledger
}

fn keepalive_notify(tick: fn(u64) -> u64, times: u64) {
    let guest = Tracker::new(Tick::new(0));
    for beat in 0..times {
        black_box(guest.notify(black_box(Tick::new(tick(beat)))).is_some());
    }
}

/// A guest that is due in the wheel, has beaten meanwhile, and is put back.
fn keepalive_look(times: u64) {
    let rule = Rule::new(100).expect("a sound window");
    let (guest, mut wheel) = (Tracker::new(Tick::new(0)), Wheel::<[WheelSlot; 8]>::new());
    wheel.insert(Tick::new(100)).expect("room for one");
    for look in 1..=times {
        let now = Tick::new(100 * look);
        guest.notify(Tick::new(100 * look - 1));
        let judge = |_| black_box(guest.judge(now, rule)).expect("open").due.into();
        black_box(wheel.sweep(now, 8, judge).looks);
    }
}

/// A lease of the slot that was used last, as who finds nobody waiting makes it.
fn pool_take_near(times: u64) {
    pool_leases(times, Some(SlotId::new(3)));
}

/// The same by a look at all 8 slots.
fn pool_take_hottest(times: u64) {
    pool_leases(times, None);
}

fn pool_leases(times: u64, near: Option<SlotId>) {
    let slots: PoolSlots<[PoolSlot; 8]> = PoolSlots::new(PoolId::new(1));
    let (demand, tenant) = (Demand::new(), Tenant::new(7).expect("a tenant's number"));
    while let Some(built) = slots.reserve(tenant) {
        slots.finish(built, Tick::new(0)).expect("its own");
    }
    for now in 0..times {
        black_box(demand.look().is_quiet());
        let lease = slots.take(black_box(tenant), black_box(near)).expect("idle");
        black_box(slots.give_back(lease, Tick::new(now)).is_ok());
        black_box(demand.look_after_release().is_quiet());
    }
}

/// A reserve and a release along a path of so many nodes.
fn budget(nodes: usize, times: u64) {
    let all = [(); 3].map(|()| Node::new(CAPACITY, PercentWatermarks::new()));
    let [leaf, middle, root] = &all;
    let path = [leaf, middle, root];
    let path = || path[..nodes].iter().copied();
    for _ in 0..times {
        black_box(try_reserve(path(), black_box(1), Asker::Newcomer).is_ok());
        black_box(release(path(), black_box(1)).is_ok());
    }
}

/// An ask that the root refuses.
fn budget_refused(times: u64) {
    let nodes = [CAPACITY, 0].map(|capacity| Node::new(capacity, PercentWatermarks::new()));
    for _ in 0..times {
        black_box(try_reserve(nodes.iter(), black_box(1), Asker::Newcomer).is_ok());
    }
}

/// A reserve that raises and a release that clears, with their edges.
fn budget_two_edges(times: u64) {
    let node = Node::new(1, PercentWatermarks::new());
    let path = || std::iter::once(&node);
    for _ in 0..times {
        black_box(try_reserve(path(), black_box(1), Asker::Newcomer).is_ok());
        black_box(node.settle().is_some());
        black_box(release(path(), black_box(1)).is_ok());
        black_box(node.settle().is_some());
    }
}
