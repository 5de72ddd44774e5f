//! The freeze test: a thread that is stopped for ever at any one atomic step leaves every other
//! thread able to finish, and what the others are told stays right.
//!
//! One thread is stopped at its first atomic step, then at its second, and so on to its last. The
//! rest of the model runs beside it and after it. An edge that the stopped thread has made and never
//! handed on is lost with it; the numbers of the others show the gap.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::{Credit, Edge, EdgeKind, Gauge, Ring, RingSlot, SampledGauge, Watermarks};

use crate::common::{Channel, Depth, Freezer, Model};

const RAISED: Option<EdgeKind> = Some(EdgeKind::Raised);
const CLEARED: Option<EdgeKind> = Some(EdgeKind::Cleared);

/// Starts a thread whose work is stopped at the step that is this run's.
fn stopped(freezer: &Freezer, work: impl FnOnce() + 'static) -> thread::JoinHandle<()> {
    let freezer = freezer.clone();
    thread::spawn(move || freezer.run(work))
}

fn kind(edge: Option<Edge>) -> Option<EdgeKind> {
    edge.map(|edge| edge.kind())
}

fn freeze_gauge(work: fn(&Gauge)) {
    Model::bounded(3).at_least([200, 200, 100]).check_frozen(move |freezer| {
        let gauge = Arc::new(Gauge::new(Watermarks::counts(4, 2, 0)));
        let edges = [gauge.add(1)];
        let other = gauge.clone();
        let other = stopped(freezer, move || work(&other));
        let edges = edges.into_iter().chain([gauge.add(1), gauge.sub(1)]);
        let numbers: Vec<_> = edges.flatten().map(|edge| edge.sequence()).collect();
        other.join().unwrap();
        // What the stopped thread has left undone is done by the next that comes along.
        let _ = gauge.settle();
        let reading = gauge.reading();
        assert!((1..=2).contains(&reading.depth) && reading.depth <= reading.high_water);
        assert!((2..=3).contains(&reading.high_water), "GAUGE-5: {reading:?}");
        let _ = gauge.sub(reading.depth);
        assert!(!gauge.is_raised(), "GAUGE-4");
        let raised = gauge.add(3).unwrap();
        let cleared = gauge.sub(3).unwrap();
        assert_eq!((raised.kind(), cleared.kind()), (EdgeKind::Raised, EdgeKind::Cleared));
        assert!(numbers.is_sorted() && numbers.last() < Some(&raised.sequence()), "GAUGE-3");
        assert_eq!((gauge.depth(), gauge.high_water()), (0, 3), "GAUGE-1, GAUGE-5");
        assert_eq!((gauge.take_high_water(), gauge.take_high_water()), (3, 0), "GAUGE-5");
    });
}

/// GAUGE-4: `add` is stopped anywhere.
#[test]
fn freeze_gauge_add() {
    freeze_gauge(|gauge| {
        let _ = gauge.add(1);
    });
}

/// GAUGE-4: `add` and `sub` are stopped anywhere, each with an edge to make.
#[test]
fn freeze_gauge_add_and_sub() {
    freeze_gauge(|gauge| {
        let _ = gauge.add(1);
        let _ = gauge.sub(1);
    });
}

/// GAUGE-5: the mark is being taken and never reported.
#[test]
fn freeze_gauge_take() {
    freeze_gauge(|gauge| {
        let _ = gauge.take_high_water();
    });
}

/// GAUGE-5: a reading notes a depth and is stopped.
#[test]
fn freeze_gauge_reading() {
    freeze_gauge(|gauge| {
        let _ = gauge.reading();
    });
}

fn freeze_sampled(work: fn(&SampledGauge, &Depth)) {
    Model::bounded(3).at_least([200, 500, 500]).check_frozen(move |freezer| {
        let shared = Arc::new((SampledGauge::new(Watermarks::counts(4, 2, 0)), Depth::new()));
        let other = shared.clone();
        let other = stopped(freezer, move || work(&other.0, &other.1));
        let (gauge, depth) = &*shared;
        let shift = |by| {
            depth.shift(by);
            gauge.observe_with(|| depth.look())
        };
        let edges = [shift(2), shift(-1)];
        assert!(edges.iter().flatten().map(Edge::sequence).is_sorted(), "GAUGE-3");
        other.join().unwrap();
        // What the stopped thread has left undone is done by the next that comes along.
        let (reading, _) = gauge.reading(|| depth.look());
        assert_eq!(reading.depth, depth.look(), "GAUGE-1");
        assert!(reading.depth <= reading.high_water && reading.high_water <= 3, "GAUGE-5");
        let _ = shift(-(depth.look() as i64));
        assert!(!gauge.is_raised(), "GAUGE-4");
        assert_eq!((kind(shift(3)), kind(shift(-3))), (RAISED, CLEARED), "GAUGE-4");
        assert_eq!(gauge.high_water(), 3, "GAUGE-5");
        assert_eq!(gauge.take_high_water(|| depth.look()), 3, "GAUGE-5");
    });
}

