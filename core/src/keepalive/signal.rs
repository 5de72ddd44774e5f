//! Results of a check of a tracker.

use super::rule::Tick;

/// What a [`Tracker`](crate::keepalive::Tracker) is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// Watched, and not reported silent.
    Alive {
        /// The last notification.
        last: Tick,
    },
    /// Reported silent, and waiting for its recovery.
    Silent {
        /// The last notification.
        last: Tick,
    },
    /// Not watched until it is resumed.
    Paused {
        /// The last notification.
        last: Tick,
    },
    /// Reported silent, and done.
    Spent,
    /// Ended by its owner.
    Closed,
}

/// What a check of a [`Tracker`](crate::keepalive::Tracker) has yielded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a signal is made once only: deliver it, or it is lost"]
pub struct Check {
    /// What is to be reported, by this caller and no other.
    pub signal: Option<Signal>,
    /// When to check again at the latest; `None`: never. If a notification comes after a signal that was
    /// given an earlier moment than the check, what follows is found that much later.
    pub due: Option<Tick>,
}

/// A tracker has been without a notification for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// For how long.
    pub kind: SignalKind,
    /// The last notification. It distinguishes the silences of one run.
    pub last: Tick,
    /// From when its age counts: the same moment, or what
    /// [`judge_since`](crate::keepalive::Tracker::judge_since) was given.
    pub since: Tick,
    /// The moment of the look.
    pub now: Tick,
}

impl Signal {
    /// Ticks without a notification; never below the threshold that was passed (LIVE-2).
    pub const fn elapsed(&self) -> u64 {
        self.now.since(self.since)
    }
}

/// Which threshold a [`Signal`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignalKind {
    /// The one of lateness, once between two notifications.
    Late,
    /// The window.
    Silent,
}

/// A notification has ended a silence that was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The last notification before the silence.
    pub last: Tick,
    /// The notification that ended it.
    pub now: Tick,
}

impl Recovery {
    /// Ticks between the two notifications.
    pub const fn elapsed(&self) -> u64 {
        self.now.since(self.last)
    }
}
