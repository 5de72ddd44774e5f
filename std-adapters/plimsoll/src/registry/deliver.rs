//! Delivery: from an edge, or from time that has passed, to subscribers.

use std::sync::Arc;

use plimsoll_core::Edge;

use super::deferred::Queue;
use super::entry::Entry;
use super::reporter::{Accept, Reporter};
use super::{Registry, Shared};
use crate::clock;
use crate::telemetry::{Event, Report, Source, SourceReading};

/// The reports of one step of a rule.
#[derive(Default)]
struct Reports([Option<Report>; 2]);

impl Reports {
    /// Whether there was room.
    fn accept(&mut self, report: Report) -> bool {
        let free = self.0.iter_mut().find(|slot| slot.is_none());
        free.is_some_and(|slot| slot.replace(report).is_none())
    }
}

/// The result of one step.
struct Stepped {
    /// Events that were published, or are on their way.
    reports: usize,
    /// When the next step is due, if nothing happens before.
    due_ms: Option<u64>,
}

impl Shared {
    /// Hands an edge on, by the rule of its limit.
    pub(crate) fn emit(self: &Arc<Self>, entry: &Arc<Entry>, edge: &Edge) {
        let waiting = if entry.has_share() { entry.waiting() } else { 0 };
        let now_us = clock::now_us();
        let stepped = self.step_at(now_us / 1_000, entry, |reporter, now_ms, accept| {
            entry.levels.on_edge(now_us, edge);
            reporter.on_edge(now_ms, edge, waiting, accept);
        });
        if let (Some(due_ms), None) = (stepped.due_ms, &self.queue) {
            self.wake_by(due_ms);
        }
    }

    /// Reads the depth of a source now, and hands on an edge that this makes. No lock may be held.
    #[inline]
    pub(super) fn look_at(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        source: &dyn Source,
    ) -> Option<SourceReading> {
        let reading = source.look()?;
        if let Some(edge) = &reading.edge {
            self.emit_found(entry, edge);
        }
        Some(reading)
    }

    /// Hands on an edge that a reader has found, unless the limit has left.
    #[cold]
    pub(super) fn emit_found(self: &Arc<Self>, entry: &Arc<Entry>, edge: &Edge) {
        if let Some(_held) = entry.hold() {
            self.emit(entry, edge);
        }
    }

    /// The last user of a limit is gone. Subscribers that got its raise get its end (REG-8).
    pub(crate) fn leave(&self, entry: &Arc<Entry>) {
        entry.leave();
        self.step(entry, |reporter, now_ms, accept| reporter.on_gone(now_ms, accept));
        self.entries.leave(entry);
        if entry.with_due(|due_ms| due_ms.is_none()) {
            self.pending.remove(entry);
        }
    }

    /// Publishes an event that is no change of a gauge's level.
    pub(crate) fn publish(&self, event: Event) {
        match &self.queue {
            Some(queue) => queue.push_event(event),
            None => self.subscribers.publish(&event),
        }
    }

    /// Checks the limits that are due.
    ///
    /// # Returns
    /// When the next one is due.
    pub(super) fn tick(self: &Arc<Self>) -> Option<u64> {
        #[cfg(feature = "pressure")]
        self.timed.on_time();
        let due = self.pending.due(clock::now_ms());
        let again = due.now.iter().filter_map(|entry| self.tick_entry(entry).due_ms);
        again.chain(due.next_ms).min()
    }

    /// Wakes the timer at `due_ms`.
    pub(super) fn wake_by(self: &Arc<Self>, due_ms: u64) {
        self.timer.wake_by(self, due_ms);
    }

    fn tick_entry(self: &Arc<Self>, entry: &Arc<Entry>) -> Stepped {
        // Until the step is over, so that its limit does not leave in the middle of it.
        let held = entry.hold();
        let source = held.as_ref().and(entry.source());
        match source.and_then(|source| self.look_at(entry, source)) {
            Some(read) => self.look(entry, &read),
            // It has left, or does so just now.
            None => {
                let stepped = self.step(entry, |reporter, now_ms, accept| {
                    if reporter.is_gone() {
                        reporter.on_gone(now_ms, accept);
                    }
                });
                if stepped.due_ms.is_none() {
                    self.pending.remove(entry);
                }
                stepped
            }
        }
    }