/// GAUGE-4: an observation is stopped anywhere, inside a claim too.
#[test]
fn freeze_sampled_observe() {
    freeze_sampled(|gauge, depth| {
        depth.shift(1);
        let _ = gauge.observe_with(|| depth.look());
        depth.shift(-1);
        let _ = gauge.observe_with(|| depth.look());
    });
}

/// GAUGE-5: the mark is being taken and never reported.
#[test]
fn freeze_sampled_take() {
    freeze_sampled(|gauge, depth| {
        let _ = gauge.take_high_water(|| depth.look());
    });
}

/// Runs `work` on a channel that raises at 4 and clears at 0, below a mark of 3.
fn freeze_flow(depth_before: u64, work: fn(&Channel, &Handles)) {
    Model::bounded(2).at_least([70, 70, 100]).check_frozen(move |freezer| {
        let channel = Channel::with_mark(Watermarks::counts(6, 4, 0), 3, depth_before);
        let shared = Arc::new((Handles::join(&channel), channel));
        let other = shared.clone();
        let other = stopped(freezer, move || work(&other.1, &other.0));
        let (handles, channel) = &*shared;
        let mut edges = vec![channel.send_quietly(&handles.mine, 1)];
        edges.push(channel.receive_quietly(&handles.receiver, 1));
        other.join().unwrap();
        // A look is right at once, whatever the stopped thread has left undone.
        let (reading, edge) = channel.flow.reading(|| channel.look());
        edges.push(edge);
        assert_eq!((reading.depth, reading.level), (channel.look(), channel.flow.gauge().level()));
        // Without one, the level lags by the one operation that is in flight for ever, at most.
        while !channel.flow.gauge().is_raised() {
            edges.push(channel.send_quietly(&handles.mine, 1));
            assert!(channel.look() <= 5, "GAUGE-4: normal at depth {}", channel.look());
        }
        while channel.look() > 0 {
            edges.push(channel.receive_quietly(&handles.receiver, 1));
        }
        edges.push(channel.flow.settle(|| channel.look()));
        assert!(!channel.flow.gauge().is_raised(), "GAUGE-4");
        assert!(edges.iter().flatten().map(Edge::sequence).is_sorted(), "GAUGE-3");
        assert!(channel.flow.gauge().high_water() >= 3, "GAUGE-5");
    });
}

struct Handles {
    mine: Credit,
    theirs: Credit,
    receiver: Credit,
}

impl Handles {
    fn join(channel: &Channel) -> Self {
        let [mine, theirs] = [(); 2].map(|()| channel.flow.join_sender());
        Self { mine, theirs, receiver: channel.flow.join_receiver() }
    }
}

/// GAUGE-4: a send is stopped anywhere, inside a grant too.
#[test]
fn freeze_flow_send() {
    freeze_flow(0, |channel, handles| {
        let _ = channel.send_quietly(&handles.theirs, 2);
        let _ = channel.send_quietly(&handles.theirs, 2);
    });
}

/// GAUGE-4: a send that raises is stopped anywhere.
#[test]
fn freeze_flow_edge() {
    freeze_flow(3, |channel, handles| {
        let _ = channel.send_quietly(&handles.theirs, 2);
    });
}

/// GAUGE-4: a thread that takes the other's credit is stopped anywhere.
#[test]
fn freeze_flow_theft() {
    freeze_flow(0, |channel, handles| {
        let _ = channel.send_quietly(&handles.mine, 2);
        let _ = channel.send_quietly(&handles.mine, 2);
    });
}

/// GAUGE-5: the mark is being taken and never reported.
#[test]
fn freeze_flow_take() {
    freeze_flow(1, |channel, _| {
        let _ = channel.flow.take_high_water(|| channel.look());
    });
}

type Slots = [RingSlot; 2];

/// REG-4: what is behind an unfinished push waits, what is before an unfinished pop is refused;
/// nobody hangs, and nothing that was taken in is torn or comes twice.
fn freeze_ring(work: fn(&Ring<Slots>)) {
    Model::bounded(3).at_least([2_000, 1_000, 400]).check_frozen(move |freezer| {
        let ring = Arc::new(Ring::<Slots>::new());
        ring.push([1; 4]).unwrap();
        let other = ring.clone();
        let other = stopped(freezer, move || work(&other));
        let mut popped = Vec::new();
        let mut refused = 0;
        for n in 2..=3 {
            refused += u64::from(ring.push([n; 4]).is_err());
            popped.extend(ring.pop());
        }
        other.join().unwrap();
        popped.extend((0..3).filter_map(|_| ring.pop()));
        assert!(popped.iter().all(|record| *record == [record[0]; 4]), "REG-4: torn");
        popped.sort_unstable();
        popped.dedup();
        let dropped = ring.dropped();
        assert!((refused..=refused + 1).contains(&dropped), "REG-4: {dropped} dropped");
        assert!(popped.len() as u64 + dropped <= 4);
    });
}

/// REG-4: a push is stopped anywhere.
#[test]
fn freeze_ring_push() {
    freeze_ring(|ring| {
        let _ = ring.push([9; 4]);
    });
}

/// REG-4: a pop is stopped anywhere.
#[test]
fn freeze_ring_pop() {
    freeze_ring(|ring| {
        let _ = ring.pop();
    });
}
