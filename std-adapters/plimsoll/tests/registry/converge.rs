//! What subscribers believe is true in the end: REG-6 and REG-8, and REG-10 for its price.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use plimsoll::{
    Delivery, Event, EventKind, Level, Limit, PressureRule, Registry, Subscription, TrackedGauge,
    Watermarks,
};

use super::TEN;
use crate::common::AsPressure;

/// What a subscriber believes that goes by the last event of each limit.
struct Belief {
    levels: Arc<Mutex<BTreeMap<String, Level>>>,
    _subscription: Subscription,
}

fn label(name: &str, instance: Option<&str>) -> String {
    format!("{name}[{}]", instance.unwrap_or_default())
}

impl Belief {
    fn of(registry: &Registry) -> Self {
        let levels: Arc<Mutex<BTreeMap<String, Level>>> = Arc::default();
        let sink = levels.clone();
        let subscription = registry.subscribe(move |event: &Event| {
            let is_level = matches!(event.kind(), EventKind::Raised | EventKind::Cleared);
            if is_level || matches!(event.kind(), EventKind::Silent | EventKind::Recovered) {
                sink.lock().unwrap().insert(label(event.name(), event.scope()), event.level());
            }
        });
        Self { levels, _subscription: subscription }
    }

    /// Those that are believed to be above `Normal`.
    fn raised(&self) -> Vec<String> {
        let levels = self.levels.lock().unwrap();
        let raised = levels.iter().filter(|(_, level)| **level > Level::Normal);
        raised.map(|(label, _)| label.clone()).collect()
    }

    fn assert_true_of(&self, registry: &Registry) {
        assert_eq!(self.raised(), truly_raised(registry));
    }

    /// The same after the moment for which a share alone keeps a limit raised.
    fn assert_becomes_true_of(&self, registry: &Registry) {
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while self.raised() != truly_raised(registry) && std::time::Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
            registry.deliver();
        }
        self.assert_true_of(registry);
    }
}

fn truly_raised(registry: &Registry) -> Vec<String> {
    let snapshot = registry.snapshot();
    let raised = snapshot.entries().iter().filter(|entry| entry.level > Level::Normal);
    let mut labels: Vec<_> = raised.map(|entry| label(entry.name(), entry.scope())).collect();
    labels.sort();
    labels
}

fn deferred(capacity: usize) -> Registry {
    Registry::builder().delivery(Delivery::Deferred { capacity }).build().unwrap()
}

fn gauges(registry: &Registry, count: usize, rule: PressureRule) -> Vec<TrackedGauge> {
    let limit = |n: usize| Limit::queue("queue").scope(n.to_string()).pressure(rule);
    (0..count).map(|n| registry.gauge(limit(n), TEN).unwrap()).collect()
}

const RULES: [PressureRule; 3] = [
    PressureRule::IMMEDIATE,
    PressureRule::hold(Duration::ZERO),
    PressureRule::hold(Duration::from_millis(1)),
];

#[test]
fn reg_6_what_the_ring_dropped_is_made_up_for_by_the_next_delivery() {
    for rule in RULES {
        for capacity in [2, 16] {
            let registry = deferred(capacity);
            let belief = Belief::of(&registry);
            let quiet = registry.gauge(Limit::queue("quiet").pressure(rule), TEN).unwrap();
            let noisy = gauges(&registry, 100, PressureRule::IMMEDIATE);
            quiet.add(9);
            thread::sleep(Duration::from_millis(3));
            registry.deliver();
            assert_eq!(belief.raised(), ["quiet[]"]);
            for round in 0..5 {
                noisy.iter().for_each(|gauge| drop(gauge.permit(9)));
                quiet.sub(9);
                noisy.iter().step_by(3).for_each(|gauge| gauge.add(9));
                registry.deliver();
                // Once a busy machine has taken a second, the rate allows a raise by the share.
                match rule.share {
                    Some(_) => belief.assert_becomes_true_of(&registry),
                    None => belief.assert_true_of(&registry),
                }
                assert!(registry.stats().dropped > 0, "{rule:?} {round}");
                noisy.iter().step_by(3).for_each(|gauge| gauge.sub(9));
                quiet.add(9);
                thread::sleep(Duration::from_millis(3));
                registry.deliver();
                if rule.rate.is_none() {
                    belief.assert_true_of(&registry);
                }
            }
        }
    }
}

#[test]
fn reg_6_threads_that_race_with_the_delivery_leave_a_true_picture() {
    for rule in RULES {
        let registry = deferred(4);
        let belief = Belief::of(&registry);
        let gauges = gauges(&registry, 20, rule);
        for last in [9, 0] {
            let delivery = registry.spawn_delivery(Duration::from_millis(1)).unwrap();
            thread::scope(|scope| {
                for gauges in gauges.chunks(10) {
                    scope.spawn(move || {
                        for _ in 0..300 {
                            gauges.iter().for_each(|gauge| drop(gauge.permit(9)));
                        }
                        if last == 9 {
                            gauges.iter().for_each(|gauge| gauge.add(9));
                        } else {
                            gauges.iter().for_each(|gauge| gauge.sub(9));
                        }
                    });
                }
            });
            drop(delivery);
            // What the rate holds back is delivered a second later.
            let until = std::time::Instant::now() + Duration::from_secs(20);
            while belief.raised().len() != if last == 9 { 20 } else { 0 } {
                assert!(std::time::Instant::now() < until, "{rule:?}: {:?}", belief.raised());
                thread::sleep(Duration::from_millis(5));
                registry.deliver();
            }
            belief.assert_true_of(&registry);
        }
    }
}

