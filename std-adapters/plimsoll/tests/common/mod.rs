//! What the tests of the adapters share.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use plimsoll::{Event, EventKind, PressureEvent, Registry, SnapshotEntry, Subscription};

/// The entry of the limit `name`, which must be there.
pub(crate) fn entry(registry: &Registry, name: &str) -> SnapshotEntry {
    let snapshot = registry.snapshot();
    let entry = snapshot.entries().iter().find(|entry| entry.name() == name);
    entry.unwrap_or_else(|| panic!("no entry {name} in\n{snapshot}")).clone()
}

/// The event of a level, which this must be.
pub(crate) trait AsPressure {
    fn pressure(&self) -> &PressureEvent;
}

impl AsPressure for Event {
    fn pressure(&self) -> &PressureEvent {
        self.as_pressure().unwrap_or_else(|| panic!("{self} is of no level"))
    }
}

/// How long is waited for what comes by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `holds`.
pub(crate) fn until(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// All events of a registry from now on.
pub(crate) struct Events {
    seen: Arc<Mutex<Vec<Event>>>,
    _subscription: Subscription,
}

impl Events {
    pub(crate) fn of(registry: &Registry) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let subscription =
            registry.subscribe(move |event| sink.lock().unwrap().push(event.clone()));
        Self { seen, _subscription: subscription }
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn kinds(&self) -> Vec<EventKind> {
        self.all().iter().map(|event| event.kind()).collect()
    }
}
