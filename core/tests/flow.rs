//! Sampled gauges under real threads, and what they do not do while nothing is due.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use plimsoll_core::{Edge, FlowGauge, Level, SampledGauge, ThreadKey, Waiters, Watermarks};

const ROUNDS: u32 = if cfg!(miri) { 3 } else { 150 };
const EACH: u32 = if cfg!(miri) { 20 } else { 400 };

/// A bounded channel that tells its length and holds nothing.
struct Channel {
    length: AtomicU64,
    capacity: u64,
}

impl Channel {
    fn look(&self) -> u64 {
        self.length.load(SeqCst)
    }

    /// The length afterwards, if there was room.
    fn send(&self) -> Option<u64> {
        let grown = |length| (length < self.capacity).then_some(length + 1);
        self.length.fetch_update(SeqCst, SeqCst, grown).ok().map(|before| before + 1)
    }

    fn receive(&self) -> bool {
        let shrunk = |length: u64| length.checked_sub(1);
        self.length.fetch_update(SeqCst, SeqCst, shrunk).is_ok()
    }
}

fn key(number: u64) -> ThreadKey {
    NonZeroU64::new(number).unwrap()
}

fn assert_chain(edges: &BTreeMap<u64, Edge>, now: Level) {
    let mut level = Level::Normal;
    for (place, (sequence, edge)) in edges.iter().enumerate() {
        assert_eq!((*sequence, edge.from()), (place as u64 + 1, level), "GAUGE-3");
        level = edge.to();
    }
    assert_eq!(level, now, "GAUGE-4: the last edge says what holds");
}

/// Handles are used by threads of their own, and one by two threads; after every round, the channel
/// rests somewhere else.
#[test]
fn gauge_3_4_5_at_rest_a_flow_gauge_says_what_a_look_every_time_would() {
    at_rest(Watermarks::counts(60, 40, 20).with_level(55, 30), false);
    // With a mark at which credit goes beyond the known peak.
    at_rest(Watermarks::counts(1_024, u64::from(EACH) / 2, 7).with_level(500, 200), true);
}

/// `in_turns`: the channel is filled by each other round, and drained by the next.
fn at_rest(marks: Watermarks, in_turns: bool) {
    let channel = Channel { length: AtomicU64::new(0), capacity: marks.capacity().unwrap() };
    let look = || channel.look();
    let flow = FlowGauge::new(marks);
    let senders = [flow.join_sender(), flow.join_sender()];
    let receivers = [flow.join_receiver(), flow.join_receiver()];
    let edges = Mutex::new(BTreeMap::new());
    let note = |edge: Option<Edge>| {
        if let Some(edge) = edge {
            let twin = edges.lock().unwrap().insert(edge.sequence(), edge);
            assert!(twin.is_none(), "GAUGE-3: {edge:?} is handed out twice");
        }
    };
    let longest = AtomicU64::new(0);
    let send = |handle: usize, thread: u64, times: u32| {
        for _ in 0..times {
            if let Some(length) = channel.send() {
                longest.fetch_max(length, SeqCst);
                note(flow.after_send(&senders[handle], key(thread), look));
            }
        }
    };
    let receive = |handle: usize, thread: u64, times: u32| {
        for _ in 0..times {
            if channel.receive() {
                note(flow.after_receive(&receivers[handle], key(thread), look));
            }
        }
    };
    for round in 0..ROUNDS {
        thread::scope(|scope| {
            scope.spawn(|| send(0, 1, EACH));
            scope.spawn(|| send(1, 2, EACH / 2));
            scope.spawn(|| {
                receive(0, 3, EACH);
                send(1, 3, EACH / 2);
            });
            if !in_turns {
                receive(1, 4, EACH - round % 100);
            }
        });
        if in_turns && round % 2 == 1 {
            receive(1, 4, channel.capacity as u32);
        }
        let length = channel.look();
        let level = flow.gauge().level();
        assert_eq!(marks.judge(level, length), level, "GAUGE-4: {length} in round {round}");
        assert!(flow.gauge().high_water() >= length, "GAUGE-5");
        assert!(flow.gauge().high_water() <= longest.load(SeqCst), "GAUGE-5");
        // Nothing but sends: no depth can come and go unseen.
        send(round as usize % 2, 4, 7);
        assert!(flow.gauge().high_water() >= channel.look(), "GAUGE-5");
        assert_chain(&edges.lock().unwrap(), flow.gauge().level());
    }
    assert!(edges.lock().unwrap().len() > ROUNDS as usize / 10, "the watermarks were crossed");
}