    fn look(&self, entry: &Arc<Entry>, read: &SourceReading) -> Stepped {
        self.step(entry, |reporter, now_ms, accept| reporter.on_tick(now_ms, read, accept))
    }

    /// One step of a rule, and what it reports on its way: to the ring in the order of the steps,
    /// or to the subscribers when no lock is held.
    fn step(
        &self,
        entry: &Arc<Entry>,
        step: impl FnOnce(&mut Reporter, u64, &mut Accept),
    ) -> Stepped {
        self.step_at(clock::now_ms(), entry, step)
    }

    fn step_at(
        &self,
        now_ms: u64,
        entry: &Arc<Entry>,
        step: impl FnOnce(&mut Reporter, u64, &mut Accept),
    ) -> Stepped {
        let mut reports = Reports::default();
        let (pushed, due_ms) = entry.step(|reporter| {
            let mut pushed = 0;
            match &self.queue {
                Some(queue) => step(reporter, now_ms, &mut |report| {
                    let is_pushed = queue.push(entry, &report);
                    pushed += usize::from(is_pushed);
                    is_pushed
                }),
                None => step(reporter, now_ms, &mut |report| reports.accept(report)),
            }
            pushed
        });
        if due_ms.is_some() {
            self.pending.list(entry);
        }
        #[cfg(feature = "pressure")]
        entry.watchers.on_change();
        let mut published = 0;
        for report in reports.0.into_iter().flatten() {
            let event = Event::reported(entry.tag().clone(), report, entry.standing());
            self.subscribers.publish(&event);
            published += 1;
        }
        Stepped { reports: pushed + published, due_ms }
    }

    /// Delivers up to `limit` events of the queue.
    fn drain(&self, queue: &Queue, limit: usize) -> usize {
        let events = (0..limit).map_while(|_| queue.pop(&self.entries));
        events.map(|event| self.subscribers.publish(&event)).count()
    }
}

