//! Deferred delivery: what subscribers are told in the end is true.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll::{
    Delivery, EventKind, Level, Limit, PressureRule, Registry, Subscription, TrackedGauge,
    Watermarks,
};
use plimsoll_core::stepped::Flaw;
use shuttle::thread;

use crate::common::Model;

/// Edges without number, each in its turn: what another one has overtaken is not told.
const IN_TURN: PressureRule =
    PressureRule::hold(Duration::ZERO).rate(1_000, Duration::from_secs(1));

/// An event: what has happened, the level then, and the number of the edge.
type Told = (EventKind, Level, u64);

/// A registry with a ring of two, and what its subscriber was told of each limit.
struct Stand {
    registry: Registry,
    told: Arc<Mutex<BTreeMap<String, Vec<Told>>>>,
    _subscription: Subscription,
}

impl Stand {
    fn new() -> Self {
        let delivery = Delivery::Deferred { capacity: 2 };
        let registry = Registry::builder().delivery(delivery).build().unwrap();
        let told = Arc::<Mutex<BTreeMap<String, Vec<Told>>>>::default();
        let sink = told.clone();
        let subscription = registry.subscribe(move |event| {
            let sequence = event.as_pressure().map_or(0, |event| event.sequence);
            let told = (event.kind(), event.level(), sequence);
            sink.lock().unwrap().entry(event.name().into()).or_default().push(told);
        });
        Self { registry, told, _subscription: subscription }
    }

    /// Raised by eight of ten, cleared by five.
    fn gauge(&self, name: &'static str, rule: PressureRule) -> TrackedGauge {
        let limit = Limit::queue(name).pressure(rule);
        self.registry.gauge(limit, Watermarks::percent(10, 80, 50)).unwrap()
    }

    fn spawn_delivery(&self) -> thread::JoinHandle<()> {
        let registry = self.registry.clone();
        thread::spawn(move || {
            for _ in 0..2 {
                registry.deliver();
            }
        })
    }

    fn told(&self, name: &str) -> Vec<Told> {
        self.told.lock().unwrap().get(name).cloned().unwrap_or_default()
    }
}

/// What the last event says.
fn last(told: &[Told]) -> Level {
    told.last().map_or(Level::Normal, |told| told.1)
}

/// What the event of the last edge says.
fn last_edge(told: &[Told]) -> Level {
    told.iter().max_by_key(|told| told.2).map_or(Level::Normal, |told| told.1)
}

/// Two move gauges over their watermarks and back, one of them both, while a third one delivers; the ring
/// is full now and then.
fn edges(rule: PressureRule, level: fn(&[Told]) -> Level) {
    let stand = Stand::new();
    let (first, second) = (stand.gauge("first", rule), stand.gauge("second", rule));
    let delivery = stand.spawn_delivery();
    let workers = [[&first, &first], [&second, &first]].map(|gauges| {
        let gauges = gauges.map(TrackedGauge::clone);
        thread::spawn(move || gauges.iter().for_each(|gauge| drop(gauge.permit(9))))
    });
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    delivery.join().unwrap();
    for depth in [0, 9, 0] {
        for (name, gauge) in [("first", &first), ("second", &second)] {
            gauge.set(depth);
            stand.registry.deliver();
            let told = stand.told(name);
            assert_eq!(level(&told), gauge.level(), "REG-6: {told:?}");
        }
    }
}

const EDGES: Model = Model::new(500, || edges(IN_TURN, last));

#[test]
fn reg_6_the_last_level_that_is_told_is_true() {
    EDGES.check();
}

#[test]
fn a_ring_whose_places_are_taken_twice_is_found() {
    EDGES.check_finds(Flaw::Torn("src/ring.rs"), "REG-6");
}

const ALL_EDGES: Model = Model::new(500, || edges(PressureRule::IMMEDIATE, last_edge));

#[test]
fn reg_6_the_level_of_the_last_edge_that_is_told_is_true_where_each_is() {
    ALL_EDGES.check();
}

const LEAVE: Model = Model::new(500, leave);

/// A limit leaves while it is raised and its events are on their way.
fn leave() {
    let stand = Stand::new();
    let gauge = stand.gauge("frames", IN_TURN);
    let delivery = stand.spawn_delivery();
    let worker = thread::spawn(move || {
        drop(gauge.permit(9));
        gauge.add(9);
    });
    delivery.join().unwrap();
    worker.join().unwrap();
    stand.registry.deliver();
    let told = stand.told("frames");
    for (at, (kind, ..)) in told.iter().enumerate() {
        let expected = if at % 2 == 0 { EventKind::Raised } else { EventKind::Cleared };
        assert_eq!(*kind, expected, "REG-8: {told:?}");
    }
    assert_eq!(told.len() % 2, 0, "REG-8: {told:?}");
    assert!(stand.registry.snapshot().entries().is_empty(), "REG-2");
}

#[test]
fn reg_8_a_limit_that_leaves_while_it_is_raised_is_cleared_once() {
    LEAVE.check();
}

#[test]
fn events_on_their_way_that_are_miscounted_are_found() {
    LEAVE.check_finds(Flaw::Torn("registry/entry.rs"), "REG-8");
}

const LEAVE_FULL: Model = Model::new(3_000, leave_with_a_full_ring);

/// The end of a limit whose raise was delivered finds no room, and is delivered by a thread that makes some
/// while the limit is on its way out.
fn leave_with_a_full_ring() {
    let stand = Stand::new();
    let (gauge, other) = (stand.gauge("frames", IN_TURN), stand.gauge("other", IN_TURN));
    gauge.add(9);
    stand.registry.deliver();
    drop(other.permit(9));
    let registry = stand.registry.clone();
    let delivery = thread::spawn(move || registry.deliver());
    drop(gauge);
    delivery.join().unwrap();
    stand.registry.deliver();
    let told: Vec<_> = stand.told("frames").iter().map(|told| told.0).collect();
    assert_eq!(told, [EventKind::Raised, EventKind::Cleared], "REG-8");
}

#[test]
fn reg_8_an_end_that_finds_no_room_is_delivered_once_there_is_some() {
    LEAVE_FULL.check();
}

const THREAD: Model = Model::new(300, thread_that_delivers);

/// A thread that delivers is stopped, and has delivered all that was emitted before.
fn thread_that_delivers() {
    let stand = Stand::new();
    let gauge = stand.gauge("frames", IN_TURN);
    let delivery = stand.registry.spawn_delivery(Duration::from_millis(10)).unwrap();
    let moving = gauge.clone();
    let worker = thread::spawn(move || moving.add(9));
    worker.join().unwrap();
    drop(delivery);
    let told = stand.told("frames");
    assert_eq!(last(&told), gauge.level(), "REG-6: {told:?}");
}

#[test]
fn reg_6_a_thread_that_is_stopped_delivers_what_was_emitted_before() {
    THREAD.check();
}
