//! One host of a fleet.

use std::time::Duration;

use plimsoll::{Level, SnapshotEntry};

use crate::error::{HostNameError, StateError};
use crate::state::{HostName, HostState};

/// What is wrong with a message of a host. Other hosts are shown all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetFlaw {
    /// It is no state that this program reads.
    #[error(transparent)]
    State(#[from] StateError),
    /// The key is of no host.
    #[error(transparent)]
    Name(#[from] HostNameError),
    /// It is the state of another host than the one whose key it has.
    #[error("the state under the key of {key} says that it is of {said}")]
    OtherHost {
        /// Whose key it is.
        key: HostName,
        /// Whose state it says it is.
        said: HostName,
    },
    /// An event that is no CloudEvent of a publisher.
    #[error("this is no event of a host: {why}")]
    Event {
        /// What is wrong with it.
        why: Box<str>,
    },
}

/// What became of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Taken {
    /// It is the first of its host.
    Joined,
    /// It is newer than what was known.
    Newer,
    /// Its host has restarted.
    Restarted,
    /// It is known, or older than what is: nothing changes.
    Old,
    /// It is of a run that began before the one that is shown: nothing changes.
    Rival,
    /// There are as many hosts as may be: nothing changes.
    NoRoom,
}

/// A host, with its newest state.
#[derive(Clone, Debug)]
pub struct FleetHost {
    state: HostState,
    /// When it came, by the clock of the reader.
    came: Duration,
    /// When it was stored, by the clock of the server.
    stored: Duration,
    /// How much older than the newest state of all hosts it was then, by the same clock.
    behind: Duration,
    /// How often the host has restarted, as far as was seen.
    pub restarts: u64,
    /// States of runs that began before this one: they came late, or another host has the same name.
    pub rivals: u64,
    /// States that came too late, or twice.
    pub repeated: u64,
    /// What was wrong with the last message, if it could not be read.
    pub flaw: Option<FleetFlaw>,
}

/// The times of a state, as a [`FleetHost`] has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) came: Duration,
    pub(super) stored: Duration,
    pub(super) behind: Duration,
}

impl FleetHost {
    pub(super) fn new(state: HostState, at: Times) -> Self {
        let Times { came, stored, behind } = at;
        Self { state, came, stored, behind, restarts: 0, rivals: 0, repeated: 0, flaw: None }
    }

    /// Takes a state in.
    pub(super) fn on_state(&mut self, state: HostState, at: Times, quiet_after: Duration) -> Taken {
        let newest = &self.state;
        let is_same_run = state.incarnation == newest.incarnation;
        if is_same_run && state.sequence <= newest.sequence {
            self.repeated += 1;
            return Taken::Old;
        }
        let is_quiet = at.came.saturating_sub(self.came) >= quiet_after;
        if !is_same_run && state.started_unix_ms <= newest.started_unix_ms && !is_quiet {
            self.rivals += 1;
            return Taken::Rival;
        }
        (self.state, self.flaw) = (state, None);
        (self.came, self.stored, self.behind) = (at.came, at.stored, at.behind);
        if is_same_run {
            return Taken::Newer;
        }
        self.restarts += 1;
        Taken::Restarted
    }

    /// Takes in when the newest of the states was stored that came from `began` on.
    pub(super) fn on_current(&mut self, began: Duration, newest_stored: Duration) {
        if self.came >= began {
            self.behind = newest_stored.saturating_sub(self.stored);
        }
    }

    /// The host.
    pub const fn name(&self) -> &HostName {
        &self.state.host
    }

    /// Its newest state.
    pub const fn state(&self) -> &HostState {
        &self.state
    }

    /// Its raised limits.
    pub fn raised(&self) -> impl Iterator<Item = &SnapshotEntry> {
        self.state.snapshot.entries().iter().filter(|entry| entry.level > Level::Normal)
    }

    /// How many of its guests are silent, named or not.
    pub const fn silent_count(&self) -> u64 {
        (self.state.silent.len() as u64).saturating_add(self.state.silent_more)
    }

    /// How old its state is. See [the module](super) for the clocks.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.came) + self.behind
    }
}