impl Registry {
    /// Delivers the events in the ring, and those that the rules of limits make by now: raises that
    /// have held, repetitions, and changes that were held back or found no room. Reads every entry
    /// first, so that an edge which is due is made.
    ///
    /// # Returns
    /// How many events that were.
    ///
    /// # Progress
    /// Ends after one round, however much is emitted meanwhile. A round reads each entry, so that
    /// it costs about what a snapshot does. Several threads may deliver at once; their events
    /// overtake each other, as the sequence numbers show.
    pub fn deliver(&self) -> usize {
        let shared = &self.0;
        #[cfg(feature = "pressure")]
        shared.timed.on_time();
        let mut delivered = 0;
        let mut on_its_way = |stepped: Stepped| match &shared.queue {
            Some(_) => {}
            None => delivered += stepped.reports,
        };
        for line in shared.entries.listed().iter() {
            let (entry, Some(source)) = (&line.entry, line.source()) else { continue };
            let Some(read) = shared.look_at(entry, source) else { continue };
            // A waiter makes no edge.
            if read.waiting > 0 && entry.has_share() {
                let Some(_held) = entry.hold() else { continue };
                on_its_way(shared.look(entry, &read));
            }
        }
        let Some(queue) = &shared.queue else {
            let due = shared.pending.due(clock::now_ms());
            due.now.iter().for_each(|entry| on_its_way(shared.tick_entry(entry)));
            return delivered;
        };
        delivered += shared.drain(queue, queue.round());
        let due = shared.pending.due(clock::now_ms());
        for entry in &due.now {
            let stepped = shared.tick_entry(entry);
            if stepped.reports == 0 && stepped.due_ms == Some(0) {
                // No room: what is in the ring goes first.
                delivered += shared.drain(queue, queue.capacity());
                shared.tick_entry(entry);
            }
        }
        if !due.now.is_empty() {
            delivered += shared.drain(queue, queue.capacity());
        }
        delivered
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use plimsoll_core::Watermarks;

    use crate::{Delivery, Limit, PressureRule, Registry};

    const RULES: [PressureRule; 4] = [
        PressureRule::IMMEDIATE,
        PressureRule::hold(Duration::ZERO),
        PressureRule::hold(Duration::from_millis(1)).repeat(Duration::from_millis(1)),
        PressureRule::TINY,
    ];

    /// How many entries are kept that have left, and how many are listed as due.
    fn kept(registry: &Registry) -> (usize, usize) {
        (registry.0.entries.departed(), registry.0.pending.len())
    }

    #[test]
    fn reg_10_limits_that_come_and_go_leave_nothing_behind() {
        const RING: usize = 4;
        for delivery in [Delivery::Inline, Delivery::Deferred { capacity: RING }] {
            for rule in RULES {
                let registry = Registry::builder().delivery(delivery).build().unwrap();
                for n in 0..2_000 {
                    let limit = Limit::queue("churn").scope(n.to_string()).pressure(rule);
                    let gauge = registry.gauge(limit, Watermarks::new(10)).unwrap();
                    gauge.add(9);
                    (0..n % 3).for_each(|_| drop(gauge.permit(1)));
                    if n % 2 == 0 {
                        gauge.sub(9);
                    }
                    if n % 100 == 0 {
                        registry.deliver();
                    }
                    let (departed, pending) = kept(&registry);
                    assert!(departed <= RING && pending <= departed + 1, "{rule:?}: {pending}");
                }
                registry.deliver();
                assert_eq!(kept(&registry), (0, 0), "{rule:?}");
            }
        }
    }

    #[test]
    fn reg_10_raises_that_were_told_are_kept_until_their_end_is() {
        let registry =
            Registry::builder().delivery(Delivery::Deferred { capacity: 2 }).build().unwrap();
        let made = |n: u32| {
            let limit = Limit::queue("churn").scope(n.to_string());
            let gauge = registry.gauge(limit, Watermarks::new(10)).unwrap();
            gauge.add(9);
            registry.deliver();
            gauge
        };
        drop((0..50).map(made).collect::<Vec<_>>());
        assert!(kept(&registry).0 <= 50);
        for n in 0..1_000 {
            let limit = Limit::queue("unheard").scope(n.to_string());
            registry.gauge(limit, Watermarks::new(10)).unwrap().add(9);
        }
        assert!(kept(&registry).0 <= 50, "what nobody has heard of is not kept");
        registry.deliver();
        assert_eq!(kept(&registry), (0, 0));
        assert_eq!(registry.stats().delivered, 100);
    }

    #[test]
    fn reg_10_a_thread_that_is_late_lists_nothing_as_due() {
        let registry = Registry::new();
        let hour = PressureRule::hold(Duration::from_secs(3_600));
        let limit = Limit::queue("q").pressure(hour);
        let gauge = registry.gauge(limit, Watermarks::new(10)).unwrap();
        let listed = registry.0.entries.listed();
        gauge.add(9);
        assert_eq!(kept(&registry), (0, 1));
        drop(gauge);
        // As a thread does that was stopped before this.
        registry.0.pending.list(&listed[0].entry);
        assert_eq!(kept(&registry), (0, 0));
    }

    #[test]
    fn reg_8_a_thread_that_is_late_takes_nothing_that_is_due_off_the_list() {
        let registry =
            Registry::builder().delivery(Delivery::Deferred { capacity: 2 }).build().unwrap();
        let gauge = |name: &str| {
            let limit = Limit::queue(name.to_owned()).pressure(PressureRule::IMMEDIATE);
            registry.gauge(limit, Watermarks::new(10)).unwrap()
        };
        let (gauge, other) = (gauge("frames"), gauge("other"));
        gauge.add(9);
        assert_eq!(registry.deliver(), 1);
        let listed = registry.0.entries.listed();
        drop(other.permit(9));
        drop(gauge);
        assert_eq!(kept(&registry), (1, 1), "its end has found no room");
        // As a thread does that has found it not due, and was stopped before this.
        registry.0.pending.remove(&listed[0].entry);
        assert_eq!(kept(&registry), (1, 1));
        assert_eq!((registry.deliver(), kept(&registry)), (3, (0, 0)), "it is cleared");
    }

    #[test]
    fn reg_10_a_list_of_what_is_due_forgets_what_is_not_any_more() {
        let registry = Registry::new();
        let hour = PressureRule::hold(Duration::from_secs(3_600));
        let gauges: Vec<_> = (0..100)
            .map(|n| {
                let limit = Limit::queue("q").scope(n.to_string()).pressure(hour);
                registry.gauge(limit, Watermarks::new(10)).unwrap()
            })
            .collect();
        gauges.iter().for_each(|gauge| gauge.add(9));
        gauges.iter().for_each(|gauge| gauge.add(1));
        assert_eq!(kept(&registry), (0, 100), "once each");
        drop(gauges);
        assert_eq!(kept(&registry), (0, 0));
    }
}