#[test]
fn gauge_3_and_4_at_rest_a_sampled_gauge_is_right() {
    let marks = Watermarks::counts(3, 2, 0);
    let channel = Channel { length: AtomicU64::new(0), capacity: 3 };
    let gauge = SampledGauge::new(marks);
    let work = |times: u32| {
        let mut mine = Vec::new();
        for _ in 0..times {
            if channel.send().is_some() {
                mine.extend(gauge.observe_with(|| channel.look()));
            }
            if channel.receive() {
                mine.extend(gauge.observe_with(|| channel.look()));
            }
        }
        mine
    };
    let mut edges = BTreeMap::new();
    for _ in 0..ROUNDS {
        thread::scope(|scope| {
            let threads = [(); 3].map(|()| scope.spawn(|| work(EACH)));
            edges.extend(
                threads
                    .into_iter()
                    .flat_map(|thread| thread.join().unwrap())
                    .map(|edge| (edge.sequence(), edge)),
            );
        });
        assert_chain(&edges, gauge.level());
        assert_eq!(marks.judge(gauge.level(), channel.look()), gauge.level(), "GAUGE-4");
    }
}

#[test]
fn gauge_7_an_observation_with_nothing_due_changes_no_word() {
    let gauge = SampledGauge::new(Watermarks::new(100));
    assert!(gauge.observe_with(|| 70).is_none());
    assert!(gauge.observe_with(|| 60).is_none());
    let before = format!("{gauge:?}");
    for depth in 0..=70 {
        assert!(gauge.observe_with(|| depth).is_none());
    }
    assert_eq!(format!("{gauge:?}"), before, "below watermark and mark");

    assert!(gauge.observe_with(|| 90).is_some());
    let before = format!("{gauge:?}");
    for depth in 51..=90 {
        assert!(gauge.observe_with(|| depth).is_none());
    }
    assert_eq!(format!("{gauge:?}"), before, "between the watermarks, up to the peak");
}

/// Once the mark is there, most operations of a channel that stays below it do not look.
#[test]
fn gauge_7_a_flow_gauge_looks_rarely() {
    const MESSAGES: u64 = 100_000;
    let (length, looks) = (Cell::new(0), Cell::new(0));
    let look = || {
        looks.set(looks.get() + 1);
        length.get()
    };
    let flow = FlowGauge::new(Watermarks::new(1_024));
    let (sender, receiver) = (flow.join_sender(), flow.join_receiver());
    let send = || {
        length.set(length.get() + 1);
        assert!(flow.after_send(&sender, ThreadKey::MIN, look).is_none());
    };
    let receive = || {
        length.set(length.get() - 1);
        assert!(flow.after_receive(&receiver, ThreadKey::MIN, look).is_none());
    };
    (0..600).for_each(|_| send());
    (0..600).for_each(|_| receive());
    looks.set(0);
    for _ in 0..MESSAGES {
        send();
        receive();
    }
    assert!(looks.get() < MESSAGES / 200, "{} looks for {MESSAGES} messages", looks.get());
    assert_eq!(flow.gauge().high_water(), 600, "GAUGE-5");
}

/// So it is with several senders, whichever of them send, although what they were granted together
/// adds up to all the room there is.
#[test]
fn gauge_7_senders_that_share_look_rarely() {
    const MESSAGES: u64 = if cfg!(miri) { 1_000 } else { 20_000 };
    for (senders, depth, per_thousand_max) in
        [(2, 0, 40), (2, 300, 60), (8, 300, 250), (16, 0, 250)]
    {
        let (length, looks) = (Cell::new(0), Cell::new(0));
        let look = || {
            looks.set(looks.get() + 1);
            length.get()
        };
        let flow = FlowGauge::new(Watermarks::new(1_024));
        let receiver = flow.join_receiver();
        let credits: Vec<_> =
            (1..=senders).map(|thread| (flow.join_sender(), key(thread))).collect();
        let send = |sender: u64| {
            let (credit, thread) = &credits[(sender % senders) as usize];
            length.set(length.get() + 1);
            assert!(flow.after_send(credit, *thread, look).is_none());
        };
        let receive = || {
            length.set(length.get() - 1);
            assert!(flow.after_receive(&receiver, ThreadKey::MIN, look).is_none());
        };
        (0..600).for_each(send);
        (depth..600).for_each(|_| receive());
        for active in [senders, 1] {
            looks.set(0);
            for message in 0..MESSAGES {
                send(message % active);
                receive();
            }
            let per_thousand = looks.get() * 1_000 / MESSAGES;
            assert!(
                per_thousand <= per_thousand_max,
                "{per_thousand} looks for 1,000 messages of {active} of {senders} at {depth}"
            );
        }
        assert_eq!(flow.gauge().high_water(), 600, "GAUGE-5");
    }
}

