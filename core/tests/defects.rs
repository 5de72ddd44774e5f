//! Defects 1 to 6 of the designs in use, each shown on a small twin of the design and absent here.
//!
//! The twins do in one thread, step by step, what threads do at an unlucky moment.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;

use plimsoll_core::{
    Edge, EdgeKind, FlowGauge, Gauge, Level, SampledGauge, ThreadKey, Waiters, Watermarks,
};

/// The design in use: a counter that saturates at nothing, a mark, and a warning that is judged in
/// percent after counting. Counting and judging are separate steps, as they are for a thread.
#[derive(Default)]
struct InUse {
    capacity: u64,
    depth: Cell<u64>,
    high_water: Cell<u64>,
    is_warned: Cell<bool>,
    warnings: Cell<u32>,
}

impl InUse {
    fn new(capacity: u64) -> InUse {
        InUse { capacity, ..InUse::default() }
    }

    /// Answers what the thread has seen, for it to judge.
    fn count_in(&self, items: u64) -> u64 {
        self.depth.set(self.depth.get() + items);
        self.high_water.set(self.high_water.get().max(self.depth.get()));
        self.depth.get()
    }

    fn count_out(&self, items: u64) -> u64 {
        self.depth.set(self.depth.get().saturating_sub(items));
        self.depth.get()
    }

    /// Whether a warning is due, as far as this thread can see.
    fn is_due(&self, seen: u64) -> bool {
        seen * 100 / self.capacity >= 80 && !self.is_warned.get()
    }

    fn warn(&self) {
        self.is_warned.set(true);
        self.warnings.set(self.warnings.get() + 1);
    }

    fn judge(&self, seen: u64) {
        if self.is_due(seen) {
            self.warn();
        } else if seen * 100 / self.capacity <= 50 {
            self.is_warned.set(false);
        }
    }
}

#[test]
fn defect_1_a_count_after_the_send_is_lost_when_the_receiver_is_quicker() {
    let twin = InUse::new(1);
    // The sender has sent and not yet counted; the receiver receives and counts.
    twin.judge(twin.count_out(1));
    twin.judge(twin.count_in(1));
    assert_eq!(twin.depth.get(), 1, "of an empty queue, for ever");
    assert!(twin.is_warned.get(), "latched at idle");

    // GAUGE-1: the same steps leave a debt that the late count makes good.
    let gauge = Gauge::new(Watermarks::new(1));
    assert!(gauge.sub(1).is_none());
    assert!(gauge.add(1).is_none());
    assert_eq!((gauge.depth(), gauge.high_water(), gauge.level()), (0, 0, Level::Normal));
}

#[test]
fn defect_2_a_count_before_a_send_that_fails_stays() {
    let (sender, receiver) = mpsc::sync_channel(10);
    drop(receiver);
    let twin = InUse::new(10);
    for item in 0..100 {
        twin.judge(twin.count_in(1));
        assert!(sender.send(item).is_err());
    }
    assert_eq!((twin.depth.get(), twin.high_water.get()), (100, 100), "of 10");

    // GAUGE-1: what was counted for the send is given back by whatever way the send ends.
    let gauge = Gauge::new(Watermarks::new(10));
    for item in 0..100 {
        let (permit, _) = gauge.permit(1);
        assert!(sender.send(item).is_err());
        drop(permit);
    }
    assert_eq!((gauge.depth(), gauge.high_water(), gauge.level()), (0, 1, Level::Normal));
}

#[test]
fn defect_3_parked_senders_are_no_depth() {
    const CAPACITY: u64 = 4;
    const SENDERS: u64 = 16;
    let twin = InUse::new(CAPACITY);
    (0..SENDERS).for_each(|_| twin.judge(twin.count_in(1)));
    assert_eq!(twin.depth.get(), SENDERS, "on capacity 4");
    (0..SENDERS).for_each(|_| twin.judge(twin.count_out(1)));
    assert_eq!(twin.high_water.get(), SENDERS, "for life");

    // The same senders, one item each: those who find the queue full wait for the receiver.
    let queue = Cell::new(0);
    let look = || queue.get();
    let flow = FlowGauge::new(Watermarks::new(CAPACITY));
    let (sender, receiver) = (flow.join_sender(), flow.join_receiver());
    let waiters = Waiters::new();
    let edges = Cell::new(0);
    let note = |edge: Option<Edge>| edges.set(edges.get() + u32::from(edge.is_some()));
    let send = || {
        queue.set(queue.get() + 1);
        note(flow.after_send(&sender, ThreadKey::MIN, look));
    };
    for _ in 0..SENDERS {
        if queue.get() < CAPACITY { send() } else { waiters.enter(0) }
    }
    assert_eq!((flow.reading(look).0.depth, waiters.waiting()), (CAPACITY, SENDERS - CAPACITY));
    for _ in 0..SENDERS {
        queue.set(queue.get() - 1);
        note(flow.after_receive(&receiver, ThreadKey::MIN, look));
        if waiters.waiting() > 0 {
            waiters.exit(0, 5);
            send();
        }
    }
    assert_eq!(edges.get(), 2, "raised once, and cleared once all senders were served");
    let (reading, _) = flow.reading(look);
    assert_eq!((reading.depth, reading.high_water), (0, CAPACITY), "GAUGE-5");
    assert_eq!(waiters.blocked_us(9), 5 * (SENDERS - CAPACITY));
}

