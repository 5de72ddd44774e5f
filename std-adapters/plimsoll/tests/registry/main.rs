//! The registry, its snapshots and its events: the REG properties, and GAUGE-7 for tiny queues.

mod catalog;
#[cfg(all(
    feature = "crossbeam",
    feature = "pressure",
    feature = "std-channel",
    feature = "tokio"
))]
mod churn;
#[path = "../common/mod.rs"]
mod common;
mod converge;
mod deferred;
mod events;
mod flood;
mod history;
mod late;
mod leaving;
#[cfg(all(
    feature = "crossbeam",
    feature = "pressure",
    feature = "std-channel",
    feature = "tokio"
))]
mod ownership;
mod pressure;
mod snapshot;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use plimsoll::{Event, EventKind, Registry, Subscription, Watermarks};

/// 8 and 5 of 10.
const TEN: Watermarks = Watermarks::new(10);

/// How long is waited for an event.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything a subscriber was told, in order.
struct Log {
    events: Arc<Mutex<Vec<Event>>>,
    _subscription: Subscription,
}

impl Log {
    fn of(registry: &Registry) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = events.clone();
        let subscription =
            registry.subscribe(move |event| sink.lock().unwrap().push(event.clone()));
        Self { events, _subscription: subscription }
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// Waits for events.
    fn await_events(&self) -> Vec<Event> {
        self.await_events_with(|| ())
    }

    /// Waits for events, and does `meanwhile` again and again.
    fn await_events_with(&self, meanwhile: impl Fn()) -> Vec<Event> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            meanwhile();
            let events = self.take();
            if !events.is_empty() {
                return events;
            }
            assert!(Instant::now() < deadline, "no event comes");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn take_kinds(&self) -> Vec<EventKind> {
        self.take().iter().map(|event| event.kind()).collect()
    }
}
