//! The keep-alive: LIVE-1 to LIVE-12, and defect 11's cases, through the watcher.
#![cfg(feature = "keepalive")]

mod busy;
mod churn;
#[cfg(feature = "cloudevents")]
mod cloud;
#[path = "../common/mod.rs"]
mod common;
mod counts;
mod errors;
mod handles;
mod hostile;
mod latch;
mod many;
mod mass;
mod panics;
#[cfg(feature = "tokio")]
mod paused_clock;
mod stall;
mod succession;
mod table;
#[cfg(feature = "tokio")]
mod tasks;
mod threads;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll::keepalive::{FakeClock, Step, Watcher, WatcherBuilder};
use plimsoll::{Event, EventKind, Registry, Subscription};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The events of a registry, as they came.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Event>>>);

impl Log {
    fn of(registry: &Registry) -> (Log, Subscription) {
        let log = Log::default();
        let events = log.clone();
        (log, registry.subscribe(move |event| events.0.lock().push(event.clone())))
    }

    /// Kind and guest of each event since the last call.
    fn take(&self) -> Vec<(EventKind, String)> {
        let events = std::mem::take(&mut *self.0.lock());
        let name = |event: &Event| event.scope().unwrap_or_default().to_owned();
        events.iter().map(|event| (event.kind(), name(event))).collect()
    }

    /// The same without what the watcher says of itself.
    fn take_of_guests(&self) -> Vec<(EventKind, String)> {
        let mut events = self.take();
        events.retain(|(kind, _)| *kind != EventKind::Lagging);
        events
    }

    fn count(&self, kind: EventKind) -> usize {
        self.0.lock().iter().filter(|event| event.kind() == kind).count()
    }
}

/// A watcher that goes by a clock turned by hand, in a registry that is logged.
struct Bench {
    clock: FakeClock,
    watcher: Watcher,
    log: Log,
    registry: Registry,
    _subscription: Subscription,
}

impl Bench {
    fn new() -> Bench {
        Self::with(|builder| builder)
    }

    fn with(settings: impl FnOnce(WatcherBuilder) -> WatcherBuilder) -> Bench {
        let (clock, registry) = (FakeClock::default(), Registry::new());
        let (log, subscription) = Log::of(&registry);
        let builder = settings(Watcher::builder().capacity(1_000)).clock(clock.clone());
        let watcher = builder.build(&registry).unwrap();
        Bench { clock, watcher, log, registry, _subscription: subscription }
    }

    /// Steps as a driver does, with a clock that is never late, until `time` has passed.
    fn pass(&self, time: Duration) {
        let mut left = time;
        loop {
            let wait = match self.watcher.step() {
                Step::Wait(wait) => wait,
                Step::Again => continue,
                Step::Idle => left,
            };
            let wait = wait.min(left);
            self.clock.advance(wait);
            left -= wait;
            if left.is_zero() {
                return;
            }
        }
    }
}