#[test]
fn defect_4_a_stalled_judgement_of_the_design_in_use() {
    let twin = InUse::new(10);
    let stalled = twin.count_in(8);
    twin.judge(twin.count_out(8));
    twin.judge(stalled);
    assert!(twin.depth.get() == 0 && twin.is_warned.get(), "warned, and drained");

    let twin = InUse::new(10);
    twin.judge(twin.count_in(8));
    let stalled = twin.count_out(3);
    twin.judge(twin.count_in(5));
    twin.judge(stalled);
    assert!(twin.depth.get() == 10 && !twin.is_warned.get(), "full, and not warned");

    let twin = InUse::new(10);
    let (first, second) = (twin.count_in(8), twin.count_in(1));
    let both_due = [twin.is_due(first), twin.is_due(second)];
    both_due.iter().filter(|due| **due).for_each(|_| twin.warn());
    assert_eq!(twin.warnings.get(), 2, "for one crossing");
}

/// A dropped permit is a thread that stalls between counting and judging; `settle` is where it goes
/// on.
#[test]
fn defect_4_a_counted_gauge_judges_the_depth_that_is_there() {
    let gauge = Gauge::new(Watermarks::new(10));
    let held = [gauge.permit(3).0, gauge.permit(3).0, gauge.permit(2).0];
    assert!(gauge.is_raised());
    drop(held);
    assert!(gauge.add(10).is_none(), "the clear that was due is not due any more");
    assert!(gauge.settle().is_none());
    assert_eq!((gauge.depth(), gauge.level()), (10, Level::Elevated), "GAUGE-4");
    assert_eq!(gauge.sub(5).map(|edge| edge.sequence()), Some(2), "GAUGE-3");
}

/// A look that stalls: what other threads do meanwhile is done by one before the look ends.
#[test]
fn defect_4_a_sampled_gauge_whose_look_stalls_leaves_the_level_right() {
    // The depth before, the one that the stalled look sees, and the one afterwards.
    for (before, seen, after) in [(0, 8, 0), (8, 5, 10), (0, 8, 9), (9, 5, 0)] {
        for stalled_look in [1, 2] {
            let depth = AtomicU64::new(before);
            let look = || depth.load(SeqCst);
            let gauge = SampledGauge::new(Watermarks::new(10));
            let mut edges: Vec<Edge> = gauge.observe_with(look).into_iter().collect();
            depth.swap(seen, SeqCst);
            let (mut looks, mut others) = (0, Vec::new());
            edges.extend(gauge.observe_with(|| {
                looks += 1;
                let seen = look();
                if looks == stalled_look {
                    depth.swap(after, SeqCst);
                    let others_look = thread::scope(|scope| {
                        scope.spawn(|| gauge.observe_with(look)).join().unwrap()
                    });
                    others.extend(others_look);
                }
                seen
            }));
            edges.extend(others);
            edges.sort_by_key(Edge::sequence);
            let case = format!("{before}, {seen}, {after}, look {stalled_look}: {edges:?}");
            assert_eq!(gauge.is_raised(), after >= 8, "GAUGE-4: {case}");
            let kinds = [EdgeKind::Raised, EdgeKind::Cleared].into_iter().cycle();
            for ((place, edge), kind) in edges.iter().enumerate().zip(kinds) {
                assert_eq!((edge.kind(), edge.sequence()), (kind, place as u64 + 1), "{case}");
            }
            assert_eq!(edges.len() % 2 == 1, after >= 8, "GAUGE-3: {case}");
        }
    }
}