#[test]
fn reg_8_what_leaves_while_it_is_raised_says_so_once() {
    for rule in RULES {
        for delivery in [Delivery::Inline, Delivery::Deferred { capacity: 4 }] {
            let registry = Registry::builder().delivery(delivery).build().unwrap();
            let log = super::Log::of(&registry);
            let belief = Belief::of(&registry);
            let gauges = gauges(&registry, 50, rule);
            gauges.iter().for_each(|gauge| gauge.add(9));
            let until = std::time::Instant::now() + Duration::from_secs(20);
            while belief.raised().len() < 50 {
                assert!(std::time::Instant::now() < until, "{rule:?}");
                thread::sleep(Duration::from_millis(1));
                registry.deliver();
            }
            log.take();
            drop(gauges);
            // The registry's own thread may hold one while it looks at it: then the end comes after that.
            let mut ends = log.take();
            while !belief.raised().is_empty() {
                assert!(std::time::Instant::now() < until, "{rule:?}");
                thread::sleep(Duration::from_millis(1));
                registry.deliver();
            }
            (0..3).for_each(|_| _ = registry.deliver());
            assert_eq!(belief.raised(), [""; 0]);
            ends.extend(log.take());
            assert_eq!(ends.len(), 50, "once each");
            for end in &ends {
                assert_eq!(
                    (end.kind(), end.level(), end.pressure().peak),
                    (EventKind::Cleared, Level::Normal, 9)
                );
                assert_eq!((end.pressure().sequence, end.pressure().is_gone), (2, true));
            }
            assert!(ends[0].to_string().ends_with("of 10, the limit is gone"), "{}", ends[0]);
        }
    }
}

#[test]
fn reg_8_what_was_not_told_raised_leaves_without_a_word() {
    let registry = Registry::new();
    let log = super::Log::of(&registry);
    let hour = PressureRule::hold(Duration::from_secs(3_600));
    let held = registry.gauge(Limit::queue("held").pressure(hour), TEN).unwrap();
    held.add(9);
    let quiet = registry.gauge("quiet", TEN).unwrap();
    quiet.add(7);
    drop((held, quiet));
    assert!(log.take().is_empty());
}

#[cfg(feature = "crossbeam")]
#[test]
fn reg_8_channels_that_go_with_items_inside_leave_nobody_alarmed() {
    let registry = Registry::new();
    let belief = Belief::of(&registry);
    for n in 0..200 {
        let limit = Limit::queue("client").scope(n.to_string());
        let (tx, rx) = plimsoll::channel::crossbeam::bounded::<u32>(&registry, limit, 10).unwrap();
        (0..9).for_each(|item| tx.try_send(item).unwrap());
        assert_eq!(belief.raised().len(), 1);
        if n % 2 == 0 {
            drop(tx);
            drop(rx);
        } else {
            drop(rx);
            drop(tx);
        }
        assert_eq!(belief.raised(), [""; 0]);
    }
}

#[cfg(feature = "keepalive")]
#[test]
fn reg_6_reg_8_silences_that_found_no_room_or_whose_runs_ended_are_not_believed_for_ever() {
    use plimsoll::keepalive::{FakeClock, Watch, Watcher};

    const GUESTS: usize = 40;
    let ms = Duration::from_millis;
    for delivery in [Delivery::Inline, Delivery::Deferred { capacity: 16 }] {
        let registry = Registry::builder().delivery(delivery).build().unwrap();
        let belief = Belief::of(&registry);
        let clock = FakeClock::default();
        let watcher = Watcher::builder().clock(clock.clone()).build(&registry).unwrap();
        let watch = |n: usize| {
            watcher.watch(Watch::new(format!("g{n}"), "r").window(ms(100)).rearming()).unwrap()
        };
        let mut guests: Vec<_> = (0..GUESTS).map(watch).collect();
        let pass = || {
            for _ in 0..40 {
                let _ = watcher.step();
                clock.advance(ms(5));
            }
        };
        pass();
        registry.deliver();
        assert_eq!(belief.raised().len(), GUESTS, "each of them is delivered");
        guests.iter().for_each(|guest| guest.notify());
        let _ = watcher.step();
        registry.deliver();
        assert_eq!(belief.raised(), [""; 0]);
        pass();
        registry.deliver();
        assert_eq!(belief.raised().len(), GUESTS);
        guests.truncate(GUESTS / 2);
        let _ = watcher.step();
        registry.deliver();
        assert_eq!(belief.raised().len(), GUESTS / 2, "those that have ended are not silent");
        drop(guests);
        let _ = watcher.step();
        registry.deliver();
        assert_eq!(belief.raised(), [""; 0]);
    }
}

#[test]
fn reg_6_a_limit_that_swings_between_two_levels_ends_true() {
    let registry = deferred(2);
    let belief = Belief::of(&registry);
    let watermarks = Watermarks::counts(10, 4, 1).with_level(8, 6).with_level(10, 9);
    let limit = Limit::queue("levels").pressure(PressureRule::IMMEDIATE);
    let gauge = registry.gauge(limit, watermarks).unwrap();
    for depth in [5, 10, 7, 9, 3, 10, 0, 8, 4, 10, 1, 5] {
        let before = gauge.depth();
        if depth > before {
            gauge.add(depth - before)
        } else {
            gauge.sub(before - depth)
        }
        gauge.add(0);
        (0..depth % 3).for_each(|_| drop(gauge.permit(5)));
        registry.deliver();
        let believed = belief.levels.lock().unwrap().get("levels[]").copied();
        assert_eq!(believed.unwrap_or_default(), gauge.level(), "at {depth}");
    }
}
