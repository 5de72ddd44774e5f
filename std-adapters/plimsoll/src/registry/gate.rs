//! The gate of a late subscriber: holds new events until those of raised limits were delivered.

use std::collections::VecDeque;
use std::mem;

use crate::sync::Mutex;
use crate::telemetry::{Event, PressureChange};

/// Events that wait at most; what comes then is dropped and counted.
const EVENTS_MAX: usize = 1_024;

/// Holds the events of one subscriber back, in order, until it is opened (REG-9).
pub(super) struct Gate(Mutex<State>);

enum State {
    Closed(VecDeque<Event>),
    Open,
}

/// What a gate does with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Open,
    Held,
    Dropped,
}

impl Gate {
    pub(super) fn closed() -> Self {
        Self(Mutex::new(State::Closed(VecDeque::new())))
    }

    /// Keeps the event, unless it is open.
    pub(super) fn hold(&self, event: &Event) -> Passage {
        match &mut *self.0.lock() {
            State::Open => Passage::Open,
            State::Closed(events) if events.len() < EVENTS_MAX => {
                events.push_back(event.clone());
                Passage::Held
            }
            State::Closed(_) => Passage::Dropped,
        }
    }

    /// Hands on what has waited, and holds nothing back from then on. `call` is called without a
    /// lock, and not for what is in `heard`.
    pub(super) fn open(&self, heard: &[Event], mut call: impl FnMut(&Event)) {
        while let Some(events) = self.take() {
            let fresh = events.iter().filter(|event| !heard.iter().any(|one| is_old(event, one)));
            fresh.for_each(&mut call);
        }
    }

    /// What waits; with nothing left to wait, opens.
    fn take(&self) -> Option<VecDeque<Event>> {
        match &mut *self.0.lock() {
            State::Closed(events) if !events.is_empty() => Some(mem::take(events)),
            state => {
                *state = State::Open;
                None
            }
        }
    }
}

/// Whether `heard`, of the same limit, is of a later edge or the same.
fn is_old(event: &Event, heard: &Event) -> bool {
    match (event, heard) {
        (Event::Pressure(event), Event::Pressure(heard)) => {
            event.change != PressureChange::Sustained
                && event.is_of_the_limit_of(heard)
                && event.sequence <= heard.sequence
        }
        _ => false,
    }
}