#[test]
fn defect_4_one_warning_for_each_crossing_at_capacity_1() {
    const ROUNDS: u64 = if cfg!(miri) { 50 } else { 50_000 };
    let gauge = Gauge::new(Watermarks::new(1));
    let ping_pong =
        || (0..ROUNDS).flat_map(|_| [gauge.add(1), gauge.sub(1)]).flatten().collect::<Vec<_>>();
    let mut edges = thread::scope(|scope| {
        let threads = [scope.spawn(ping_pong), scope.spawn(ping_pong)];
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    edges.sort_by_key(Edge::sequence);
    for (place, pair) in edges.chunks(2).enumerate() {
        assert_eq!(pair[0].sequence(), 2 * place as u64 + 1, "GAUGE-3");
        assert_eq!((pair[0].kind(), pair[1].kind()), (EdgeKind::Raised, EdgeKind::Cleared));
    }
    assert_eq!((gauge.depth(), gauge.level()), (0, Level::Normal), "GAUGE-4");
}

#[test]
fn defect_5_percent_in_32_bits_never_warns_at_64_mebibytes() {
    const CAPACITY: u32 = 64 << 20;
    const STEP: u32 = 4 << 10;
    let depths = (0..=CAPACITY).step_by(STEP as usize);
    let largest = depths.map(|depth| depth.wrapping_mul(100) / CAPACITY).max();
    assert!(largest < Some(80), "{largest:?} percent is the most it ever gets to");

    // GAUGE-6: the same limit, page by page and then byte by byte.
    let gauge = Gauge::new(Watermarks::new(CAPACITY.into()));
    let high = 53_687_092; // ceil(2^26 * 0.8)
    let page = u64::from(STEP);
    assert!((0..high / page).all(|_| gauge.add(page).is_none()));
    assert!((1..high % page).all(|_| gauge.add(1).is_none()));
    assert_eq!(gauge.add(1).map(|edge| edge.depth()), Some(high));
}

/// A queue of the design in use: the handler runs inside `send` and `recv`.
struct Handled<'h> {
    items: VecDeque<u32>,
    handler: &'h dyn Fn(&mut VecDeque<u32>),
}

impl Handled<'_> {
    const CAPACITY: usize = 1;

    fn recv(&mut self) -> Option<u32> {
        let item = self.items.pop_front();
        (self.handler)(&mut self.items);
        item
    }

    /// Blocks while the queue is full, which in one thread is for ever: then says so.
    fn send(items: &mut VecDeque<u32>, item: u32) -> Result<(), &'static str> {
        if items.len() == Self::CAPACITY {
            return Err("blocked for ever");
        }
        items.push_back(item);
        Ok(())
    }
}

#[test]
fn defect_6_a_handler_inside_the_queue() {
    let mut twin =
        Handled { items: [7].into(), handler: &|_| std::panic::resume_unwind(Box::new("handler")) };
    assert!(catch_unwind(AssertUnwindSafe(|| twin.recv())).is_err());
    assert!(twin.items.is_empty(), "the item is in nobody's hands");

    let answer = Cell::new(Ok(()));
    let handler = |items: &mut VecDeque<u32>| {
        for item in 0..2 {
            answer.set(answer.get().and(Handled::send(items, item)));
        }
    };
    let mut twin = Handled { items: [7].into(), handler: &handler };
    twin.recv();
    assert_eq!(answer.get(), Err("blocked for ever"), "while the receiver waits for its handler");
}

#[test]
fn defect_6_an_edge_is_a_value_and_its_handler_runs_where_the_caller_likes() {
    let gauge = SampledGauge::new(Watermarks::new(1));
    let mut queue = VecDeque::from([7]);
    assert!(gauge.observe_with(|| queue.len() as u64).is_some());
    let item = queue.pop_front();
    let edge = gauge.observe_with(|| queue.len() as u64);
    assert_eq!(edge.map(|edge| edge.kind()), Some(EdgeKind::Cleared));
    let handler = |_: Option<Edge>| std::panic::resume_unwind(Box::new("handler"));
    assert!(catch_unwind(AssertUnwindSafe(|| handler(edge))).is_err());
    assert_eq!(item, Some(7), "in the caller's hands before any handler ran");

    // A handler that sends does so between operations, to which the gauge is open.
    queue.push_back(8);
    let again = gauge.observe_with(|| queue.len() as u64);
    assert_eq!(again.map(|edge| edge.sequence()), Some(3));
}
