//! One host of a fleet.

use std::time::Duration;

use crate::error::{HostNameError, StateError};
use crate::state::{HostName, HostState};

/// What is wrong with a word of a host. The words of others are shown all the same.
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

/// The newest word of a host.
#[derive(Clone, Debug)]
pub struct FleetHost {
    state: HostState,
    /// When it came, by the clock of the reader.
    came: Duration,
    /// When it was stored, by the clock of the server.
    stored: Duration,
    /// How much older than the newest word it was then, by the same clock.
    behind: Duration,
    /// How often the host has restarted, as far as was seen.
    pub restarts: u64,
    /// States of runs that began before this one: they came late, or another host has the same name.
    pub rivals: u64,
    /// States that came too late, or twice.
    pub repeated: u64,
    /// What was wrong with the last word, if it could not be read.
    pub flaw: Option<FleetFlaw>,
}

/// The times of a word, as a [`FleetHost`] has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) came: Duration,
    pub(super) stored: Duration,
    pub(super) behind: Duration,
}

/// What a state is to the newest word of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A later one of the same run.
    Later,
    /// One of a run that began later, or whose rival has gone quiet.
    Restarted,
    /// The same one, or an earlier one of the same run.
    Old,
    /// One of a run that began no later.
    Rival,
}

impl FleetHost {
    pub(super) fn new(state: HostState, at: Times) -> Self {
        let Times { came, stored, behind } = at;
        Self { state, came, stored, behind, restarts: 0, rivals: 0, repeated: 0, flaw: None }
    }

    /// Where a state belongs.
    pub(super) fn order(&self, state: &HostState, now: Duration, quiet_after: Duration) -> Order {
        let (newest, is_quiet) = (&self.state, now.saturating_sub(self.came) >= quiet_after);
        match state.incarnation == newest.incarnation {
            true if state.sequence > newest.sequence => Order::Later,
            true => Order::Old,
            false if state.started_unix_ms > newest.started_unix_ms || is_quiet => Order::Restarted,
            false => Order::Rival,
        }
    }

    pub(super) fn replace(&mut self, state: HostState, at: Times) {
        (self.state, self.flaw) = (state, None);
        (self.came, self.stored, self.behind) = (at.came, at.stored, at.behind);
    }

    /// Takes in when the newest of the words was stored that came from `began` on.
    pub(super) fn on_current(&mut self, began: Duration, newest_stored: Duration) {
        if self.came >= began {
            self.behind = newest_stored.saturating_sub(self.stored);
        }
    }

    /// The host.
    pub const fn name(&self) -> &HostName {
        &self.state.host
    }

    /// What it said.
    pub const fn state(&self) -> &HostState {
        &self.state
    }

    /// How many of its guests are silent, named or not.
    pub(super) fn silent(&self) -> u64 {
        (self.state.silent.len() as u64).saturating_add(self.state.silent_more)
    }

    /// How old its word is. See [the module](super) for the clocks.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.came) + self.behind
    }
}