/// A channel that fills up and drains in turns looks seldom on the way to the mark that it knows. The peak that it
/// reports is at most a 64th of the mark too small, and exact under a mark below 64.
#[test]
fn gauge_7_a_flow_gauge_looks_rarely_on_its_way_to_a_known_mark() {
    for capacity in [1_024, 60] {
        let (length, looks) = (Cell::new(0), Cell::new(0));
        let look = || {
            looks.set(looks.get() + 1);
            length.get()
        };
        let flow = FlowGauge::new(Watermarks::percent(capacity, 80, 50));
        let (sender, receiver) = (flow.join_sender(), flow.join_receiver());
        for (turn, top) in [capacity, capacity, capacity - capacity / 50].into_iter().enumerate() {
            let raised = (0..top).filter_map(|_| {
                length.set(length.get() + 1);
                flow.after_send(&sender, ThreadKey::MIN, look)
            });
            assert_eq!(raised.count(), 1);
            if turn == 1 && capacity / 64 > 0 {
                assert!(looks.get() < 60, "{} looks for {top} sends", looks.get());
            }
            let cleared = (0..top).filter_map(|_| {
                length.set(length.get() - 1);
                flow.after_receive(&receiver, ThreadKey::MIN, look)
            });
            let [peak] = cleared.map(|edge| edge.peak()).collect::<Vec<_>>()[..] else {
                panic!("one edge clears");
            };
            let slack = if turn == 0 { 0 } else { capacity / 64 };
            assert!((top - slack..=top).contains(&peak), "{peak} of {top} in turn {turn}");
            looks.set(0);
        }
        assert_eq!(flow.gauge().high_water(), capacity, "GAUGE-5");
    }
}

/// Each mark is found that is one above the last one, and each that is below what was reached before the marks were
/// taken.
#[test]
fn gauge_5_a_flow_gauge_misses_no_mark_by_one() {
    let length = Cell::new(0);
    let look = || length.get();
    let flow = FlowGauge::new(Watermarks::percent(1_024, 80, 50));
    let (sender, receiver) = (flow.join_sender(), flow.join_receiver());
    let to = |top: u64| {
        while length.get() < top {
            length.set(length.get() + 1);
            let _ = flow.after_send(&sender, ThreadKey::MIN, look);
        }
        while length.get() > 0 {
            length.set(length.get() - 1);
            let _ = flow.after_receive(&receiver, ThreadKey::MIN, look);
        }
    };
    for top in 1..=1_024 {
        to(top);
        assert_eq!(flow.gauge().high_water(), top);
    }
    assert_eq!(flow.take_high_water(look), 1_024);
    for top in (1..1_024).step_by(7) {
        to(top);
        assert_eq!(flow.take_high_water(look), top);
    }
}

/// Less credit than a batch takes is spent with it: the look that follows may grant none, and then
/// every receive looks.
#[test]
fn gauge_4_what_a_batch_leaves_of_its_credit_is_spent() {
    let length = Cell::new(0);
    let flow = FlowGauge::new(Watermarks::counts(100, 80, 50));
    let (sender, receiver) = (flow.join_sender(), flow.join_receiver());
    let send = |items: u64| {
        for _ in 0..items {
            length.set(length.get() + 1);
            flow.after_send(&sender, ThreadKey::MIN, || length.get());
        }
    };
    for (singles, refill, batch) in [(41, 20, 26), (45, 30, 33), (2, 0, 47), (47, 40, 41)] {
        length.set(0);
        flow.settle(|| length.get());
        send(100);
        assert_eq!(flow.gauge().level(), Level::Elevated);
        for _ in 0..singles {
            length.set(length.get() - 1);
            assert!(flow.after_receive(&receiver, ThreadKey::MIN, || length.get()).is_none());
        }
        send(refill);
        length.set(length.get() - batch);
        let edge = flow.after_receive_many(&receiver, ThreadKey::MIN, batch, || length.get());
        assert!(edge.is_none() && length.get() > 50, "{}", length.get());
        while length.get() > 50 {
            length.set(length.get() - 1);
            let edge = flow.after_receive(&receiver, ThreadKey::MIN, || length.get());
            assert_eq!(edge.is_some(), length.get() == 50, "GAUGE-4: at {}", length.get());
        }
    }
}

#[test]
fn gauge_3_depths_before_edges_are_those_of_the_reading_until_the_first_edge() {
    let flow = FlowGauge::new(Watermarks::counts(10, 8, 5));
    let depths = |depth: u64| flow.depths_before_edges(|| depth);
    assert_eq!(depths(0), Some((0, 0)));
    assert_eq!(depths(3), None, "a mark is to be noted");
    assert_eq!(flow.reading(|| 3).0.high_water, 3);
    assert_eq!((depths(3), depths(1)), (Some((3, 3)), Some((1, 3))));
    assert_eq!(depths(8), None, "an edge is due");
    assert!(flow.reading(|| 8).1.is_some());
    assert_eq!(depths(6), None);
    assert!(flow.reading(|| 2).1.is_some());
    assert_eq!(depths(2), None, "there have been edges");
}

#[test]
fn gauge_2_waiters_are_untouched_until_one_waits_or_is_refused() {
    let (waited, refused) = (Waiters::new(), Waiters::new());
    assert!(waited.is_untouched() && refused.is_untouched());
    refused.refuse();
    waited.enter(2_000);
    assert!(!waited.is_untouched() && !refused.is_untouched());
    waited.exit(2_000, 5_000);
    assert!(!waited.is_untouched());
}
