//! The list of events with text that wait for deferred delivery.

use std::collections::{BTreeMap, VecDeque};

use crate::telemetry::{Event, GuestChange};

/// Events in order, up to a number. What finds no room is dropped; but of a guest that falls
/// silent, and of its return, the last word is kept for each run, so that a subscriber's picture of
/// it converges (REG-6). A silence and its end that both found no room are dropped together. So no
/// more is kept than there are runs that are silent, or were last delivered as silent (REG-10).
pub(super) struct Backlog {
    capacity: usize,
    events: VecDeque<Event>,
    last_words: BTreeMap<Run, Event>,
    dropped: u64,
}

/// The limit, the guest and the run.
type Run = (String, Option<String>, Option<String>);

impl Backlog {
    pub(super) fn new(capacity: usize) -> Self {
        let (events, last_words) = (VecDeque::new(), BTreeMap::new());
        Self { capacity, events, last_words, dropped: 0 }
    }

    pub(super) fn push(&mut self, event: Event) {
        let run = (changes_a_run(&event) && !self.last_words.is_empty()).then(|| run_of(&event));
        if let Some(before) = run.as_ref().and_then(|run| self.last_words.remove(run)) {
            let is_undone = is_silent(&before) != is_silent(&event);
            self.dropped += if is_undone { 2 } else { 1 };
            if let Some(run) = run.filter(|_| !is_undone) {
                self.last_words.insert(run, event);
            }
        } else if self.events.len() < self.capacity {
            self.events.push_back(event);
        } else if changes_a_run(&event) {
            self.last_words.insert(run_of(&event), event);
        } else {
            self.dropped += 1;
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| Some(self.last_words.pop_first()?.1))
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn len(&self) -> usize {
        self.events.len() + self.last_words.len()
    }
}

/// Whether the event is a silence of a run, or the end of one.
fn changes_a_run(event: &Event) -> bool {
    event.as_guest().is_some_and(|event| event.change != GuestChange::Late)
}

fn is_silent(event: &Event) -> bool {
    event.as_silence().is_some()
}

fn run_of(event: &Event) -> Run {
    let owned = |text: &str| text.to_owned();
    let run = event.as_guest().map(|event| owned(&event.silence.run));
    (event.name().to_owned(), event.scope().map(owned), run)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::telemetry::{EventKind, ExhaustedEvent, GuestEvent, Silence};

    fn event(change: GuestChange, guest: u32) -> Event {
        let silence = Silence::new(guest.to_string(), "r", Duration::ZERO, Duration::ZERO);
        GuestEvent::new("guests", change, silence).into()
    }

    #[test]
    fn reg_6_the_last_word_of_each_run_is_kept() {
        use EventKind::{Recovered, Silent};
        let mut backlog = Backlog::new(2);
        (0..10).for_each(|guest| backlog.push(event(GuestChange::Silent, guest)));
        assert_eq!((backlog.len(), backlog.dropped()), (10, 0));
        // 0 and 1 are in the queue; of 2 and 3 nothing will ever be heard.
        [0, 2].iter().for_each(|guest| backlog.push(event(GuestChange::Recovered, *guest)));
        backlog.push(event(GuestChange::Ended, 3));
        assert_eq!((backlog.len(), backlog.dropped()), (9, 4));
        let delivered: Vec<_> = std::iter::from_fn(|| backlog.pop())
            .map(|event| (event.kind(), event.scope().unwrap().to_owned()))
            .collect();
        let expected = [(Silent, 0), (Silent, 1), (Recovered, 0)];
        let expected = expected.into_iter().chain((4..10).map(|guest| (Silent, guest)));
        let expected: Vec<_> = expected.map(|(kind, guest)| (kind, guest.to_string())).collect();
        assert_eq!(delivered, expected);
    }

    #[test]
    fn reg_10_what_comes_and_goes_unheard_takes_no_room() {
        let mut backlog = Backlog::new(2);
        for _ in 0..2 {
            backlog.push(ExhaustedEvent::new("fuel", None, None, "").into());
        }
        for guest in 0..1_000 {
            backlog.push(event(GuestChange::Silent, guest));
            backlog.push(event(GuestChange::Ended, guest));
            backlog.push(event(GuestChange::Late, guest));
        }
        assert_eq!((backlog.len(), backlog.dropped()), (2, 3_000));
    }
}
