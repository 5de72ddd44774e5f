//! What a look at a tracker brings.

use super::rule::Tick;

/// What a [`Tracker`](crate::Tracker) is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// Watched, and not reported silent.
    Beating {
        /// The last beat.
        last: Tick,
    },
    /// Reported silent, and waiting for its recovery.
    Silent {
        /// The last beat.
        last: Tick,
    },
    /// Not watched until it is resumed.
    Paused {
        /// The last beat.
        last: Tick,
    },
    /// Reported silent, and done.
    Spent,
    /// Ended by its owner.
    Closed,
}

/// What a look at a [`Tracker`](crate::Tracker) has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a signal is made once only: deliver it, or nobody hears of it"]
pub struct Look {
    /// What is to be reported, by this caller and no other.
    pub signal: Option<Signal>,
    /// When to look again at the latest; `None`: never. Should a beat come after a signal that was
    /// told an earlier moment than the look, what follows is found that much later.
    pub due: Option<Tick>,
}

/// A tracker has been without a beat for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// For how long.
    pub kind: SignalKind,
    /// The last beat. It tells the silences of one run apart.
    pub last: Tick,
    /// From when its age counts: the same moment, or what
    /// [`judge_since`](crate::Tracker::judge_since) was told.
    pub since: Tick,
    /// The moment of the look.
    pub now: Tick,
}

impl Signal {
    /// Ticks without a beat; never below the threshold that was passed (LIVE-2).
    pub const fn elapsed(&self) -> u64 {
        self.now.since(self.since)
    }
}

/// Which threshold a [`Signal`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignalKind {
    /// The one of lateness, once between two beats.
    Late,
    /// The window.
    Silent,
}

/// A beat has ended a silence that was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The last beat before the silence.
    pub last: Tick,
    /// The beat that ended it.
    pub now: Tick,
}

impl Recovery {
    /// Ticks between the two beats.
    pub const fn elapsed(&self) -> u64 {
        self.now.since(self.last)
    }
}
