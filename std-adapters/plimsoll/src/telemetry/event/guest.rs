//! Events of a guest's silence, and of a watcher that runs late or suspects its host.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::silence::Silence;
use crate::telemetry::in_line::InLine;
use crate::telemetry::limit::Limit;
use crate::telemetry::tag::Tag;

/// What has become of a guest's run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GuestChange {
    /// It has been without a sign of life for longer than its threshold of lateness.
    Late,
    /// It has been without a sign of life for its whole window.
    Silent,
    /// It was silent, and has given a sign of life.
    Recovered,
    /// It has ended while it was silent.
    Ended,
}

/// A guest's run is late, silent or back, or has ended while it was silent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GuestEvent {
    pub(super) tag: Arc<Tag>,
    /// What has become of the run.
    pub change: GuestChange,
    /// The guest, the run, and how long it has been without a sign of life.
    pub silence: Silence,
}

impl GuestEvent {
    /// What a watcher of that limit says of a run.
    pub fn new(watcher: impl Into<Limit>, change: GuestChange, silence: Silence) -> Self {
        let limit = watcher.into().scope(silence.guest.to_string());
        Self { tag: Tag::unregistered(limit), change, silence }
    }

    pub(super) fn fmt_change(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Silence { run, window, elapsed, elapsed_raw, .. } = &self.silence;
        f.write_str(match self.change {
            GuestChange::Late => "late",
            GuestChange::Silent => "silent",
            GuestChange::Recovered => "recovered",
            GuestChange::Ended => "cleared to normal",
        })?;
        write!(f, " after {elapsed:?}, window {window:?}")?;
        if elapsed_raw.as_millis() > elapsed.as_millis() {
            write!(f, ", {elapsed_raw:?} with stalls")?;
        }
        write!(f, ", run {}", InLine(run))?;
        match self.change {
            GuestChange::Ended => f.write_str(", the run has ended"),
            _ => Ok(()),
        }
    }
}

/// So many runs expired at once that the watcher suspects itself. They get another window.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SuspectEvent {
    pub(super) tag: Arc<Tag>,
    /// Runs that expired.
    pub expired: u64,
    /// Runs that are watched.
    pub watched: u64,
}

impl SuspectEvent {
    /// What a watcher of that limit says of itself.
    pub fn new(watcher: impl Into<Limit>, expired: u64, watched: u64) -> Self {
        Self { tag: Tag::unregistered(watcher.into()), expired, watched }
    }

    pub(super) fn fmt_change(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expired, watched, .. } = self;
        write!(f, "suspects itself: {expired} of {watched}, they get another window")
    }
}

/// The watcher is later than its slack, so that silences are reported that much later.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LaggingEvent {
    pub(super) tag: Arc<Tag>,
    /// How late it is.
    pub lag: Duration,
    /// How late it may be.
    pub slack: Duration,
}

impl LaggingEvent {
    /// What a watcher of that limit says of itself.
    pub fn new(watcher: impl Into<Limit>, lag: Duration, slack: Duration) -> Self {
        Self { tag: Tag::unregistered(watcher.into()), lag, slack }
    }

    pub(super) fn fmt_change(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lag, slack, .. } = self;
        write!(f, "lagging by {lag:?}, slack {slack:?}: silences are reported that much later")
    }
}
