//! The bounded buffer of events that wait for the server.

use std::collections::VecDeque;

use parking_lot::Mutex;
use plimsoll::Event;
use tokio::sync::Notify;

use super::now_unix_ms;
use super::silent::Silent;
use crate::state::SilentGuest;

/// An event with its number in this run of the host, and the time by the host's clock.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) number: u64,
    pub(super) at_unix_ms: u64,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Event(Event),
    /// So many events found no room since this was last told, and in all.
    Dropped {
        dropped: u64,
        total: u64,
    },
}

/// Events on their way from subscribers to the server.
#[derive(Debug)]
pub(super) struct Outbox {
    kept: Mutex<Kept>,
    capacity: usize,
    /// There is something to send.
    pub(super) pushed: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    queue: VecDeque<Outgoing>,
    /// They were taken, and are not acknowledged yet.
    taken: usize,
    /// The last number.
    number: u64,
    dropped: u64,
    /// Of these, how many were told.
    told: u64,
    silent: Silent,
}

impl Outbox {
    pub(super) fn new(capacity: usize) -> Self {
        Self { kept: Mutex::default(), capacity, pushed: Notify::new() }
    }

    /// Puts an event in, or counts that there was no room.
    pub(super) fn push(&self, event: &Event) {
        let at_unix_ms = now_unix_ms();
        let event = event.clone();
        let refused = self.kept.lock().push(event, at_unix_ms, self.capacity);
        // Dropped without the lock.
        if refused.is_none() {
            self.pushed.notify_one();
        }
    }

    /// Takes up to `max` events, the oldest first, and after the last one what was dropped.
    pub(super) fn take(&self, max: usize) -> Vec<Outgoing> {
        self.kept.lock().take(max)
    }

    /// So many of those that were taken need nothing more.
    pub(super) fn done(&self, count: usize) {
        let mut kept = self.kept.lock();
        kept.taken = kept.taken.saturating_sub(count);
    }

    /// An event that was taken cannot be sent.
    pub(super) fn dropped_one(&self) {
        self.kept.lock().dropped += 1;
    }

    /// How many events are not acknowledged, and how many were dropped.
    pub(super) fn counts(&self) -> (usize, u64) {
        let kept = self.kept.lock();
        (kept.queue.len() + kept.taken, kept.dropped)
    }

    /// Whether everything was acknowledged, and told.
    pub(super) fn is_empty(&self) -> bool {
        let kept = self.kept.lock();
        kept.queue.is_empty() && kept.taken == 0 && kept.told == kept.dropped
    }

    /// The guests that are silent now.
    pub(super) fn silent(&self) -> Vec<SilentGuest> {
        let now = now_unix_ms();
        self.kept.lock().silent.guests(now)
    }
}

impl Kept {
    /// # Returns
    /// The event, if there was no room.
    fn push(&mut self, event: Event, at_unix_ms: u64, capacity: usize) -> Option<Event> {
        self.silent.keep(&event, at_unix_ms);
        // What is dropped has a number, too: readers see the gap.
        self.number += 1;
        if self.queue.len() + self.taken >= capacity {
            self.dropped += 1;
            return Some(event);
        }
        self.queue.push_back(Outgoing {
            number: self.number,
            at_unix_ms,
            what: What::Event(event),
        });
        None
    }

    fn take(&mut self, max: usize) -> Vec<Outgoing> {
        let count = self.queue.len().min(max);
        let mut taken: Vec<_> = self.queue.drain(..count).collect();
        if self.queue.is_empty() && taken.len() < max && self.told < self.dropped {
            self.number += 1;
            let dropped = self.dropped - self.told;
            let what = What::Dropped { dropped, total: self.dropped };
            taken.push(Outgoing { number: self.number, at_unix_ms: now_unix_ms(), what });
            self.told = self.dropped;
        }
        self.taken += taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use plimsoll::{Level, Limit, PressureEvent};

    use super::*;

    fn event(depth: u64) -> Event {
        PressureEvent::raised(Limit::queue("frames"), Level::Elevated, depth, 10).into()
    }

    #[test]
    fn fleet_1_what_finds_no_room_is_counted_and_told_after_what_came_before_it() {
        let outbox = Outbox::new(3);
        (0..5).for_each(|depth| outbox.push(&event(depth)));
        assert_eq!((outbox.counts(), outbox.is_empty()), ((3, 2), false));
        let numbers = |taken: &[Outgoing]| taken.iter().map(|out| out.number).collect::<Vec<_>>();
        let first = outbox.take(2);
        assert_eq!(numbers(&first), [1, 2]);
        outbox.push(&event(9));
        assert_eq!(outbox.counts(), (3, 3), "what is not acknowledged has its room still");
        outbox.done(2);
        outbox.push(&event(10));
        let rest = outbox.take(10);
        assert_eq!(numbers(&rest), [3, 7, 8], "4 to 6 are missing");
        assert!(matches!(rest[2].what, What::Dropped { dropped: 3, total: 3 }));
        outbox.done(3);
        assert!(outbox.is_empty() && outbox.take(10).is_empty());
    }
}
