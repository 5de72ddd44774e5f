//! What has become of events and states.

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::FleetError;
use crate::state::PublisherCounts;

/// How a publisher is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublisherStats {
    /// What has become of events and states.
    pub counts: PublisherCounts,
    /// Events that the server has not acknowledged yet.
    pub waiting: usize,
    /// Whether the server is connected, and the stream and the bucket are open.
    pub is_open: bool,
    /// What was wrong last, until it is well again.
    pub problem: Option<FleetError>,
}

/// What the parts of a publisher write of how they are doing.
#[derive(Debug)]
pub(super) struct Board {
    now: Mutex<Now>,
    /// Something has changed.
    changed: watch::Sender<()>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Now {
    pub(super) counts: PublisherCounts,
    is_open: bool,
    problems: [Option<FleetError>; 3],
}

/// The part of a publisher that has a problem.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Server,
    Events,
    States,
}

impl Now {
    pub(super) fn is_open(&self) -> bool {
        self.is_open && self.problems[Part::Server as usize].is_none()
    }

    pub(super) fn problem(self) -> Option<FleetError> {
        self.problems.into_iter().flatten().next()
    }
}

impl Board {
    pub(super) fn new() -> Self {
        Self { now: Mutex::default(), changed: watch::Sender::new(()) }
    }

    pub(super) fn now(&self) -> Now {
        self.now.lock().clone()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut PublisherCounts)) {
        change(&mut self.now.lock().counts);
        self.changed.send_replace(());
    }

    pub(super) fn set_open(&self, is_open: bool) {
        self.now.lock().is_open = is_open;
        self.changed.send_replace(());
    }

    /// Notes what is wrong with a part, or that it is well, and logs each change once.
    pub(super) fn set_problem(&self, part: Part, problem: Option<FleetError>) {
        let said = problem.clone();
        let before = std::mem::replace(&mut self.now.lock().problems[part as usize], problem);
        if before == said {
            return;
        }
        match said {
            Some(problem) => tracing::warn!(target: "plimsoll", ?part, "fleet: {problem}"),
            None => tracing::info!(target: "plimsoll", ?part, "fleet: well again"),
        }
        self.changed.send_replace(());
    }

    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
