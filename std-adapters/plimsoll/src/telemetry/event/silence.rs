//! The report of a guest that is late, silent or back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::telemetry::in_line::InLine;

/// A run of a guest that has fallen silent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Silence {
    /// The guest's id.
    pub guest: Arc<str>,
    /// The run's id.
    pub run: Arc<str>,
    /// How long it may be without a notification.
    pub window: Duration,
    /// How long it has been without one for sure, as attended by the watcher: never below `window`.
    pub elapsed: Duration,
    /// The same and the stalls of the watcher meanwhile: never below `elapsed`.
    pub elapsed_raw: Duration,
    /// Tells the silences of one run apart: the tick of the last notification.
    pub sequence: u64,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { guest, run, window, elapsed, .. } = self;
        let (guest, run) = (InLine(guest), InLine(run));
        write!(f, "guest {guest}, run {run}: silent for {elapsed:?} of {window:?}")
    }
}

impl Silence {
    /// A run that has been without a sign of life for `elapsed`, for tests.
    pub fn new(
        guest: impl Into<Arc<str>>,
        run: impl Into<Arc<str>>,
        window: Duration,
        elapsed: Duration,
    ) -> Self {
        let (guest, run) = (guest.into(), run.into());
        Self { guest, run, window, elapsed, elapsed_raw: elapsed, sequence: 0 }
    }
}
